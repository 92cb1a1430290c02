"""``python -m studio.cluster``: the page on several machines."""

from studio.cluster.cli import main

raise SystemExit(main())
