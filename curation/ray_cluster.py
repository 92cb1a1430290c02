"""Calls on the nodes of a Ray cluster: that of RAY_ADDRESS, or one of this machine's for a while.

They are Ray's own tasks. datatrove's executor for Ray starts every task in processes of its own, with all
that they import, and waits for ever if a node goes while one starts.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from curation.errors import BadInput, first_line

if TYPE_CHECKING:
    from curation.machines import Machines

TRIES = 4
"""Of a call whose process or node is lost."""

STARTS = 2
"""Ray gives itself 30 s, and a busy machine may need more the first time."""

STORE_BYTES = 200 * 2**20
"""For what travels between Ray's processes: little, as all results are files."""

ALONE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""A cluster of ours sends no statistics, and its workers wait for nobody: Ray gives them 15."""

_SILENT: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
_log = logging.getLogger(__name__)


def call_all(
    call: Callable[[Any, int], None], same: Any, ranks: Sequence[int], machines: Machines
) -> str:
    """``call(same, rank)`` for all ranks; a word if that ended early.

    What one raises ends all. One whose process or node is lost is made again.
    """
    import ray
    from ray.exceptions import RayError, RayTaskError

    task, shared = ray.remote(**_needs(machines), max_retries=0)(call), ray.put(same)
    waiting, running, lost = deque(ranks), dict[Any, int](), Counter[int]()
    try:
        while waiting or running:
            while waiting and len(running) < (machines.at_once or len(ranks)):
                rank = waiting.popleft()
                running[task.remote(shared, rank)] = rank
            (done, *_), _ = ray.wait(list(running))
            rank = running.pop(done)
            try:
                ray.get(done)
            except RayTaskError as error:
                return first_line(error.cause)
            except RayError as error:
                why = type(error).__name__
                lost[rank] += 1
                if lost[rank] == TRIES:
                    return f"Ray lost task {rank} {TRIES} times ({why}): give it more --memory"
                _log.warning("Ray lost task %d (%s): it is made again", rank, why)
                waiting.append(rank)
    finally:
        for one in running:
            ray.cancel(one)
    return ""


@contextmanager
def connected(machines: Machines) -> Iterator[None]:
    """This process as the driver of a Ray cluster; one that is started for it is gone afterwards.

    Raises:
        BadInput: Ray does not start, or there is no cluster at RAY_ADDRESS.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as home:
        try:
            if os.environ.get("RAY_ADDRESS"):
                _join(machines)
            else:
                _start(machines, home)
            yield
        finally:
            ray.shutdown()


def _join(machines: Machines) -> None:
    """The cluster that is there. A node that is large enough for a task may still come to it."""
    import ray

    try:
        ray.init(**_SILENT)
    except Exception as error:  # Ray raises bare ones
        raise BadInput(f"no Ray cluster ({first_line(error)}): look at RAY_ADDRESS") from error
    needs = _needs(machines)
    asked = dict(zip(("CPU", "memory", "GPU"), needs.values(), strict=True))
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(node.get(one, 0) >= asked[one] for one in asked) for node in nodes):
        _log.warning("no node of the Ray cluster has %s for a task: waiting for one", needs)


def _start(machines: Machines, home: str) -> None:
    """A cluster of one node that has what the tasks need, but for GPUs, which are as they are."""
    import ray

    needs = _needs(machines)
    times = machines.at_once or max(1, (os.cpu_count() or 1) // machines.cpus)
    place: dict[str, Any] = {"num_cpus": times * needs["num_cpus"], "include_dashboard": False}
    place |= {"_memory": times * needs["memory"], "object_store_memory": STORE_BYTES}
    with _environment(**ALONE, TMPDIR=home):
        for left in reversed(range(STARTS)):
            try:
                ray.init("local", _temp_dir=home, **place, **_SILENT)
                break
            except Exception as error:  # Ray raises bare ones
                ray.shutdown()
                if not left:
                    why = first_line(error)
                    raise BadInput(f"Ray does not start ({why}): use --executor local") from error
    there = int(ray.cluster_resources().get("GPU", 0))
    if there < machines.gpus:
        raise BadInput(f"{machines.gpus} GPUs a task, and {there} are here: give a smaller --gpus")


def _needs(machines: Machines) -> dict[str, int]:
    """Of one task, in Ray's words."""
    memory = machines.cpus * machines.memory * 2**30
    return {"num_cpus": machines.cpus, "memory": memory, "num_gpus": machines.gpus}


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Variables for the processes that are started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value
