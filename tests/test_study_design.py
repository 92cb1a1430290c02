"""A design says all beforehand, and is refused in one line where it cannot be carried out."""

from __future__ import annotations

import pytest

from benchmarks.study.toy import write_design
from studio.study import cli


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "toy"', 'name = "../toy"', "is no name"),
        ('training = "training"', 'training = "nobody"', "training: there is no item"),
        ("seed = 1", 'seed = "one"', "seed must be a whole number"),
        ("seed = 1", "seeds = 1", "unknown entry 'seeds'"),
        ('title = "A small study"\n', "", "has no title"),
        ('compare = ["push", "words"]', 'compare = ["pull"]', "no condition 'pull'"),
        ('compare = ["push", "words"]', 'compare = ["unsteered"]', "tells conditions from"),
        ('compare = ["push", "words"]', 'compare = ["push", "push"]', "twice"),
        ("trials = 3, catch = 1", "trials = 0, catch = 1", "trials from 1 on"),
        (
            "ratings = { trials = 1, catch = 1 }",
            'ratings = { trials = 1, scales = ["charm"] }',
            "scales",
        ),
        ("seconds = 2.0", "seconds = 99.0", "2 to 12 seconds"),
        ("rounds = 3, needed = 2", "rounds = 3, needed = 4", "needed <= rounds"),
        ('name = "toy"', 'name = "toy', "is no TOML"),
        ('folder = "push"', 'bank = "notes/ridge"', "pushed with no strength"),
        ('folder = "push"', "strength = 0.1", "a strength is of a bank"),
        ('folder = "push"', 'folder = "push"\nmonitored = true', "monitored is of a bank"),
    ],
)
def test_a_wrong_design_is_refused_in_one_line(tmp_path, capsys, old, new, said):
    path = write_design(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert cli.main([str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
