"""A study's clips, made beforehand: one loudness, one length, names by lot; and what is known of them.

A study's folder is all that is needed to run it: no model is, and every listener hears the same clips.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile
from scipy.signal import butter, sosfilt

from curation.errors import BadInput
from curation.files import check_writable, read_object, whole, write_whole
from curation.spec import seed_for
from listening.loudness import SILENCE_LUFS, loudness
from studio.levels import CEILING_DB
from studio.study.design import BROKEN, RANDOM, UNSTEERED, Condition, Design, Item, design_of
from studio.study.version import version

if TYPE_CHECKING:
    from steering.decoding.clip import Clip
    from studio.loaded_models import LoadedModel

FORMAT = 1
STUDY, CLIPS = "study.json", "clips"
LOUDEST_LUFS = -20.0
"""All clips stand at this loudness, or at the largest one under it that every clip's peak allows."""

QUIETEST_LUFS = -40.0
SAMPLE_RATE = 32_000
"""Hz of a study whose clips were all brought along."""

_BROKEN_BITS, _BROKEN_HZ, _HISS = 3, 1500.0, 0.3

Told = Callable[[str], None]
Made = dict[str, dict[str, np.ndarray]]
"""Samples ``[N]`` with full scale 1 by item and condition."""


@dataclass(frozen=True)
class Stimuli:
    """A study that can be listened to.

    Attributes:
        id: what its link ends in, by lot.
        secret: of its lots and codes; who has it knows all that listeners must not know.
        version: of the code that made it.
        lufs: of every clip.
        files: name of each clip's file, by item and condition.
    """

    folder: Path
    id: str
    secret: bytes
    version: str
    design: Design
    sample_rate: int
    lufs: float
    files: Mapping[str, Mapping[str, str]]

    def sound(self, item: str, condition: str) -> np.ndarray:
        """One clip, float ``[N]`` with full scale 1.

        Raises:
            BadInput: its file is not there any more, or damaged.
        """
        path = self.folder / CLIPS / self.files[item][condition]
        try:
            samples, _ = soundfile.read(path)
        except (OSError, soundfile.LibsndfileError):
            raise BadInput(
                f"a clip of {self.design.name} is damaged: make the study anew from its design"
            ) from None
        return np.asarray(samples)

    @property
    def link(self) -> str:
        """What follows the page's address."""
        return f"study?{self.id}"

    def of_item(self, name: str) -> Item:
        """An item by its name."""
        return next(one for one in self.design.items if one.name == name)


def read_stimuli(folder: Path) -> Stimuli:
    """The study in a folder.

    Raises:
        BadInput: there is none, or it is damaged.
    """
    try:
        record = read_object(folder / STUDY)
        if record.pop("format") != FORMAT:
            raise BadInput(f"{folder} is of another format: make the study anew from its design")
        record["secret"] = bytes.fromhex(record["secret"])
        record["design"] = design_of(record["design"], f"{folder / STUDY}")
        found = Stimuli(folder=folder, **record)
        _check_files(found)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(
            f"{folder} is no study: give the folder that 'python -m studio study design.toml' made"
        ) from None
    return found


def _check_files(found: Stimuli) -> None:
    """Refuse a manifest that names no clip of an item, or one outside of its folder."""
    for item in found.design.items:
        for name in _wanted(found.design, item):
            file = found.files[item.name][name]
            if Path(file).name != file:
                raise ValueError(file)


def make_stimuli(design: Design, home: Path, folder: Path, told: Told) -> Stimuli:
    """Make all clips of a design, or find them made.

    Args:
        home: where the design's folders are seen from. folder: gets the study.
        told: hears how far it is.

    Raises:
        BadInput: another design's study is there, or a clip cannot be made.
    """
    if (folder / STUDY).exists():
        there = read_stimuli(folder)
        if there.design != design:
            raise BadInput(
                f"{folder} holds the study of another design: give this one another name, or --out"
            )
        return there
    check_writable(folder)
    made, rate = _made(design, home, told)
    lufs = _level(made, rate)
    files: dict[str, dict[str, str]] = {}
    for item, sounds in made.items():
        files[item] = {name: _kept(folder, sound, rate) for name, sound in sounds.items()}
    study = Stimuli(
        folder,
        secrets.token_urlsafe(9),
        secrets.token_bytes(32),
        version(),
        design,
        rate,
        lufs,
        files,
    )
    record = asdict(study) | {"format": FORMAT, "secret": study.secret.hex()}
    del record["folder"]
    write_whole(folder / STUDY, json.dumps(record, indent=1) + "\n")
    return study


