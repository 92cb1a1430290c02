"""What an operator's programs ask for: whether the page is well, and its figures as Prometheus reads them.

Whoever may open the page may read both; neither says who listens, or what to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from studio.eyes import ENDS, STUCK_SECONDS

if TYPE_CHECKING:
    from studio.engine_apart import AnyEngine

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
"""The type of Prometheus' text format, which has no need of a library to be written."""

FAMILIES = {
    "steering_playing": ("gauge", "Sessions that play."),
    "steering_waiting": ("gauge", "Sessions that wait in line."),
    "steering_longest_wait_seconds": ("gauge", "How long whoever waits for longest has waited."),
    "steering_begun_total": ("counter", "Sessions that began to play."),
    "steering_waited_seconds_total": ("counter", "Seconds that those had waited."),
    "steering_ended_total": ("counter", "Sessions that are over, by how they ended."),
    "steering_refused_total": ("counter", "Sessions that were refused: the line was full, or a bad recipe."),
    "steering_steps_total": ("counter", "Steps of the decoder, each one of all who play."),
    "steering_rows_total": ("counter", "Rows of those steps."),
    "steering_gaps_total": ("counter", "Pieces that came when their listener's player must have run dry."),
    "steering_gap_seconds_total": ("counter", "Seconds for which those players had nothing to play."),
    "steering_clips": ("gauge", "Clips that are kept."),
    "steering_clip_bytes": ("gauge", "Their sound."),
    "steering_twins": ("gauge", "Twins whose codes are kept."),
    "process_resident_memory_bytes": ("gauge", "Memory of the page and of the processes that it started."),
}  # fmt: skip
"""Type and meaning of every figure, by its name without labels."""

Figures = Mapping[str, float]
"""Figures by their names with labels, as ``steering_ended_total{end="done"}``."""


def sights(engine: AnyEngine) -> list[Route]:
    """The two addresses, for the page's app; what plays may be asked in another process, so threads answer."""

    def healthz(_request: Request) -> JSONResponse:
        line = unwell(engine)
        told = {"well": not line, **engine.busy, "models": engine.models.loaded}
        return JSONResponse(told | ({"line": line} if line else {}), 503 if line else 200)

    def metrics(_request: Request) -> PlainTextResponse:
        return PlainTextResponse(as_text([({}, figures(engine))]), media_type=PLAIN)

    return [Route("/healthz", healthz), Route("/metrics", metrics)]


def unwell(engine: AnyEngine) -> str:
    """What is wrong with an engine, in a line with what to do; empty where it plays, or could."""
    if not engine.alive:
        return "what plays is gone: start the page again"
    if not engine.models.loaded:
        return "no model is loaded yet: wait a minute"
    if engine.eyes.silent > STUCK_SECONDS:
        return f"nobody was played anything for {engine.eyes.silent:.0f} s: start the page again"
    return ""


def figures(engine: AnyEngine) -> dict[str, float]:
    """All figures of an engine."""
    counts, busy, memory = engine.eyes.counts, engine.busy, memory_bytes()
    pace = engine.pace
    return {
        "steering_playing": busy["playing"],
        "steering_waiting": busy["waiting"],
        "steering_longest_wait_seconds": round(engine.eyes.longest_wait, 3),
        "steering_begun_total": counts["begun"],
        "steering_waited_seconds_total": round(counts["waited"], 3),
        **{f'steering_ended_total{{end="{end}"}}': counts[f"ended {end}"] for end in ENDS},
        'steering_refused_total{why="busy"}': counts["refused busy"],
        'steering_refused_total{why="recipe"}': counts["refused recipe"],
        "steering_steps_total": pace.steps,
        "steering_rows_total": pace.rows,
        "steering_gaps_total": counts["gaps"],
        "steering_gap_seconds_total": round(counts["missing"], 3),
        "steering_clips": len(engine.clips),
        "steering_clip_bytes": engine.clips.bytes,
        "steering_twins": len(engine.twins),
    } | ({"process_resident_memory_bytes": memory} if memory else {})


def as_text(told: Iterable[tuple[Mapping[str, str], Figures]]) -> str:
    """Figures in Prometheus' text format, each family once; more than one page's are told apart by labels.

    >>> print(as_text([({"replica": "a"}, {'steering_ended_total{end="done"}': 2})]))
    # HELP steering_ended_total Sessions that are over, by how they ended.
    # TYPE steering_ended_total counter
    steering_ended_total{replica="a",end="done"} 2
    <BLANKLINE>
    """
    lines: dict[str, list[str]] = {}
    for labels, found in told:
        more = ",".join(f'{name}="{value}"' for name, value in labels.items())
        for named, value in found.items():
            name, _, own = named.partition("{")
            inside = ",".join(part for part in (more, own.rstrip("}")) if part)
            line = f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"
            lines.setdefault(name, []).append(line)
    return "".join(_family(name, there) for name, there in lines.items())


def from_text(text: str) -> dict[str, float]:
    """Figures as `as_text` writes them of one page.

    >>> from_text(as_text([({}, {'steering_ended_total{end="done"}': 2, "steering_clips": 1})]))
    {'steering_ended_total{end="done"}': 2.0, 'steering_clips': 1.0}
    """
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines if name.partition("{")[0] in FAMILIES}


def _family(name: str, lines: Iterable[str]) -> str:
    kind, meaning = FAMILIES[name]
    return "\n".join([f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *lines, ""])


def memory_bytes() -> int:
    """Memory of this process and of those that it started, from the kernel; 0 where it does not say."""
    children = " ".join(_read(one) for one in Path("/proc/self/task").glob("*/children"))
    return sum(map(_resident, ["self", *children.split()]))


def _resident(process: Any) -> int:
    found = _read(Path(f"/proc/{process}/status")).partition("VmRSS:")[2].split()
    return int(found[0]) * 1024 if found else 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it ended meanwhile, or this is no Linux
        return ""
