"""Judge a direction: is it the direction, or would any push of that length have done it?

What one learns: a figure of steering needs two others beside it. The *twin* says how often the note is
heard when nothing is done; a *random direction* of the same length says what pushing as such does. The
judge hears sound alone and knows nothing of the model. Clips of one prompt are alike, so the interval
draws prompts anew, and not clips.

    python examples/judge.py
"""

import numpy as np
import torch

import steering
from listening.chroma import profile
from steering.evaluation.statistics import Estimate, estimate

NOTE = "C"
COEFFICIENT = 0.06
PROMPTS = (
    "calm jazz with a flute",
    "energetic rock",
    "a slow piano piece",
    "funk with a deep bass",
)
SEEDS = (0, 1, 2)
SECONDS = 6.0


def main() -> dict[str, Estimate]:
    """Play steered clips, their twins and a control; the share of each in which the note leads."""
    model = steering.load_model()
    decoder = steering.Decoder(model)  # made once: it lays the weights out for its kernels
    note = steering.load_bank("notes_in_songs", model)[NOTE]
    drawn = torch.randn(note.vectors.shape, generator=torch.Generator().manual_seed(0))

    pulses = steering.Schedule("pulse", {"period": 2.0, "width": 1.2})
    push = steering.Intervention(note, COEFFICIENT, schedule=pulses)
    control = steering.Intervention(note.like(drawn), COEFFICIENT, schedule=pulses)

    texts = [prompt for prompt in PROMPTS for _ in SEEDS]
    seeds = [seed for _ in PROMPTS for seed in SEEDS]
    groups = np.repeat(np.arange(len(PROMPTS)), len(SEEDS))  # which prompt a clip belongs to
    shares = {}
    for name, interventions in (("twin", []), ("random", [control]), ("steered", [push])):
        clips = steering.generate(decoder, texts, interventions, seconds=SECONDS, seeds=seeds)
        heard = [profile(clip, model.sample_rate).share(NOTE) for clip in clips.numpy()]
        shares[name] = estimate(np.array(heard), groups)
        print(f"{name:8} {NOTE} leads in {shares[name]} of the frames")
    return shares


if __name__ == "__main__":
    main()
