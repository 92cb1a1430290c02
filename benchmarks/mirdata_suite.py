"""mirdata's own tests on our loader and a built sample.

    python -m benchmarks.mirdata_suite CLONE      a clone of mir-dataset-loaders/mirdata

The loader, its script and its tests (`loaders/mirdata`) are laid over a copy of the clone, a sample is
built and exported where mirdata wants it, and mirdata's contract for every loader and the loader's own
tests are run on it. Then mirdata's test of whole datasets is run on a tiny build of each family in turn.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from curation.build import build
from curation.concepts import families
from curation.exports import export
from curation.exports.clip_files import index_file
from curation.folder import open_built
from curation.recipe import make_recipe

OVERLAY = Path(__file__).parents[1] / "loaders" / "mirdata"
NAME, FAMILY, CLIPS = "steering_music", "chords", 4
CONTRACT = (f"tests/datasets/test_{NAME}.py", "tests/test_loaders.py")
WHOLE = ("tests/test_full_dataset.py", "--local", "--skip-download", "--dataset", NAME)
PLUGIN = f'''
from unittest import mock

import mirdata
import pytest

mirdata.DATASETS = ["{NAME}"]

try:
    import pytest_mock
except ImportError:  # what mirdata's tests use of it

    class Mocker:
        patch = mock.patch

        class patch:
            @staticmethod
            def object(*arguments, **options):
                return mock.patch.object(*arguments, **options).start()

        def resetall(self):
            pass

    @pytest.fixture
    def mocker():
        yield Mocker()
        mock.patch.stopall()
'''


def lay_out(clone: Path, place: Path) -> None:
    """A copy of the clone with the loader and a built sample in it."""
    for part in ("mirdata", "tests"):
        shutil.copytree(
            clone / part, place / part, ignore=shutil.ignore_patterns("mir_datasets", ".git")
        )
    shutil.copytree(OVERLAY, place, dirs_exist_ok=True)
    sample = place / "tests" / "resources" / "mir_datasets" / NAME
    put(FAMILY, sample, place / "build")
    index = sample / index_file(FAMILY)
    shutil.copyfile(index, place / "tests" / "indexes" / index_file("sample"))
    (place / "only_this_loader.py").write_text(PLUGIN)


def put(family: str, home: Path, folder: Path) -> None:
    """A few clips of a family where mirdata looks for them, in the place of what was there."""
    recipe, fonts = make_recipe(family, "tiny", clips=CLIPS)
    build(recipe, folder, fonts, workers=1)
    shutil.rmtree(home, ignore_errors=True)
    export(open_built(folder), "mirdata", home)


def run(place: Path, *options: str) -> int:
    """mirdata's tests with these options; how pytest ended."""
    command = [sys.executable, "-m", "pytest", "-p", "only_this_loader", "-rA", "-q", *options]
    done = subprocess.run(command, cwd=place, env={**os.environ, "PYTHONPATH": str(place)})
    return done.returncode


def main() -> int:
    """0 when every test passes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone", type=Path)
    clone = parser.parse_args().clone
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lay_out(clone, place)
        ends = run(place, *CONTRACT)
        for family in families():
            print(f"\n{family}", flush=True)
            put(family, place / "tests/resources/mir_datasets_full" / NAME, place / family)
            ends = run(place, *WHOLE, "--dataset-version", family) or ends
    return ends


if __name__ == "__main__":
    sys.exit(main())
