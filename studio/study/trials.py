"""All that listeners were asked and said, in SQLite: one table a fact, each on the disk before the next.

A listener is a random word. A trial is written down before its sounds are given, each giving too, and an
answer before it is acknowledged: whatever is killed, what was said is there, and what was not is asked again.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from curation.errors import BadInput, first_line
from studio.study.lots import Asked

ANSWERS = "answers.sqlite"
PATIENCE_SECONDS = 10.0
"""How long one process waits while another writes."""

UNUSED_SECONDS = 3600.0
"""After so long the place of a listener who has answered nothing is the next one's."""

MOST_GIVEN = 20
"""Givings of one trial that are told apart; of all that come after, the last one's time is kept."""

_TABLES = """
CREATE TABLE IF NOT EXISTS listeners (
    listener TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, began REAL NOT NULL,
    version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trials (
    trial TEXT PRIMARY KEY, listener TEXT NOT NULL REFERENCES listeners, place INTEGER NOT NULL,
    kind TEXT NOT NULL, item TEXT NOT NULL, shown TEXT NOT NULL, catch INTEGER NOT NULL,
    UNIQUE (listener, place));
CREATE TABLE IF NOT EXISTS given (
    trial TEXT NOT NULL REFERENCES trials, at REAL NOT NULL, version TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS given_of_trial ON given (trial);
CREATE TABLE IF NOT EXISTS answers (
    trial TEXT PRIMARY KEY REFERENCES trials, said TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS plays (
    trial TEXT NOT NULL REFERENCES trials, label TEXT NOT NULL, began REAL NOT NULL, ended REAL NOT NULL);
CREATE INDEX IF NOT EXISTS plays_of_trial ON plays (trial);
"""

_UNUSED = """
SELECT listener, number FROM listeners AS one WHERE began < :then AND NOT EXISTS (
    SELECT 1 FROM trials JOIN answers USING (trial) WHERE trials.listener = one.listener
) AND NOT EXISTS (
    SELECT 1 FROM trials JOIN given USING (trial) WHERE trials.listener = one.listener AND at > :then
) ORDER BY number LIMIT 1
"""

Said = dict[str, Any]
Heard = list[tuple[str, float, float]]
"""What was played: a label, from and to, in seconds since the trial was shown."""


@dataclass(frozen=True)
class Given:
    """A trial and its listener; what was said of it, None where nothing is yet."""

    trial: str
    listener: str
    place: int
    asked: Asked
    said: Said | None


@dataclass(frozen=True)
class Kept(Given):
    """The same when it was answered.

    Attributes:
        seconds: from the last giving to the answer. at: of the answer, by the clock.
        givings: how often its sounds were sent: more than once where the page was loaded again.
        version: of the code that it was heard with.
    """

    said: Said
    seconds: float
    at: float
    givings: int
    version: str
    heard: Heard

    @property
    def plays(self) -> int:
        """How many times something was started."""
        return len(self.heard)

    @property
    def switches(self) -> int:
        """How many times another sound followed than the one before."""
        labels = [label for label, _, _ in self.heard]
        return sum(one != other for one, other in pairwise(labels))


