"""A program takes part in a study: to know what it hears, to answer for others, to be paid, or to end it."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from statistics import median
from typing import Any
from urllib.parse import urlparse

import numpy as np
from scipy.stats import binomtest

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.blind_bytes import BYTES, MEASURES
from benchmarks.attack.target import Page, Target
from benchmarks.study.toy import write_design

CHANCE = 0.001
LISTENERS, TRIALS, FEW = 3, 60, 6
ROWS_A_TRIAL = 300
"""What one trial may leave in the database, its givings and plays together."""

GIVEN, GUESSES, THREADS, PLAYS = 400, 200, 8, (6000, 500, 200, 100, 3)
HOUR = 3700.0
TEXT = """\
name = "{name}"
title = "A study"
listeners = {{listeners}}
training = "training"
seconds = {{seconds}}
headphones = {{{{ rounds = 0, needed = 0 }}}}
abx = {{{{ trials = {trials}, catch = 0 }}}}
"""


class Refused(Exception):
    """What the page answered instead."""


class Listener:
    """Somebody who calls a study's endpoints."""

    def __init__(self, page: Page, link: str, listener: str | None = None) -> None:
        self._place = urlparse(page.address).netloc
        self.link = link
        self.id: str = listener or self.ask("study_begin")

    def ask(self, name: str, *data: Any) -> Any:
        """One call; the answer.

        Raises:
            Refused: the page refuses it.
        """
        body = json.dumps({"data": [self.link, *data]})
        head = {"Content-Type": "application/json"}
        with closing(http.client.HTTPConnection(self._place, timeout=60)) as line:
            line.request("POST", f"/gradio_api/run/{name}", body, head)
            answer = line.getresponse()
            said = json.loads(answer.read())
        if answer.status != 200:
            raise Refused(str(said.get("error")))
        return said["data"][0]

    def next(self) -> dict[str, Any]:
        """The step at hand."""
        return self.ask("study_next", self.id)

    def answer(self, trial: str, said: dict[str, Any], heard: list[Any]) -> None:
        """Say it, and what was heard."""
        self.ask("study_answer", trial, said, heard)

    def steps(self) -> Iterator[dict[str, Any]]:
        """One after the other up to the code, which is the last; each must be answered."""
        while True:
            yield (step := self.next())
            if step["step"] in ("done", "refused"):
                return


def _heard(step: dict[str, Any]) -> list[list[Any]]:
    """That everything was played, whether it was or not."""
    return [[label, 0, 0.01] for label in step["labels"]]


@contextmanager
def _study(target: Target, *names: str, trials: int = FEW) -> Iterator[tuple[Page, list[str]]]:
    """Studies of plain tones, served; what their links end in."""
    folders, links = [], []
    for name in names:
        home = target.folder / name
        home.mkdir()
        design = write_design(home, TEXT.format(name=name, trials=trials))
        made = target.command("studio", "study", str(design), "--out", str(home / "study"))
        if made.returncode:
            raise Refused(made.stderr)
        folders.append(home / "study")
        links.append(json.loads((folders[-1] / "study.json").read_text())["id"])
    with target.studies(*folders) as page:
        yield page, links


def _base(target: Target, name: str) -> closing[sqlite3.Connection]:
    """A study's answers: nobody who attacks has them; they say what came of it."""
    return closing(sqlite3.connect(target.folder / name / "study" / "answers.sqlite"))


# ---- to know what is heard -----------------------------------------------------------------------


