"""Start the page: ``python app.py``. On a Hugging Face Space this file is the app."""

from studio.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
