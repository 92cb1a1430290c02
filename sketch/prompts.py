"""What the sketch can be asked for, and what to say when it cannot."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast

from curation.errors import BadInput
from sketch.language.text import LONGEST

log = logging.getLogger(__name__)

LONGEST_SECONDS = 40.0
"""The sinusoidal positions of the language model end there."""

EXAMPLES = (
    "a calm jazz waltz led by a flute in D minor, 94 bpm",
    "energetic rock with electric guitar, drums",
    "sad violin tune in A minor",
)


def unknown_words(tokenizer: PreTrainedTokenizerFast, prompt: str) -> list[str]:
    """The words of a prompt that stood in no caption, and so mean nothing to the sketch."""
    words = [word.strip(".,;:!?\"'()") for word in prompt.split()]
    return [word for word in words if word and len(tokenizer.tokenize(word)) != 1]


def check_prompt(tokenizer: PreTrainedTokenizerFast, prompt: str) -> None:
    """Refuse a prompt that cannot be played, and say which words are unknown.

    Raises:
        BadInput: the prompt is empty, too long or in no word known.
    """
    if not isinstance(prompt, str) or not prompt.strip():
        raise BadInput(f"the prompt is empty: describe some music, as in {EXAMPLES[0]!r}")
    length = len(tokenizer.tokenize(prompt)) + 1
    if length > LONGEST:
        raise BadInput(f"the prompt has {length} tokens, {LONGEST} are read: shorten it")
    unknown = unknown_words(tokenizer, prompt)
    if len(unknown) == len(prompt.split()):
        raise BadInput(
            "the sketch knows none of these words, only those of its English captions: "
            f"try {EXAMPLES[1]!r}"
        )
    if unknown:
        log.warning("the sketch does not know %s: it passes over them", ", ".join(unknown))


def check_seconds(seconds: float, sounding: float = 0.02) -> None:
    """Refuse a duration that cannot be played.

    Raises:
        BadInput: it is no time at all, or goes past the model's positions.
    """
    if not sounding <= seconds <= LONGEST_SECONDS:
        raise BadInput(
            f"{seconds:g} s cannot be played: ask for {sounding:g} to {LONGEST_SECONDS:g} s"
        )


def check_all(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], seconds: float) -> None:
    """Every check of one request, before any work is done.

    Raises:
        BadInput: there is no prompt, or a prompt or the duration cannot be played.
    """
    if not prompts:
        raise BadInput("there is no prompt: give at least one")
    for prompt in prompts:
        check_prompt(tokenizer, prompt)
    check_seconds(seconds)