def _kept(folder: Path, sound: np.ndarray, rate: int) -> str:
    """Write a clip under a name by lot; its name."""
    name = f"{secrets.token_hex(8)}.flac"
    with whole(folder / CLIPS / name) as part:
        soundfile.write(part, sound, rate, "PCM_16", format="FLAC")
    return name


def _wanted(design: Design, item: Item) -> tuple[str, ...]:
    """The clips of an item: all conditions, and the broken one of catch trials."""
    return tuple(dict.fromkeys((*design.compared, UNSTEERED, BROKEN)))


def _made(design: Design, home: Path, told: Told) -> tuple[Made, int]:
    """All clips as they come, and their rate."""
    own = {one.name: one for one in design.conditions}
    conditions = [own.get(name, Condition(name)) for name in design.compared]
    brought = all(one.folder and not _recipe(one, item, home).exists()
                  for one in conditions for item in design.items)  # fmt: skip
    loaded = None if brought else _loaded(design.model)
    rate = SAMPLE_RATE if loaded is None else loaded.model.sample_rate
    made: Made = {}
    for place, item in enumerate(design.items):
        told(f"item {place + 1} of {len(design.items)}: {item.name}")
        sounds = {
            one.name: _brought(one, item, home, rate)
            for one in conditions
            if one.folder and not _recipe(one, item, home).exists()
        }
        rest = [one for one in conditions if one.name not in sounds]
        if rest:
            assert loaded is not None
            sounds |= _played(design, item, rest, home, loaded)
        length = round(design.seconds * rate)
        for name, sound in sounds.items():
            if len(sound) < length:
                raise BadInput(
                    f"{item.name}, {name}: the clip lasts {len(sound) / rate:.2f} s: give "
                    f"{design.seconds:g} s or more, or fewer seconds"
                )
        cut = {name: sounds[name][:length] for name in (one.name for one in conditions)}
        made[item.name] = cut | {BROKEN: broken(cut[UNSTEERED], rate, design.seed)}
    return made, rate


def _loaded(model: str) -> LoadedModel:
    from steering.models.loading import SKETCH
    from studio.loaded_models import load_with_banks

    return load_with_banks(model or SKETCH)


def _recipe(condition: Condition, item: Item, home: Path) -> Path:
    return home / condition.folder / f"{item.name}.json"


def _brought(condition: Condition, item: Item, home: Path, rate: int) -> np.ndarray:
    """A clip that the design brings along.

    Raises:
        BadInput: it is not there, or no sound.
    """
    for suffix in (".wav", ".flac"):
        path = home / condition.folder / f"{item.name}{suffix}"
        if path.is_file():
            return _read(path, rate)
    raise BadInput(
        f"{home / condition.folder} has no {item.name}.wav, .flac or .json: add one for each item"
    )


def _read(path: Path, rate: int) -> np.ndarray:
    """A file's sound in the middle, at a rate."""
    try:
        samples, there = soundfile.read(path, always_2d=True)
    except (OSError, soundfile.LibsndfileError):
        raise BadInput(f"{path} is no sound: give WAV or FLAC") from None
    sound = samples.mean(axis=1)
    if not np.isfinite(sound).all():
        raise BadInput(f"{path} holds samples that are no numbers: save it anew")
    if there != rate:
        import librosa

        sound = librosa.resample(sound, orig_sr=there, target_sr=rate)
    return np.asarray(sound)


