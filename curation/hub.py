"""Publish a built folder on the Hugging Face Hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from curation import repository
from curation.build import DROPPED_FILE, RECIPE_FILE
from curation.card import CONFUSION_FILE, OVERVIEW_FILE
from curation.checks import CHECK_FILE, read_audit
from curation.checksums import SUMS_FILE
from curation.croissant import CROISSANT_FILE
from curation.datasheet import DATASHEET_FILE
from curation.errors import BadInput
from curation.folder import Built
from curation.release import RELEASE_FILE, read_release

CARD_FILE = "README.md"
FILES = (
    CARD_FILE,
    DATASHEET_FILE,
    CROISSANT_FILE,
    SUMS_FILE,
    RECIPE_FILE,
    DROPPED_FILE,
    CHECK_FILE,
    RELEASE_FILE,
    OVERVIEW_FILE,
    CONFUSION_FILE,
)


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
        BadInput: a wrong name, or the build has no card, was not checked or did not pass.
    """
    repository.check_name(repo_id)
    if not (built.folder / CARD_FILE).exists():
        raise BadInput(f"{built.folder} has no card: give the build command again")
    audit = read_audit(built)
    if audit is None:
        raise BadInput(
            f"{built.folder} was not checked as it is: run `python -m curation check {built.folder}`"
        )
    if not audit.passed:
        raise BadInput(f"{built.folder} did not pass its check ({audit.faults[0]}): mend it first")
    names = [name for name in FILES if (built.folder / name).exists()]
    names += [shard.file_name for shard in built.shards]
    return Upload(
        repo_id, built.folder, tuple((n, (built.folder / n).stat().st_size) for n in names)
    )


def publish(upload: Upload, *, private: bool = False) -> str:
    """Upload with the Hub's own resumable folder upload, and tag it as the folder's release.

    Give the same command again to resume.

    Returns:
        the address of the dataset's page.

    Raises:
        BadInput: no token, the version is there already, or the Hub refuses or cannot be reached.
    """
    release = read_release(upload.folder)
    return repository.upload(
        upload.folder,
        upload.repo_id,
        "dataset",
        [name for name, _ in upload.files],
        f"Version {release.version}",
        private=private,
        tag=release.tag,
    )
