"""``python -m sketch``: train, export, play, gallery."""

from sketch.cli import main

raise SystemExit(main())