class Trials:
    """The trials of one study; threads and processes may use it at once.

    Args:
        path: of the database. clock: seconds that go on when the page is started again.

    Raises:
        BadInput: the file cannot be used, here or in any method.
    """

    def __init__(self, path: Path, version: str, clock: Callable[[], float] = time.time) -> None:
        self._path, self._version, self._clock = path, version, clock
        self._lock = threading.Lock()
        with self._told():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, PATIENCE_SECONDS, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.execute("PRAGMA foreign_keys = ON")
            self._base.executescript(_TABLES)

    def begin(self, most: int) -> str:
        """A new listener's id; their number is the first that nobody uses.

        Raises:
            BadInput: so many have begun already.
        """
        name = secrets.token_urlsafe(12)
        with self._writing():
            number = self._freed()
            if number is None:
                number = self._base.execute("SELECT count(*) FROM listeners").fetchone()[0]
            if number >= most:
                raise BadInput("this study takes no more listeners: thank you all the same")
            self._base.execute(
                "INSERT INTO listeners VALUES (?, ?, ?, ?)",
                (name, number, self._clock(), self._version),
            )
        return name

    def _freed(self) -> int | None:
        """The number of one who began long ago and has answered nothing, and is forgotten; None of nobody."""
        row = self._base.execute(_UNUSED, {"then": self._clock() - UNUSED_SECONDS}).fetchone()
        if row is None:
            return None
        listener, number = row
        self._base.execute(
            "DELETE FROM given WHERE trial IN (SELECT trial FROM trials WHERE listener = ?)",
            (listener,),
        )
        for table in ("trials", "listeners"):
            self._base.execute(f"DELETE FROM {table} WHERE listener = ?", (listener,))
        return int(number)

    def number(self, listener: str) -> int:
        """A listener's number, from 0, as they began.

        Raises:
            BadInput: nobody here has this id.
        """
        with self._told(), self._lock:
            row = self._base.execute(
                "SELECT number FROM listeners WHERE listener = ?", (listener,)
            ).fetchone()
        if row is None:
            raise BadInput("nobody of this study has this id: begin it anew")
        return int(row[0])

    def said(self, listener: str) -> dict[int, Said]:
        """What a listener has answered so far, by the trials' places."""
        with self._told(), self._lock:
            rows = self._base.execute(
                "SELECT place, said FROM trials JOIN answers USING (trial) WHERE listener = ?",
                (listener,),
            ).fetchall()
        return {place: json.loads(said) for place, said in rows}

    def give(self, listener: str, place: int, asked: Asked) -> str:
        """Write down that a trial's sounds go out; its id, the same each time."""
        with self._writing():
            self._base.execute(
                "INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    secrets.token_urlsafe(12), listener, place, asked.kind, asked.item,
                    json.dumps(asked.shown), asked.catch,
                ),
            )  # fmt: skip
            trial = self._base.execute(
                "SELECT trial FROM trials WHERE listener = ? AND place = ?", (listener, place)
            ).fetchone()[0]
            self._note_giving(trial)
        return str(trial)

    def _note_giving(self, trial: str) -> None:
        count, last = self._base.execute(
            "SELECT count(*), max(rowid) FROM given WHERE trial = ?", (trial,)
        ).fetchone()
        if count >= MOST_GIVEN:
            self._base.execute("DELETE FROM given WHERE rowid = ?", (last,))
        self._base.execute(
            "INSERT INTO given VALUES (?, ?, ?)", (trial, self._clock(), self._version)
        )

    def find(self, trial: str) -> Given:
        """A trial by its id.

        Raises:
            BadInput: there is none.
        """
        with self._told(), self._lock:
            row = self._base.execute(
                "SELECT trial, listener, place, kind, item, shown, catch, said FROM trials "
                "LEFT JOIN answers USING (trial) WHERE trial = ?",
                (trial,),
            ).fetchone()
        if row is None:
            raise BadInput("there is no such trial: load the page again")
        said = None if row[7] is None else json.loads(row[7])
        return Given(row[0], row[1], row[2], _asked(row[3:7]), said)

    def answer(self, trial: str, said: Said, heard: Heard) -> None:
        """Take an answer down, once; it is on the disk when this returns.

        The same answer a second time, after a line broke, changes nothing.

        Raises:
            BadInput: it was answered otherwise before.
        """
        with self._writing():
            row = self._base.execute(
                "SELECT said FROM answers WHERE trial = ?", (trial,)
            ).fetchone()
            if row is not None:
                if json.loads(row[0]) != said:
                    raise BadInput("this trial was answered before: load the page again")
                return
            self._base.execute(
                "INSERT INTO answers VALUES (?, ?, ?)", (trial, json.dumps(said), self._clock())
            )
            self._base.executemany(
                "INSERT INTO plays VALUES (?, ?, ?, ?)", [(trial, *one) for one in heard]
            )

    def kept(self) -> Iterator[Kept]:
        """Every answered trial, listener by listener, in the order in which they were heard."""
        with self._told(), self._lock:
            rows = self._base.execute(
                "SELECT trial, listener, place, kind, item, shown, catch, said, "
                "answers.at, max(given.at), count(given.at), given.version FROM trials "
                "JOIN listeners USING (listener) JOIN answers USING (trial) JOIN given USING (trial) "
                "GROUP BY trial ORDER BY number, place"
            ).fetchall()
            plays: dict[str, Heard] = {}
            for trial, *one in self._base.execute("SELECT * FROM plays ORDER BY rowid"):
                plays.setdefault(trial, []).append((one[0], one[1], one[2]))
        for row in rows:
            yield Kept(
                row[0], row[1], row[2], _asked(row[3:7]), json.loads(row[7]),
                seconds=round(row[8] - row[9], 3), at=row[8], givings=row[10], version=row[11],
                heard=plays.get(row[0], []),
            )  # fmt: skip

    def close(self) -> None:
        """Let the file go."""
        self._base.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction that nobody else writes into."""
        with self._told(), self._lock, self._base:
            self._base.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever is wrong with the database, in one line."""
        try:
            yield
        except (OSError, sqlite3.Error, OverflowError) as error:
            raise BadInput(
                f"{self._path.name} of the study cannot be used ({first_line(error)}): whoever runs "
                "this page must mend its folder"
            ) from error


def _asked(row: tuple[Any, ...]) -> Asked:
    kind, item, shown, catch = row
    return Asked(kind, item, tuple(json.loads(shown)), bool(catch))
