"""Generation, steered: the library's loop with hooks as the reference, and the fused decoder."""
