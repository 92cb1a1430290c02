"""A chord as the sum of its notes: no clip of a chord is looked at to find its direction.

Layer by layer a triad's direction is the sum of the unit directions of its three notes, from songs by
logistic regression, made to length 1 again. Clips of chords only score and calibrate it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from curation.errors import BadInput
from listening.theory import PITCH_CLASSES
from steering.directions.bank_name import BankName
from steering.directions.library import Library
from steering.families import get_family
from steering.families.labels import TRIAD, tones
from steering.finders.finder import Finder
from steering.probes.fitted import finish

if TYPE_CHECKING:
    from steering.directions.bank import Bank
    from steering.training.workshop import Workshop

NAME = "summed_notes"
NOTES = BankName("notes_in_songs", "logistic")


def find(workshop: Workshop, family: str, shuffled: bool = False) -> Bank:
    """The bank of a family of triads; where labels are dealt out anew, they are those of the notes."""
    notes = notes_of(workshop, shuffled)
    data = workshop.table(family)[0]
    units = torch.stack([notes[name].unit().vectors for name in PITCH_CLASSES])  # [12, L, D]
    sums = torch.stack([units[tones(concept)].sum(0) for concept in data.concepts])
    dealt = torch.Generator().manual_seed(0) if shuffled else None
    fitted = finish(data.probe_data(dealt), sums, None, {})
    return workshop.finished(family, NAME, fitted, {"notes": str(NOTES)}, shuffled)


def suits(family: str) -> bool:
    """Whether its concepts are triads."""
    return get_family(family).training.score is TRIAD


finder = Finder(NAME, "sum of its notes", suits, find)


def notes_of(workshop: Workshop, shuffled: bool) -> Bank:
    """The bank of notes: the model's shipped one, or one that is trained now."""
    if not shuffled:
        try:
            return Library(workshop.model)[str(NOTES)]
        except BadInput:
            pass
    return workshop.bank(NOTES.family, NOTES.method, shuffled)
