"""Where, not only how much: which layers and sites carry what the prompt names, and steering there.

First by activation patching, see `steering.evaluation.localisation`: clips are played under a prompt
that names the concept, and their codes read under that prompt and under one that names another concept
in the same words, so that the two runs differ in the concept alone. The prompt comes in by
cross-attention only. All of the cross-attentions together so restore everything, whatever the model, and
self-attention and the feed-forward pass on what came in before them: what is to be found is at which
layers it comes in.

Then the chosen push is spent where patching restores most, where the probes tell the concept best, and
at random places: every choice spends the same sum of coefficients. A vector stays the one of its layer's
output, wherever in the layer it is added.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from hashlib import blake2b

import numpy as np
import torch

from steering.activations.patching import Place, sublayer_places
from steering.decoding.clip import Clip
from steering.evaluation import drawing, placed
from steering.evaluation.asks import Ask, asks, split_of
from steering.evaluation.cells import Result
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.localisation import (
    SOURCE,
    STREAM,
    UNPATCHED,
    WHOLE,
    Located,
    as_places,
    likelihoods,
    ranked,
    shares,
    single_sets,
    site_sets,
)
from steering.evaluation.placed import QUARTER, part_of
from steering.evaluation.report import Part
from steering.evaluation.runner import Progress
from steering.evaluation.sections import Section
from steering.evaluation.statistics import Estimate, compare, estimate
from steering.evaluation.study import Study
from steering.families import concepts_of, get_family
from steering.models.sites import SUBLAYERS

FORMAT = 1
FAMILIES = ("notes", "triads", "genres")
SECONDS = 1.0
"""Of codes that are read: later ones are told by those before them more than by the prompt."""

PICTURE = "localisation.png"


def parts(evaluation: Evaluation) -> list[Part]:
    """What patching finds for each family, then steering where it found the study's own."""
    layers = evaluation.setting.origin.layers
    told = [_told(evaluation, name) for name in FAMILIES]
    maps = {name: _map(found, layers) for name, (_, found) in zip(FAMILIES, told, strict=True)}
    evaluation.folder.mkdir(parents=True, exist_ok=True)
    drawing.draw_localisation(maps, evaluation.folder / PICTURE)
    patched = [part for part, _ in told]
    patched[0] = replace(patched[0], pictures=(PICTURE,))
    return [*patched, _steered(evaluation)]


# What patching finds


def measured(evaluation: Evaluation, family: str) -> Result:
    """How likely the clips of a family are in every patched run, kept like a cell."""
    shelf, model = evaluation.runner.shelf, evaluation.setting.origin
    clips = _asks(evaluation, family)
    about = [FORMAT, asdict(model), [[dict(ask.text), ask.seed] for ask in clips], SECONDS]
    about += [asdict(evaluation.setting.sampling), _thirds(clips, family)]
    key = blake2b(json.dumps(about).encode(), digest_size=10).hexdigest()
    kept = shelf.find(key)
    if kept is None:
        kept = _measure(evaluation, family, clips)
        shelf.keep(key, kept)
    return kept


