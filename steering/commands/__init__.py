"""The command line's larger commands, one module each: ``add_arguments(parser)`` and ``run(options)``."""
