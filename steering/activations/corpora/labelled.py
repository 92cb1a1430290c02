"""Any folder of audio with a table of labels: ``labels.csv``, ``.tsv``, ``.jsonl`` or ``.parquet``.

Its column ``file`` names the recordings, ``artist`` says whose they are, and every other one is a
label. A key in words becomes tonic and mode; a column of numbers is one of numbers.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curation.errors import BadInput
from curation.files import read_text
from steering.activations.corpora.corpus import Corpus, Recording, column_of, file_of, tonality

TABLES = ("labels.csv", "labels.tsv", "labels.jsonl", "labels.parquet")
MODES = ("major", "minor")


def recordings(folder: Path) -> Iterator[Recording]:
    path = next(folder / name for name in TABLES if (folder / name).is_file())
    table = rows(path)
    if not table:
        raise BadInput(f"{path} holds no row: give each recording one")
    numbers = {name for name in table[0] if name != "file" and _are_numbers(table, name)}
    for row in table:
        name = str(column_of(row, "file", path))
        labels = {
            k: _value(row.get(k), k in numbers) for k in table[0] if k not in ("file", "artist")
        }
        if "key" in labels:
            tonic, mode = tonality(labels["key"])
            labels |= {"key": tonic, "mode": mode or labels.get("mode")}
        artist = row.get("artist") or name
        yield Recording(name, file_of(folder, ("", "audio"), name), labels, str(artist))


def rows(path: Path) -> list[dict[str, Any]]:
    """A table's rows.

    Raises:
        BadInput: it cannot be read as what its name says.
    """
    try:
        found = _rows(path)
    except (ValueError, OSError, csv.Error, pa.ArrowException, RecursionError):
        raise BadInput(f"{path} does not read as a table: export it again") from None
    if not all(isinstance(row, dict) and all(isinstance(k, str) for k in row) for row in found):
        raise BadInput(f"{path} has rows that are not one entry a column: export it again")
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    text = read_text(path)
    if path.suffix in (".json", ".jsonl"):
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    mark = "," if path.suffix == ".csv" and "\t" not in text.partition("\n")[0] else "\t"
    return list(csv.DictReader(text.splitlines(), delimiter=mark))


def _are_numbers(table: list[dict[str, Any]], name: str) -> bool:
    said = [one for row in table if (one := row.get(name)) not in (None, "")]
    try:
        return bool([float(str(one)) for one in said])
    except (TypeError, ValueError):
        return False


def _value(said: Any, number: bool) -> Any:
    if said in (None, ""):
        return None
    if not number:
        return str(said)
    return float(said) if np.isfinite(float(said)) else None


corpus = Corpus(
    "labelled",
    lambda folder: any((folder / name).is_file() for name in TABLES),
    recordings,
    "the artist, or the recording where no artist is named",
)
