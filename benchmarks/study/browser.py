"""A study from its first page to its report: four listeners in real browsers, the server killed once.

    python -m benchmarks.study.browser

The server is a process of its own, killed outright (SIGKILL) when half of all answers are kept, and
started again on the same port. The listeners are simulated, but go through the page as people do: they
press its keys, move its sliders and wait until answers open; one of them loads the page again in the
middle. What each browser was told is kept is compared with what the database holds in the end.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.study.toy import toy_study
from studio.study.lots import ATTEMPTS, HEADPHONES, TRAINING, Asked
from studio.study.report import write_report
from studio.study.simulated import Listener, Truth
from studio.study.sitting import Study

LISTENERS = 4
PATIENCE_MS = 600_000
TRUTH = Truth(told={"push": 3.0, "words": 1.0}, worth={"push": 1.5, "random": -1.0},
              scores={"strength": {"push": 85.0, "unsteered": 20.0}})  # fmt: skip
FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
ANSWERED = "() => window.acknowledged ?? 0"
COUNT = """() => {
  const quick = studio.quick;
  studio.quick = async (name, ...data) => {
    const said = await quick(name, ...data);
    if (name === "study_answer") window.acknowledged = (window.acknowledged ?? 0) + 1;
    return said;
  };
}"""


class Server:
    """The study's server, which can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as one:
            self.port = one.getsockname()[1]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Start it, and wait until it answers; the seconds that took."""
        began = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "studio", "study", "serve", str(self._folder), "--port", str(self.port)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "/study?" in line:
                return time.monotonic() - began
        raise RuntimeError("the server ended before it served")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Sitting:
    """One listener in a browser."""

    def __init__(self, browser: Any, study: Study, address: str, number: int) -> None:
        self._browser, self._study, self._address = browser, study, address
        self.number, self.acknowledged, self.errors = number, 0, list[str]()
        self._self = Listener(study.design, TRUTH, {}, np.random.default_rng(number))
        self.code = ""

    async def sit(self) -> None:
        """From the first page to the code."""
        context = await self._browser.new_context(viewport={"width": 1000, "height": 900})
        self.page = page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        await self._open()
        last, count = "", 0
        while True:
            step, last = await self._step(last)
            if step in ("done", "refused"):
                break
            await self._answer(step, self._study.trials.find(last).asked)
            count += 1
            if self.number == 0 and count == 8:
                await self._reload(last)
        self.acknowledged += await page.evaluate(ANSWERED)
        if step == "done":
            self.code = await page.inner_text(".study .code")
        await context.close()

    async def _open(self) -> None:
        await self.page.goto(self._address)
        await self.page.evaluate(COUNT)
        await self.page.click(".board .go")

    async def _reload(self, last: str) -> None:
        """Load the page again, as somebody does who has lost the tab."""
        await self._step(last)
        self.acknowledged += await self.page.evaluate(ANSWERED)
        await self._open()
        await self.page.wait_for_function("document.querySelector('.study').dataset.step")

    async def _step(self, last: str) -> tuple[str, str]:
        """The next step after the trial of this id, and its own id."""
        await self.page.wait_for_function(
            """(last) => { const { step, trial } = document.querySelector(".study").dataset;
                           return step && trial !== last; }""",
            arg=last,
        )
        told = await self.page.evaluate("({ ...document.querySelector('.study').dataset })")
        return str(told["step"]), str(told["trial"])

    async def _answer(self, step: str, asked: Asked) -> None:
        page, said = self.page, self._self.says(asked)
        if step == HEADPHONES:
            await page.keyboard.press("l")
            await page.keyboard.press(said["interval"])
        elif step == TRAINING:
            await page.keyboard.press("1")
            await page.click(".board .go")
        else:
            for label in asked.labels:
                await page.keyboard.press(label)
                await page.wait_for_timeout(100)
            if "scores" in said:
                for place, label in enumerate(asked.labels):
                    await (
                        page.locator("input[type=range]")
                        .nth(place)
                        .fill(str(round(said["scores"][label])))
                    )
                await page.click(".board .go:not([disabled])")
            else:
                await page.click(f"[data-said='{next(iter(said.values()))}']:not([disabled])")


async def four_at_once(study: Study, server: Server) -> list[Sitting]:
    """Let them sit, and kill the server when half is kept."""
    from playwright.async_api import async_playwright

    path = shutil.which("chromium") or "/usr/bin/chromium"
    address = f"http://127.0.0.1:{server.port}/{study.stimuli.link}"
    whole = LISTENERS * (study.design.trials + study.design.headphones.rounds + 1)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=FLAGS)
        there = [Sitting(browser, study, address, number) for number in range(LISTENERS)]
        sitting = asyncio.gather(*(one.sit() for one in there))
        while not sitting.done() and len(list(study.trials.kept())) < whole // 2:
            await asyncio.sleep(0.2)
        server.kill()
        kept = len(list(study.trials.kept()))
        print(f"killed with {kept} of {whole} answers kept", flush=True)
        took = await asyncio.to_thread(server.start)
        print(f"started again: {took:.0f} s without a server", flush=True)
        await sitting
        await browser.close()
    return there


def main() -> int:
    """Run it and tell; 1 where an answer is lost or taken twice, or a page broke."""
    with tempfile.TemporaryDirectory() as folder:
        study = toy_study(Path(folder))
        server = Server(Path(folder) / "study")
        server.start()
        began = time.monotonic()
        try:
            there = asyncio.run(four_at_once(study, server))
        finally:
            server.kill()
        right = _tell(study, there, time.monotonic() - began)
        study.close()
        print(write_report(Path(folder) / "study", Path(folder) / "report").split(": ")[1])
        print((Path(folder) / "report" / "report.md").read_text().split("\n\n")[1])
    return int(not right)


def _tell(study: Study, there: list[Sitting], seconds: float) -> bool:
    kept = list(study.trials.kept())
    rounds = study.design.headphones.rounds
    wanted = study.design.trials + 1
    full = Counter(one.listener for one in kept if one.place >= ATTEMPTS * rounds)
    again = sum(one.givings > 1 for one in kept)
    codes = {one.code for one in there}
    errors = [error for one in there for error in one.errors]
    told = sum(one.acknowledged for one in there)
    print(
        f"{len(full)} listeners at once, {seconds:.0f} s: {len(kept)} answers kept, {told} acknowledged"
    )
    print(f"trials of each: {sorted(full.values())} of {wanted}; sounds given again: {again}")
    print(
        f"codes: {len(codes & set(study.codes()))} of {LISTENERS} known; errors of the page: {len(errors)}"
    )
    for error in errors:
        print(f"    {error}")
    return (
        told == len(kept)
        and sorted(full.values()) == [wanted] * LISTENERS
        and codes == set(study.codes())
        and len(codes) == LISTENERS
        and not errors
    )


if __name__ == "__main__":
    sys.exit(main())