def _learn(target: Target) -> Outcome:
    guesses: dict[str, list[bool]] = {}
    with _study(target, "learned", trials=TRIALS) as (page, (link,)):
        taken = [one for _ in range(LISTENERS) for one in _taken(page, link)]
    with _base(target, "learned") as base:
        shown = {trial: json.loads(text) for trial, text in base.execute("SELECT trial, shown FROM trials")}  # fmt: skip
    usual = median(seconds for _, _, seconds in taken)
    last = "a"  # what X was the time before, which the page does not tell
    for trial, sounds, seconds in taken:
        x = "ab"[shown[trial].index(shown[trial][2])]
        told = {
            "bytes": _by(BYTES, sounds),
            "always A": "a",
            "as the last": last,
            "time": "ab"[seconds > usual],
        }
        told |= {f"the music, {name}": _by([rule], sounds) for name, rule in MEASURES.items()}
        for name, said in told.items():
            if said:
                guesses.setdefault(name, []).append(said == x)
        last = x
    hidden = [right for name, right in guesses.items() if not name.startswith("the music")]
    seen = len(guesses.get("bytes", ()))
    return Outcome(
        all(binomtest(sum(right), len(right)).pvalue > CHANCE for right in hidden),
        f"of {len(taken)} trials bytes told something of {seen}; right: "
        + ", ".join(f"{name} {sum(right)} of {len(right)}" for name, right in guesses.items()),
    )


def _taken(page: Page, link: str) -> Iterator[tuple[str, dict[str, np.ndarray], float]]:
    """Trials of one listener: each with its sounds, and how long these took to come."""
    listener, asked = Listener(page, link), time.perf_counter()
    for step in listener.steps():
        took = time.perf_counter() - asked
        if step["step"] == "done":
            return
        if step["step"] == "abx":
            sounds = {
                label: np.frombuffer(base64.b64decode(text), "<i2")
                for label, text in step["sounds"].items()
            }
            yield step["trial"], sounds, took
        listener.answer(step["trial"], {"x": "a"}, _heard(step))
        asked = time.perf_counter()


def _by(rules: Any, sounds: dict[str, np.ndarray]) -> str:
    """What the first measure says that sees a difference; nothing where none does."""
    for likeness in rules:
        a, b = (likeness(sounds[name], sounds["x"]) for name in "ab")
        if a != b:
            return "a" if a > b else "b"
    return ""


# ---- to answer for others, or twice --------------------------------------------------------------


def _replay(target: Target) -> Outcome:
    with _study(target, "one", "other") as (page, (link, other)):
        honest, taken = Listener(page, link), []
        for step in honest.steps():
            if step["step"] == "done":
                break
            said = {"x": "a"}
            if step["step"] == "abx" and step["place"] == 1:
                _all_at_once(page, link, step)
            else:
                honest.answer(step["trial"], said, _heard(step))
            taken.append((step["trial"], _heard(step)))
        with _base(target, "one") as base:
            before = sorted(base.execute("SELECT trial, said FROM answers"))
            plays = base.execute("SELECT count(*) FROM plays").fetchone()
        changed = sum(
            _accepted(honest, "study_answer", trial, {"x": "b"}, heard)
            for trial, heard in taken[2:]
        )
        stranger, elsewhere = Listener(page, link), Listener(page, other)
        words = [secrets.token_urlsafe(12) for _ in range(GUESSES)]
        hits = sum(_accepted(stranger, "study_next", word) for word in words)
        hits += sum(_accepted(stranger, "study_answer", word, {"x": "a"}, []) for word in words)
        hits += sum(
            _accepted(elsewhere, "study_answer", trial, {}, heard) for trial, heard in taken
        )
        hits += _accepted(elsewhere, "study_next", honest.id)
        hits += _accepted(stranger, "study_answer", honest.id, {"x": "a"}, [])
        with _base(target, "one") as base:
            same = before == sorted(base.execute("SELECT trial, said FROM answers"))
            same &= plays == base.execute("SELECT count(*) FROM plays").fetchone()
    return Outcome(
        same and not changed and not hits and len(before) == len(taken),
        f"{len(taken)} trials were answered anew, one by {THREADS} at once: {changed} answers changed, "
        f"{len(before)} kept; {2 * GUESSES} guessed ids and another study's trials: {hits} were taken",
    )


