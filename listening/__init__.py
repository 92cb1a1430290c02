"""What hears: one algorithm a file, of sound alone, whoever made it."""
