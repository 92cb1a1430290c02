"""Short jobs that need a model, one after another in a thread that gives way to music."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from studio.judging import give_way

T = TypeVar("T")
Errand = tuple[Callable[[], Any], Future[Any]]


def do(job: Callable[[], Any], future: Future[Any]) -> None:
    """Do a job, and tell whoever asked what came of it."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except Exception as error:  # noqa: BLE001  handed on to whoever asked
        future.set_exception(error)


class Errands:
    """Does jobs as they come; the patient ones when there is no other."""

    def __init__(self) -> None:
        self._jobs: deque[Errand] = deque()
        self._patient: deque[Errand] = deque()
        self._news = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="errands", daemon=True)
        self._thread.start()

    def add(self, job: Callable[[], T], patient: bool) -> Future[T]:
        """What will come of a job."""
        future: Future[T] = Future()
        with self._news:
            (self._patient if patient else self._jobs).append((job, future))
            self._news.notify()
        return future

    def close(self) -> None:
        """Do what is there, and end."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        give_way()
        while True:
            with self._news:
                self._news.wait_for(lambda: self._jobs or self._patient or self._closed)
                if not (self._jobs or self._patient):
                    return
                one = (self._jobs or self._patient).popleft()
            do(*one)
