"""The reference has a page for every room, and every page is in its contents."""

from __future__ import annotations

import re
from pathlib import Path

import steering

ROOT = Path(steering.__file__).parents[1]
DOCS = ROOT / "docs"
NOT_API = {"commands"}


def documented() -> set[str]:
    pages = (DOCS / "api").glob("*.md")
    return {name for page in pages for name in re.findall(r"^::: (\S+)", page.read_text(), re.M)}


def test_every_room_has_a_page():
    rooms = {path.parent.name for path in (ROOT / "steering").glob("*/__init__.py")} - NOT_API
    assert {f"steering.{room}" for room in rooms} | {"steering", "curation"} <= documented()


def test_every_page_is_in_the_contents():
    contents = (ROOT / "mkdocs.yml").read_text()
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert pages == set(re.findall(r"(?:: |- )((?!repository)\S+\.md)$", contents, re.M))
