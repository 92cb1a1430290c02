"""mirdata's own tests on our loader and a built sample.

    python -m benchmarks.mirdata_suite CLONE      a clone of mir-dataset-loaders/mirdata

The loader, its script and its tests (`loaders/mirdata`) are laid over a copy of the clone, a sample is
built and exported where mirdata wants it, and mirdata's contract for every loader, its tests of whole
datasets and the loader's own are run on it.
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
from curation.exports import export
from curation.exports.clip_files import index_file
from curation.folder import open_built
from curation.recipe import make_recipe

OVERLAY = Path(__file__).parents[1] / "loaders" / "mirdata"
NAME, FAMILY, CLIPS = "steering_music", "chords", 4
SUITES = (f"tests/datasets/test_{NAME}.py", "tests/test_loaders.py", "tests/test_full_dataset.py")
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
    recipe, fonts = make_recipe(FAMILY, "tiny", clips=CLIPS)
    build(recipe, place / "build", fonts)
    sample = place / "tests" / "resources" / "mir_datasets" / NAME
    export(open_built(place / "build"), "mirdata", sample)
    shutil.copytree(sample, sample.parents[1] / "mir_datasets_full" / NAME)
    index = sample / index_file(FAMILY)
    shutil.copyfile(index, place / "tests" / "indexes" / index_file("sample"))
    (place / "only_this_loader.py").write_text(PLUGIN)


def main() -> int:
    """0 when every test passes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clone", type=Path)
    clone = parser.parse_args().clone
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lay_out(clone, place)
        command = [sys.executable, "-m", "pytest", "-p", "only_this_loader", "-rA", "-q", *SUITES]
        options = ["--dataset", NAME, "--dataset-version", "test", "--skip-download"]
        ends = 0
        for kind in ((), ("--local", *options)):
            done = subprocess.run(
                [*command, *kind], cwd=place, env={**os.environ, "PYTHONPATH": str(place)}
            )
            ends = ends or done.returncode
        return ends


if __name__ == "__main__":
    sys.exit(main())
