"""A small build of songs on each executor, and on a Ray cluster that loses a node while it works.

The cluster's nodes are processes of this machine, each with one core, so three of them share what there
is: the bytes are what is compared. What an executor costs beside the rendering is the median over rounds, in
each of which all work in turn, one task at a time.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from statistics import median
from typing import Any

from curation import recipe as recipes
from curation.build import LOCK_FILE, build
from curation.machines import Machines
from curation.ray_cluster import ALONE
from curation.recipe import BuildRecipe, make_recipe, plan

SHARD_SECONDS = 60
"""Smaller files than a release has, so that a few clips make many pieces."""

NODES, MEMORY_GB, ROUNDS = 3, 3, 3


def cluster(clips: int) -> Iterable[tuple[str, str]]:
    """What was done, and how long it took, with whether the bytes are those of a plain build."""
    recipes.SHARD_SECONDS = SHARD_SECONDS
    recipe, fonts = make_recipe("songs", "full", clips=clips)
    shards = len(plan(recipe))
    one_by_one = {name: Machines(name, shards, at_once=1) for name in ("local", "ray")}
    with tempfile.TemporaryDirectory(prefix="b-") as home:
        place = Path(home)
        _timed(recipe, fonts, place / "first")  # whose libraries are loaded by it
        with _nodes(1, place):
            rounds = []
            for turn in range(ROUNDS):
                folder = place / str(turn)
                row = {"plain": _timed(recipe, fonts, folder / "plain")}
                for name, machines in one_by_one.items():
                    row[name] = _timed(recipe, fonts, folder / name, machines)
                rounds.append(row)
        wanted = rounds[0]["plain"][1]
        plain = median(row["plain"][0] for row in rounds)
        yield f"plain, one process, {clips} songs in {shards} files", f"{plain:.1f} s"
        for name in one_by_one:
            more = median(row[name][0] - row["plain"][0] for row in rounds)
            same = all(row[name][1] == wanted for row in rounds)
            told = f"{more:+.1f} s, {1000 * more / clips:+.0f} ms a clip, {_bytes(same)}"
            yield f"{name}, {shards} tasks, one at a time", told
        with _nodes(NODES, place) as nodes:
            killed = threading.Thread(target=_kill_one, args=(nodes, place / "killed"))
            killed.start()
            taken, found = _timed(recipe, fonts, place / "killed", Machines("ray", shards))
            killed.join()
            told = f"ray, {NODES} nodes, one killed after its first file"
            yield told, f"{taken:.1f} s, {_bytes(found == wanted)}"


def _bytes(same: bool) -> str:
    return "the same bytes" if same else "OTHER bytes"


def _timed(
    recipe: BuildRecipe, fonts: Any, folder: Path, machines: Machines | None = None
) -> tuple[float, dict[str, str]]:
    """Seconds of a build and the digests of its files."""
    started = time.perf_counter()
    build(recipe, folder, fonts, machines=machines)
    taken = time.perf_counter() - started
    return taken, {
        path.relative_to(folder).as_posix(): blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != LOCK_FILE
    }


@contextmanager
def _nodes(count: int, home: Path) -> Iterator[Any]:
    """A Ray cluster of nodes with one core each, and this process as its driver."""
    import ray
    from ray.cluster_utils import Cluster

    files = home / "ray"
    files.mkdir(exist_ok=True)  # Ray keeps its address there before it makes the folder
    os.environ |= {**ALONE, "TMPDIR": str(home)}
    size = {"num_cpus": 1, "memory": MEMORY_GB * 2**30, "object_store_memory": 80 * 2**20}
    head = {**size, "include_dashboard": False, "temp_dir": str(files)}
    nodes = Cluster()
    try:
        nodes.add_node(**head)
        for _ in range(count - 1):
            nodes.add_node(**size)
        nodes.wait_for_nodes()
        ray.init(address=nodes.address, log_to_driver=False, logging_level="ERROR")
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


def _kill_one(nodes: Any, folder: Path) -> None:
    """Kill a node that is no head as soon as one file is there."""
    while not list(folder.glob("data/*.parquet")):
        time.sleep(0.05)
    nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
