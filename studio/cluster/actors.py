"""What Ray Serve runs for `studio.cluster`: a page on each machine, and the door before all of them.

A page is the plain command, ``python -m studio``, in a process of its own: it knows nothing of Ray.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from multiprocessing import get_context
from typing import Any

from curation.workers import die_with_parent
from studio.ids import MARK_VARIABLE, new_mark

DOOR = "door"
"""As Serve calls the door, and its app."""

BEAT_SECONDS = 2.0
"""How often a page says that it is there."""

LOADING_SECONDS = 900.0
"""How long a page may take until it is well for the first time."""

ANSWER_SECONDS = 5.0

log = logging.getLogger(__name__)


class Replica:
    """A page, and word of it to the door.

    Args:
        arguments: of ``python -m studio``, but for where it is served. host: this machine's address, where
            it is the only one. names: that the page answers to.

    Raises:
        RuntimeError: the page does not start.
    """

    def __init__(self, arguments: Sequence[str], host: str, names: Collection[str]) -> None:
        host = host or _own_address()
        self._mark, port = new_mark(), _free_port(host)
        os.environ[MARK_VARIABLE] = self._mark
        self._address = f"http://{host}:{port}"
        served = ["--host", host, "--port", str(port), "--allow-host", *sorted(names)]
        self._page = get_context("spawn").Process(
            target=page, args=([*arguments, *served],), name="page", daemon=False
        )
        self._page.start()
        self._wait()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()

    def check_health(self) -> None:
        """What Serve asks again and again; it starts another where this raises.

        Raises:
            RuntimeError: the page is gone, or is not well.
        """
        line = self._unwell()
        if line:
            raise RuntimeError(line)

    def __del__(self) -> None:
        self._page.terminate()

    def _unwell(self) -> str:
        if not self._page.is_alive():
            return f"the page ended with {self._page.exitcode}"
        try:
            urllib.request.urlopen(f"{self._address}/healthz", timeout=ANSWER_SECONDS).close()
        except urllib.error.HTTPError as error:
            return str(json.load(error).get("line", error))
        except OSError as error:
            return f"the page does not answer: {error}"
        return ""

    def _wait(self) -> None:
        """Until the page is well."""
        last = time.monotonic() + LOADING_SECONDS
        while line := self._unwell():
            if not self._page.is_alive() or time.monotonic() > last:
                self._page.terminate()
                raise RuntimeError(line)
            time.sleep(0.2)

    def _beat(self) -> None:
        """Say that the page is there, and how it fares, for as long as it answers."""
        from ray import serve

        from studio.sights import from_text

        door = serve.get_deployment_handle(DOOR, DOOR)
        while self._page.is_alive():
            try:
                with urllib.request.urlopen(
                    f"{self._address}/metrics", timeout=ANSWER_SECONDS
                ) as answer:
                    said = from_text(answer.read().decode())
                door.hear_of.remote(self._mark, self._address, said).result(
                    timeout_s=ANSWER_SECONDS
                )
            except Exception as error:  # noqa: BLE001  said again in two seconds
                log.warning("the door was not told: %s", error)
            time.sleep(BEAT_SECONDS)


def page(arguments: list[str]) -> None:
    """The plain page, for as long as whoever started it is there."""
    die_with_parent()
    from studio.cli import main

    raise SystemExit(main(arguments))


class Door:
    """What answers to the cluster's address.

    Args:
        names: that it answers to.
    """

    def __init__(self, names: Collection[str]) -> None:
        from studio.cluster.replicas import Replicas

        self._names, self._replicas = names, Replicas()

    def __serve_build_asgi_app__(self) -> Any:
        from studio.cluster.relay import relay

        return relay(self._replicas, self._names)

    def hear_of(self, mark: str, address: str, said: Mapping[str, float]) -> None:
        """A page said that it is there."""
        self._replicas.hear_of(mark, address, said)


def _own_address() -> str:
    """Of this machine, as the others of its cluster reach it."""
    import ray

    return str(ray.util.get_node_ip_address())


def _free_port(host: str) -> int:
    with socket.socket() as free:
        free.bind((host, 0))
        return int(free.getsockname()[1])
