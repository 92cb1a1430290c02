"""What the tests share: one renderer, tiny builds made once, and tiny models made once a module.

Fixtures import what brings librosa only when they are asked for: it must be compiled first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from curation.build import build
from curation.compiled import compile_librosa
from curation.folder import Built, open_built
from curation.recipe import make_recipe
from curation.sound_fonts import find_sound_font
from curation.synth import Renderer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from sketch.language.train import LanguageTraining
    from steering.models.transformers_backend import TransformersModel


def pytest_configure() -> None:
    """Tests run on two processes, and both are about to import librosa."""
    compile_librosa()


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(find_sound_font())


@pytest.fixture(scope="session")
def notes_build(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A tiny build of notes; tests that change it must copy it first."""
    folder: Path = tmp_path_factory.mktemp("notes") / "tiny"
    recipe, fonts = make_recipe("notes", "tiny")
    build(recipe, folder, fonts)
    return open_built(folder)


@pytest.fixture(scope="module")
def model() -> TransformersModel:
    """A tiny random MusicGen of three blocks."""
    from tests.toy import MODEL_LAYERS, toy_model

    return toy_model(MODEL_LAYERS)


@pytest.fixture(scope="module")
def address(model: TransformersModel) -> Iterator[str]:
    """Of the page on that model."""
    from tests.visit import served

    with served(model) as there:
        yield there


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window; the test is skipped where there is none."""
    from tests.visit import chromium

    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small untrained model, and a build of chords."""
    from tests.toy import CHORD_CLIPS, save_small_sketch

    home = tmp_path_factory.mktemp("commands")
    save_small_sketch(home / "model")
    recipe, fonts = make_recipe("chords", "small", clips=CHORD_CLIPS)
    build(recipe, home / "build" / f"chords-{CHORD_CLIPS}", fonts, workers=1)
    return home


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """The sketch's, made of a few hours of captions."""
    from sketch.language.text import make_tokenizer

    return make_tokenizer(hours=4.0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tokenizer: PreTrainedTokenizerFast) -> LanguageTraining:
    """A tiny language model of the sketch's kind, ready to train."""
    import torch

    from sketch.codec.books import Codebooks
    from sketch.language import model as shape
    from sketch.language import train
    from tests.toy import centres

    for name, size in (("BLOCKS", 2), ("SIZE", 32), ("HEADS", 2), ("FEED_FORWARD", 64)):
        monkeypatch.setattr(shape, name, size)
    monkeypatch.setattr(train, "make_tokenizer", lambda: tokenizer)
    torch.manual_seed(0)
    return train.start(Codebooks(centres()), torch.device("cpu"))
