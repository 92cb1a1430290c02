"""Publish a built folder on the Hugging Face Hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from curation.build import DROPPED_FILE, RECIPE_FILE
from curation.card import CONFUSION_FILE, OVERVIEW_FILE
from curation.checks import CHECK_FILE, read_audit
from curation.errors import BadInput
from curation.folder import Built

CARD_FILE = "README.md"
FILES = (CARD_FILE, RECIPE_FILE, DROPPED_FILE, CHECK_FILE, OVERVIEW_FILE, CONFUSION_FILE)


@dataclass(frozen=True)
class Upload:
    """What would go up and to where: paths relative to the folder, with their sizes in bytes."""

    repo_id: str
    folder: Path
    files: tuple[tuple[str, int], ...]

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.files)


def prepare(built: Built, repo_id: str) -> Upload:
    """List the files of a finished, checked build.

    Raises:
        BadInput: the repository is not written as owner/name, or the build has no card or did not
            pass its check.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id):
        raise BadInput(f"{repo_id!r} is no Hub repository: write it as owner/name")
    if not (built.folder / CARD_FILE).exists():
        raise BadInput(f"{built.folder} has no card: give the build command again")
    audit = read_audit(built.folder)
    if audit is None:
        raise BadInput(
            f"{built.folder} was never checked: run `python -m curation check {built.folder}`"
        )
    if not audit.passed:
        raise BadInput(f"{built.folder} did not pass its check ({audit.faults[0]}): mend it first")
    names = [name for name in FILES if (built.folder / name).exists()]
    names += [shard.file_name for shard in built.shards]
    return Upload(
        repo_id, built.folder, tuple((n, (built.folder / n).stat().st_size) for n in names)
    )


def publish(upload: Upload, *, private: bool = False) -> str:
    """Upload with the Hub's own resumable folder upload; give the same command again to resume.

    Returns:
        the address of the dataset's page.

    Raises:
        BadInput: there is no token, the Hub refuses it, or the Hub cannot be reached.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError

    if huggingface_hub.get_token() is None:
        raise BadInput(
            "no Hugging Face token: run `hf auth login`, or set HF_TOKEN to a token that may write"
        )
    api = huggingface_hub.HfApi()
    try:
        page = api.create_repo(upload.repo_id, repo_type="dataset", private=private, exist_ok=True)
        api.upload_folder(
            repo_id=upload.repo_id,
            repo_type="dataset",
            folder_path=upload.folder,
            allow_patterns=[name for name, _ in upload.files],
            commit_message="Publish the dataset",
        )
    except HfHubHTTPError as error:
        raise BadInput(
            f"the Hub refused {upload.repo_id} ({error.response.status_code}): "
            "check that the token may write there, then give the same command again"
        ) from error
    except OSError as error:
        raise BadInput(
            f"the Hub cannot be reached ({type(error).__name__}): "
            "check the network, then give the same command again to resume"
        ) from error
    return str(page)
