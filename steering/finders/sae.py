"""Latents of a sparse autoencoder: found without labels, named by them, their decoder vectors steered.

A layer's dictionary learns every vector of the training clips, whether it has a label or not; labels only
choose. A concept's latent is the one whose activation tells it best on training clips, its score is the
AUC of that activation on validation clips, its direction what the decoder adds for it. Vectors are those
that probes see, means of a second or of a clip: single frames would have to be read and kept anew.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from steering.families import get_family
from steering.finders.dictionary import ACTIVE, LATENTS, Dictionary, learn
from steering.finders.finder import Finder
from steering.probes.fitted import Fitted, ProbeData, finish
from steering.probes.scores import auc, every_auc

if TYPE_CHECKING:
    from steering.activations.store import Activations
    from steering.directions.bank import Bank
    from steering.training.workshop import Workshop

NAME, SEED = "sae", 0


def find(workshop: Workshop, family: str, shuffled: bool = False) -> Bank:
    """The bank of a family's best latents; its facts say how good the dictionaries are, layer by layer.

    Where labels are dealt out anew, the dictionaries stay what they are.
    """
    data, store = workshop.table(family)
    dealt = torch.Generator().manual_seed(SEED) if shuffled else None
    known, device = data.probe_data(dealt), workshop.model.device
    began, generator = time.monotonic(), torch.Generator().manual_seed(SEED)
    dictionaries: list[Dictionary] = []
    for x in vectors(store, "train").unbind(1):
        dictionaries.append(learn(x.to(device), generator, latents_for(len(x))))
        workshop.told(f"learning what {family} is made of", len(dictionaries), known.layers)
    facts: dict[str, object] = {
        **quality(dictionaries, store, device),
        "seed": SEED,
        "seconds": round(time.monotonic() - began, 1),
    }
    fitted = named(known.to(device), dictionaries).to("cpu")
    return workshop.finished(family, NAME, fitted, facts | fitted.settings, shuffled)


def suits(family: str) -> bool:
    """Whether its concepts are classes: a latent is there or not, it is no scale of numbers."""
    return get_family(family).training.task == "classification"


finder = Finder(NAME, "feature of a sparse autoencoder", suits, find)


def latents_for(count: int) -> int:
    """How large a dictionary so many vectors can teach."""
    return max(ACTIVE, min(LATENTS, count // 4))


def vectors(store: Activations, split: str) -> Tensor:
    """Every vector that was read of a split's clips, float32 ``[N, L, D]``."""
    read = store.values[store.column("split") == split]
    return torch.from_numpy(read.reshape(-1, *read.shape[2:]).astype(np.float32))


def named(data: ProbeData, dictionaries: Sequence[Dictionary]) -> Fitted:
    """Directions ``[C, L, D]`` of the latents that tell the concepts best, a dictionary a layer."""
    directions, scores, chosen = [], [], []
    for layer, one in enumerate(dictionaries):
        best = every_auc(one.encode(data.x[:, layer]), data.y).argmax(0)
        heard = one.encode(data.x_val[:, layer])[:, best]
        directions.append(one.decoder[best])
        scores.append(auc(heard[..., None], data.y_val))
        chosen.append(best)
    settings: dict[str, object] = {"latents": torch.stack(chosen, 1).tolist()}
    return finish(data, torch.stack(directions, 1), torch.cat(scores, 1), settings)


def quality(
    dictionaries: Sequence[Dictionary], store: Activations, device: torch.device | str
) -> dict[str, object]:
    """Layer by layer: variance explained on validation clips, latents that no training clip uses."""
    train, validation = (vectors(store, split).to(device) for split in ("train", "validation"))
    return {
        "dictionary": [len(one.decoder) for one in dictionaries],
        "active": [one.active for one in dictionaries],
        "explained": [
            round(one.explained(validation[:, layer]), 4) for layer, one in enumerate(dictionaries)
        ],
        "dead": [one.dead(train[:, layer]) for layer, one in enumerate(dictionaries)],
    }
