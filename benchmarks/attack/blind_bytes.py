"""A script takes blind tests by the bytes it is sent, and wants its score among the published figures."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.signal import correlate

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target
from studio.abx import p_value
from studio.self_check import play

TESTS, ROUNDS = 2, 12
SECONDS = 6.0
PIECE = 8
CHANCE = 0.01
SHIFTS = 800

Likeness = Callable[[np.ndarray, np.ndarray], float]


def _bytes_tests(target: Target) -> Outcome:
    with target.page() as page:
        recipe = page.client.predict(api_name="/presets")[0]["recipe"] | {"seconds": SECONDS}
        clip = play(page.client, recipe)[1]["clip"]
        rounds = [one for _ in range(TESTS) for one in _test(page, clip)]
        published = page.client.predict(api_name="/blind_results")
    right = sum(said == x for _, said, x in rounds)
    p = p_value(right, len(rounds))
    measured = ", ".join(f"{name} {_score(rounds, rule):g}" for name, rule in MEASURES.items())
    return Outcome(
        p >= CHANCE and published["trials"] == 0,
        f"{right} of {len(rounds)} right by bytes (p = {p:.2g}), {published['correct']} of "
        f"{published['trials']} published; by the music itself, which nothing can prevent: {measured}",
    )


def _test(page: Page, clip: str) -> list[tuple[dict[str, np.ndarray], str, str]]:
    """One listener's test: the sounds of each round, what was said and what X was."""
    listener = page.client.predict(api_name="/new_listener")
    said, sounds, truths = [], [], []
    for _ in range(ROUNDS):
        trial = page.client.predict(listener, clip, api_name="/blind_trial")
        sounds.append({name: _unpacked(trial[name]) for name in "abx"})
        said.append(_guess(sounds[-1]))
        word = said[-1] if "round" in trial else {"a": "steered", "b": "unsteered"}[said[-1]]
        told = page.client.predict(trial["trial"], word, api_name="/blind_answer")
        if "hidden" in told:
            truths.append("a" if told["hidden"] == "steered" else "b")
    return list(zip(sounds, said, truths or [one["x"] for one in told["rounds"]], strict=True))


def _unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<i2")


def _guess(sounds: dict[str, np.ndarray]) -> str:
    """What the first measure says that sees a difference; else a coin."""
    for likeness in BYTES:
        a, b = (likeness(sounds[name], sounds["x"]) for name in "ab")
        if a != b:
            return "a" if a > b else "b"
    return random.choice("ab")


def _score(rounds: list[tuple[dict[str, np.ndarray], str, Any]], likeness: Likeness) -> float:
    """Rounds that one measure alone has right; one half where it sees no difference."""
    right = 0.0
    for sounds, _, x in rounds:
        a, b = (likeness(sounds[name], sounds["x"]) for name in "ab")
        right += 0.5 if a == b else ("a" if a > b else "b") == x
    return right


def _equal(one: np.ndarray, x: np.ndarray) -> float:
    return float(np.array_equal(one, x))


def _length(one: np.ndarray, x: np.ndarray) -> float:
    return -float(abs(len(one) - len(x)))


def _equal_samples(one: np.ndarray, x: np.ndarray) -> float:
    shortest = min(len(one), len(x))
    return float(np.sum(one[:shortest] == x[:shortest]))


def _shared_pieces(one: np.ndarray, x: np.ndarray) -> float:
    """How many pieces of X are somewhere in the other, byte for byte."""
    there = {one[n : n + PIECE].tobytes() for n in range(len(one) - PIECE)}
    return float(sum(x[n : n + PIECE].tobytes() in there for n in range(0, len(x), PIECE)))


def _equal_bytes(one: np.ndarray, x: np.ndarray) -> float:
    return _equal_samples(one.view(np.uint8), x.view(np.uint8))


def _packed_size(one: np.ndarray, x: np.ndarray) -> float:
    return -float(abs(len(zlib.compress(one.tobytes())) - len(zlib.compress(x.tobytes()))))


def _subtracted(one: np.ndarray, x: np.ndarray) -> float:
    """How little is left of X when the other is taken from it, lined up and at its best gain."""
    part = x[SHIFTS:-SHIFTS].astype(float)
    there = one.astype(float)
    dots = correlate(there, part, "valid")
    powers = correlate(there**2, np.ones(len(part)), "valid")
    return float(np.max(dots**2 / np.maximum(powers, 1)))


BYTES = (_equal, _length, _equal_samples, _shared_pieces)
MEASURES = {
    "lined up and subtracted": _subtracted,
    "compressed sizes": _packed_size,
    "equal bytes": _equal_bytes,
}

attacks = (Attack(6, "tell X by its bytes", _bytes_tests),)
