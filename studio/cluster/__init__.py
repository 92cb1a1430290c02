"""The page on several machines behind one address, by Ray Serve: ``python -m studio.cluster``."""
