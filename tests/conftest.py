"""What the tests share: one renderer, and tiny builds made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.build import build
from curation.built import Built, open_built
from curation.compiled import compile_librosa
from curation.recipe import make_recipe
from curation.sound_fonts import find_sound_font
from curation.synth import Renderer


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
