"""A pair that was made beforehand, so that a visitor hears what this is before anything is computed.

It is the first preset's, with its sound, its codes and its recipe. To make it anew:

    python -m studio.example
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from curation.files import whole, write_whole
from studio.clips import SIDES, Pair

FOLDER = Path(__file__).parent / "example"
RECIPE, CODES = "recipe.json", "codes.safetensors"


def load_example(revision: str, folder: Path = FOLDER) -> Pair | None:
    """The pair; None where it is not there, damaged, or was made by other weights.

    Args:
        revision: of the model that plays here.
    """
    try:
        recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        if recipe["revision"] != revision:
            return None
        sides = [soundfile.read(folder / f"{side}.flac", dtype="int16") for side in SIDES]
        codes = load_file(folder / CODES)["codes"].long()
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, soundfile.LibsndfileError):
        return None
    return Pair(recipe, np.stack([sound for sound, _ in sides]), codes, int(sides[0][1]))


def save_example(pair: Pair, folder: Path = FOLDER) -> None:
    """Write a pair's four files; the recipe last."""
    folder.mkdir(parents=True, exist_ok=True)
    for side in SIDES:
        with whole(folder / f"{side}.flac") as part:
            soundfile.write(part, pair.side(side), pair.sample_rate, "PCM_16", format="FLAC")
    with whole(folder / CODES) as part:
        save_file({"codes": pair.codes.to(torch.int16)}, part)
    write_whole(folder / RECIPE, json.dumps(pair.recipe, indent=1) + "\n")


def main() -> None:
    """Play the first preset on the sketch and keep what came of it."""
    from queue import SimpleQueue
    from typing import Any

    from studio.catalogue import catalogue
    from studio.engine import Engine
    from studio.events import ENDS
    from studio.loaded_models import LoadedModels

    models = LoadedModels()
    engine, events = Engine(models), SimpleQueue[dict[str, Any]]()
    preset = catalogue(models[models.names[0]], models.names)["presets"][0]
    engine.open(preset["recipe"], events.put)
    while (event := events.get())["event"] not in ENDS:
        pass
    save_example(engine.clips[event["clip"]])
    engine.close()


if __name__ == "__main__":
    main()
