"""``python -m steering``: activations, train, inspect, generate."""

from steering.cli import main

raise SystemExit(main())
