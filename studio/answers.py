"""What listeners answered, in SQLite: a random id, what was asked, what was said. No more.

A trial is written down when it is drawn, with what A and X are, so that a client can neither choose
them nor answer twice. The ids of listeners, trials and clips are what they may be used with: each is
known to its owner alone, and what is exported has salted hashes in their place. The salt is kept
beside the answers, so that one listener and one clip have the same hashes for as long as these.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from curation.errors import BadInput, first_line
from studio.abx import LEAST_HEARD, ROUNDS, Trial, other, p_value, side_by_lot
from studio.ids import new_id

MOST_ROWS = 1_000_000
ATTRIBUTES = ("presence", "quality", "prompt", "preference")
"""Rated 0 to 100: the concept is there; it sounds good; it follows the prompt; I like it."""

_ID = re.compile(r"[A-Za-z0-9_-]{8,32}")
_TABLES = """
CREATE TABLE IF NOT EXISTS trials (
    trial TEXT PRIMARY KEY, listener TEXT NOT NULL, clip TEXT NOT NULL, concepts TEXT NOT NULL,
    hidden TEXT NOT NULL, answer TEXT, day TEXT NOT NULL DEFAULT CURRENT_DATE);
CREATE INDEX IF NOT EXISTS trials_of_listener ON trials (listener);
CREATE TABLE IF NOT EXISTS ratings (
    listener TEXT NOT NULL, clip TEXT NOT NULL, concepts TEXT NOT NULL, side TEXT NOT NULL,
    attribute TEXT NOT NULL, score REAL NOT NULL, day TEXT NOT NULL DEFAULT CURRENT_DATE,
    PRIMARY KEY (listener, clip, side, attribute));
