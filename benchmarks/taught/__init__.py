"""Concepts that no bank was trained on: clips that have them, listeners that tell them, pushes that are judged."""
