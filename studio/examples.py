"""What a visitor teaches by: clips that are sent, and takes that were played here.

Each is heard once and goes back to the visitor as codes, who sends them along to a lesson: nothing of
them stays here.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from curation.errors import BadInput
from listening.spans import Span
from steering.models.interface import MusicModel
from steering.teaching.lesson import codes_of, numbered
from steering.teaching.material import MOST, Example, Use, renumbered
from steering.teaching.neutral import load_neutral, qualities
from steering.teaching.sounds import levelled, read_sound, shown
from steering.teaching.variants import MOST_VARIANTS, check_parts, how_many
from studio.clips import Pair
from studio.limits import LARGEST_SOUND, LONGEST_SECONDS, MOST_SPANS, number

_SEND = "send {'name': ..., 'sound': base64}, {'take': ..., 'side': ...}, or what listen_to gave"
_KINDS = ("clip", "take")


@dataclass(frozen=True)
class Heard:
    """A clip that was listened to.

    Attributes:
        name: as messages call it. kind: ``clip`` or ``take``.
        codes: int ``[K, T]`` of it, and of variants. qualities: as `neutral.qualities` has them.
        spans: seconds that have the concept, where the rest has not.
    """

    name: str
    kind: str
    codes: tuple[Tensor, ...]
    qualities: tuple[float, ...]
    frame_rate: float
    spans: tuple[Span, ...] = ()

    @property
    def seconds(self) -> float:
        """Of the clip itself."""
        return float(self.codes[0].shape[-1]) / self.frame_rate

    def record(self) -> dict[str, Any]:
        """As a visitor carries it."""
        raw = b"".join(one.numpy().astype("<u2").tobytes() for one in self.codes)
        return {
            "name": self.name,
            "kind": self.kind,
            "seconds": round(self.seconds, 3),
            "frames": [one.shape[-1] for one in self.codes],
            "codes": base64.b64encode(zlib.compress(raw, 9)).decode(),
            "qualities": [round(one, 4) for one in self.qualities],
        }


def hear(raw: Any, belongs: Collection[str], of: int, model: MusicModel, use: Use) -> Heard:
    """A clip that was sent as a file: decoded apart, within limits.

    Args:
        belongs: parts of the concept, see `steering.teaching.variants`. of: how many clips there are.

    Raises:
        BadInput: it is no sound, or beyond the limits; the message names it.
    """
    check_parts(belongs)
    name, content = _file(raw)
    variants = how_many(int(number(of, "of", (1, MOST))))
    audio = read_sound(name, content).at(model.sample_rate)
    if "level" not in belongs:
        (audio,) = levelled([audio], load_neutral().dbfs)
    rng = np.random.default_rng(zlib.crc32(content))
    codes = codes_of(model, audio, variants, rng, belongs, use)
    return Heard(
        shown(name),
        "clip",
        tuple(codes),
        tuple(map(float, qualities(audio, model.sample_rate))),
        model.frame_rate,
        _spans(raw),
    )


def hear_take(raw: Mapping[str, Any], pair: Pair, frame_rate: float) -> Heard:
    """One side of a take: the very codes that it was played from.

    Raises:
        BadInput: there is no such side.
    """
    side = raw.get("side", "steered")
    audio = pair.side(side).astype(np.float32) / 32768
    codes = pair.codes[0 if side == "steered" else 1]
    heard = tuple(map(float, qualities(audio, pair.sample_rate)))
    return Heard(f"{pair.title}, {side}", "take", (codes,), heard, frame_rate, _spans(raw))


def carried(raw: Mapping[str, Any], model: MusicModel) -> Heard:
    """What `Heard.record` gave, as it came back.

    Raises:
        BadInput: it is damaged, or of another model.
    """
    name = shown(str(raw.get("name", "")))
    kind, frames, heard = raw.get("kind"), raw.get("frames"), raw.get("qualities")
    most = round(LONGEST_SECONDS * model.frame_rate)
    if (
        kind not in _KINDS
        or not isinstance(frames, list)
        or not 1 <= len(frames) <= MOST_VARIANTS
        or not all(type(one) is int and 0 < one <= most for one in frames)
        or not isinstance(heard, list)
        or len(heard) != 3
    ):
        raise BadInput(f"{name} is not as it was heard: {_SEND}")
    found = tuple(number(one, f"a quality of {name}", (-1e3, 1e3)) for one in heard)
    codes = _codes(raw.get("codes"), frames, model, name)
    return Heard(name, str(kind), codes, found, model.frame_rate, _spans(raw))


def examples_of(
    having: Sequence[Heard], lacking: Sequence[Heard], model: MusicModel, belongs: Collection[str],
    use: Use,
) -> tuple[list[Example], str]:  # fmt: skip
    """What a lesson is given, and in words what the concept is compared with.

    Raises:
        BadInput: takes are compared with what is none.
    """
    _check_kinds(having, lacking)
    examples = []
    for place, (group, numbers) in enumerate(
        zip((having, lacking), numbered((having, lacking)), strict=True)
    ):
        for one, clip in zip(group, numbers, strict=True):
            spans = one.spans if place == 0 else ()
            codes = one.codes[: 1 if spans else how_many(len(group))]
            examples += [Example(each, place == 0, clip, spans) for each in codes]
    if lacking:
        return examples, "the clips without it"
    if having and all(one.spans for one in having):
        return examples, "the rest of the clips"
    neutral = load_neutral()
    places = neutral.matched(np.array([one.qualities for one in having]), belongs) if having else []
    others = [Example(one, False, n) for n, one in enumerate(neutral.for_model(model, places, use))]
    return examples + renumbered(others, len(having)), "the neutral clips"


def _check_kinds(having: Sequence[Heard], lacking: Sequence[Heard]) -> None:
    """What the model played differs from other sound by that alone: the two are told apart at once."""
    whole = {one.kind for one in having if not one.spans}
    against = {one.kind for one in lacking} or {"clip"}
    if whole and (whole | against) != whole & against:
        raise BadInput(
            "takes of this model are compared with takes, and clips with clips: give some of the same "
            "kind that are without it, or mark spans"
        )


def _file(raw: Any) -> tuple[str, bytes]:
    name, sound = raw.get("name"), raw.get("sound")
    if not isinstance(name, str) or not isinstance(sound, str):
        raise BadInput(f"a clip is not as it is sent: {_SEND}")
    size = len(sound) * 3 // 4
    if size > LARGEST_SOUND:
        raise BadInput(
            f"{shown(name)} has {size / 1e6:.0f} MB, {LARGEST_SOUND / 1e6:.0f} are taken: cut it, or give "
            "it as FLAC or MP3"
        )
    try:
        return name, base64.b64decode(sound, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput(f"{shown(name)} did not arrive whole: send it in base64") from None


def _spans(raw: Mapping[str, Any]) -> tuple[Span, ...]:
    said = raw.get("spans", [])
    if not isinstance(said, list) or len(said) > MOST_SPANS:
        raise BadInput(
            f"spans are no list of up to {MOST_SPANS}: give [[start, end], ...] in seconds"
        )
    found = []
    for one in said:
        if not isinstance(one, list) or len(one) != 2:
            raise BadInput("a span is not [start, end]: give both in seconds")
        start, end = (number(second, "a span's second", (0.0, LONGEST_SECONDS)) for second in one)
        if start >= end:
            raise BadInput(f"a span ends at {end:g} s, before it begins: give [start, end]")
        found.append((start, end))
    return tuple(found)


def _codes(text: Any, frames: Sequence[int], model: MusicModel, name: str) -> tuple[Tensor, ...]:
    """Codes ``[K, T]`` out of text; never more is unpacked than the frames ask for."""
    size = 2 * model.codebooks * sum(frames)
    try:
        reader = zlib.decompressobj()
        raw = reader.decompress(base64.b64decode(text, validate=True), size + 1)
    except (TypeError, ValueError, zlib.error):
        raw = b""
    table = (
        torch.from_numpy(np.frombuffer(raw, "<u2").astype(np.int64)) if len(raw) == size else None
    )
    if table is None or bool((table >= model.vocabulary).any()):
        raise BadInput(f"the codes of {name} are damaged or of another model: listen to it again")
    parts = table.split([model.codebooks * one for one in frames])
    return tuple(one.reshape(model.codebooks, -1) for one in parts)
