"""What there is to see of a pair, on one time axis: chroma, schedules, what the probes read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from listening.chroma import chroma_frames
from listening.transcription import transcribe
from steering.activations.reader import read_streams
from steering.directions.bank_name import BankName
from steering.directions.carried import bank_of
from steering.directions.direction import Direction
from steering.families.labels import tones
from steering.models.interface import MusicModel
from steering.recipes import Recipe
from studio.clips import SIDES, Pair
from studio.loaded_models import LoadedModel

PICTURE_RATE = 12.5
"""Columns a second of what is drawn."""

_SMOOTH_SECONDS = 0.5


def chromagram(audio: np.ndarray, sample_rate: int) -> list[list[int]]:
    """Strength of each pitch class over time, ``[12][T]`` from 0 to 99, each column by its largest.

    Columns are as bright as they are loud: what is hardly heard stays dark.
    """
    amplitudes, rate = chroma_frames(audio, sample_rate)
    columns = max(1, round(amplitudes.shape[1] / rate * PICTURE_RATE))
    parts = np.array_split(amplitudes, columns, axis=1)
    means = np.stack([part.mean(axis=1) if part.size else np.zeros(12) for part in parts], axis=1)
    loud = means.max(axis=0, keepdims=True)
    scaled = (
        means / np.maximum(loud, 1e-9) * np.clip(loud / max(means.max(), 1e-9) * 6, 0, 1) ** 0.5
    )
    return np.round(99 * scaled).astype(int).tolist()


def curves(pair: Pair, loaded: LoadedModel) -> list[dict[str, Any]]:
    """Each concept's coefficient over time: schedule, gate, moves, and what a monitor made of it."""
    recipe = Recipe.from_record(pair.recipe)
    plan = recipe.plan(loaded.bank, loaded.model.frame_rate)
    if plan is None:
        return []
    columns = max(2, round(recipe.seconds * PICTURE_RATE))
    drawn = []
    for place, one in enumerate(recipe.interventions_of(loaded.bank)):
        strengths = np.abs(one.strengths())
        layer = int(strengths.argmax())
        levels = plan.coefficients[:, place, layer].numpy() / max(float(strengths[layer]), 1e-12)
        if pair.strengths is not None:
            played = pair.strengths[: len(levels), place]
            levels[: len(played)] *= played
        parts = np.array_split(levels, columns)
        drawn.append(
            {
                "concept": one.direction.name,
                "family": BankName.parse(one.source).family,
                "levels": [round(float(part.mean()), 5) for part in parts],
            }
        )
    return drawn


def probe_readings(pair: Pair, loaded: LoadedModel) -> list[dict[str, Any]]:
    """What each concept's direction reads in both clips over time, at its best layer.

    The clips are read as probes were trained, without a prompt and without steering. The
    projection on the direction is given as a probability where the direction is calibrated (for
    means over clips: half seconds swing more widely), else in standard deviations of the unsteered
    twin's.
    """
    records, carried = pair.recipe["interventions"], pair.recipe.get("banks", {})
    found = [bank_of(one["bank"], carried, loaded.bank)[one["concept"]] for one in records]
    layers = [int(direction.scores.argmax()) for direction in found]
    streams = _streams(loaded.model, pair.codes, sorted(set(layers)))
    readings = []
    for direction, layer in zip(found, layers, strict=True):
        raw = _smooth(streams[layer] @ direction.vectors[layer].float(), loaded.model.frame_rate)
        kind, values = _scaled(raw, direction, layer)
        readings.append(
            {
                "concept": direction.name,
                "layer": layer,
                "kind": kind,
                **{
                    side: [round(float(v), 3) for v in row]
                    for side, row in zip(SIDES, values, strict=True)
                },
            }
        )
    return readings


def _streams(model: MusicModel, codes: Tensor, layers: list[int]) -> dict[int, Tensor]:
    """The residual stream ``[2, T, D]`` after each of the layers, on the CPU."""
    kept: dict[int, Tensor] = {}

    def take(layer: int, stream: Tensor) -> None:
        if layer in layers:
            kept[layer] = stream.cpu()

    read_streams(model, codes, take)
    return kept


def _smooth(raw: Tensor, frame_rate: float) -> Tensor:
    """Values ``[2, T]`` averaged over half a second, `PICTURE_RATE` of them a second."""
    width = max(1, round(_SMOOTH_SECONDS * frame_rate)) | 1
    padded = torch.nn.functional.pad(raw[:, None], (width // 2, width // 2), mode="replicate")
    smooth = torch.nn.functional.avg_pool1d(padded, width, stride=1)[:, 0]
    return smooth[:, :: max(1, round(frame_rate / PICTURE_RATE))]


def _scaled(raw: Tensor, direction: Direction, layer: int) -> tuple[str, np.ndarray]:
    chances = direction.probabilities(raw, layer)
    if chances is not None:
        return "probability", chances.numpy()
    twin = raw[SIDES.index("unsteered")]
    return "deviations", ((raw - twin.mean()) / twin.std().clamp_min(1e-6)).numpy()


def pitch_rows(pair: Pair) -> list[list[int]]:
    """Which rows of the chromagram each concept's notes are; none for what has no pitch."""
    return [tones(record["concept"]) for record in pair.recipe["interventions"]]


def transcripts(pair: Pair) -> dict[str, list[list[float]]]:
    """The notes of each side as they are heard: seconds from and to, MIDI number, chance."""
    return {
        side: [
            [round(note.start, 3), round(note.end, 3), note.pitch, round(note.chance, 2)]
            for note in transcribe(pair.floating(side), pair.sample_rate)
        ]
        for side in SIDES
    }


def chromagrams(pair: Pair) -> dict[str, list[list[int]]]:
    """The chromagram of each side."""
    return {side: chromagram(pair.floating(side), pair.sample_rate) for side in SIDES}
