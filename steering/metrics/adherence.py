"""Whether a clip is what its prompt asked for.

Two judges. `PromptListeners` know only real clips of the songs family: linear classifiers of genre,
lead and drums (see `sketch.measures.adherence`), which give the probability of what the prompt
names. `Clap` is the cosine of sound and prompt in LAION's CLAP (arXiv 2211.06687), where its weights
are on this machine; they are never downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import librosa
import numpy as np
import torch

from curation.arrangement.song_styles import LEADS
from curation.arrangement.styles import GENRES
from curation.errors import BadInput
from curation.general_midi import instrument_family
from sketch.measures.adherence import Listener

GENRE_WORDS = {genre: genre for genre in GENRES} | {"jazz": "jazz swing"}
_FAMILIES = {lead: instrument_family(program) for lead, program in LEADS.items()}
LEAD_WORDS = {family: family for family in _FAMILIES.values()} | _FAMILIES
DRUM_WORDS = dict.fromkeys(("no drums", "without drums"), "no drums") | {"drums": "drums"}
CLAP = "laion/larger_clap_music"
CLAP_RATE = 48_000


def asked_in(prompt: str) -> dict[str, str]:
    """What a prompt in words asks for, of what is listened for; two of a kind ask for neither.

    >>> asked_in("calm Jazz waltz led by a flute, without drums")
    {'genre': 'jazz swing', 'lead_family': 'pipe', 'drums': 'no drums'}
    >>> asked_in("piano and violin, dreamy")
    {}
    """
    vocabularies = (("genre", GENRE_WORDS), ("lead_family", LEAD_WORDS), ("drums", DRUM_WORDS))
    found = ((name, _named(prompt.lower(), words)) for name, words in vocabularies)
    return {name: classes.pop() for name, classes in found if len(classes) == 1}


def _named(text: str, words: Mapping[str, str]) -> set[str]:
    """The classes whose words stand in a text; a longer word hides the shorter ones within it."""
    longest_first = sorted(words, key=len, reverse=True)
    any_word = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")
    return {words[match] for match in any_word.findall(text)}


@dataclass(frozen=True)
class PromptListeners:
    """Classifiers of what prompts name, by attribute."""

    listeners: Mapping[str, Listener]

    def probabilities(self, attribute: str, heard: np.ndarray) -> dict[str, np.ndarray]:
        """Probability ``[N]`` of every class, for features ``[N, F]``."""
        model = self.listeners[attribute].model
        return dict(zip(model.classes_.tolist(), model.predict_proba(heard).T, strict=True))

    def score(self, heard: np.ndarray, asked: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Mean probability of what each prompt asks for, float ``[N]``; nan where it asks nothing.

        Args:
            heard: `listening.features` of the clips, ``[N, F]``.
            asked: attribute to class, by clip; what no listener knows does not count.

        Raises:
            BadInput: there are other counts of clips than of prompts.
        """
        if len(heard) != len(asked):
            raise BadInput(f"{len(heard)} clips for {len(asked)} prompts: give one of each")
        known = {name: self.probabilities(name, heard) for name in self.listeners}
        scores = np.full(len(asked), np.nan)
        for place, wanted in enumerate(asked):
            found = [
                known[name][value][place]
                for name, value in wanted.items()
                if name in known and value in known[name]
            ]
            if found:
                scores[place] = float(np.mean(found))
        return scores


@dataclass(frozen=True)
class Clap:
    """A CLAP model and its processor."""

    model: Any
    processor: Any

    @torch.inference_mode()
    def score(
        self, clips: Sequence[np.ndarray], sample_rate: int, prompts: Sequence[str]
    ) -> np.ndarray:
        """Cosine of each clip, float ``[N]``, with its prompt: float ``[B]``."""
        audio = [librosa.resample(c, orig_sr=sample_rate, target_sr=CLAP_RATE) for c in clips]
        heard = self.processor(audio=audio, sampling_rate=CLAP_RATE, return_tensors="pt")
        read = self.processor(text=list(prompts), padding=True, return_tensors="pt")
        sound = self.model.get_audio_features(**heard)
        words = self.model.get_text_features(**read)
        sound, words = (getattr(x, "pooler_output", x) for x in (sound, words))
        return torch.cosine_similarity(sound, words).numpy()


def find_clap(name: str = CLAP) -> Clap | None:
    """CLAP from this machine's own disk; None where it is not there, as safetensors."""
    from transformers import ClapModel, ClapProcessor

    try:
        model = ClapModel.from_pretrained(
            name,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            weights_only=True,
        )
        processor = ClapProcessor.from_pretrained(
            name, local_files_only=True, trust_remote_code=False
        )
        return Clap(model.eval(), processor)
    except (OSError, ValueError):
        return None
