"""Banks, listeners to prompts, and the strengths that validation chose."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from safetensors.numpy import load_file, save

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.files import file_target
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.values import damaged, nearly, rewritten
from listening.classifier import linear
from sketch.measures.adherence import Listener
from steering.directions.bank import KEPT, Bank, load_bank
from steering.directions.hub import banks_in
from steering.directions.packed import pack, unpack
from steering.evaluation import strengths
from steering.evaluation.asks import Ask
from steering.evaluation.cells import Steer
from steering.evaluation.plans import intervention
from steering.interventions.intervention import Intervention
from steering.interventions.plan import compile_plan
from steering.metrics.adherence import PromptListeners
from steering.metrics.kept_listeners import KeptListeners, load_listeners

SEEDS, FEATURES = (5, 6), 4


def targets(place: Place) -> Iterator[Target]:
    """Both files of a bank and of listeners, a bank as text, and a file of strengths."""
    bank, listeners = place.folder / "bank", place.folder / "listeners"
    next(iter(place.loaded.banks.values())).save(bank)
    _listeners().save(listeners)
    for home, read in ((bank, _steer), (listeners, _hear)):
        for path in sorted(home.iterdir()):
            tensors = _tensors(path) if path.suffix == ".safetensors" else None
            yield file_target(home.name, home, path.name, read, 2, tensors)
    yield _text(place)
    yield _strengths(place)


def _tensors(path: Path) -> SearchStrategy[bytes]:
    """Tensors that are written anew as others, and a file that is damaged."""
    return st.one_of(rewritten(load_file(path)).map(save), damaged(path.read_bytes()))


def _steer(folder: Path) -> None:
    """Read it as pushing and pulling do, steer with it, look at it."""
    banks_in(folder)
    _push(load_bank(folder))


def _push(bank: Bank) -> None:
    for name, direction in bank.items():
        plan = compile_plan([Intervention(direction, 0.1)], 0.1)
        chances = direction.probabilities(torch.zeros(1), 0)
        if not all(bool(torch.isfinite(one).all()) for one in (plan.levels, plan.vectors)):
            raise Wrong("a direction that is not finite")
        if not isinstance(name, str) or (chances is not None and bool(chances.isnan().any())):
            raise Wrong("a direction without a name, or with a chance that is none")


def _text(place: Place) -> Target:
    """A bank as recipes carry it: damaged, or another one that is sealed as it should be."""
    text = pack(place.taught)
    facts, tensors = place.taught.parts()
    arrays = {name: one.numpy() for name, one in tensors.items()}
    arrays["vectors"] = arrays["vectors"].astype(np.float16)
    others = st.builds(_sealed, nearly([facts]), rewritten(arrays))

    def read(content: bytes) -> None:
        _push(unpack(content.decode(errors="replace"), "own/it"))

    return Target("bank as text", st.one_of(damaged(text.encode()), others), read, 3)


def _sealed(facts: Any, arrays: dict[str, np.ndarray]) -> bytes:
    """What `pack` would make of them; with a seal of nothing where they can have none."""
    kept = save(arrays)
    content = json.dumps(facts).encode() + b"\n" + kept
    try:
        seal = KEPT.seal(facts, safetensors.torch.load(kept))
    except (TypeError, ValueError):
        seal = "0" * 64
    return seal.encode() + b"." + base64.urlsafe_b64encode(zlib.compress(content))


def _listeners() -> KeptListeners:
    x = np.random.default_rng(0).normal(size=(20, FEATURES))
    one = Listener("genre", linear(1.0).fit(x, ["rock", "funk"] * 10), 0.5)
    return KeptListeners(PromptListeners({"genre": one}), 8.0, {"genre": "90% right"})


def _hear(folder: Path) -> None:
    """As the page asks them."""
    kept = load_listeners(folder)
    if kept is None:
        return
    round(kept.seconds * 32_000)
    for name, one in kept.listeners.listeners.items():
        heard = np.zeros((2, len(one.model.mean)))
        for chances in kept.listeners.probabilities(name, heard).values():
            if not np.isfinite(chances).all():
                raise Wrong("a probability that is none")
        if not isinstance(kept.errors.get(name, ""), str) or not 0 <= one.chance <= 1:
            raise Wrong("words or a chance that are none")


def _strengths(place: Place) -> Target:
    """Strengths that are read and steered with."""
    name, bank = next(iter(place.loaded.banks.items()))
    origin, home = place.loaded.model.origin, place.folder / "strengths"
    chosen = strengths.Chosen({bank.method: Steer(name, 0.05)}, Steer(name, -0.1, control="random"))
    strengths.write(home / "notes.json", chosen, origin, [1, 2])
    ask = Ask(0, SEEDS[0], {"plain": "calm jazz"}, {}, (next(iter(bank)),) * 2)

    def read(folder: Path) -> None:
        found = strengths.read(folder / "notes.json", origin, SEEDS, "notes")
        for steer in (*found.methods.values(), found.best):
            made = intervention(steer, ask, place.loaded.bank(steer.bank))
            compile_plan([made], 1.0)

    return file_target("strengths", home, "notes.json", read)
