"""Banks of a folder, to the Hugging Face Hub and from there: safetensors and JSON, checked both ways.

A card goes up with them. It is written into the folder, where its owner may put words of their own.
"""

from __future__ import annotations

from pathlib import Path

from curation import repository
from curation.errors import BadInput
from curation.files import check_writable, read_text, write_whole
from steering.directions.bank import FACTS, TENSORS, Bank, bind_bank, load_bank
from steering.directions.card import MARK, card

_PATTERNS = [pattern for name in (FACTS, TENSORS) for pattern in (name, f"**/{name}")]
CARD = "README.md"


def banks_in(folder: Path) -> list[Path]:
    """Folders of banks in a folder, itself included.

    Raises:
        BadInput: there is none, or one is damaged.
    """
    found = _folders(folder)
    for path in found:
        load_bank(path)
    return found


def bind(folder: Path) -> list[Bank]:
    """Bind the names of every bank in a folder to their vectors, where none are bound yet.

    Raises:
        BadInput: there is none, or one is damaged.
    """
    return [bind_bank(path) for path in _folders(folder)]


def _folders(folder: Path) -> list[Path]:
    found = sorted(path.parent for path in folder.rglob(FACTS))
    if not found:
        raise BadInput(f"{folder} holds no bank: train one with 'python -m steering train'")
    return found


def push(folder: Path, repo_id: str, *, private: bool = False) -> str:
    """Upload a bank, or a folder of banks; give the same command again to resume.

    Returns:
        the address of the model page that they are on.

    Raises:
        BadInput: no bank is there, a wrong name, no token, or the Hub refuses or cannot be reached.
    """
    repository.check_name(repo_id)
    _write_card(folder, repo_id)
    return repository.upload(
        folder, repo_id, "model", [*_PATTERNS, CARD], "Publish directions", private=private
    )


def _write_card(folder: Path, repo_id: str) -> None:
    """Write the card anew, unless its owner has put other words there."""
    banks = {path.relative_to(folder).as_posix(): load_bank(path) for path in _folders(folder)}
    there = folder / CARD
    if not there.exists() or MARK in read_text(there):
        check_writable(folder)
        write_whole(there, card(banks, repo_id))


def pull(repo_id: str, folder: Path, revision: str | None = None) -> list[Bank]:
    """Fetch every bank of a repository into a folder; nothing but JSON and tensors is fetched.

    Raises:
        BadInput: a wrong name, a damaged bank, none at all, or the Hub refuses or cannot be reached.
    """
    import huggingface_hub

    repository.check_name(repo_id)
    with repository.one_line(repo_id, "read"):
        huggingface_hub.snapshot_download(
            repo_id, revision=revision, local_dir=folder, allow_patterns=_PATTERNS
        )
    return [load_bank(path) for path in banks_in(folder)]
