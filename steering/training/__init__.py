"""From datasets to banks: families, labels, and the workshop that makes every shipped bank."""
