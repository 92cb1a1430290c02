"""``python -m curation``: list, build, check, classify, preview, card, publish."""

from curation.cli import main

raise SystemExit(main())
