"""How good the sketch is, on clips and prompts that its training never saw.

    python -m benchmarks.sketch                      everything, about half an hour
    python -m benchmarks.sketch --only music         one of codec, codes, music, words, speed, size
    python -m benchmarks.sketch --split validation   to choose by: sampling, say, with --top-k

Codec: clips decoded from the codes of their stems, and from what the encoder hears in their mixture.
Music and words: clips generated from captions, read by librosa and by linear classifiers that were
trained on decoded clips; beside them the same pieces, decoded from their codes, and as they are.
Intervals are 95 %, by Wilson for shares and by resampling clips for means and medians.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.parts import Lines, print_parts
from curation.arrangement.grid import tempo_word
from curation.concepts import genres, songs
from listening.agreement import tempo_agreement
from listening.features import features
from listening.intervals import interval
from listening.key import hear_key
from listening.pulse import keeping_time
from listening.spectrum import NothingHeard
from listening.tempo import hear_bpm
from sketch.codec.stems import BOOKS_FILE
from sketch.codec.train import perplexity
from sketch.loading import WEIGHTS, Sketch, load_sketch
from sketch.material import SAMPLE_RATE, Piece, Share, pieces, render
from sketch.measures.adherence import Listener, decoded_features, labels_of, train_listeners
from sketch.measures.codes import foresight_of, steadiness
from sketch.measures.decoded import decoded
from sketch.measures.fidelity import compare
from sketch.measures.music import describe

GENRES, SONGS = (Share("genres", 12.0, 1.0),), (Share("songs", 12.0, 1.0),)
SECONDS = 8.0
LENGTH = round(SECONDS * SAMPLE_RATE)
CODEC_CLIPS, CLIPS, BATCH = 32, 96, 16
TRAIN_HOURS, VALIDATION_HOURS = 4.0, 0.8
GENRE_PHRASING = "{genre} at {bpm:.0f} bpm"
SONG_PHRASING = "{mood} {tempo} {genre} {shape} with {lead} in {key} {mode}, {drums}"
"""Names all that is listened for; not one of the phrasings that were trained on."""

TEMPO_PHRASING = "{tempo} {genre}"


@dataclass(frozen=True)
class Trial:
    """A sketch under test: which split its prompts are of, and how it is sampled."""

    sketch: Sketch
    split: str = "test"
    guidance: float = 3.0
    temperature: float = 1.0
    top_k: int = 250

    def play(self, prompts: Sequence[str], seed: int) -> list[np.ndarray]:
        clips: list[np.ndarray] = []
        for first in range(0, len(prompts), BATCH):
            clips += list(
                self.sketch.play(
                    prompts[first : first + BATCH],
                    SECONDS,
                    seed + first,
                    self.guidance,
                    self.temperature,
                    self.top_k,
                )
            )
        return clips

    def clips(self, mix: Sequence[Share], count: int, drums: bool = False) -> list[Piece]:
        """Pieces of the split, with drums if so asked."""
        found = pieces(self.split, 10.0, mix)
        return [p for p in found if not drums or p.spec().labels["drums"] == "drums"][:count]

    def decoded(self, chosen: Sequence[Piece]) -> list[np.ndarray]:
        """Pieces decoded from their stems' codes."""
        return [self._decoded(piece)[0][:LENGTH] for piece in chosen]

    def codes(self, piece: Piece) -> np.ndarray:
        return self._decoded(piece)[1]

    def _decoded(self, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
        found = decoded(piece, self.sketch.folder)
        assert found is not None, "genres and songs stay within their instruments' ranges"
        return found


@cache
def sound_of(piece: Piece) -> np.ndarray:
    sound = render(piece)
    assert sound is not None, "genres and songs stay within their instruments' ranges"
    return sound.astype(np.float32) / 32767


def resampled(values: Sequence[float], statistic: Callable[..., np.ndarray] = np.mean) -> str:
    """A mean or median and its interval, by 2,000 resamplings of the clips."""
    x = np.array(values)[~np.isnan(values)]
    draws = statistic(x[np.random.default_rng(0).integers(len(x), size=(2000, len(x)))], axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{statistic(x):.3f} ({low:.3f} to {high:.3f})"


def share_line(hits: int, count: int) -> str:
    low, high = interval(hits, count)
    return f"{hits / count:.1%} of {count} ({low:.1%} to {high:.1%})"


@torch.no_grad()
def codec_part(trial: Trial) -> Lines:
    """Fidelity of stems' codes, and of what the encoder hears in the mixture."""
    codec = trial.sketch.model.audio_encoder
    lines: Lines = []
    for mix, name in ((GENRES, "bands"), (SONGS, "songs")):
        chosen = trial.clips(mix, CODEC_CLIPS)
        rows: dict[str, list[dict[str, float]]] = {"stems": [], "mixture": []}
        agreed: list[np.ndarray] = []
        for piece in chosen:
            audio = sound_of(piece)
            made, codes = trial._decoded(piece)
            heard = codec.encode(torch.from_numpy(audio)[None, None]).audio_codes
            again = codec.decode(heard).audio_values[0, 0].numpy()
            rows["stems"].append(compare(audio, made[: len(audio)]))
            rows["mixture"].append(compare(audio, again[: len(audio)]))
            sounding = codes != 0
            equal = (heard[0, 0, :, : codes.shape[1]].numpy() == codes) & sounding
            agreed.append(equal.sum(1) / np.maximum(sounding.sum(1), 1))
        for kind, found in rows.items():
            for measure in found[0]:
                if "chance" not in measure or kind == "stems":
                    line = resampled([row[measure] for row in found])
                    lines.append((f"{name} from {kind}: {measure}", line))
        shares = " ".join(f"{share:.2f}" for share in np.mean(agreed, axis=0))
        lines.append((f"{name}: codes that the encoder gives as the stems do", shares))
    return lines


def codes_part(trial: Trial) -> Lines:
    """How steady codes are where bands repeat, how far they look ahead, and how many are in use."""
    chosen = trial.clips(GENRES, CLIPS, drums=True)
    coded = [trial.codes(piece) for piece in chosen]
    same = [steadiness(codes, piece.bar_frames) for codes, piece in zip(coded, chosen, strict=True)]
    entries = trial.sketch.model.config.audio_encoder.codebook_size
    used = [
        perplexity(torch.from_numpy(book), entries) for book in np.concatenate(coded, 1).astype(int)
    ]
    ahead = [
        foresight_of(piece, other, trial.sketch.folder / BOOKS_FILE)
        for piece, other in pairwise(chosen)
    ]
    return [
        ("codes that are those of a bar before", " ".join(f"{s:.2f}" for s in np.mean(same, 0))),
        (
            "codes that tell 60 ms before of other music",
            " ".join(f"{s:.2f}" for s in np.mean(ahead, 0)),
        ),
        (f"perplexity of the codebooks, of {entries}", " ".join(f"{p:.0f}" for p in used)),
    ]


def music_part(trial: Trial) -> Lines:
    """Pulse, level, clarity and length of notes, of clips with a rhythm section."""
    chosen = trial.clips(GENRES, CLIPS // 2, drums=True) + trial.clips(
        SONGS, CLIPS // 2, drums=True
    )
    made = trial.play([piece.spec().caption for piece in chosen], seed=1)
    kinds = {
        "sketch": made,
        "decoded": trial.decoded(chosen),
        "corpus": [sound_of(piece)[:LENGTH] for piece in chosen],
    }
    lines: Lines = []
    for name, clips in kinds.items():
        rows = [describe(a, SAMPLE_RATE) | keeping_time(a, SAMPLE_RATE) for a in clips]
        levels = [row["level"] for row in rows]
        bad = [f"{sum(row[fault] for row in rows):.0f}" for fault in ("silent", "clipped")]
        lines += [
            (f"{name}: pulse, median", resampled([row["pulse"] for row in rows], np.median)),
            (
                f"{name}: unevenness of onsets, median",
                resampled([row["unevenness"] for row in rows], np.median),
            ),
            (f"{name}: note length, s", resampled([row["note"] for row in rows], np.median)),
            (f"{name}: clarity of chroma", resampled([row["clarity"] for row in rows])),
            (f"{name}: level, dBFS", f"{np.mean(levels):.1f}, spread {np.std(levels):.1f}"),
            (f"{name}: silent, clipped", f"{bad[0]}, {bad[1]} of {len(rows)}"),
        ]
    return lines


def words_part(trial: Trial) -> Lines:
    """Whether genre, tempo, drums, lead and key are what the prompt asks for."""
    return genre_lines(trial) + song_lines(trial) + tempo_word_lines(trial)


@cache
def listeners_of(folder: Path, family: str, attributes: tuple[str, ...]) -> dict[str, Listener]:
    """Listeners trained on decoded clips of the train split."""
    mix, workers = (Share(family, 12.0, 1.0),), os.cpu_count() or 1
    train = pieces("train", TRAIN_HOURS, mix)
    held_out = pieces("validation", VALIDATION_HOURS, mix)
    hear = partial(decoded_features, seconds=SECONDS, workers=workers, folder=folder)
    return train_listeners((hear(train), train), (hear(held_out), held_out), attributes)


def genre_lines(trial: Trial) -> Lines:
    chosen = trial.clips(GENRES, CLIPS)
    prompts = [_in_words(genres.caption, piece, GENRE_PHRASING) for piece in chosen]
    made, ceiling = trial.play(prompts, seed=2), trial.decoded(chosen)
    known = pieces("train", TRAIN_HOURS + 1, GENRES)[-CLIPS:]
    listener = listeners_of(trial.sketch.folder, "genres", ("genre",))["genre"]
    lines = [attribute_line(listener, made, ceiling, chosen)]
    hits = listener.hits(_heard(trial.decoded(known)), labels_of(known, "genre"))
    lines.append(
        ("its listener on bands that it knows, decoded", share_line(int(hits.sum()), CLIPS))
    )
    for name, clips in (("sketch", made), ("decoded", ceiling)):
        lines.append((f"tempo, {name}", tempo_line(clips, chosen)))
    return lines


def song_lines(trial: Trial) -> Lines:
    chosen = trial.clips(SONGS, CLIPS)
    made = trial.play([_in_words(songs.caption, p, SONG_PHRASING) for p in chosen], seed=3)
    ceiling = trial.decoded(chosen)
    listeners = listeners_of(trial.sketch.folder, "songs", ("drums", "lead_family"))
    lines = [attribute_line(listener, made, ceiling, chosen) for listener in listeners.values()]
    for name, clips in (("sketch", made), ("decoded", ceiling)):
        lines.append((f"key, {name}", key_line(clips, chosen)))
    return lines


def tempo_word_lines(trial: Trial) -> Lines:
    """Tempo heard of what slow, medium and fast ask for."""
    chosen = trial.clips(GENRES, CLIPS, drums=True)
    made = trial.play([_in_words(genres.caption, p, TEMPO_PHRASING) for p in chosen], seed=4)
    heard: dict[str, list[float]] = {}
    for audio, piece in zip(made, chosen, strict=True):
        heard.setdefault(tempo_word(piece.spec().labels["bpm"]), []).append(_bpm(audio))
    words = [f"{word} {np.nanmedian(found):.0f}" for word, found in sorted(heard.items())]
    return [("median bpm heard by the word that asks", ", ".join(words))]


def _in_words(phrase: Callable[..., str], piece: Piece, phrasing: str) -> str:
    return phrase(piece.spec().labels, phrasing)


def _heard(clips: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack([features(audio, SAMPLE_RATE) for audio in clips])


def _bpm(audio: np.ndarray) -> float:
    try:
        return hear_bpm(audio, SAMPLE_RATE)
    except NothingHeard:
        return float("nan")


def attribute_line(
    listener: Listener,
    made: Sequence[np.ndarray],
    ceiling: Sequence[np.ndarray],
    chosen: Sequence[Piece],
) -> tuple[str, str]:
    """How often a listener names what was asked for, beside decoded clips and chance."""
    labels = labels_of(chosen, listener.attribute)
    hits, best = (int(listener.hits(_heard(clips), labels).sum()) for clips in (made, ceiling))
    top = best / len(chosen)
    reached = (hits / len(chosen) - listener.chance) / max(top - listener.chance, 1e-9)
    return (
        listener.attribute,
        f"{share_line(hits, len(chosen))}; decoded {top:.1%}, chance {listener.chance:.1%}: "
        f"{reached:.0%} of the way",
    )


def tempo_line(clips: Sequence[np.ndarray], chosen: Sequence[Piece]) -> str:
    """How often the tempo heard is the one asked for, or an octave of it, and their correlation.

    Beside it how often it is one that another of the prompts asks for: that is chance.
    """
    asked = [float(piece.spec().labels["bpm"]) for piece in chosen]
    heard = [_bpm(audio) for audio in clips]
    verdicts = [tempo_agreement(h, a) for h, a in zip(heard, asked, strict=True)]
    rank = float(spearmanr(asked, heard, nan_policy="omit").statistic)
    right = sum(verdict != "wrong" for verdict in verdicts)
    others = [
        tempo_agreement(h, a) != "wrong"
        for i, h in enumerate(heard)
        for a in asked[:i] + asked[i + 1 :]
    ]
    return (
        f"within 4 % or an octave {share_line(right, len(chosen))}, of what other prompts ask for "
        f"{np.mean(others):.1%}, itself {verdicts.count('same') / len(chosen):.1%}; Spearman {rank:.2f}"
    )


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
    line = share_line(keys, len(chosen))
    return f"{line}, chance 4.2%; tonic {tonics / len(chosen):.1%}, chance 8.3%"


def speed_part(trial: Trial) -> Lines:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    frames, sketch = 500, trial.sketch
    sketch.play(["jazz"], 0.5)
    times = []
    for seed in range(3):
        start = time.perf_counter()
        sketch.play(["a calm jazz waltz led by a flute"], frames / 50, seed)
        times.append(time.perf_counter() - start)
    audio = torch.from_numpy(sound_of(trial.clips(SONGS, 1)[0]))[None, None]
    start = time.perf_counter()
    sketch.model.audio_encoder(audio)
    codec = time.perf_counter() - start
    torch.set_num_threads(threads)
    middle = float(np.median(times))
    return [
        ("steps a second, one core, generate with guidance", f"{frames / middle:.0f}"),
        ("prompt to 10 s of sound, one core", f"{middle:.1f} s (median of {len(times)})"),
        ("codec, both ways, one core", f"{audio.shape[-1] / SAMPLE_RATE / codec:.0f}x real time"),
    ]


def size_part(trial: Trial) -> Lines:
    model = trial.sketch.model
    count = {
        name: sum(p.numel() for p in part.parameters()) / 1e6
        for name, part in (
            ("codec", model.audio_encoder),
            ("language model", model.decoder),
            ("text encoder", model.text_encoder),
        )
    }
    size = sum(path.stat().st_size for path in trial.sketch.folder.iterdir())
    return [(f"{name}, million parameters", f"{n:.2f}") for name, n in count.items()] + [
        ("folder", f"{size / 1e6:.1f} MB")
    ]


PARTS: dict[str, Callable[[Trial], Lines]] = {
    "codec": codec_part,
    "codes": codes_part,
    "music": music_part,
    "words": words_part,
    "speed": speed_part,
    "size": size_part,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part of the table")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--top-k", type=int, default=250)
    parser.add_argument("--json", type=Path, help="write the table there too")
    options = parser.parse_args()
    sampling = (options.guidance, options.temperature, options.top_k)
    trial = Trial(load_sketch(options.weights), options.split, *sampling)
    print_parts(PARTS, trial, options.only, options.json)


if __name__ == "__main__":
    main()
