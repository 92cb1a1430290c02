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
from steering.activations.store import Writer, find, key_of
from steering.commands.convert import read_audiocraft
from steering.evaluation.cells import Shelf
from studio.answers import Answers
from studio.panels import blind
from studio.services import Services

FACTS = {"model": "toy", "pooling": "mean"}
CLIPS, SHAPE = 3, (1, 2, 4)
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
    home = place.folder / "activations"
    writer = Writer(home, FACTS, CLIPS, SHAPE)
    writer.append(np.ones((CLIPS, *SHAPE), np.float16), _labels(CLIPS))
    writer.finish()
    for path in sorted(writer.home.iterdir()):
        file = f"{writer.home.name}/{path.name}"
        inputs = json_files(path.read_bytes()) if path.suffix == ".json" else None
        yield file_target("activations", home, file, _read_and_go_on, 1, inputs)


def _labels(count: int) -> list[dict[str, str]]:
    return [{"clip_id": f"clip {n}", "split": "train"} for n in range(count)]


def _read_and_go_on(home: Path) -> None:
    """Activations that are there are read; a copy that lacks its last file is gone on with."""
    there = find(home, FACTS)
    if there is not None and there.values.shape != (len(there.column("split")), *SHAPE):
        raise Wrong("other counts of labels and activations")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(home, Path(folder) / "copy"))
        (copy / key_of(FACTS) / "facts.json").unlink()
        begun = Writer.reopen(copy, FACTS, CLIPS)
        if begun is None:
            return
        left = CLIPS - begun.done
        begun.append(np.ones((left, *SHAPE), np.float16), _labels(left))
        if begun.finish().column("clip_id").shape != (CLIPS,):
            raise Wrong("a finished store with other clips")


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
