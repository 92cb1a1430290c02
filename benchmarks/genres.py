"""Whether sound tells a genre where instruments and tempo alone do not.

    python -m curation build genres --clips 2160
    python -m benchmarks.genres build/genres-small

Classifiers trained on the train bands, tried on the test bands, none of which they have seen: one on
audio statistics (`python -m curation classify`), one on the General MIDI programs that play, one on
the tempo alone. Forests' depth is chosen on the validation bands.
"""

from __future__ import annotations

import argparse
import io
from collections import defaultdict
from pathlib import Path

import numpy as np
import pretty_midi
from sklearn.ensemble import RandomForestClassifier

from curation.confusion import classify_built, read_result
from curation.folder import Built, open_built
from curation.general_midi import INSTRUMENTS
from listening.intervals import interval

DEPTHS = (2, 4, 8, None)


def hints(built: Built) -> dict[str, dict[str, np.ndarray]]:
    """Per split: ``programs`` [N, 129] (the last is a drum kit), ``bpm`` [N, 1], ``truth`` [N]."""
    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for split, row in built.rows(["midi", "bpm", "genre"]):
        programs = np.zeros(len(INSTRUMENTS) + 1)
        for instrument in pretty_midi.PrettyMIDI(io.BytesIO(row["midi"])).instruments:
            programs[-1 if instrument.is_drum else instrument.program] = 1
        found[split]["programs"].append(programs)
        found[split]["bpm"].append([row["bpm"]])
        found[split]["truth"].append(row["genre"])
    return {
        split: {name: np.array(values) for name, values in columns.items()}
        for split, columns in found.items()
    }


def forest_hits(by_split: dict[str, dict[str, np.ndarray]], hint: str) -> int:
    """Test clips that a random forest on one hint gets right."""
    train, held_out, test = (by_split[split] for split in ("train", "validation", "test"))
    forests = [
        RandomForestClassifier(200, max_depth=depth, random_state=0).fit(
            train[hint], train["truth"]
        )
        for depth in DEPTHS
    ]
    best = max(forests, key=lambda forest: forest.score(held_out[hint], held_out["truth"]))
    return int((best.predict(test[hint]) == test["truth"]).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a build of genres")
    built = open_built(parser.parse_args().folder)
    by_split = hints(built)
    clips = len(by_split["test"]["truth"])
    audio = read_result(built.folder) or classify_built(built)
    hits = {"audio statistics": round(audio.accuracy * audio.clips)}
    hits |= {f"{hint} alone": forest_hits(by_split, hint) for hint in ("programs", "bpm")}
    print(f"{clips} clips of test bands, chance {audio.chance:.1%}")
    for name, right in hits.items():
        low, high = interval(right, clips)
        print(f"{name:18}{right / clips:7.1%}  ({low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()
