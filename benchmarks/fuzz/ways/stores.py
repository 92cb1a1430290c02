"""What is kept between runs: activations, cells of an evaluation, checkpoints, answers."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import gradio as gr
import numpy as np
import soundfile
import torch
from hypothesis import strategies as st

from benchmarks.fuzz import Target, Wrong
from benchmarks.fuzz.files import file_target
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.values import damaged, json_files, rewritten
from benchmarks.fuzz.ways.endpoints import answer
from curation.errors import BadInput
from sketch.checkpoints import Checkpoint
from sketch.codec.books import Codebooks
from steering.activations.reader import read_source
from steering.activations.sources import FilesSource
from steering.commands.convert import read_audiocraft
from steering.evaluation.cells import Shelf
from studio.answers import Answers
from studio.panels import blind
from studio.services import Services

CLIPS, RATE = 3, 32_000
CELL: dict[str, np.ndarray] = {
    "codes": np.ones((2, 4, 5), np.int16),
    "entropy": np.ones(2, np.float32),
}


def targets(place: Place) -> Iterator[Target]:
    """Each file of each store."""
    yield from _activations(place)
    yield _cell(place)
    yield from _checkpoints(place)
    yield _answers(place)


def _activations(place: Place) -> Iterator[Target]:
    """A store of three clips' activations, whole and of a run that was stopped before its end."""
    sounds, home = place.folder / "sounds", place.folder / "activations"
    sounds.mkdir()
    for number in range(CLIPS):
        tone = 0.3 * np.sin(np.arange(RATE // 4) / (5 + number))
        soundfile.write(sounds / f"{number}.wav", tone, RATE)
    model, source = place.loaded.model, FilesSource(sounds)
    whole = read_source(model, source, home)
    values, names = np.array(whole.values), whole.column("clip_id").tolist()

    def read(home: Path, begun: bool) -> None:
        """A copy is read: it is gone on with, and mended where it can be."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(home, Path(folder) / "copy"))
            for facts in copy.glob("*/facts.json") if begun else ():
                facts.unlink()
            found = read_source(model, source, copy)
            if found.column("clip_id").tolist() != names or not np.array_equal(
                found.values, values
            ):
                raise Wrong("other activations than those of the clips")

    for path in sorted(home.glob("*/*")):
        if path.stat().st_size:
            file = path.relative_to(home).as_posix()
            inputs = json_files(path.read_bytes()) if path.suffix == ".json" else None
            for name, begun in (("activations", False), ("begun activations", True)):
                yield file_target(name, home, file, partial(read, begun=begun), 0.5, inputs)


def _cell(place: Place) -> Target:
    home = place.folder / "cells"
    Shelf(home).keep("cell", CELL)
    whole = (home / "cell.npz").read_bytes()

    def read(folder: Path) -> None:
        found = Shelf(folder).find("cell")
        if found is not None and any(one.dtype == object for one in found.values()):
            raise Wrong("a cell that holds objects")

    inputs = st.one_of(damaged(whole), rewritten(CELL).map(_zipped))
    return file_target("cell", home, "cell.npz", read, 1, inputs)


def _zipped(arrays: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _checkpoints(place: Place) -> Iterator[Target]:
    """A training's, audiocraft's, and the codebooks."""
    home = place.folder / "training"
    layer = torch.nn.Linear(2, 2)
    kept = Checkpoint(home / "lm.pt", {"size": 2}, {"layer": layer})
    kept.save({"step": 3, "seconds": 1.5})
    yield file_target("training", home, "lm.pt", lambda folder: kept.load())
    torch.save({"best_state": {"emb.0.weight": torch.ones(2, 2)}}, home / "state_dict.bin")
    yield file_target("audiocraft", home, "state_dict.bin", read_audiocraft)
    Codebooks([np.ones((32, 8), np.float32)] * 3).save(home / "books.safetensors")
    yield file_target(
        "sketch",
        home,
        "books.safetensors",
        lambda folder: Codebooks.load(folder / "books.safetensors"),
    )


def _answers(place: Place) -> Target:
    """The database of answers, read and written as the page does."""
    home, listeners = place.folder / "answers", [f"listener-{number}" for number in range(20)]

    def use(folder: Path, *listeners: str) -> None:
        for more in folder.glob("answers.sqlite-*"):
            more.unlink()
        answers = Answers(folder / "answers.sqlite")
        with gr.Blocks() as page:
            blind.endpoints(Services(place.engine, answers))
        ask = partial(answer, place, page)
        try:
            for listener in listeners:
                ask("rate", listener, place.clip, "steered", {"quality": 1})
                trial = ask("blind_trial", listener, place.clip)["trial"]
                for said in ("steered", "a"):
                    with suppress(BadInput):  # the other is no answer, or it comes too soon
                        ask("blind_answer", trial, said)
            ask("blind_results")
            ask("answers_csv")
        finally:
            answers.close()

    use(home, *listeners)
    return file_target(
        "answers", home, "answers.sqlite", lambda folder: use(folder, "listener-new"), 0.7
    )
