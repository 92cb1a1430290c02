"""How the clips of a dataset are loaded: the snippets of its card, each run by a test."""

from __future__ import annotations

from typing import Any

from curation.release import release_of
from curation.spec import Family

PLACE = "path/or/hub-id"
"""Stands in the card of what is not published."""

FOLDER = "path/to/folder"


def snippets(family: Family, facts: dict[str, Any]) -> dict[str, str]:
    """Python by the library that it loads with."""
    repo = release_of(facts).repo
    samples = round(facts["seconds"] * facts["recipe"]["sample_rate"])
    return {
        "datasets": _datasets(repo or PLACE, family.target, samples),
        "pandas": _pandas(repo, family.target, samples),
        "PyTorch": _torch(repo or PLACE, family.target, samples),
    }


def _datasets(place: str, target: str, samples: int) -> str:
    return f"""\
from datasets import load_dataset

clips = load_dataset("{place}")  # streaming=True works too
clip = clips["train"][0]
sound = clip["audio"].get_all_samples().data  # [1, {samples}]
label = clips["train"].features["{target}"].int2str(clip["{target}"])"""


def _pandas(repo: str, target: str, samples: int) -> str:
    folder = f'snapshot_download("{repo}", repo_type="dataset")' if repo else f'"{FOLDER}"'
    fetch = "from huggingface_hub import snapshot_download\n" if repo else ""
    return f"""\
import io
from glob import glob

import pandas
import soundfile
{fetch}
files = sorted(glob({folder} + "/data/train-*.parquet"))
columns = ["caption", "{target}"]
table = pandas.concat(pandas.read_parquet(file, columns=columns) for file in files)
first = pandas.read_parquet(files[0]).iloc[0]  # with the sound and the score
sound, rate = soundfile.read(io.BytesIO(first["audio"]["bytes"]))  # [{samples}]"""


def _torch(place: str, target: str, samples: int) -> str:
    return f"""\
import torch
from datasets import load_dataset


def together(clips):
    sound = [clip["audio"].get_all_samples().data for clip in clips]
    return torch.cat(sound), torch.tensor([clip["{target}"] for clip in clips])


train = load_dataset("{place}", split="train")
batches = torch.utils.data.DataLoader(train, 16, shuffle=True, collate_fn=together)
sound, target = next(iter(batches))  # [16, {samples}], [16]"""
