"""From datasets to banks: tables, targets, and the workshop that makes every shipped bank."""
