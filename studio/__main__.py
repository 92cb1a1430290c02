"""``python -m studio``: the page."""

from studio.cli import main

raise SystemExit(main())
