"""Commands of ``python -m steering``: each module has ``add_arguments(parser)`` and ``run(options)``."""
