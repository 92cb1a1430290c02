"""How good the sketch is, on songs and prompts that its training never saw.

    python -m benchmarks.sketch                    everything, about a quarter of an hour
    python -m benchmarks.sketch --only codec       one part: codec, music, prompts, speed, size

Codec: test songs against their decoding; melodic ones have chords under a lead, dense ones a band
with drums. Music and prompts: clips generated from captions of test songs, read by librosa and by
linear classifiers trained on real train songs; beside them the same songs, decoded from their
codes. Intervals are 95 %, by Wilson for shares and by resampling clips for means.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from benchmarks.parts import Lines, print_parts
from curation.checks import interval
from curation.classify import features
from curation.concepts import songs
from curation.hearing import NothingHeard, hear_key
from sketch.codec.train import perplexity
from sketch.loading import WEIGHTS, Sketch, load_sketch
from sketch.material import SAMPLE_RATE, Piece, Share, pieces, render
from sketch.measures.adherence import labels_of, real_features, train_listeners
from sketch.measures.fidelity import average, compare, griffin_lim
from sketch.measures.music import describe, likeness

SONGS = (Share("songs", 12.0, 1.0),)
SECONDS = 8.0
CODEC_CLIPS = 32
CEILING_CLIPS = 8
MUSIC_CLIPS = 64
BATCH = 16
TRAIN_HOURS, VALIDATION_HOURS = 3.0, 0.6
FULL_PHRASING = "{mood} {tempo} {genre} {shape} with {lead} in {key} {mode}, {drums}"
"""Names all that is listened for; not one of the phrasings that were trained on."""


@cache
def sound_of(piece: Piece) -> np.ndarray:
    sound = render(piece)
    assert sound is not None, "songs stay within their instruments' ranges"
    audio: np.ndarray = sound.astype(np.float32) / 32767
    return audio


@torch.no_grad()
def through_codec(sketch: Sketch, audio: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
    """A clip decoded from its codes, and the codes ``[K, T]``."""
    codec = sketch.model.audio_encoder
    codes = codec.encode(torch.from_numpy(audio)[None, None]).audio_codes
    made: np.ndarray = codec.decode(codes).audio_values[0, 0].numpy()
    return made[: len(audio)], codes[0, 0]


def mean_line(values: Sequence[float]) -> str:
    """Mean and its interval by 2,000 resamplings of the clips."""
    x = np.array(values)
    draws = x[np.random.default_rng(0).integers(len(x), size=(2000, len(x)))].mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{x.mean():.3f} ({low:.3f} to {high:.3f})"


def codec_part(sketch: Sketch) -> Lines:
    lines: Lines = []
    kinds: dict[str, Callable[[Piece], bool]] = {
        "melodic": lambda piece: piece.spec().labels["backing"] == "chords",
        "dense": lambda piece: piece.spec().labels["drums"] == "drums",
    }
    codes = []
    for kind, suits in kinds.items():
        chosen = [piece for piece in pieces("test", 3.0, SONGS) if suits(piece)][:CODEC_CLIPS]
        rows, ceiling = [], []
        for place, piece in enumerate(chosen):
            audio = sound_of(piece)
            made, code = through_codec(sketch, audio)
            codes.append(code)
            rows.append(compare(audio, made))
            if place < CEILING_CLIPS:
                ceiling.append(compare(audio, griffin_lim(audio)))
        best = average(ceiling)
        for name in rows[0]:
            line = mean_line([row[name] for row in rows])
            beside = "" if "chance" in name else f"; Griffin-Lim on true bands {best[name]:.3f}"
            lines.append((f"{kind}: {name}", line + beside))
    entries = sketch.model.config.audio_encoder.codebook_size
    used = [perplexity(book, entries) for book in torch.cat(codes, dim=1)]
    lines.append((f"perplexity of the codebooks, of {entries}", " ".join(f"{p:.0f}" for p in used)))
    return lines


@cache
def test_songs() -> list[Piece]:
    return pieces("test", 12.0, SONGS)[:MUSIC_CLIPS]


def play_all(sketch: Sketch, prompts: Sequence[str], seed: int) -> list[np.ndarray]:
    clips: list[np.ndarray] = []
    for start in range(0, len(prompts), BATCH):
        clips += list(sketch.play(prompts[start : start + BATCH], SECONDS, seed + start))
    return clips


def music_part(sketch: Sketch) -> Lines:
    chosen = test_songs()
    prompts = [piece.spec().caption for piece in chosen]
    made = play_all(sketch, prompts, seed=1)
    again = play_all(sketch, prompts[:BATCH], seed=1001)
    length = round(SECONDS * SAMPLE_RATE)
    real = [sound_of(piece)[:length] for piece in chosen]
    decoded = [through_codec(sketch, audio)[0] for audio in real]
    rows = {
        name: [describe(audio, SAMPLE_RATE) for audio in clips]
        for name, clips in (("sketch", made), ("corpus", real), ("decoded", decoded))
    }
    lines: Lines = [
        ("silent clips", f"{sum(row['silent'] for row in rows['sketch']):.0f} of {len(made)}"),
        ("clipped clips", f"{sum(row['clipped'] for row in rows['sketch']):.0f} of {len(made)}"),
    ]
    for name, clips in rows.items():
        levels = [row["level"] for row in clips]
        notes = [row["note"] for row in clips]
        lines += [
            (f"{name}: level, dBFS", f"{np.mean(levels):.1f}, spread {np.std(levels):.1f}"),
            (f"{name}: clarity of chroma", mean_line([row["clarity"] for row in clips])),
            (f"{name}: note length, s", f"{np.median(notes):.3f}, mean {mean_line(notes)}"),
        ]
    same = [likeness(a, b, SAMPLE_RATE) for a, b in zip(made[:BATCH], again, strict=True)]
    apart = [likeness(a, b, SAMPLE_RATE) for a, b in itertools.pairwise(made)]
    lines.append(("same prompt, other seed: equal pitch classes", mean_line(same)))
    lines.append(("other prompts: equal pitch classes", mean_line(apart)))
    return lines


def prompts_part(sketch: Sketch) -> Lines:
    workers = os.cpu_count() or 1
    train = pieces("train", TRAIN_HOURS, SONGS)
    held_out = pieces("validation", VALIDATION_HOURS, SONGS)
    listeners = train_listeners(
        (real_features(train, SECONDS, workers), train),
        (real_features(held_out, SECONDS, workers), held_out),
    )
    chosen = pieces("test", 12.0, SONGS)[MUSIC_CLIPS : 3 * MUSIC_CLIPS]
    prompts = [songs.caption(piece.spec().labels, FULL_PHRASING) for piece in chosen]
    made = play_all(sketch, prompts, seed=2)
    length = round(SECONDS * SAMPLE_RATE)
    real = [sound_of(piece)[:length] for piece in chosen]
    clips = {"real": real, "decoded": [through_codec(sketch, a)[0] for a in real], "sketch": made}
    heard = {
        name: np.stack([features(audio, SAMPLE_RATE) for audio in sounds])
        for name, sounds in clips.items()
    }
    lines: Lines = []
    for attribute, listener in listeners.items():
        labels = labels_of(chosen, attribute)
        hits = {name: int(listener.hits(x, labels).sum()) for name, x in heard.items()}
        share = {name: count / len(chosen) for name, count in hits.items()}
        reached = (share["sketch"] - listener.chance) / (share["decoded"] - listener.chance)
        low, high = interval(hits["sketch"], len(chosen))
        lines.append(
            (
                attribute,
                f"{share['sketch']:.1%} of {len(chosen)} ({low:.1%} to {high:.1%}); real "
                f"{share['real']:.1%}, decoded {share['decoded']:.1%}, chance "
                f"{listener.chance:.1%}: {reached:.0%} of the way",
            )
        )
    for name, sounds in clips.items():
        lines.append((f"key, {name}", key_line(sounds, chosen)))
    return lines


def key_line(clips: Sequence[np.ndarray], chosen: Sequence[Piece]) -> str:
    """How often the strongest key is the one that the prompt names; chance is 1 in 24."""
    tonics = keys = 0
    for audio, piece in zip(clips, chosen, strict=True):
        try:
            tonic, mode = hear_key(audio, SAMPLE_RATE)
        except NothingHeard:
            continue
        labels = piece.spec().labels
        tonics += tonic == labels["key"]
        keys += (tonic, mode) == (labels["key"], labels["mode"])
    low, high = interval(keys, len(chosen))
    return (
        f"{keys / len(chosen):.1%} of {len(chosen)} ({low:.1%} to {high:.1%}), chance 4.2%; "
        f"tonic {tonics / len(chosen):.1%}, chance 8.3%"
    )


def speed_part(sketch: Sketch) -> Lines:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    frames = 500
    sketch.play(["jazz"], 0.5)
    times = []
    for seed in range(3):
        start = time.perf_counter()
        sketch.play(["a calm jazz waltz led by a flute"], frames / 50, seed)
        times.append(time.perf_counter() - start)
    audio = sound_of(test_songs()[0])
    start = time.perf_counter()
    through_codec(sketch, audio)
    codec = time.perf_counter() - start
    torch.set_num_threads(threads)
    middle = float(np.median(times))
    return [
        ("steps a second, one core, generate with guidance", f"{frames / middle:.0f}"),
        ("prompt to 10 s of sound, one core", f"{middle:.1f} s (median of {len(times)})"),
        ("codec, both ways, one core", f"{len(audio) / SAMPLE_RATE / codec:.0f}x real time"),
    ]


def size_part(sketch: Sketch) -> Lines:
    count = {
        name: sum(p.numel() for p in part.parameters()) / 1e6
        for name, part in (
            ("codec", sketch.model.audio_encoder),
            ("language model", sketch.model.decoder),
            ("text encoder", sketch.model.text_encoder),
        )
    }
    size = sum(path.stat().st_size for path in sketch.folder.iterdir())
    return [(f"{name}, million parameters", f"{n:.2f}") for name, n in count.items()] + [
        ("folder", f"{size / 1e6:.1f} MB")
    ]


PARTS: dict[str, Callable[[Sketch], Lines]] = {
    "codec": codec_part,
    "music": music_part,
    "prompts": prompts_part,
    "speed": speed_part,
    "size": size_part,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part of the table")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--json", type=Path, help="write the table there too")
    options = parser.parse_args()
    print_parts(PARTS, load_sketch(options.weights), options.only, options.json)


if __name__ == "__main__":
    main()
