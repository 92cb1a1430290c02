"""A dataset and a label instead of folders: which clips a lesson gets."""

from __future__ import annotations

import numpy as np
import pytest

import steering
from curation.errors import BadInput
from steering.activations.sources import SourceClip
from steering.cli import main

NAMES = ("C", "D", "E", "F")


class Notes:
    """Clips of four notes in turn, every fifth one held out."""

    name, fingerprint, clips = "notes", "", 400

    def read(self, start):
        for number in range(start, self.clips):
            split = "test" if number % 5 == 4 else "train"
            labels = {"clip_id": f"{number}", "note": NAMES[number % 4], "split": split}
            yield SourceClip(np.full(8, number, np.float32), 8, labels)


def numbers(sounds) -> list[int]:
    assert all(int(one.name) == one.audio[0] for one in sounds)
    return [int(one.name) for one in sounds]


def test_half_of_the_clips_have_the_label_and_none_is_held_out():
    having, lacking = (numbers(part) for part in steering.labelled(Notes(), "note", "D", clips=15))
    assert len(set(having)) == len(set(lacking)) == 15
    assert {NAMES[n % 4] for n in having} == {"D"}
    assert {NAMES[n % 4] for n in lacking} == {"C", "E", "F"}
    assert all(n % 5 != 4 for n in (*having, *lacking))


def test_clips_are_drawn_from_all_of_the_dataset_and_a_seed_is_a_seed():
    drawn = [numbers(steering.labelled(Notes(), "note", "C", 20, seed)[0]) for seed in range(20)]
    assert drawn[0] == numbers(steering.labelled(Notes(), "note", "C", 20, 0)[0]) != drawn[1]
    everywhere = np.concatenate(drawn)
    assert abs(everywhere.mean() - 200) < 25 and len(set(everywhere)) > 75  # of 80


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [
        ("chord", "C", "no label 'chord': choose among clip_id, note, split"),
        ("note", "H", "0 training clips of notes have note 'H', 3 are needed: choose among C, D, E, F"),
        ("split", "train", "0 training clips of notes have split other than 'train'"),
    ],
)  # fmt: skip
def test_a_label_that_is_not_there_is_refused_with_those_that_are(label, value, message):
    with pytest.raises(BadInput, match=message):
        steering.labelled(Notes(), label, value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--label", "C"], "write NAME=VALUE"),
        (["--label", "note=C", "--against", "x"], "leave out"),
    ],
)
def test_the_command_says_how_a_label_is_given(capsys, more, message):
    assert main(["teach", "build/notes-small", "--name", "x", *more]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
