"""What is measured of the sketch: one module a question."""
