"""What listeners answered, in SQLite: a random id, what was asked, what was said. No more.

A trial is written down when it is drawn, with the hidden answer, so that a client can neither
choose X nor answer twice.
"""

from __future__ import annotations

import csv
import io
import re
import secrets
import sqlite3
import threading
from pathlib import Path
from typing import Any

from curation.errors import BadInput
from studio.abx import hidden_side, p_value

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
"""


def new_listener() -> str:
    """A random id that says nothing about who has it."""
    return secrets.token_urlsafe(9)


class Answers:
    """The answers of all listeners; several threads may use it.

    Args:
        path: of the database; None keeps it in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._base = sqlite3.connect(str(path) if path else ":memory:", check_same_thread=False)
        self._base.executescript(_TABLES)

    def draw(self, listener: str, clip: str, concepts: str) -> str:
        """A new trial on a clip: its id. Which side X is stays here until it is answered.

        Raises:
            BadInput: the listener's id is malformed, or no more trials are kept.
        """
        _check_id(listener)
        trial = secrets.token_urlsafe(9)
        with self._lock, self._base:
            self._check_room("trials")
            self._base.execute(
                "INSERT INTO trials (trial, listener, clip, concepts, hidden) VALUES (?, ?, ?, ?, ?)",
                (trial, listener, clip, concepts, hidden_side()),
            )
        return trial

    def hidden(self, trial: str) -> tuple[str, str]:
        """A trial's clip and which side its X is: for whoever plays it, never for the page.

        Raises:
            BadInput: there is no such trial.
        """
        row = self._base.execute(
            "SELECT clip, hidden FROM trials WHERE trial = ?", (trial,)
        ).fetchone()
        if row is None:
            raise BadInput("there is no such trial: draw a new one")
        return str(row[0]), str(row[1])

    def answer(self, trial: str, said: str) -> dict[str, Any]:
        """Take an answer down, once; what was right, and the listener's score so far.

        Raises:
            BadInput: it names no side, there is no such trial, or it was answered before.
        """
        if said not in ("steered", "unsteered"):
            raise BadInput("an answer is 'steered' or 'unsteered'")
        with self._lock, self._base:
            row = self._base.execute(
                "SELECT hidden, answer, listener FROM trials WHERE trial = ?", (trial,)
            ).fetchone()
            if row is None:
                raise BadInput("there is no such trial: draw a new one")
            if row[1] is not None:
                raise BadInput("this trial was answered before: draw a new one")
            self._base.execute("UPDATE trials SET answer = ? WHERE trial = ?", (said, trial))
        return {"right": said == row[0], "hidden": row[0], **self.score(row[2])}

    def score(self, listener: str | None = None) -> dict[str, Any]:
        """Right answers, trials and the chance of that score by guessing; of one or of all."""
        where, values = ("AND listener = ?", (listener,)) if listener else ("", ())
        trials, right = self._base.execute(
            "SELECT count(*), coalesce(sum(answer = hidden), 0) FROM trials "
            f"WHERE answer IS NOT NULL {where}",
            values,
        ).fetchone()
        return {"trials": trials, "correct": right, "p": p_value(right, trials)}

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

    def results(self) -> dict[str, Any]:
        """All listeners together: the blind test by concept, and mean ratings by side."""
        blind = self._base.execute(
            "SELECT concepts, count(*), sum(answer = hidden) FROM trials WHERE answer IS NOT NULL "
            "GROUP BY concepts ORDER BY count(*) DESC LIMIT 20"
        ).fetchall()
        rated = self._base.execute(
            "SELECT attribute, side, avg(score), count(*) FROM ratings GROUP BY attribute, side"
        ).fetchall()
        listeners = self._base.execute(
            "SELECT count(DISTINCT listener) FROM trials WHERE answer IS NOT NULL"
        ).fetchone()[0]
        return {
            "listeners": listeners,
            **self.score(),
            "by_concept": [
                {"concepts": c, "trials": n, "correct": r, "p": p_value(r, n)} for c, n, r in blind
            ],
            "ratings": [
                {"attribute": a, "side": s, "mean": round(m, 1), "count": n} for a, s, m, n in rated
            ],
        }

    def as_csv(self) -> str:
        """Every answered trial and every rating, one a line."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["kind", "listener", "clip", "concepts", "asked", "said", "day"])
        writer.writerows(
            self._base.execute(
                "SELECT 'abx', listener, clip, concepts, hidden, answer, day FROM trials "
                "WHERE answer IS NOT NULL ORDER BY rowid"
            )
        )
        writer.writerows(
            self._base.execute(
                "SELECT 'rating', listener, clip, concepts, side || ' ' || attribute, score, day "
                "FROM ratings ORDER BY rowid"
            )
        )
        return out.getvalue()

    def close(self) -> None:
        self._base.close()

    def _check_room(self, table: str) -> None:
        if self._base.execute(f"SELECT count(*) FROM {table}").fetchone()[0] >= MOST_ROWS:
            raise BadInput("no more answers are kept here: ask whoever runs this page")


def _check_id(listener: object) -> None:
    if not isinstance(listener, str) or not _ID.fullmatch(listener):
        raise BadInput("a listener's id is 8 to 32 letters, digits, - and _: take the page's")
