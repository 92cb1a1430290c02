"""All there is to say of one concept: how it was found, what it does by strength, whom it looks like."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from steering.directions.bank import Bank
from steering.directions.bank_name import BankName
from steering.families import families
from steering.probes import methods
from studio.loaded_models import LoadedModel
from studio.measured import measured

MOST_ALIKE = 6


def concept_page(loaded: LoadedModel, bank: str, concept: str) -> dict[str, Any]:
    """One concept of one bank, as a page tells it.

    Raises:
        BadInput: there is no such bank, or it has no such concept.
    """
    found = loaded.bank(bank)
    direction = found[concept]
    name = BankName.parse(bank)
    layer = int(direction.scores.argmax())
    finding = measured(loaded.model.origin).get(bank)
    return {
        "concept": concept,
        "bank": bank,
        "family": name.family,
        "how": _how(found, name),
        "scores": [round(float(score), 4) for score in direction.scores],
        "layer": layer,
        "alike": _alike(loaded, direction.vectors[layer], layer, (bank, concept)),
        "measured": None if finding is None else finding.record(),
        "dataset": str(found.facts.get("dataset", "")),
        "label": str(found.facts.get("label", "")),
    }


def _how(bank: Bank, name: BankName) -> str:
    """How the direction was found, in a sentence."""
    known = methods()
    way = known[name.method].word if name.method in known else name.method
    facts = bank.facts
    if "dataset" not in facts:
        return f"Found by {way}."
    what = {"second": "seconds", "mean": "clips"}.get(str(facts.get("pooling")), "examples")
    return f"Found by {way} in {facts['clips']:,} {what} of '{facts['dataset']}', by their label '{facts['label']}'."


def _alike(
    loaded: LoadedModel, vector: Tensor, layer: int, itself: tuple[str, str]
) -> list[dict[str, Any]]:
    """The directions with the largest cosine at its best layer, one a family and concept."""
    best: dict[tuple[str, str], dict[str, Any]] = {}
    for bank, other in loaded.banks.items():
        family = BankName.parse(bank).family
        for concept, direction in other.items():
            if (family, concept) == (BankName.parse(itself[0]).family, itself[1]):
                continue
            cosine = float(torch.cosine_similarity(vector, direction.vectors[layer], dim=0))
            told = {
                "concept": concept,
                "bank": bank,
                "word": _word(family),
                "cosine": round(cosine, 3),
            }
            if abs(cosine) > abs(best.get((family, concept), {"cosine": 0.0})["cosine"]):
                best[family, concept] = told
    ranked = sorted(best.values(), key=lambda one: -abs(one["cosine"]))
    return ranked[:MOST_ALIKE]


def _word(family: str) -> str:
    return families()[family].word if family in families() else family
