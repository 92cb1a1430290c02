"""Banks on the Hugging Face Hub: a folder of safetensors and JSON goes up, and comes down checked."""

from __future__ import annotations

import re
from pathlib import Path

from curation.errors import BadInput
from steering.directions.bank import FACTS, TENSORS, Bank, load_bank

FILES = (FACTS, TENSORS)


def banks_in(folder: Path) -> list[Path]:
    """Folders of banks in a folder, itself included.

    Raises:
        BadInput: there is none, or one is damaged.
    """
    found = sorted(path.parent for path in folder.rglob(FACTS))
    if not found:
        raise BadInput(f"{folder} holds no bank: train one with 'python -m steering train'")
    for path in found:
        load_bank(path)
    return found


def push(folder: Path, repo_id: str, *, private: bool = False) -> str:
    """Upload a bank, or a folder of banks; give the same command again to resume.

    Returns:
        the address of the model page that they are on.

    Raises:
        BadInput: there is no bank or no token, the Hub refuses it, or the Hub cannot be reached.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    _check_name(repo_id)
    banks_in(folder)
    if huggingface_hub.get_token() is None:
        raise BadInput(
            "no Hugging Face token: run `hf auth login`, or set HF_TOKEN to a token that may write"
        )
    api = huggingface_hub.HfApi()
    try:
        page = api.create_repo(repo_id, repo_type="model", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo_id,
            repo_type="model",
            folder_path=folder,
            allow_patterns=[pattern for name in FILES for pattern in (name, f"**/{name}")],
            commit_message="Publish directions",
        )
    except HfHubHTTPError as error:
        raise _refused(repo_id, error.response.status_code, "may write") from error
    except OSError as error:
        raise _unreachable(error) from error
    return str(page)


def pull(repo_id: str, folder: Path, revision: str | None = None) -> list[Bank]:
    """Fetch every bank of a repository into a folder; nothing but JSON and tensors is fetched.

    Raises:
        BadInput: the repository holds no bank, the Hub refuses it, or the Hub cannot be reached.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    _check_name(repo_id)
    try:
        huggingface_hub.snapshot_download(
            repo_id,
            revision=revision,
            local_dir=folder,
            allow_patterns=[pattern for name in FILES for pattern in (name, f"**/{name}")],
        )
    except HfHubHTTPError as error:
        raise _refused(repo_id, error.response.status_code, "may read") from error
    except OSError as error:
        raise _unreachable(error) from error
    return [load_bank(path) for path in banks_in(folder)]


def _check_name(repo_id: str) -> None:
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id):
        raise BadInput(f"{repo_id!r} is no Hub repository: write it as owner/name")


def _refused(repo_id: str, status: int, right: str) -> BadInput:
    return BadInput(
        f"the Hub refused {repo_id} ({status}): check the name, and that the token {right} there"
    )


def _unreachable(error: OSError) -> BadInput:
    return BadInput(
        f"the Hub cannot be reached ({type(error).__name__}): check the network, then give the "
        "same command again to resume"
    )
