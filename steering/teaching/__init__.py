"""A concept of one's own, from a few examples: read, told apart, found, tried, and an honest word on it."""
