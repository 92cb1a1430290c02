"""What is attacked: a page that is started for it alone, the commands, and an empty folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gradio_client import Client

from curation.errors import BadInput

READY_SECONDS, TURN_SECONDS = 240.0, 0.2


@dataclass
class Page:
    """A page in a process of its own.

    Attributes:
        address: ``http://127.0.0.1:PORT``, without a slash at its end.
        log: where its output goes: a traceback in there is a fault.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    @cached_property
    def client(self) -> Client:
        """A client as programs have it."""
        return Client(self.address, verbose=False)

    def another_client(self) -> Client:
        """The same as somebody else."""
        return Client(self.address, verbose=False)

    def call(self, endpoint: str, *arguments: Any, timeout: float = 120.0) -> dict[str, Any]:
        """One call by plain HTTP, with arguments that no honest client would send.

        Returns:
            The last event: ``{"event": "complete" or "error" or what HTTP said, "data": ...}``.
        """
        there = f"{self.address}/gradio_api/call/{endpoint}"
        try:
            asked = self.fetch(there, json.dumps({"data": arguments}).encode(), timeout=timeout)
            answer = self.fetch(f"{there}/{json.loads(asked)['event_id']}", timeout=timeout)
        except urllib.error.HTTPError as error:
            return {"event": error.code, "data": error.read().decode(errors="replace")}
        last = {"event": "nothing", "data": None}
        for block in answer.decode().strip().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "event" in lines:
                last = {"event": lines["event"], "data": json.loads(lines.get("data", "null"))}
        return last

    def fetch(
        self, address: str, body: bytes | None = None, timeout: float = 60.0, **headers: str
    ) -> bytes:
        """Bytes of an address, whole or as a path; ``Content-Type`` is written ``content_type``."""
        whole = address if address.startswith("http") else self.address + address
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(whole, body, named)
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return bytes(answer.read())

    @property
    def tracebacks(self) -> int:
        """How many are in its log."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")


@dataclass
class Target:
    """An empty folder, the commands, and pages on demand.

    Attributes:
        folder: for whatever the attack writes.
        root: of the checkout that is attacked.
    """

    folder: Path
    root: Path

    def command(
        self, *arguments: str, timeout: float = 600.0, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """``python -m`` these arguments, in the folder; its output is text.

        Args:
            typed: what comes in by standard input.
        """
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, left running."""
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @contextmanager
    def page(self, *options: str) -> Iterator[Page]:
        """A page with these options of its command line, until the block ends.

        Raises:
            BadInput: it does not come up.
        """
        port = _free_port()
        answers = ("--answers", f"answers-{port}.sqlite")
        with self._served(port, "--port", str(port), *answers, *options) as page:
            yield page

    @contextmanager
    def studies(self, *folders: Path) -> Iterator[Page]:
        """A server of studies alone, without a model, until the block ends.

        Raises:
            BadInput: it does not come up.
        """
        port = _free_port()
        with self._served(port, "study", "serve", *map(str, folders), "--port", str(port)) as page:
            _wait_for(page, lambda: "/study?" in page.log.read_text(errors="replace"))
            yield page

    @contextmanager
    def _served(self, port: int, *options: str) -> Iterator[Page]:
        log = self.folder / f"page-{port}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "studio", *options],
                cwd=self.folder,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        page = Page(f"http://127.0.0.1:{port}", process, log)
        try:
            _wait_for(page, lambda: page.fetch("/config", timeout=2))
            yield page
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    @property
    def environment(self) -> dict[str, str]:
        """One thread a process, the attacked checkout first."""
        ours = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.root)}
        return os.environ | ours


def lines_of(text: str) -> Sequence[str]:
    """The lines of an output that are not empty."""
    return [line for line in text.splitlines() if line.strip()]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_for(page: Page, ready: Callable[[], object]) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and page.process.poll() is None:
        with suppress(OSError):
            if ready():
                return
        time.sleep(TURN_SECONDS)
    raise BadInput(f"the page did not come up: {page.log.read_text(errors='replace')[-500:]}")
