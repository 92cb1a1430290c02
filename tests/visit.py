"""A visit to the page in headless Chromium, on a toy model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from steering.models.transformers_backend import TransformersModel
from studio.answers import Answers
from studio.engine import Engine
from studio.page import launch, make_page
from tests.studio_toy import toy_models

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
needs_chromium = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason="the browser tests need Debian's package chromium"
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
PATIENCE = 60_000


@contextmanager
def served(
    model: TransformersModel, told: Callable[[Engine], None] = lambda engine: None
) -> Iterator[str]:
    """The page on a model, at its address; ``told`` gets what plays behind it."""
    engine, answers = Engine(toy_models(model)), Answers()
    told(engine)
    page = make_page(engine, answers)
    try:
        yield launch(page, prevent_thread_lock=True)
    finally:
        page.close(verbose=False)
        engine.close()


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the browser tests need the package playwright"
    )
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@contextmanager
def staged(content: str) -> Iterator[Any]:
    """An empty page with a script of the player's in it."""
    with chromium() as browser:
        page = browser.new_page()
        page.route("**/*", lambda route: route.fulfill(body="<p>", content_type="text/html"))
        page.goto("http://localhost/")
        page.add_script_tag(content=content)
        yield page


class Visit:
    """A tab of its own, and what went wrong in it."""

    def __init__(self, browser: Any, address: str, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.goto(address)
        self.page.wait_for_selector(".compose .card .point")

    def pair(self) -> Any:
        """Wait until a pair is whole; its last event."""
        self.page.wait_for_function("studio.pair !== null")
        return self.page.evaluate("studio.pair")

    def generate(self, preset: str = "Hold a C") -> Any:
        self.page.evaluate("studio.pair = null")
        self.page.click(f"[data-preset='{preset}']")
        return self.pair()

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()
