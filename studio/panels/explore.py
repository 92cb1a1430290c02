"""Explore: clips of the datasets, the banks' layers and likenesses, the evaluation's figures."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import soundfile
import torch

from curation.concepts import families, get_family
from curation.sound_fonts import find_sound_font
from curation.synth import Renderer
from steering.directions.bank import Bank
from steering.directions.bank_name import BankName
from steering.directions.library import RESULTS
from studio.assets import component
from studio.catalogue import ordered
from studio.endpoints import endpoint
from studio.limits import SEEDS, number
from studio.panels import Panel
from studio.services import Services

REPORTS = (RESULTS, Path("build/evaluation"))
"""The shipped results, and where 'python -m steering evaluate' writes: only PNG and report.md files in
folders right below these are shown, of two folders of one name the latter's."""

CLIPS = 6
MOST_FIGURES = 48
LARGEST_FIGURE = 1_000_000


def draw(services: Services) -> gr.HTML:
    """Datasets, banks and figures, drawn by their script."""
    return component("explore")


def sample_clips(name: str, seed: int, renderer: Renderer) -> list[dict[str, Any]]:
    """A few clips of a family at full size, rendered afresh, with captions and labels."""
    family = get_family(name)
    places = np.random.default_rng(seed).choice(family.size, CLIPS, replace=False)
    clips = []
    for spec in (family.spec(0, int(place)) for place in places):
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


def report_figures(homes: Sequence[Path]) -> list[dict[str, str]]:
    """The evaluation's plots and reports, as base64 and text."""
    folders = {one.name: one for home in homes for one in sorted(home.glob("*")) if one.is_dir()}
    there = [
        path
        for folder in folders.values()
        for path in sorted([*folder.glob("*.png"), *folder.glob("report.md")])
    ]
    found = []
    for path in there[:MOST_FIGURES]:
        if path.stat().st_size > LARGEST_FIGURE or path.is_symlink():
            continue
        title = f"{path.parent.name}: {path.stem.replace('_', ' ')}"
        if path.suffix == ".png":
            found.append({"title": title, "image": base64.b64encode(path.read_bytes()).decode()})
        else:
            found.append({"title": title, "text": path.read_text(encoding="utf-8")})
    return found


def endpoints(services: Services) -> None:
    """What programs can do here."""
    lock = threading.Lock()
    renderers: list[Renderer] = []

    def datasets() -> list[dict]:
        """The curated concept families: name, title, summary and how many clips the full set has."""
        return [
            {"name": f.name, "title": f.title, "summary": f.summary, "clips": f.size}
            for f in families().values()
        ]

    def dataset_clips(name: str, seed: int = 0) -> list[dict]:
        """Six clips of a family, chosen by a seed: caption, labels, and FLAC sound in base64.

        Args:
            name: a family out of `datasets`.
            seed: chooses the clips.
        """
        place = int(number(seed, "seed", SEEDS))
        with lock:
            if not renderers:
                renderers.append(Renderer(find_sound_font()))
            return sample_clips(name, place, renderers[0])

    def bank(family: str, method: str) -> dict:
        """A bank of directions: validation scores by concept and layer, and cosines between concepts.

        Args:
            family: notes, chords, genres or another family out of `catalogue`.
            method: one of the family's methods.
        """
        models = services.engine.models
        return likenesses(models[models.names[0]].bank(str(BankName(family, method))))

    def figures() -> list[dict]:
        """The evaluation report's plots (PNG in base64) and tables (Markdown), where there are any."""
        return report_figures(REPORTS)

    endpoint(datasets)
    endpoint(dataset_clips)
    endpoint(bank)
    endpoint(figures)


panel = Panel("Explore", 70, draw, endpoints)
