"""A share for every visitor: nobody takes another's time, and who has used theirs up is told for how long."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from studio.callers import CALLER, NOBODY, UNREAD_SECONDS, Caller, Share, Visitor, in_turn
from studio.events import told_by
from studio.judging import Judging
from studio.shares import LIVE_SHARE, Allowance, Shares
from studio.unread import Readers, Unread


@dataclass(frozen=True)
class One:
    visitor: Visitor
    name: str = ""


def test_addresses_take_turns_and_sessions_of_one_do():
    crowd = [One(("a", f"tab{n // 10}"), f"{n}") for n in range(30)]
    honest, classmate = One(("b", "x"), "honest"), One(("a", "own"), "classmate")
    order = in_turn([*crowd, honest, classmate], [])
    assert order.index(honest) <= 1 and order.index(classmate) <= 5
    assert [one for one in order if one.visitor == ("a", "tab0")] == crowd[:10]  # as they came
    assert in_turn([crowd[0], honest], [One(("b", "y"))])[0] == crowd[0]
    assert in_turn(crowd[:3], crowd[5:]) == crowd[:3]


def test_an_allowance_fills_up_with_time_and_says_when():
    now = [0.0]
    allowance = Allowance(60, lambda: now[0])
    assert [allowance.take("a") for _ in range(12)] == [0.0] * 12
    assert allowance.take("a") == pytest.approx(1.0) and allowance.take("b") == 0.0
    now[0] = 1.0
    assert allowance.take("a") == 0.0 and allowance.take("a") > 0
    now[0] = 1e6
    assert [allowance.take("a") for _ in range(13)][-1] > 0  # no more than a burst is saved up


def page(share: Share, events: int = 0, address: str = "testclient") -> TestClient:
    request = SimpleNamespace(client=SimpleNamespace(host=address))
    waiting = {str(n): SimpleNamespace(request=request) for n in range(events)}

    async def app(scope, receive, send):
        await PlainTextResponse(scope["client"][0])(scope, receive, send)

    return TestClient(Shares(app, SimpleNamespace(event_ids_to_events=waiting), share))


def test_who_calls_too_often_is_told_when_to_come_back_and_faders_go_on():
    client = page(Share(calls=60))
    codes = [client.post("/gradio_api/call/check_recipe").status_code for _ in range(14)]
    assert codes == [200] * 12 + [429] * 2
    refused = client.post("/gradio_api/run/rate")
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["error"] == "your address has had its 60 calls a minute: try again in 1 s"
    moves = [client.post("/gradio_api/run/move").status_code for _ in range(12 * LIVE_SHARE)]
    assert set(moves) == {200} and client.get("/").status_code == 200


def test_open_calls_of_an_address_are_counted_and_those_of_others_are_not():
    ask = "/gradio_api/call/generate"
    assert page(Share(at_once=3), events=2).post(ask).status_code == 200
    full = page(Share(at_once=3), events=3)
    assert (
        full.post(ask).status_code == 429 and full.post("/gradio_api/run/stop").status_code == 200
    )
    assert page(Share(at_once=3), events=9, address="9.9.9.9").post(ask).status_code == 200


def test_an_address_is_believed_of_as_many_proxies_as_are_trusted():
    said = {"X-Forwarded-For": "6.6.6.6, 2001:db8::1:2:3:4"}
    assert page(Share()).get("/", headers=said).text == "testclient"
    assert page(Share(proxies=1)).get("/", headers=said).text == "2001:db8::/64"
    assert page(Share(proxies=2)).get("/", headers=said).text == "6.6.6.6"
    assert page(Share(proxies=1)).get("/").text == "testclient"


def idle_for(*seconds: float) -> Caller:
    """A caller that was seen to read nothing for so long, each time that somebody looks."""
    left = list(seconds)
    return Caller(NOBODY, lambda: left.pop(0) if len(left) > 1 else left[0])


async def told(caller: Caller) -> tuple[list[str], list[str]]:
    """What a session tells this caller, and what was begun and stopped."""
    CALLER.set(caller)
    done: list[str] = []

    def begin(listen):
        done.append("begun")
        for _ in range(3):
            listen({"event": "audio"})
        return "name"

    heard = []
    async for event in told_by(begin, lambda name: done.append(f"stopped {name}")):
        heard.append(event["event"])
    return heard, done


def test_nothing_is_begun_for_who_does_not_read_and_who_stops_reading_ends_it():
    assert asyncio.run(told(idle_for(0.1, UNREAD_SECONDS + 1))) == ([], [])
    heard, done = asyncio.run(told(idle_for(0.1, 0.0, 0.0, UNREAD_SECONDS + 1)))
    assert len(heard) < 3 and done == ["begun", "stopped name"]


def test_who_reads_is_known_by_the_stream_that_is_open_and_by_what_it_takes():
    readers, seen = Readers(), []
    queue = SimpleNamespace(
        event_ids_to_events={"one": SimpleNamespace(session_hash="tab", alive=True)},
        pending_messages_per_session={},
        pending_event_ids_session={},
    )
    before = time.monotonic() - 5

    async def app(scope, receive, send):
        seen.append(readers.unread("tab", before, 0))
        await asyncio.sleep(0.05)
        seen.append(readers.unread("tab", before, 3))
        await send({})
        seen.append(readers.unread("tab", before, 3))

    async def send(message):
        pass

    scope = {"type": "http", "method": "GET", "path": "/gradio_api/call/generate/one"}
    asyncio.run(Unread(app, queue, readers)(scope, None, send))
    assert readers.unread("tab", before, 0) >= 5  # nobody does, before and after
    assert seen[0] == 0 and 0.04 < seen[1] < 2 and seen[2] < 0.04


def test_judges_hear_visitors_in_turn_and_two_at_once():
    order, together, most, lock = [], [0], [0], threading.Lock()

    def job(name: str) -> None:
        with lock:
            order.append(name)
            together[0] += 1
            most[0] = max(most[0], together[0])
        time.sleep(0.02)
        with lock:
            together[0] -= 1

    async def ask(judging: Judging, visitor: Visitor, name: str) -> None:
        CALLER.set(Caller(visitor))
        await judging.run(job, name)

    async def everybody() -> None:
        judging = Judging(2)
        crowd = [ask(judging, ("a", str(n)), f"a{n}") for n in range(8)]
        await asyncio.gather(*crowd, ask(judging, ("b", "x"), "b"))

    asyncio.run(everybody())
    assert most[0] == 2 and order.index("b") <= 2 and len(order) == 9
