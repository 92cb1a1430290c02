"""Find directions: from labelled clips to a bank, and how far it is to be trusted.

What one learns: a dataset gives labels, the model gives activations, a probe turns both into a unit
vector for each concept and layer. Scores are of validation clips, whose instruments the train split
does not have: AUC for classes (0.5 is chance), R squared for a number as bpm. The bank can be steered
with as soon as it is there.

    python examples/find_direction.py [FOLDER]     writes clips/, activations/ and bank/, into build/
"""

import sys
from pathlib import Path

import steering
from curation.build import build
from curation.recipe import make_recipe

FAMILY, LABEL = "notes", "pitch_class"  # or "chords", "quality"; "tempos", "bpm"
CLIPS = 480
METHOD = "ridge"  # or logistic, mean_difference, rfm


def main(folder: Path) -> steering.Bank:
    """Build clips of a family, read them, and train a bank: a direction for each class of the label."""
    recipe, sound_fonts = make_recipe(FAMILY, clips=CLIPS)
    build(recipe, folder / "clips", sound_fonts)

    model = steering.load_model()
    source = steering.open_source(str(folder / "clips"))
    activations = steering.read_source(model, source, folder / "activations")
    print(f"activations [clips, parts, layers, size]: {activations.values.shape}")

    data = steering.table(activations, LABEL)
    bank, _ = steering.train_bank(data, model.origin, FAMILY, METHOD, facts={})
    bank.save(folder / "bank")

    for concept, direction in bank.items():
        best = int(direction.scores.argmax())
        print(f"{concept:4} scores {direction.scores[best]:.2f} at layer {best}")
    print(f"steer with it: steering.load_bank({str(folder / 'bank')!r}, model)[{concept!r}]")
    return bank


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    place.mkdir(parents=True, exist_ok=True)
    main(place)