def _measure(evaluation: Evaluation, family: str, clips: Sequence[Ask]) -> Result:
    """Read codes of the naming prompt under it and under others, one set of places patched at a time."""
    layers, batch = evaluation.setting.origin.layers, evaluation.runner.batch
    texts = {wording: [ask.text[wording] for ask in clips] for wording in clips[0].text}
    named, other, third = texts["named"], texts["contradicting"], _thirds(clips, family)
    played = [
        evaluation.runner.generate(
            [Clip(ask.text["named"], ask.seed) for ask in clips[start : start + batch]],
            SECONDS,
            evaluation.setting.sampling,
        )
        for start in range(0, len(clips), batch)
    ]
    run = partial(likelihoods, evaluation.runner.model, torch.cat(played), batch=batch)
    singles, sites = single_sets(layers), site_sets(layers)
    runs: dict[str, Callable[[dict[str, list[Place]]], dict[str, np.ndarray]]] = {
        "restored": lambda best: run(other, named, singles | sites | best),
        "taken": lambda best: run(named, other, _sublayers(layers) | sites | best),
        "unrelated": lambda best: run(other, third, sites | best),
        "plain": lambda best: run(texts["plain"], named, sites | best),
    }
    found: Result = {}
    best: dict[str, list[Place]] = {}
    for done, (kind, likely) in enumerate(runs.items(), start=1):
        values = likely(best)
        if kind == "restored":
            best = _best(values, clips, layers)
            values |= run(other, named, best)
        found |= {f"{kind}: {name}": one for name, one in values.items()}
        label = f"patching {family}, {kind}"
        evaluation.told(Progress(done, len(runs), float("nan"), label))
    return found


def _asks(evaluation: Evaluation, family: str) -> list[Ask]:
    """As many clips as the evaluation has, of its split, as a family asks for them."""
    known = evaluation.asks
    return asks(split_of(known[0].seed), len(known), concepts_of(family), family)


def _thirds(clips: Sequence[Ask], family: str) -> list[str]:
    """Every clip's prompt with a concept that is neither of its two."""
    concepts, asking = concepts_of(family), get_family(family).prompts.asking
    texts = []
    for ask in clips:
        start = concepts.index(ask.targets[-1])
        others = (concepts[(start + step) % len(concepts)] for step in range(1, len(concepts)))
        third = next(one for one in others if one not in ask.targets)
        texts.append(asking(ask.text["plain"], third))
    return texts


def _sublayers(layers: int) -> dict[str, list[Place]]:
    """Every sublayer of every block by itself."""
    return {str(place): [place] for place in sublayer_places(layers)}


def _choosing(clips: Sequence[Ask]) -> np.ndarray:
    """The clips that sites are ranked by, bool ``[B]``; how much they restore is told of the others."""
    return np.array([ask.prompt % 2 == 0 for ask in clips])


def _best(values: Result, clips: Sequence[Ask], layers: int) -> dict[str, list[Place]]:
    """The quarter of all sublayers that restores most, and all but them."""
    sets = _sublayers(layers)
    order = ranked(values, sets, _choosing(clips))
    count = part_of(len(order), QUARTER)
    return {
        "the best quarter": as_places(order[:count], sets),
        "all but the best quarter": as_places(order[count:], sets),
    }


def _told(evaluation: Evaluation, family: str) -> tuple[Part, Located]:
    """A family's figures, and in words what stands out."""
    clips, values = _asks(evaluation, family), measured(evaluation, family)
    found, plain = (located(values, clips, kind) for kind in ("restored", "plain"))
    layers = evaluation.setting.origin.layers
    order = ranked(_of(values, "restored"), _sublayers(layers), _choosing(clips))
    best = order[: part_of(len(order), QUARTER)]
    said = {
        "in the order of what they restore, the best quarter of the sites": best,
        "together, on the prompts that they were not ranked by": [
            f"{name} {_held_out(values, clips, name)}"
            for name in ("the best quarter", "all but the best quarter")
        ],
    }
    lines = [
        f"the prompt that names it makes the codes likelier by {found.effect} nats a second than one "
        f"that names another ({found.clips} clips of {SECONDS:g} s), and by {plain.effect} than one "
        "that names none",
        *(f"{what}: {'; '.join(these)}" for what, these in said.items()),
        *(f"every {one}: restores {_three(found, f'every {one}')}" for one in SUBLAYERS),
        f"against the prompt that names none, the best quarter restores {plain.restored['the best quarter']}",
    ]
    about = (
        f"Of clips that are played under a prompt such as '{clips[0].text['named']}', read under "
        f"'{clips[0].text['contradicting']}'. Numbers are shares of how much likelier the first makes "
        "them. The control is the run of a prompt that names a third concept."
    )
    numbers = {"located": found.record(), "against none": plain.record(), "ranked": order}
    return Part(f"Where the prompt is carried: {family}", about, (), lines, numbers), found


