"""A pair that was made beforehand, so that a visitor hears what this is before anything is computed.

It is the first preset's, with its sound, its codes and its recipe. To make it anew:

    python -m studio.example
"""

from __future__ import annotations

import json
from pathlib import Path

import soundfile
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from curation.files import whole, write_whole
from studio.clips import Pair

FOLDER = Path(__file__).parent / "example"
RECIPE, CODES, SOUND = "recipe.json", "codes.safetensors", "sound.flac"
"""What plays it again; codes ``[2, K, T]``; left what is steered, right what is not."""


def load_example(revision: str, folder: Path = FOLDER) -> Pair | None:
    """The pair; None where it is not there, damaged, or was made by other weights.

    Args:
        revision: of the model that plays here.
    """
    try:
        recipe = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        if recipe["revision"] != revision:
            return None
        sound, rate = soundfile.read(folder / SOUND, dtype="int16", always_2d=True)
        codes = load_file(folder / CODES)["codes"].long()
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, soundfile.LibsndfileError):
        return None
    return Pair(recipe, sound.T.copy(), codes, int(rate))


def save_example(pair: Pair, folder: Path = FOLDER) -> None:
    """Write a pair's files; the recipe last."""
    with whole(folder / SOUND) as part:
        soundfile.write(part, pair.sound.T, pair.sample_rate, "PCM_16", format="FLAC")
    with whole(folder / CODES) as part:
        save_file({"codes": pair.codes.to(torch.int16)}, part)
    write_whole(folder / RECIPE, json.dumps(pair.recipe, indent=1) + "\n")


def main() -> None:
    """Play the first preset on the sketch and keep what came of it."""
    from queue import SimpleQueue
    from typing import Any

    from studio.catalogue import catalogue
    from studio.engine import Engine
    from studio.loaded_models import LoadedModels
    from studio.playback import ENDS

    models = LoadedModels()
    loaded = models.load(models.names[0])
    engine, events = Engine(models), SimpleQueue[dict[str, Any]]()
    engine.open(catalogue(loaded, models.names)["presets"][0]["recipe"], events.put)
    while (event := events.get())["event"] not in ENDS:
        pass
    save_example(engine.clips[event["clip"]])
    engine.close()


if __name__ == "__main__":
    main()