def _played(
    design: Design, item: Item, conditions: list[Condition], home: Path, loaded: LoadedModel
) -> dict[str, np.ndarray]:
    """The clips of an item that a model plays, from one noise."""
    from steering.api import play
    from steering.models.interface import MusicModel

    model: MusicModel = loaded.model
    clips = [_clip(design, item, one, home, loaded) for one in conditions]
    codes = play(loaded.decoder or model, clips, design.seconds)
    sounds = model.decode(codes).float().cpu().numpy()
    return {one.name: sound for one, sound in zip(conditions, sounds, strict=True)}


def _clip(
    design: Design, item: Item, condition: Condition, home: Path, loaded: LoadedModel
) -> Clip:
    """One condition of an item, as the model is to play it.

    Raises:
        BadInput: its bank, concept or recipe is not there.
    """
    from dataclasses import replace

    from steering.api import clip_of
    from steering.decoding.clip import Clip
    from steering.interventions.monitor import Monitor
    from steering.interventions.plan import compile_plan
    from steering.interventions.record import InterventionRecord
    from steering.recipes import Recipe, read_recipe

    if condition.folder:
        return clip_of(read_recipe(_recipe(condition, item, home)), loaded.model, loaded.bank)
    prompt = condition.prompt.replace("{prompt}", item.prompt).replace("{concept}", item.word)
    pushed = design.pushed if condition.name == RANDOM else condition
    if pushed is None or not pushed.bank:
        return Clip(prompt, item.seed, None)
    record = InterventionRecord(
        item.concept, pushed.bank, pushed.strength, monitor=Monitor() if pushed.monitored else None
    )
    recipe = Recipe(loaded.name, "", prompt, design.seconds, item.seed, interventions=(record,))
    (one,) = recipe.interventions_of(loaded.bank)
    if condition.name == RANDOM:
        one = replace(one, direction=_random(one.direction, item), heard=one.direction)
    return Clip(prompt, item.seed, compile_plan([one], design.seconds, loaded.model.frame_rate))


def _random(direction: Any, item: Item) -> Any:
    """A direction that stands for nothing, as long as the concept's at every layer."""
    import torch

    generator = torch.Generator().manual_seed(seed_for("study", item.name, item.seed))
    return direction.like(torch.randn(direction.vectors.shape, generator=generator))


def broken(sound: np.ndarray, rate: int, seed: int = 0) -> np.ndarray:
    """The clip of catch trials ``[N]``: three bits, muffled, under hiss. Nobody takes it for the whole one."""
    steps = 2 ** (_BROKEN_BITS - 1) / max(float(np.abs(sound).max()), 1e-6)
    coarse = np.round(sound * steps) / steps
    muffled = sosfilt(butter(4, _BROKEN_HZ, fs=rate, output="sos"), coarse)
    hiss = np.random.default_rng(seed).standard_normal(len(sound))
    return muffled + _HISS * muffled.std() * hiss


def _level(made: Made, rate: int) -> float:
    """Bring every clip to one loudness, in place; that loudness in LUFS.

    Raises:
        BadInput: a clip is silent, or so uneven that all others would have to whisper.
    """
    levels = {
        (item, name): loudness(sound, rate) for item, all_of in made.items() for name, sound in all_of.items()
    }  # fmt: skip
    for (item, name), level in levels.items():
        if level <= SILENCE_LUFS:
            raise BadInput(f"{item}, {name}: the clip is silent: choose another seed or strength")
    rooms = {
        key: level + CEILING_DB - 20 * np.log10(np.abs(made[key[0]][key[1]]).max())
        for key, level in levels.items()
    }
    target = min(LOUDEST_LUFS, *rooms.values())
    if target < QUIETEST_LUFS:
        item, name = min(rooms, key=lambda key: rooms[key])
        raise BadInput(
            f"{item}, {name}: its peaks are so high that all clips would stand at {target:.0f} LUFS: "
            "choose another seed or strength"
        )
    for (item, name), level in levels.items():
        made[item][name] = made[item][name] * 10 ** ((target - level) / 20)
    return round(float(target), 2)


def digest_of(study: Stimuli) -> str:
    """SHA-256 over all clips: two reports of one study are about the same sound."""
    found = hashlib.sha256()
    for item in sorted(study.files):
        for name in sorted(study.files[item]):
            found.update((study.folder / CLIPS / study.files[item][name]).read_bytes())
    return found.hexdigest()
