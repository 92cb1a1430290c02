"""What must work where the wheel is installed without extras; run from an empty folder.

Every module can be imported but those that draw and those of the page; the README's library snippet
plays; a command that wants more ends with one line that says how to install it.
"""

from __future__ import annotations

import importlib
import io
import pkgutil
import re
import sys
from contextlib import redirect_stderr
from pathlib import Path

import curation.cli
import studio.cli
from curation.extras import EXTRAS

PACKAGES = ("curation", "listening", "sketch", "steering", "studio")
BROUGHT = {"gradio_client", "fastapi", "httpx", "jinja2", "starlette", "pydantic"}
"""By gradio."""

LATER = {name for names in EXTRAS.values() for name in names} | BROUGHT
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def import_all() -> None:
    """Every module; `SystemExit` where one lacks what no extra brings."""
    for package in PACKAGES:
        home = importlib.import_module(package)
        if Path.cwd() in Path(str(home.__file__)).parents:
            raise SystemExit(f"wheel: {package} comes from this folder, not from the wheel")
        for found in pkgutil.walk_packages(home.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                _import(found.name)


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in LATER:
            raise SystemExit(f"wheel: {name} needs {error.name}: make it a dependency") from error


def play_snippets(readme: Path) -> None:
    """The README's blocks that call `steering.generate`, and whether sound came out."""
    blocks = [b for b in PYTHON.findall(readme.read_text()) if "steering.generate(" in b]
    if not blocks:
        raise SystemExit(f"wheel: {readme.name} has no library snippet")
    for block in blocks:
        names: dict[str, object] = {}
        exec(compile(block, readme.name, "exec"), names)
        audio = names["audio"]
        if not audio.isfinite().all() or audio.std() < 1e-3:  # type: ignore[attr-defined]
            raise SystemExit(f"wheel: the snippet plays silence:\n{block}")


def ask_for_more() -> None:
    """Commands that want an extra: exit code 2, and one line that names it."""
    for extra, main, arguments in (
        ("curation", curation.cli.main, ["build", "notes", "--preset", "tiny"]),
        ("page", studio.cli.main, ["--check"]),
    ):
        told = io.StringIO()
        with redirect_stderr(told):
            code = main(arguments)
        line = told.getvalue()
        if code != 2 or line.count("\n") != 1 or f"steering-music[{extra}]" not in line:
            raise SystemExit(f"wheel: without {extra}, exit code {code} and:\n{line}")


if __name__ == "__main__":
    import_all()
    ask_for_more()
    play_snippets(Path(sys.argv[1]))
