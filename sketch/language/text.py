"""The tokenizer, made from our own captions, and how a clip is put into words."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

from sketch.material import PHRASINGS, Piece, pieces

VOCABULARY = 1024
LONGEST = 64
"""Tokens of a prompt; what goes past them is refused, not cut."""

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
_HOURS = 60.0


def caption(piece: Piece, rng: np.random.Generator) -> str:
    """The piece in words; a genre or a song in another phrasing each time."""
    spec = piece.spec()
    if piece.family not in PHRASINGS:
        return spec.caption
    phrasings, in_words = PHRASINGS[piece.family]
    return in_words(spec.labels, phrasings[int(rng.integers(len(phrasings)))])


def make_tokenizer(hours: float = _HOURS) -> PreTrainedTokenizerFast:
    """Byte-pair encoding of the training captions, lower case, ending every prompt as T5 does.

    All words of our captions become tokens of their own; others fall apart into letters.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(",", "isolated"),
            pre_tokenizers.Split(".", "isolated"),
            pre_tokenizers.Metaspace(),
        ]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, UNKNOWN],
        initial_alphabet=[chr(code) for code in range(33, 127)],
        show_progress=False,
    )
    tokenizer.train_from_iterator(_captions(hours), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, tokenizer.token_to_id(END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        model_max_length=LONGEST,
    )


def _captions(hours: float) -> Iterator[str]:
    rng = np.random.default_rng(0)
    corpus = pieces("train", hours)
    random.Random(0).shuffle(corpus)
    for piece in corpus:
        yield caption(piece, rng)
