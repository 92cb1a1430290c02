"""Explore: every concept's page, clips of the datasets, the banks, the evaluation's reports."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
import soundfile
import torch

from curation.concepts import families, get_family
from curation.errors import BadInput
from curation.extras import there
from curation.sound_fonts import find_sound_font
from curation.spec import ClipSpec
from curation.synth import Renderer
from steering.directions.bank import Bank
from steering.directions.bank_name import BankName
from studio import concept_page, reports
from studio.assets import component
from studio.catalogue import ordered
from studio.endpoints import endpoint
from studio.limits import SEEDS, number
from studio.loaded_models import LoadedModel
from studio.panels import Panel
from studio.services import Services

CLIPS = 6
MOST_LOOKED_AT = 3000
"""Clips of a family that are drawn to find some of one label."""


def draw(services: Services) -> gr.HTML:
    """Concepts, datasets, banks and reports, drawn by their script."""
    return component("explore")


def sample_clips(name: str, seed: int, renderer: Renderer, labelled: str) -> list[dict[str, Any]]:
    """A few clips of a family at full size, rendered afresh, with captions and labels."""
    clips = []
    for spec in _chosen(name, seed, labelled):
        sound = renderer.render(spec.score(), spec.seconds).audio
        file = io.BytesIO()
        soundfile.write(file, np.clip(sound, -1, 1), renderer.sample_rate, format="flac")
        clips.append(
            {
                "id": spec.clip_id,
                "caption": spec.caption,
                "labels": dict(spec.labels),
                "audio": base64.b64encode(file.getvalue()).decode(),
            }
        )
    return clips


def _chosen(name: str, seed: int, labelled: str) -> list[ClipSpec]:
    """Clips by lot, of those that have a label of this value where one is given.

    Raises:
        BadInput: there is no such family, or none of those that were drawn has such a label.
    """
    found: list[ClipSpec] = []
    for spec in _drawn(name, seed):
        if not labelled or labelled in map(str, spec.labels.values()):
            found.append(spec)
        if len(found) == CLIPS:
            break
    if not found:
        raise BadInput(f"no clip of {name} is labelled {labelled!r:.40}: leave the label out")
    return found


def _drawn(name: str, seed: int) -> Iterator[ClipSpec]:
    family = get_family(name)
    count = min(family.size, MOST_LOOKED_AT)
    for place in np.random.default_rng(seed).choice(family.size, count, replace=False):
        yield family.spec(0, int(place))


def likenesses(bank: Bank) -> dict[str, Any]:
    """Scores of every concept at every layer, and the directions' cosines at the best layer."""
    names = ordered(list(bank))
    scores = torch.stack([bank[name].scores for name in names])
    layer = int(scores.mean(0).argmax())
    vectors = torch.stack([bank[name].vectors[layer] for name in names]).float()
    return {
        "concepts": names,
        "layer": layer,
        "scores": [[round(v, 4) for v in row] for row in scores.tolist()],
        "likeness": [[round(v, 4) for v in row] for row in (vectors @ vectors.T).tolist()],
    }


def endpoints(services: Services) -> None:
    """What programs can do here."""
    lock = threading.Lock()
    renderers: list[Renderer] = []

    def loaded() -> LoadedModel:
        models = services.engine.models
        return models[models.names[0]]

    def concept(bank: str, name: str) -> dict:
        """One concept's page: how it was found, scores by layer, measured effect by strength, likenesses.

        Args:
            bank: a bank out of `catalogue`, as "notes/ridge".
            name: one of its concepts.
        """
        return concept_page.concept_page(loaded(), bank, name)

    def datasets() -> list[dict]:
        """The curated concept families: name, title, summary and how many clips the full set has.

        Those whose scores need what is not installed are left out.
        """
        return [
            {"name": f.name, "title": f.title, "summary": f.summary, "clips": f.size}
            for f in families().values()
            if all(map(there, f.extras))
        ]

    def dataset_clips(name: str, seed: int = 0, label: str = "") -> list[dict]:
        """Six clips of a family, chosen by a seed: caption, labels, and FLAC sound in base64.

        Args:
            name: a family out of `datasets`.
            seed: chooses the clips.
            label: only clips that have a label of this value, as "jazz swing".
        """
        place = int(number(seed, "seed", SEEDS))
        with lock:
            if not renderers:
                renderers.append(Renderer(find_sound_font()))
            return sample_clips(name, place, renderers[0], label)

    def bank(family: str, method: str) -> dict:
        """A bank of directions: validation scores by concept and layer, and cosines between concepts.

        Args:
            family: notes, chords, genres or another family out of `catalogue`.
            method: one of the family's methods.
        """
        return likenesses(loaded().bank(str(BankName(family, method))))

    def evaluation_reports() -> list[dict]:
        """The evaluation's reports: name, Markdown text, names of pictures."""
        return reports.reports()

    def report_picture(report: str, name: str) -> str:
        """A picture of a report: PNG in base64.

        Args:
            report: a name out of `evaluation_reports`.
            name: one of its pictures.
        """
        return reports.picture(report, name)

    for one in (concept, datasets, dataset_clips, bank, evaluation_reports, report_picture):
        endpoint(one, slow=True)


panel = Panel("Explore", 70, draw, endpoints)
