"""A repository on the Hugging Face Hub: its name, an upload that resumes, and its errors in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from curation.errors import BadInput

MOST_CHARACTERS = 96
"""Of a name, as the Hub has it."""


def check_name(repo_id: str) -> None:
    """Refuse what is no repository's name.

    Raises:
        BadInput: it is not written as owner/name.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

    try:
        validate_repo_id(repo_id)
        sound = repo_id.isascii() and repo_id.count("/") == 1 and len(repo_id) <= MOST_CHARACTERS
    except HFValidationError:
        sound = False
    if not sound:
        raise BadInput(f"{repo_id!r:.120} is no Hub repository: write it as owner/name")


@contextmanager
def one_line(repo_id: str, right: Literal["write", "read"]) -> Iterator[None]:
    """Calls of the Hub whose errors say what to do.

    Raises:
        BadInput: the Hub refuses the repository or cannot be reached.
    """
    from huggingface_hub.errors import HfHubHTTPError

    try:
        yield
    except HfHubHTTPError as error:
        raise BadInput(
            f"the Hub refused {repo_id} ({error.response.status_code}): check the name, and that the "
            f"token may {right} there, then give the same command again"
        ) from error
    except OSError as error:
        raise BadInput(
            f"the Hub cannot be reached ({type(error).__name__}): check the network, then give the "
            "same command again to resume"
        ) from error


def check_token() -> None:
    """Refuse to begin what cannot be sent.

    Raises:
        BadInput: there is no token on this machine.
    """
    import huggingface_hub

    if huggingface_hub.get_token() is None:
        raise BadInput(
            "no Hugging Face token: run `hf auth login`, or set HF_TOKEN to a token that may write"
        )


def upload(
    folder: Path,
    repo_id: str,
    kind: Literal["dataset", "model"],
    patterns: Sequence[str],
    message: str,
    *,
    private: bool = False,
    tag: str = "",
) -> str:
    """Upload a folder's files by the Hub's own resumable upload; give it again to resume.

    Args:
        patterns: of the files that go up, relative to the folder.
        tag: of what was uploaded; one that is there stays what it is.

    Returns:
        the address of the repository's page.

    Raises:
        BadInput: a wrong name, no token, the tag is there, or the Hub refuses or cannot be reached.
    """
    import huggingface_hub

    check_name(repo_id)
    check_token()
    api = huggingface_hub.HfApi()
    with one_line(repo_id, "write"):
        page = api.create_repo(repo_id, repo_type=kind, private=private, exist_ok=True)
        if tag and tag in (ref.name for ref in api.list_repo_refs(repo_id, repo_type=kind).tags):
            raise BadInput(f"{repo_id} has {tag} already: publish under a higher --version")
        api.upload_folder(
            repo_id=repo_id,
            repo_type=kind,
            folder_path=folder,
            allow_patterns=list(patterns),
            commit_message=message,
        )
        if tag:
            api.create_tag(repo_id, tag=tag, repo_type=kind, tag_message=message)
    return str(page)
