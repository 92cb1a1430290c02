"""The report as a page in words: what was asked, who answered, what came of it, and what does not follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from studio.study.design import RANDOM, UNSTEERED
from studio.study.report.findings import Findings, Told
from studio.study.stimuli import Stimuli, digest_of
from studio.study.tables import Tables
from studio.study.trials import Kept

SURE = 0.05
_RATED = {"strength": ("stronger", "weaker"), "quality": ("better", "worse")}
_ASKED = {"strength": "How much of the concept is heard", "quality": "How good it sounds"}


def words(
    stimuli: Stimuli, tables: Tables, found: Findings, kept: Sequence[Kept], pictures: Iterable[str]
) -> str:
    """The page, as Markdown.

    Args:
        pictures: names of those that were drawn, without their suffix.
    """
    drawn = set(pictures)
    parts = [
        f"# {tables.design.title}",
        _summary(tables, found),
        _people(tables),
        _abx(tables, found, "abx" in drawn),
        _preference(tables, found, "preference" in drawn),
        *(_rating(scale, tables, found, scale in drawn) for scale in found.ratings),
        _listening(stimuli, kept),
        _caveats(tables),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(tables: Tables, found: Findings) -> str:
    """The findings in a few sentences."""
    said = [_told(name, one, tables.over) for name, one in found.told.items()]
    if found.preferred is not None:
        said.append(_favourite(tables, found))
    for scale, rows in found.ratings.items():
        for name, one in rows.items():
            if name == RANDOM:
                continue
            sure = one.adjusted < SURE if tables.over else one.low > 0 or one.high < 0
            if sure:
                up, down = _RATED[scale]
                said.append(
                    f"{name.capitalize()} is rated {abs(one.shift):.0f} points of 100 "
                    f"{up if one.shift > 0 else down} than the unsteered copy."
                )
    return " ".join(said) or "Nothing was found out yet."


def _told(name: str, one: Told, over: bool) -> str:
    share = f"{one.heard.right} of {one.heard.trials} ({100 * one.heard.share:.0f} %)"
    if not over:
        return f"{name.capitalize()} was told from the unsteered copy in {share} so far."
    if one.adjusted < SURE:
        return f"{name.capitalize()} is told from the unsteered copy: {share} right."
    return f"{name.capitalize()} was not shown to be told from the unsteered copy: {share} right."


def _favourite(tables: Tables, found: Findings) -> str:
    assert found.preferred is not None
    names = [name for name in tables.conditions if name in tables.design.preferred]
    best = max(names, key=lambda name: found.preferred.log[tables.conditions.index(name)])  # type: ignore[union-attr]
    behind = []
    for name in names:
        if name != best:
            places = tables.conditions.index(best), tables.conditions.index(name)
            if found.preferred.difference(*places)[1] > 0:
                behind.append(name)
    if not behind:
        return "No condition is surely preferred to another."
    return f"{best.capitalize()} is preferred to {', '.join(behind)}."


def _people(tables: Tables) -> str:
    planned = tables.design.listeners
    lines = [
        "## Who listened",
        f"{len(tables.people)} began; {len(tables.counted)} of {planned} that were planned count.",
    ]
    if tables.left_out:
        why = ", ".join(f"{count} for '{name}'" for name, count in sorted(tables.left_out.items()))
        lines[-1] += f" Left out by the rules of the design: {why}."
    if not tables.over:
        lines.append(
            "**The study goes on.** No p-value is told before the last listener: who could stop while "
            "ahead would have good ones by luck. `--now` ends it with those who are there."
        )
    return "\n\n".join(lines)


def _abx(tables: Tables, found: Findings, drawn: bool) -> str:
    if not found.told:
        return ""
    rows = []
    for name, one in found.told.items():
        heard, like = one.heard, one.mixed
        rows.append(
            [
                name,
                f"{heard.right} of {heard.trials}",
                f"{heard.share:.2f} ({heard.low:.2f} to {heard.high:.2f})",
                _chance(heard.p, tables.over),
                _chance(one.adjusted, tables.over),
                "-" if like is None else f"{like.share():.2f} ({like.share(like.low):.2f} to {like.share(like.high):.2f})",
                "-" if like is None else f"{like.listeners:.2f}, {like.items:.2f}",
            ]
        )  # fmt: skip
    return _section(
        "Is the difference heard?",
        "A and B are the condition and the unsteered copy; X is one of them. Guessing is right in 0.50. The "
        "first interval is exact, of these listeners and items (Clopper and Pearson); the second is of "
        "listeners and items like these, by a logistic model in which both differ by chance.",
        ["condition", "right", "share (95 %)", "p, exact", "p, Holm", "of others like these (95 %)",
         "listeners, items differ by"],
        rows, "abx" if drawn else "",
    )  # fmt: skip


def _preference(tables: Tables, found: Findings, drawn: bool) -> str:
    if found.preferred is None:
        return ""
    rows, copy = [], tables.conditions.index(UNSTEERED)
    for name in tables.conditions:
        if name not in tables.design.preferred:
            continue
        place = tables.conditions.index(name)
        log, low, high = found.preferred.difference(place, copy)
        rows.append(
            [
                name,
                _worth(found.preferred.log[place], found.preferred.low[place], found.preferred.high[place]),
                "-" if name == UNSTEERED else _worth(log, low, high),
                "-" if name == UNSTEERED else f"{1 / (1 + np.exp(-log)):.2f} "
                f"({1 / (1 + np.exp(-low)):.2f} to {1 / (1 + np.exp(-high)):.2f})",
            ]
        )  # fmt: skip
    ties = int((tables.preference.outcome == 0).sum())
    return _section(
        "Which is preferred?",
        f"{len(tables.preference.outcome)} pairs without a reference, {ties} of them without a difference. "
        "Worths are natural logarithms with mean 0 (Bradley and Terry's model with Davidson's ties); the "
        "last column is how often a condition is preferred to the unsteered copy where one is. Intervals "
        "are of listeners drawn anew.",
        ["condition", "worth (95 %)", "more than the copy (95 %)", "preferred to the copy (95 %)"],
        rows, "preference" if drawn else "",
    )  # fmt: skip


def _rating(scale: str, tables: Tables, found: Findings, drawn: bool) -> str:
    rows = [
        [
            name, f"{one.median:.0f}", f"{one.shift:+.1f} ({one.low:+.1f} to {one.high:+.1f})",
            _chance(one.p, tables.over), _chance(one.adjusted, tables.over), str(one.listeners),
        ]
        for name, one in found.ratings[scale].items()
    ]  # fmt: skip
    return _section(
        f"{_ASKED[scale]}, 0 to 100",
        "Each listener's mean of a condition less their mean of the hidden unsteered copy; Wilcoxon's "
        "signed ranks, with Hodges and Lehmann's interval.",
        ["condition", "median", "beside the copy (95 %)", "p", "p, Holm", "listeners"],
        rows, scale if drawn else "",
    )  # fmt: skip


def _listening(stimuli: Stimuli, kept: Sequence[Kept]) -> str:
    trials = [one for one in kept if one.asked.kind in stimuli.design.counts]
    if not trials:
        return ""
    seconds = np.median([one.seconds for one in trials])
    plays = np.median([one.plays for one in trials])
    switches = np.median([one.switches for one in trials])
    versions = ", ".join(sorted({one.version for one in trials}))
    return (
        "## How it was listened to\n\n"
        f"A trial took {seconds:.0f} s, {plays:.0f} plays and {switches:.0f} switches (medians of all who "
        f"began). Clips stand at {stimuli.lufs:g} LUFS and last {stimuli.design.seconds:g} s; SHA-256 of all: "
        f"`{digest_of(stimuli)[:16]}`. Code: {versions}."
    )


def _caveats(tables: Tables) -> str:
    lines = [
        "Where a difference was not shown, none was shown: it may be there and small. `python -m studio "
        "study power` says how small a one such a study would have found.",
        "A program on a listener's own machine can subtract sounds and pass an ABX trial: scores say "
        "what honest ears heard.",
    ]
    if tables.design.pushed:
        lines.insert(
            0,
            "The random direction is pushed as hard as the concept: what it does, any push does. Only what "
            "a condition does beyond it is owed to its concept.",
        )
    return "## What does not follow\n\n" + "\n\n".join(lines)


def _section(title: str, text: str, heads: list[str], rows: list[list[str]], picture: str) -> str:
    table = [heads, ["---"] * len(heads), *rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
    shown = f"\n\n![{title}]({picture}.png)" if picture else ""
    return f"## {title}\n\n{text}\n\n{lines}{shown}"


def _worth(log: float, low: float, high: float) -> str:
    at, left, right = (round(float(one), 2) + 0.0 for one in (log, low, high))
    return f"{at:+.2f} ({left:+.2f} to {right:+.2f})"


def _chance(p: float, over: bool) -> str:
    if not over:
        return "not yet"
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"
