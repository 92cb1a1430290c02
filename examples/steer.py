"""Steer in ten lines: one prompt, pushed toward a note and left alone.

What one learns: a model, a bank of directions, an intervention with a schedule, and the twin: the
unsteered clip of the same prompt and the same noise, which is what a steered clip is compared with.

    python examples/steer.py [FOLDER]      writes steered.wav and unsteered.wav, by default into build/
"""

import sys
from pathlib import Path

import soundfile

import steering
from listening.chroma import profile

PROMPT = "calm jazz with a flute"
NOTE = "C"
SECONDS = 8.0


def main(folder: Path) -> dict[str, float]:
    """Play both clips; the share of each in which the note is the strongest pitch class."""
    model = steering.load_model()  # the built-in one; "facebook/musicgen-small" works the same way
    note = steering.load_bank("notes_in_songs", model)[NOTE]

    # A coefficient is a share of the residual stream's length. In pulses, as here, the music goes on
    # in the pauses; a steady push of this strength would hold the note as a drone.
    pulses = steering.Schedule("pulse", {"period": 2.0, "width": 1.2})
    push = steering.Intervention(note, 0.06, schedule=pulses)

    shares = {}
    for name, interventions in (("unsteered", []), ("steered", [push])):
        audio = steering.generate(model, PROMPT, interventions, seconds=SECONDS, seeds=0)[0].numpy()
        soundfile.write(folder / f"{name}.wav", audio, model.sample_rate)
        shares[name] = profile(audio, model.sample_rate).share(NOTE)
        print(f"{name}.wav: {NOTE} is the strongest note in {shares[name]:.0%} of the frames")
    return shares


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "build")
    place.mkdir(parents=True, exist_ok=True)
    main(place)