def _all_at_once(page: Page, link: str, step: dict[str, Any]) -> None:
    """One trial answered by many at once, half of them otherwise."""

    def say(said: str) -> None:
        _accepted(Listener(page, link, "nobody"), "study_answer", step["trial"], {"x": said}, _heard(step))  # fmt: skip

    threads = [threading.Thread(target=say, args=("ab"[n % 2],)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _accepted(listener: Listener, name: str, *data: Any) -> bool:
    try:
        listener.ask(name, *data)
    except Refused:
        return False
    return True


# ---- to be paid without listening ----------------------------------------------------------------


def _race(target: Target) -> Outcome:
    with _study(target, "raced") as (page, (link,)):
        began = time.perf_counter()
        listener, code, early = Listener(page, link), "", 0
        for step in listener.steps():
            code = step.get("code", "")
            early += bool(code) and step["step"] != "done"
            if step["step"] != "done":
                listener.answer(step["trial"], {"x": "a"}, _heard(step))
        took = time.perf_counter() - began
    said = {one: _code(target, one) for one in (code, *(secrets.token_hex(5) for _ in range(2)))}
    told = said.pop(code)
    return Outcome(
        not early and "left out" in told and all("nobody" in one for one in said.values()),
        f"a code after {took:.1f} s for {FEW} trials of 2 s; its study says: {told}",
    )


def _code(target: Target, code: str) -> str:
    done = target.command("studio", "study", "code", str(target.folder / "raced" / "study"), code)
    return (done.stdout + done.stderr).strip().splitlines()[-1]


# ---- to end a study, or fill its disk --------------------------------------------------------------


def _flood(target: Target) -> Outcome:
    with _study(target, "flooded") as (page, (link,)):
        honest = Listener(page, link)
        honest.answer(honest.next()["trial"], {}, [])
        calm = _seconds(honest)
        begun = 1
        with suppress(Refused):
            while begun < 10_000:
                Listener(page, link)
                begun += 1
        step = honest.next()
        over = threading.Event()
        threads = [
            threading.Thread(target=_again, args=(page, honest, over)) for _ in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        busy = _seconds(honest)
        for thread in threads:
            thread.join()
        many = _heard(step) * PLAYS[0]
        plays = next(
            count for count in PLAYS
            if _accepted(honest, "study_answer", step["trial"], {"x": "a"}, many[:count])
        )  # fmt: skip
        rows = _rows(target, step["trial"])
        with _base(target, "flooded") as base, base:
            base.execute("UPDATE listeners SET began = began - ?", (HOUR,))
            base.execute("UPDATE given SET at = at - ?", (HOUR,))
        late = _accepted(honest, "study_begin")
        goes_on = honest.next()["step"] == "abx"
    return Outcome(
        rows <= ROWS_A_TRIAL and late and goes_on,
        f"{begun} began before the study was full, and an hour later there was "
        f"{'a place again' if late else 'no place'}; a trial's sounds asked for {GIVEN} times, answered with {plays} "
        f"plays, left {rows} rows; a step took {calm:.2f} s, beside {THREADS} who ask without end {busy:.2f} s; "
        f"who had begun {'goes on' if goes_on else 'is lost'}",
    )


def _again(page: Page, listener: Listener, over: threading.Event) -> None:
    other = Listener(page, listener.link, listener.id)
    for _ in range(GIVEN // THREADS):
        with suppress(Refused):
            other.next()


def _seconds(listener: Listener) -> float:
    """How long a step's sounds take to come: the middle of five."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        listener.next()
        took.append(time.perf_counter() - began)
    return median(took)


def _rows(target: Target, trial: str) -> int:
    """Of one trial."""
    with _base(target, "flooded") as base:
        return sum(
            base.execute(f"SELECT count(*) FROM {table} WHERE trial = ?", (trial,)).fetchone()[0]
            for table in ("given", "plays")
        )


attacks = (
    Attack(12, "know what is X by bytes, order or time", _learn),
    Attack(12, "answer a study's trials for others, or twice", _replay),
    Attack(12, "be paid for a study without listening", _race),
    Attack(12, "end a study for all, and fill its disk", _flood),
)
