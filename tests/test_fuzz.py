"""A few inputs at random for every endpoint and file: one line, or the right sound.

`python -m benchmarks.fuzz` gives them thousands.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.fuzz import targets
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.runs import allotted, run
from studio.loaded_models import LoadedModels
from tests.studio_toy import toy_models
from tests.toy import save_small_sketch

INPUTS, SEED = 600, 0


@pytest.fixture(scope="module")
def there(model, notes_build, tmp_path_factory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("fuzz")
    save_small_sketch(folder / "small")
    place = Place(toy_models(model), notes_build.folder, folder / "small", folder)
    yield place
    place.close()


def test_what_comes_in_is_refused_in_one_line_or_is_right(there):
    for target, inputs in allotted(targets(there), INPUTS):
        import time
        t=time.time()
        tally = run(target, inputs, SEED)
        print(target.name, tally.inputs, tally.refused, tally.accepted, round(time.time()-t,1))
        for line in tally.lines: print("    ", line)
    assert 0