def _of(values: Result, kind: str) -> Result:
    start = f"{kind}: "
    return {name.removeprefix(start): v for name, v in values.items() if name.startswith(start)}


def located(values: Result, clips: Sequence[Ask], kind: str) -> Located:
    """What `measured` gave, as shares: ``restored`` in another concept's run, ``plain`` in none's."""
    prompts = np.array([ask.prompt for ask in clips])
    runs = _of(values, kind)
    effect = runs[SOURCE] - runs[UNPATCHED]
    others = kind == "restored"
    return Located(
        len(clips),
        estimate(effect, prompts),
        shares(runs, effect, prompts),
        shares(_of(values, "taken"), effect, prompts, -1.0) if others else {},
        shares(_of(values, "unrelated"), effect, prompts) if others else {},
    )


def _held_out(values: Result, clips: Sequence[Ask], name: str) -> str:
    there = ~_choosing(clips)
    runs = {kind: one[there] for kind, one in _of(values, "restored").items()}
    prompts = np.array([ask.prompt for ask in clips])[there]
    effect = runs[SOURCE] - runs[UNPATCHED]
    wanted = {kind: runs[kind] for kind in (UNPATCHED, name)}
    return f"restore {shares(wanted, effect, prompts)[name]}"


def _three(found: Located, name: str) -> str:
    return (
        f"{found.restored[name]}, takes {found.taken[name]}; the control restores "
        f"{found.unrelated[name]}"
    )


def _map(found: Located, layers: int) -> dict[str, list[Estimate]]:
    rows = (*SUBLAYERS, WHOLE, STREAM)
    return {row: [found.restored[f"{row} {layer}"] for layer in range(layers)] for row in rows}


# Steering there


def _steered(evaluation: Evaluation) -> Part:
    """The chosen push at all layers, and all of it at some layers and sites."""
    layers, family = evaluation.setting.origin.layers, evaluation.family.name
    values = _of(measured(evaluation, family), "restored")
    choosing = _choosing(_asks(evaluation, family))
    sublayers = _sublayers(layers)
    whole = {f"{WHOLE} {layer}": [Place(layer, SUBLAYERS[0])] for layer in range(layers)}
    by_layer = [place.layer for place in as_places(ranked(values, whole, choosing), whole)]
    by_site = as_places(ranked(values, sublayers, choosing), sublayers)
    section = placed.section(evaluation.best, by_layer, by_site)
    played = evaluation.play([section])
    rows = evaluation.table(section, played)
    lines = [
        "layers, the one that restores most first: " + ", ".join(map(str, by_layer)),
        *_compared(evaluation, section, evaluation.results(section, played)),
    ]
    pushes = {
        cell.label: [steer.record() for steer in cell.steers]
        for cell in section.cells
        if cell.steers
    }
    return Part(section.title, section.about, rows, lines, {"pushes": pushes})


def _compared(evaluation: Evaluation, section: Section, results: Mapping[str, Result]) -> list[str]:
    """Each choice of places beside all layers, clip by clip."""
    prompts = np.array([ask.prompt for ask in evaluation.asks])
    hits = {name: one.hit for name, one in evaluation.scores(results).items()}
    lines = []
    for cell in section.cells[1:]:
        if cell.label != placed.ALL:
            found = compare(hits[cell.label], hits[placed.ALL], prompts).difference
            lines.append(
                f"{cell.label}: accuracy less that of all layers {found.mean:+.2f} ({found.low:+.2f} to "
                f"{found.high:+.2f})"
            )
    return lines


study = Study(
    "localisation", "notes", parts, strengths="notes", clips={"validation": 48, "test": 108},
    probed=False, trials=(),
)  # fmt: skip
