"""Calls on a Ray cluster, with a stand-in for Ray's scheduler: it runs a call where its result is asked for.

`python -m benchmarks.curation --only cluster` builds on a real one and kills a node of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

ray = pytest.importorskip("ray")

from curation.errors import BadInput  # noqa: E402
from curation.machines import Machines  # noqa: E402
from curation.ray_cluster import TRIES, call_all, connected  # noqa: E402


class Scheduler:
    """What Ray would do, in this process; `lost` says how often each rank is lost before it is made."""

    def __init__(self, lost: dict[int, int]) -> None:
        self.lost, self.most, self.cancelled = dict(lost), 0, list[int]()

    def remote(self, **options: Any) -> Callable[..., Any]:
        self.options = options

        return lambda call: SimpleNamespace(remote=partial(partial, call))

    def wait(self, waiting: list[Any]) -> tuple[list[Any], list[Any]]:
        self.most = max(self.most, len(waiting))
        return waiting[:1], waiting[1:]

    def get(self, task: partial[None]) -> None:
        rank = task.args[1]
        if self.lost.get(rank):
            self.lost[rank] -= 1
            raise ray.exceptions.NodeDiedError("gone")
        try:
            task()
        except Exception as error:
            raise ray.exceptions.RayTaskError("call", "", error) from error

    def cancel(self, task: partial[None]) -> None:
        self.cancelled.append(task.args[1])


@pytest.fixture
def scheduler(monkeypatch) -> Callable[..., Scheduler]:
    def stand_in(**lost: int) -> Scheduler:
        made = Scheduler({int(name[1:]): times for name, times in lost.items()})
        for name in ("remote", "wait", "get", "cancel"):
            monkeypatch.setattr(ray, name, getattr(made, name))
        monkeypatch.setattr(ray, "put", lambda value: value)
        return made

    return stand_in


def test_a_call_whose_node_dies_is_made_again_and_no_other_is_made_twice(scheduler):
    there = scheduler(_1=2)
    made: list[int] = []
    machines = Machines("ray", tasks=4, at_once=2, cpus=3, memory=4, gpus=1)
    assert call_all(list.append, made, range(4), machines) == ""
    assert sorted(made) == [0, 1, 2, 3]
    assert there.most == 2
    wanted = {"num_cpus": 3, "memory": 12 * 2**30, "num_gpus": 1, "max_retries": 0}
    assert there.options == wanted


def test_a_call_that_is_always_lost_ends_in_a_word(scheduler):
    scheduler(_1=TRIES)
    made: list[int] = []
    told = call_all(list.append, made, range(3), Machines("ray"))
    assert told == f"Ray lost task 1 {TRIES} times (NodeDiedError): give it more --memory"


def test_what_one_raises_ends_the_others(scheduler):
    there = scheduler()

    def refuse(_: Any, rank: int) -> None:
        if rank == 1:
            raise BadInput("one is odd: ask for another")

    assert call_all(refuse, None, range(4), Machines("ray")) == "one is odd: ask for another"
    assert there.cancelled == [2, 3]


def test_ray_that_does_not_start_is_asked_twice_and_then_told_in_one_line(monkeypatch):
    asked: list[int] = []

    def refuse(*_: Any, **options: Any) -> None:
        asked.append(options["num_cpus"])
        raise Exception("The current node timed out during startup.\nSee the logs")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", refuse)
    with (
        pytest.raises(BadInput, match=r"^Ray does not start \(The current .* startup\): use"),
        connected(Machines("ray", at_once=2, cpus=3)),
    ):
        pass
    assert asked == [6, 6]
