"""How fast clips are made, where the time goes, and whether memory stays flat.

    python -m benchmarks.curation                 the speed table, about five minutes
    python -m benchmarks.curation --memory        peak memory at 1,000 and 10,000 clips, ten minutes
    python -m benchmarks.curation --only cluster  the executors side by side, and a node that is killed
    python -m benchmarks.curation --json FILE     the same figures as JSON

Speeds are seconds of sound per second of wall time at 32 kHz. Builds on one and on two processes
run in turn, each round in fresh folders, and the median is taken.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cluster import cluster
from benchmarks.parts import print_parts
from curation import shards
from curation.build import build
from curation.concepts import families, get_family
from curation.midi_file import midi_bytes
from curation.recipe import make_recipe
from curation.sound_fonts import find_sound_font
from curation.synth import Renderer
from listening.levels import settle

FAMILIES = ("notes", "chords", "songs")
ROUNDS = 3


def stage_seconds(family_name: str, clips: int = 120) -> dict[str, float]:
    """Seconds per stage for ``clips`` clips of one family, in this process."""
    family = get_family(family_name)
    recipe, _ = make_recipe(family_name, "small")
    renderer = Renderer(find_sound_font())
    columns = shards.schema(family_name, recipe.sample_rate)
    spent: dict[str, float] = defaultdict(float)

    def timed(stage: str, call: Callable[..., Any], *arguments: Any) -> Any:
        started = time.perf_counter()
        result = call(*arguments)
        spent[stage] += time.perf_counter() - started
        return result

    rows = []
    for place in range(clips):
        spec = timed("spec", family.spec, 0, place * (family.size // clips))
        score = timed("score", spec.score)
        performance = timed("render", renderer.render, score, spec.seconds)
        audio, levels = timed("levels", settle, performance.audio)
        timed("FLAC", shards.flac_bytes, audio, recipe.sample_rate)
        timed("MIDI", midi_bytes, score)
        take = shards.Take(score, audio, levels, "", performance.unsounded)
        rows.append(shards.make_row(spec, take, recipe))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shard.parquet"

        def write() -> None:
            with pq.ParquetWriter(path, columns, **shards._writer_options(columns)) as writer:
                writer.write_table(pa.Table.from_pylist(rows, schema=columns))

        timed("Parquet", write)
    return dict(spent)


def build_speed(family_name: str, workers: int, clips: int) -> float:
    """Seconds of sound per second of a whole build, start of the processes included."""
    recipe, fonts = make_recipe(family_name, "full", clips=clips)
    seconds = get_family(family_name).spec(0, 0).seconds
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        build(recipe, Path(folder) / "build", fonts, workers=workers)
        return clips * seconds / (time.perf_counter() - started)


def peak_memory(clips: int) -> float:
    """Peak resident memory, in MB, of a build of so many clips in a process of its own."""
    code = (
        "import resource, tempfile; from pathlib import Path; from curation.build import build;"
        "from curation.recipe import make_recipe;"
        f"r, f = make_recipe('chords', 'full', clips={clips});"
        "d = tempfile.TemporaryDirectory(); build(r, Path(d.name) / 'b', f);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--memory", action="store_true", help="measure memory instead of speed")
    parser.add_argument(
        "--only", choices=("cluster",), help="the executors, on a cluster of this machine"
    )
    parser.add_argument("--clips", type=int, default=60, help="songs of the cluster's builds")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--seconds", type=int, default=4000, help="seconds of sound per build")
    options = parser.parse_args()
    if options.only == "cluster":
        print_parts({"cluster": cluster}, options.clips, "cluster", options.json)
        return
    figures: dict[str, Any] = {}
    if options.memory:
        for clips in (1_000, 10_000):
            figures[f"{clips} clips"] = peak_memory(clips)
            print(f"peak memory, {clips:>6,} chords: {figures[f'{clips} clips']:7.0f} MB")
    else:
        figures = {"speed": _speeds(options.seconds), "stages": _stages(), "count": _count()}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def _speeds(seconds: int) -> dict[str, Any]:
    print(f"{'x real time':12}{'one core':>10}{'two cores':>11}{'ratio':>8}   (median of {ROUNDS})")
    speeds = {}
    for name in FAMILIES:
        clips = min(get_family(name).size, round(seconds / get_family(name).spec(0, 0).seconds))
        rounds = [[build_speed(name, workers, clips) for workers in (1, 2)] for _ in range(ROUNDS)]
        one, two = (statistics.median(column) for column in zip(*rounds, strict=True))
        speeds[name] = {"one": one, "two": two}
        print(f"{name:12}{one:10.0f}{two:11.0f}{two / one:8.2f}", flush=True)
    return speeds


def _stages() -> dict[str, dict[str, float]]:
    print("\nshare of one core's time by stage")
    table = {name: stage_seconds(name) for name in FAMILIES}
    stages = list(next(iter(table.values())))
    print(f"{'':12}" + "".join(f"{stage:>9}" for stage in stages))
    for name, spent in table.items():
        total = sum(spent.values())
        print(f"{name:12}" + "".join(f"{spent[stage] / total:9.1%}" for stage in stages))
    return table


def _count() -> dict[str, float]:
    started = time.perf_counter()
    clips = sum(
        len([family.spec(0, index) for index in range(family.size)])
        for family in families().values()
    )
    seconds = time.perf_counter() - started
    print(f"\nall {clips:,} specs of the full presets counted in {seconds:.1f} s without rendering")
    return {"clips": clips, "seconds": seconds}


if __name__ == "__main__":
    main()