CREATE TABLE IF NOT EXISTS salt (one INTEGER PRIMARY KEY CHECK (one = 1), value BLOB NOT NULL);
"""
_LATER = {
    "a": "TEXT NOT NULL DEFAULT 'steered'",  # the side that A is
    "drawn": "REAL",  # by the clock, in seconds
    "length": "REAL",  # of X, in seconds
    "seconds": "REAL",  # from draw to answer
    "told": "INTEGER NOT NULL DEFAULT 1",  # whether the last round of its test is over
}
"""Columns of trials that older databases lack, and what their trials have in them."""

_OVER = "answer IS NOT NULL AND told"
_HEARD = f"coalesce(seconds >= {LEAST_HEARD} * length, 1)"
_COUNTED = f"{_OVER} AND {_HEARD}"


P = ParamSpec("P")
T = TypeVar("T")


def _in_one_line(method: Callable[P, T]) -> Callable[P, T]:
    """Whatever is wrong with the database, as bad input."""

    @wraps(method)
    def told(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return method(*arguments, **named)
        except (sqlite3.Error, OverflowError, TypeError) as error:
            raise BadInput(
                f"the database of answers cannot be used ({first_line(error)}): whoever runs this page "
                "gives another file with --answers"
            ) from error

    return told


def new_listener() -> str:
    """A random id that says nothing about who has it."""
    return secrets.token_urlsafe(9)


class Answers:
    """The answers of all listeners; several threads may use it.

    Args:
        path: of the database; None keeps it in memory.
        clock: seconds that go on when the page is started again.

    Raises:
        BadInput: the file cannot be used, here or in any method.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.time) -> None:
        self._lock, self._clock = threading.Lock(), clock
        try:
            self._base, self._salt = self._opened(path)
        except (OSError, sqlite3.Error, TypeError) as error:  # of another type: damage
            raise BadInput(
                f"--answers {path} cannot be used ({first_line(error)}): name a file that can be "
                "written, new or from an earlier page"
            ) from None
        self._base.create_function("hashed", 1, self._hashed, deterministic=True)

    @staticmethod
    def _opened(path: Path | None) -> tuple[sqlite3.Connection, bytes]:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(str(path) if path else ":memory:", check_same_thread=False)
        with base:
            base.executescript(_TABLES)
            there = {row[1] for row in base.execute("PRAGMA table_info(trials)")}
            for name in _LATER.keys() - there:
                base.execute(f"ALTER TABLE trials ADD COLUMN {name} {_LATER[name]}")
            salt = secrets.token_bytes(32)
            base.execute("INSERT OR IGNORE INTO salt VALUES (1, ?)", (salt,))
        return base, bytes(base.execute("SELECT value FROM salt").fetchone()[0])

    @_in_one_line
    def draw(self, listener: str, clip: str, concepts: str, length: float) -> Trial:
        """A listener's next round, on a clip; it takes the place of one that was left unanswered.

        Args:
            length: of X, in seconds.

        Raises:
            BadInput: the listener's id is malformed, or no more trials are kept.
        """
        _check_id(listener)
        name, a, x = new_id(9), side_by_lot(), side_by_lot()
        with self._lock, self._base:
            self._base.execute(
                "DELETE FROM trials WHERE listener = ? AND answer IS NULL", (listener,)
            )
            self._check_room("trials")
            self._base.execute(
                "INSERT INTO trials (trial, listener, clip, concepts, hidden, a, drawn, length, told) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (name, listener, clip, concepts, x, a, self._clock(), length),
            )
            return Trial(name, a, x, len(self._rounds(listener)) + 1, ROUNDS)

    @_in_one_line
    def answer(self, trial: str, said: str) -> dict[str, Any]:
        """Take an answer down, once. Only the last round's is followed by what was right.

        Returns:
            ``round``, ``of`` and ``done``; when done, the score of those that count with its p-value,
            how many were too quick, and every round.

        Raises:
            BadInput: it names neither A nor B, there is no such trial, or it was answered before.
        """
        if said not in ("a", "b"):
            raise BadInput("an answer is 'a' or 'b'")
        with self._lock, self._base:
            row = self._base.execute(
                "SELECT listener, a, drawn, answer FROM trials "
                "WHERE trial = ? AND drawn IS NOT NULL",
                (trial,),
            ).fetchone()
            if row is None:
                raise BadInput("there is no such trial: draw a new one")
            listener, a, drawn, before = row
            if before is not None:
                raise BadInput("this trial was answered before: draw a new one")
            self._base.execute(
                "UPDATE trials SET answer = ?, seconds = ? WHERE trial = ?",
                (a if said == "a" else other(a), round(self._clock() - drawn, 3), trial),
            )
            rounds = self._rounds(listener)
            if done := len(rounds) >= ROUNDS:
                self._base.execute(
                    "UPDATE trials SET told = 1 WHERE listener = ? AND answer IS NOT NULL",
                    (listener,),
                )
        return {"round": len(rounds), "of": ROUNDS, "done": done} | (_told(rounds) if done else {})

    def _rounds(self, listener: str) -> list[dict[str, Any]]:
        """The answered rounds of a listener's test that goes on, the first one first."""
        rows = self._base.execute(
            f"SELECT concepts, a, CASE WHEN hidden = a THEN 'a' ELSE 'b' END, answer = hidden, "
            f"seconds, NOT {_HEARD} FROM trials "
            "WHERE listener = ? AND NOT told AND answer IS NOT NULL ORDER BY rowid",
            (listener,),
        )
        return [
            {"concepts": concepts, "a": a, "x": x, "right": bool(right), "seconds": seconds}
            | {"too_quick": bool(quick)}
            for concepts, a, x, right, seconds, quick in rows
        ]

    @_in_one_line
    def rate(self, listener: str, clip: str, concepts: str, side: str, scores: object) -> None:
        """Take down one listener's ratings of one side of a clip; a second time replaces the first.

        Raises:
            BadInput: the listener's id is malformed, there is no such side or attribute, a rating is
                not from 0 to 100, or no more ratings are kept.
        """
        _check_id(listener)
        if side not in ("steered", "unsteered"):
            raise BadInput("rate 'steered' or 'unsteered'")
        if not isinstance(scores, dict) or not scores or set(scores) - set(ATTRIBUTES):
            raise BadInput(f"rate some of {', '.join(ATTRIBUTES)}, from 0 to 100")
        for attribute, score in scores.items():
            if (
                isinstance(score, bool)
                or not isinstance(score, int | float)
                or not 0 <= score <= 100
            ):
                raise BadInput(f"{attribute}: give a number from 0 to 100")
        with self._lock, self._base:
            self._check_room("ratings")
            self._base.executemany(
                "INSERT OR REPLACE INTO ratings (listener, clip, concepts, side, attribute, score) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [(listener, clip, concepts, side, name, float(s)) for name, s in scores.items()],
            )

    @_in_one_line
    def results(self) -> dict[str, Any]:
        """All listeners together: the blind test by concept, and mean ratings by side.

        Rounds count when the last one of their test is over and they were not answered sooner than X
        can have been heard; ``too_quick`` and ``unfinished`` say how many answers are left out.
        """
        listeners, trials, correct = self._base.execute(
            "SELECT count(DISTINCT listener), count(*), coalesce(sum(answer = hidden), 0) "
            f"FROM trials WHERE {_COUNTED}"
        ).fetchone()
        too_quick, unfinished = self._base.execute(
            f"SELECT coalesce(sum(told AND NOT {_HEARD}), 0), coalesce(sum(NOT told), 0) "
            "FROM trials WHERE answer IS NOT NULL"
        ).fetchone()
        blind = self._base.execute(
            f"SELECT concepts, count(*), sum(answer = hidden) FROM trials WHERE {_COUNTED} "
            "GROUP BY concepts ORDER BY count(*) DESC LIMIT 20"
        ).fetchall()
        rated = self._base.execute(
            "SELECT attribute, side, avg(score), count(*) FROM ratings GROUP BY attribute, side"
        ).fetchall()
        return {
            "listeners": listeners,
            "trials": trials,
            "correct": correct,
            "p": p_value(correct, trials),
            "too_quick": too_quick,
            "unfinished": unfinished,
            "by_concept": [
                {"concepts": c, "trials": n, "correct": r, "p": p_value(r, n)} for c, n, r in blind
            ],
            "ratings": [
                {"attribute": a, "side": s, "mean": round(m, 1), "count": n} for a, s, m, n in rated
            ],
        }

    @_in_one_line
    def as_csv(self) -> str:
        """Every round of a test that is over and every rating, one a line; listeners and clips hashed.

        ``asked`` is the side that X was, ``said`` the one it was taken for, ``a`` the one A was;
        ``counted`` is 0 where the answer came too quick. Older answers have no ``seconds``.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            [
                "kind",
                "listener",
                "clip",
                "concepts",
                "asked",
                "said",
                "a",
                "seconds",
                "counted",
                "day",
            ]
        )
        writer.writerows(
            self._base.execute(
                "SELECT 'abx', hashed(listener), hashed(clip), concepts, hidden, answer, a, seconds, "
                f"{_HEARD}, day FROM trials WHERE {_OVER} ORDER BY rowid"
            )
        )
        writer.writerows(
            self._base.execute(
                "SELECT 'rating', hashed(listener), hashed(clip), concepts, "
                "side || ' ' || attribute, score, '', '', 1, day FROM ratings ORDER BY rowid"
            )
        )
        return out.getvalue()

    def _hashed(self, name: str) -> str:
        return hmac.new(self._salt, name.encode(), hashlib.sha256).hexdigest()[:16]

    def close(self) -> None:
        self._base.close()

    def _check_room(self, table: str) -> None:
        if self._base.execute(f"SELECT count(*) FROM {table}").fetchone()[0] >= MOST_ROWS:
            raise BadInput("no more answers are kept here: ask whoever runs this page")


def _check_id(listener: object) -> None:
    if not isinstance(listener, str) or not _ID.fullmatch(listener):
        raise BadInput("a listener's id is 8 to 32 letters, digits, - and _: take the page's")


def _told(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """What is told when the last round is over."""
    counted = [one["right"] for one in rounds if not one["too_quick"]]
    return {
        "correct": sum(counted),
        "trials": len(counted),
        "p": p_value(sum(counted), len(counted)),
        "too_quick": len(rounds) - len(counted),
        "rounds": rounds,
    }
