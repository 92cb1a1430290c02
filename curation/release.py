"""What a dataset is cited by once it is published: its version, its place on the Hub, its DOI."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from curation.errors import BadInput
from curation.files import read_kept
from curation.recipe import FORMAT
from curation.repository import check_name
from curation.spec import Family

RELEASE_FILE = "release.json"
AUTHORS = "The Steering Music authors"
DATE = "2026-11-26"
"""Of this version of the project, as in CITATION.cff: what was never published is cited by it."""

PLACE = "https://huggingface.co/datasets"


@dataclass(frozen=True)
class Release:
    """A published state of a dataset.

    Attributes:
        version: three numbers: other bytes, more columns or clips, other words about the same data.
            The first is `FORMAT` of the recipes.
        repo: owner/name on the Hub; empty before the first publication.
        doi: as the Hub or Zenodo gives one; empty without.
        date: of the publication, year, month and day.

    Raises:
        BadInput: an entry is not written so.
    """

    version: str = f"{FORMAT}.0.0"
    repo: str = ""
    doi: str = ""
    date: str = DATE

    def __post_init__(self) -> None:
        if not re.fullmatch(
            rf"{FORMAT}\.(0|[1-9]\d{{0,5}})\.(0|[1-9]\d{{0,5}})", self.version, re.ASCII
        ):
            raise BadInput(
                f"{self.version!r:.40} is no version: give three numbers, the first {FORMAT}, as "
                f"{FORMAT}.0.1"
            )
        if self.doi and not re.fullmatch(r"10\.\d{4,9}/[\w.()/:;-]+", self.doi, re.ASCII):
            raise BadInput(f"{self.doi!r:.120} is no DOI: give one as 10.57967/hf/1234")
        if self.repo:
            check_name(self.repo)
        try:
            date.fromisoformat(self.date)
        except ValueError:
            raise BadInput(f"{self.date!r:.40} is no date: give one as {DATE}") from None

    @property
    def tag(self) -> str:
        """Of the version, in a repository."""
        return f"v{self.version}"

    @property
    def address(self) -> str:
        """Where the dataset is found, the more lasting first; empty before it is published."""
        if self.doi:
            return f"https://doi.org/{self.doi}"
        return f"{PLACE}/{self.repo}" if self.repo else ""

    def bibtex(self, family: Family) -> str:
        """How a paper cites the dataset."""
        entries = {
            "title": f"{{{family.title}: labelled clips for probes of music models}}",
            "author": f"{{{{{AUTHORS}}}}}",
            "year": f"{{{self.date[:4]}}}",
            "version": f"{{{self.version}}}",
            "doi": f"{{{self.doi}}}" if self.doi else "",
            "url": f"{{{self.address}}}" if self.address else "",
        }
        lines = ",\n".join(f"  {name} = {value}" for name, value in entries.items() if value)
        return f"@misc{{steering_music_{family.name},\n{lines}\n}}"


def read_release(folder: Path) -> Release:
    """How a build was published last; the first version where it never was.

    Raises:
        BadInput: what was kept of it is damaged.
    """
    return read_kept(folder / RELEASE_FILE, Release, "publish the folder again") or Release()


def release_of(facts: dict[str, Any]) -> Release:
    """How the build was published that facts are of; the first version where it never was."""
    return Release(**facts.get("release", {}))
