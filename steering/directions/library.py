"""Where banks are found by name: those that come with a model, those of folders, and single ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from curation.errors import BadInput
from curation.files import is_there
from steering.directions.bank import FACTS, Bank, load_bank
from steering.directions.bank_name import BankName
from steering.models.interface import MusicModel

BANKS = Path(__file__).parents[1] / "banks"
RESULTS = Path(__file__).parents[1] / "results"
"""A folder for each evaluation, as 'python -m steering evaluate' wrote it, and ``strengths``."""

log = logging.getLogger(__name__)


class Library(Mapping[str, Bank]):
    """The banks of one model by ``family/method``, each loaded when it is first asked for.

    Args:
        roots: folders that hold ``<model>/<family>/<method>/``; the first that has a bank gives it.
    """

    def __init__(self, model: MusicModel, roots: Sequence[Path] = (BANKS,)) -> None:
        self.model = model
        self._homes = [root / folder_name(model.origin.model) for root in roots]
        self._loaded: dict[str, Bank] = {}

    def __iter__(self) -> Iterator[str]:
        found = {
            path.parent.relative_to(home).as_posix()
            for home in self._homes
            for path in home.glob(f"*/*/{FACTS}")
        }
        return iter(sorted(found))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, name: str) -> Bank:
        """A bank by its whole name.

        Raises:
            BadInput: there is none of this name, or it was made for other weights.
        """
        if name not in self._loaded:
            if name not in set(self):
                raise BadInput(
                    f"no bank {name!r:.60} for {self.model.origin.model}: choose one of "
                    f"{', '.join(self) or 'none'}; {_remake(self.model)}"
                )
            folder = next(home / name for home in self._homes if (home / name / FACTS).exists())
            self._loaded[name] = load_bank(folder, self.model.origin, name)
        return self._loaded[name]

    def find(
        self, name: str, methods: Sequence[str] = (), within: Sequence[Path] | None = None
    ) -> Bank:
        """A bank by its name, by its family's alone, or the one in a folder.

        Args:
            methods: of a family's banks the first by one of these is taken.
            within: where such a folder may be, for names that somebody else wrote, as a recipe's;
                None for anywhere.

        Raises:
            BadInput: there is none, it may not be taken, or it was made for other weights.
        """
        kept = is_there(Path(name, FACTS))
        if kept and (within is None or _inside(Path(name), within)):
            return load_bank(Path(name), self.model.origin, name)
        there = set(self)
        banks = (str(BankName(name, method)) for method in methods)
        found = next((one for one in banks if one in there), name)
        if kept and found not in there:
            raise BadInput(
                f"the bank {name!r:.60} is a folder's: a recipe has banks that come with its model, "
                "and those of a folder that you allow with --banks"
            )
        return self[found]

    def fitting(self) -> dict[str, Bank]:
        """All banks that fit the model; of the others the log says why they do not, in one line."""
        found, reasons = {}, []
        for name in self:
            try:
                found[name] = self[name]
            except BadInput as error:
                reasons.append(str(error))
        if reasons or not found:
            why = reasons[0] if reasons else "there is none"
            log.warning(
                "%d of %d banks fit: %s; %s", len(found), len(self), why, _remake(self.model)
            )
        return found


def _inside(folder: Path, homes: Sequence[Path]) -> bool:
    """Whether a folder is one of these or in one of them, wherever links and dots lead."""
    return any(folder.resolve().is_relative_to(home.resolve()) for home in homes)


def folder_name(model: str) -> str:
    """A model's name as a folder's.

    >>> folder_name("facebook/musicgen-small")
    'facebook--musicgen-small'
    """
    return model.replace("/", "--")


def _remake(model: MusicModel) -> str:
    return f"make them with 'python -m steering banks --model {model.origin.model}'"
