"""A few inputs at random for every endpoint and file: each is refused in one line, or is right.

`python -m benchmarks.fuzz` gives them ten thousand.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import strategies as st

from benchmarks.fuzz import Target, Wrong, targets
from benchmarks.fuzz.place import Place
from benchmarks.fuzz.runs import allotted, run
from benchmarks.fuzz.values import damaged, nearly
from curation.errors import BadInput
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


@pytest.fixture(scope="module")
def ways(there) -> list[Target]:
    return targets(there)


def test_what_comes_in_is_refused_in_one_line_or_is_right(ways):
    tallies = [run(target, inputs, SEED) for target, inputs in allotted(ways, INPUTS)]
    faults = [line for tally in tallies for line in tally.lines]
    assert not faults, "\n".join(faults)
    assert sum(tally.inputs for tally in tallies) > INPUTS / 2
    for kind in ("endpoint check_recipe", "recipe file", "link", "sound wav pcm_16", "bank"):
        some = [tally for tally in tallies if tally.target.startswith(kind)]
        assert sum(one.refused for one in some) and sum(one.accepted for one in some), kind


def test_every_endpoint_of_the_page_is_among_them(there, ways):
    known = {f"endpoint {one.api_name}" for one in there.page.fns.values()}
    assert known == {one.name for one in ways if one.name.startswith("endpoint")}
    assert len(known) > 20


class _AsItIs(BadInput):
    """A message that nobody has made fit to be told."""

    __str__ = Exception.__str__


def _refuse(message: str):
    def give(value: object) -> None:
        raise _AsItIs(message)

    return give


def _break(value: object) -> None:
    raise KeyError("seconds")


def _log(value: object) -> None:
    try:
        _break(value)
    except KeyError:
        logging.getLogger("studio").exception("a session failed")


def _play_wrong(value: object) -> None:
    raise Wrong("samples that are not finite")


@pytest.mark.parametrize(
    ("give", "kind"),
    [
        (_break, "traceback"),
        (_log, "traceback"),
        (_play_wrong, "wrong"),
        (_refuse(""), "null error"),
        (_refuse("two\nlines"), "null error"),
        (_refuse("\x1b[31mred"), "null error"),
        (_refuse("half a letter \ud800"), "null error"),
        (_refuse("KeyError: 'seconds'"), "null error"),
        (_refuse(f"no file {logging.__file__}"), "null error"),
        (_refuse("x" * 5000), "null error"),
    ],
)
def test_what_must_not_be_is_told(give, kind):
    tally = run(Target("it", st.integers(0, 3), give), 9, SEED, shrink=True)
    (fault,) = tally.faults
    assert fault.kind == kind and tally.count(kind) == tally.inputs == 4
    assert tally.faults[fault] == (0, 4) and not tally.refused and not tally.accepted


def test_one_line_is_one_line():
    tally = run(Target("it", st.integers(0, 3), _refuse("give a number from 1 to 30")), 9, SEED)
    assert not tally.faults and tally.refused == 4


@pytest.mark.parametrize(
    "inputs", [nearly([{"seconds": 8.0, "moves": [{"step": 1}]}]), damaged(bytes(range(200)))]
)
def test_the_same_seed_gives_the_same_inputs(inputs):
    def drawn(seed: int) -> list[str]:
        found: list[str] = []
        run(Target("it", inputs, lambda value: found.append(repr(value))), 50, seed)
        return found

    assert len(set(drawn(1))) > 25
    assert drawn(1) == drawn(1) != drawn(2)
