"""What listeners hear in real tabs of headless Chromium: waits, dropouts, bytes; needs `playwright`.

Every tab presses the first preset and hears 8 s of sound, each with a seed of its own. A dropout is a
moment in which the player ran dry of what the page had made so far.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from curation.errors import BadInput

FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
CROWDS, SECONDS, PATIENCE_MS = (1, 2, 4, 8), 8.0, 300_000
NETWORKS = {"fast 3G": (1.6e6, 150), "slow 3G": (400e3, 400)}
"""Bits a second, milliseconds."""

READY = "window.studio?.sound && document.querySelector('.compose [data-preset]') !== null"
PRESS = "(seed) => studio.say('generate', { ...studio.catalogue.presets[0].recipe, seed })"
HEARD = "studio.sound.complete && (studio.heardSeconds ?? 0) >= studio.sound.duration - 0.2"
WATCH = """() => {
  let last = 0;
  studio.heardSeconds = 0;
  setInterval(() => {
    const at = studio.sound.position;
    if (at > last) studio.heardSeconds = Math.max(studio.heardSeconds, at);
    last = at;
  }, 50);
}"""
FIGURES = "({ wait: studio.firstSound / 1000, dry: studio.sound.dry ?? 0 })"


@contextmanager
def _browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise BadInput("playwright is not installed: uv sync --group dev") from None

    found = shutil.which("chromium")
    if found is None:
        raise BadInput("there is no chromium: apt-get install chromium")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


def _opened(browser: Any, address: str) -> Any:
    tab = browser.new_context().new_page()
    tab.set_default_timeout(PATIENCE_MS)
    tab.goto(address)
    tab.wait_for_function(READY)
    tab.evaluate(WATCH)
    return tab


def listeners(address: str, memory_mb: Callable[[], float]) -> list[dict[str, Any]]:
    """Several tabs at once: dropouts of each, the wait to the first sound, the server's memory."""
    table = []
    with _browser() as browser:
        for crowd in CROWDS:
            tabs = [_opened(browser, address) for _ in range(crowd)]
            for seed, tab in enumerate(tabs):
                tab.evaluate(PRESS, 100 * crowd + seed)
            for tab in tabs:
                tab.wait_for_function(HEARD)
            figures = [tab.evaluate(FIGURES) for tab in tabs]
            waits = [one["wait"] for one in figures]
            row = {
                "listeners": crowd,
                "dropouts_each": [one["dry"] for one in figures],
                "median_wait_s": round(statistics.median(waits), 2),
                "longest_wait_s": round(max(waits), 2),
                "server_mb": round(memory_mb()),
            }
            print(row, flush=True)
            table.append(row)
            for tab in tabs:
                tab.context.close()
    return table


def network(address: str) -> list[dict[str, Any]]:
    """One tab on slow networks: page weight, requests, time to sound, dropouts, and the stream's rate."""
    table = []
    with _browser() as browser:
        for name, (bits, latency) in {"no limit": (0, 0), **NETWORKS}.items():
            tab = browser.new_context().new_page()
            tab.set_default_timeout(PATIENCE_MS)
            bytes_in, requests = _counted(tab, bits, latency)
            tab.goto(address)
            tab.wait_for_function(READY)
            weight, asked = sum(bytes_in), len(requests)
            tab.evaluate(WATCH)
            bytes_in.clear()
            tab.evaluate(PRESS, 7)
            tab.wait_for_function("studio.sound.complete")
            stream = sum(bytes_in)
            tab.wait_for_function(HEARD)
            figures = tab.evaluate(FIGURES)
            row = {
                "network": name,
                "page_kb": round(weight / 1000),
                "requests": asked,
                "time_to_sound_s": round(figures["wait"], 2),
                "dropouts": figures["dry"],
                "stream_kbit_per_s_of_sound": round(8 * stream / SECONDS / 1000),
            }
            print(row, flush=True)
            table.append(row)
            tab.context.close()
    return table


def _counted(tab: Any, bits: float, latency: int) -> tuple[list[int], list[str]]:
    """Limit a tab's network; its bytes and requests from now on, as they come."""
    bytes_in: list[int] = []
    requests: list[str] = []
    wire = tab.context.new_cdp_session(tab)
    wire.send("Network.enable")
    speed = bits / 8 if bits else -1
    wire.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": latency,
            "downloadThroughput": speed,
            "uploadThroughput": speed,
        },
    )
    wire.on("Network.requestWillBeSent", lambda one: requests.append(one["request"]["url"]))
    wire.on("Network.dataReceived", lambda one: bytes_in.append(one["encodedDataLength"]))
    return bytes_in, requests
