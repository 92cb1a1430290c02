"""The card of a repository of banks: what is in it, what it was made from, how it is played."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

from curation.errors import plain
from steering.directions.bank import Bank
from steering.directions.bank_name import TAUGHT

MARK = "<!-- written by 'python -m steering bank push': take this line out to keep words of your own -->"
MOST_CONCEPTS, MOST_CHARACTERS = 12, 400
"""Shown of a bank, and of a cell."""
STRENGTH = 0.06


def card(banks: Mapping[str, Bank], repo_id: str) -> str:
    """The card as Markdown with the Hub's YAML head.

    Args:
        banks: by their folder in the repository, ``.`` for the repository itself.
    """
    rows = [_row(folder, bank) for folder, bank in sorted(banks.items())]
    folder = min(banks)
    home = f"build/{repo_id.partition('/')[2]}"
    place = home if folder == "." else f"{home}/{folder}"
    push = f"{next(iter(banks[folder]))}={STRENGTH:g}"
    return f"""---
tags:
  - music
  - musicgen
  - activation-steering
  - interpretability
---
{MARK}

# Directions in the residual stream of a MusicGen

A direction is a concept: add it while the model generates, and the model plays the concept. These were found
by Steering Music, and mean something on the very weights that they name.

| bank | concepts | by | model | made from | vectors |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

```sh
python -m steering bank pull {repo_id} {home}
python -m steering generate "calm jazz" --bank {quote(place)} --steer {quote(push)}
```

Tensors as safetensors, names and facts as JSON, sealed together: loading them runs no code.
"""


def _row(folder: str, bank: Bank) -> str:
    names = list(bank)
    shown = ", ".join(names[:MOST_CONCEPTS]) + (", ..." if len(names) > MOST_CONCEPTS else "")
    model = f"{bank.origin.model} ({bank.origin.revision})"
    cells = (folder, shown, bank.method, model, _made_from(bank), bank.fingerprint)
    return f"| {' | '.join(map(_cell, cells))} |"


def _made_from(bank: Bank) -> str:
    """What a taught bank was taught from and whether it was told; of others, the dataset."""
    facts = bank.facts
    if bank.family != TAUGHT:
        return str(facts.get("dataset", ""))
    told, tried = facts.get("verdict"), facts.get("trials")
    said = [f"{facts.get('clips')} clips against {facts.get('against')}"]
    if isinstance(told, Mapping) and isinstance(told.get("auc"), Mapping):
        auc = told["auc"]
        said.append(
            f"AUC {_number(auc.get('mean'))} ({_number(auc.get('low'))} to {_number(auc.get('high'))}) of "
            f"clips held out, p {_number(told.get('p'))}"
        )
    if isinstance(tried, Mapping) and isinstance(tried.get("chosen"), Mapping):
        said.append(f"strength {_number(tried['chosen'].get('strength'))}")
    return "; ".join(said)


def _number(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, int | float) else "unknown"


def _cell(text: str) -> str:
    """Text that stays within a table's cell, whatever it is."""
    line = plain(" ".join(text.split()))[:MOST_CHARACTERS]
    return line.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
