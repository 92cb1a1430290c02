"""The page: compose, listen, play live, test blind, and take home what was made."""
