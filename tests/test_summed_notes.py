"""A chord's direction is the sum of its notes' directions, and of nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from listening.theory import PITCH_CLASSES
from steering.activations.store import Activations
from steering.directions.bank import Bank
from steering.directions.direction import Direction
from steering.families.labels import TRIAD_NAMES, tones
from steering.finders import finders, summed_notes
from steering.finders.ways import find_bank
from steering.models.origin import Origin
from steering.training.banks import Table
from steering.training.workshop import Workshop

LAYERS, SIZE = 2, 16
ORIGIN = Origin("toy", "abc", LAYERS, SIZE)
NOTES = torch.linalg.qr(torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(0)))[0][:12]
"""Of length 1 and at right angles to each other."""


def sounding(classes: tuple[str, ...], count: int) -> Table:
    """Clips of notes or triads: their notes' directions and some noise."""
    generator = torch.Generator().manual_seed(0)
    place = torch.arange(count * len(classes)) % len(classes)
    played = torch.stack([NOTES[tones(name)].sum(0) for name in classes])[place]
    noise = 0.2 * torch.randn(len(place), LAYERS, SIZE, generator=generator)
    x, y = noise + 4 * played[:, None], torch.nn.functional.one_hot(place).float()
    splits = ("train", "validation", "test")
    return Table(dict.fromkeys(splits, x), dict.fromkeys(splits, y), classes, "classification")


@pytest.fixture
def workshop() -> Workshop:
    store = Activations(np.zeros((0, 1, LAYERS, SIZE)), (), {"dataset": "toys"})
    kept = {
        "notes_in_songs": (sounding(PITCH_CLASSES, 20), store),
        "triads_in_songs": (sounding(TRIAD_NAMES, 8), store),
    }
    return Workshop(SimpleNamespace(origin=ORIGIN, device="cpu"), kept=kept)  # type: ignore[arg-type]


def notes_bank() -> Bank:
    """Directions that the sum must not lean on by their lengths."""
    directions = {
        name: Direction(name, (1 + place) * NOTES[place].expand(LAYERS, -1), torch.ones(LAYERS), ORIGIN)
        for place, name in enumerate(PITCH_CLASSES)
    }  # fmt: skip
    return Bank("notes_in_songs", "logistic", ORIGIN, directions, torch.ones(LAYERS))


def test_c_major_is_as_near_to_each_of_its_notes_and_at_right_angles_to_the_others(
    workshop, monkeypatch
):
    monkeypatch.setattr(summed_notes, "notes_of", lambda *_: notes_bank())
    bank = find_bank(workshop, "triads_in_songs", "summed_notes")
    assert list(bank) == list(TRIAD_NAMES)
    for concept, notes in (("C major", "C E G"), ("A minor", "A C E"), ("F# major", "F# A# C#")):
        cosines = bank[concept].vectors @ NOTES.T
        for place, name in enumerate(PITCH_CLASSES):
            wanted = 3**-0.5 if name in notes.split() else 0.0
            assert cosines[:, place].tolist() == pytest.approx([wanted] * LAYERS, abs=1e-5)
        assert bank[concept].scores.min() > 0.99 and bank[concept].calibration is not None
    assert bank.facts["notes"] == "notes_in_songs/logistic" and bank.facts["label"] == "triad"


def test_notes_are_learnt_where_the_model_has_no_bank_of_them(workshop):
    bank, shuffled = (
        find_bank(workshop, "triads_in_songs", "summed_notes", deal) for deal in (False, True)
    )
    own = NOTES[tones("C major")].sum(0) / 3**0.5
    assert (bank["C major"].vectors @ own).min() > 0.85
    assert (shuffled["C major"].vectors @ own).abs().max() < 0.6 and shuffled.facts["shuffled"]


def test_sums_of_shuffled_notes_point_away_from_their_chord_as_often_as_to_it(
    workshop, monkeypatch
):
    """Each chord's sum has a little of the chord, or of its opposite; nothing may say which."""
    sides = torch.tensor([1.0, -1.0] * 6)[:, None]
    directions = {
        name: Direction(name, one.expand(LAYERS, -1), torch.ones(LAYERS), ORIGIN)
        for name, one in zip(PITCH_CLASSES, sides * NOTES, strict=True)
    }
    lost = Bank("notes_in_songs", "logistic", ORIGIN, directions, torch.ones(LAYERS))
    monkeypatch.setattr(summed_notes, "notes_of", lambda *_: lost)
    bank = find_bank(workshop, "triads_in_songs", "summed_notes", True)
    own = {name: NOTES[tones(name)].sum(0) / 3**0.5 for name in TRIAD_NAMES}
    to_it = [float(bank[name].vectors[0] @ own[name]) > 0 for name in TRIAD_NAMES]
    assert 0.25 < np.mean(to_it) < 0.75


def test_only_triads_are_sums_of_notes(workshop):
    suits = finders()["summed_notes"].suits
    assert suits("triads") and suits("triads_in_songs") and not suits("chords")
    with pytest.raises(BadInput) as refused:
        find_bank(workshop, "notes_in_songs", "summed_notes")
    assert str(refused.value) == (
        "summed_notes finds no directions of notes_in_songs: choose one of triads_in_songs, triads"
    )
