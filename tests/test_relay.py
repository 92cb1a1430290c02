"""What stands before several pages: a call goes where what it names is, and whoever loses a machine is told so."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.clips import SIDES
from studio.cluster import streams
from studio.cluster.relay import relay
from studio.cluster.replicas import NOBODY, SILENT_SECONDS, UNREAD_SECONDS, Replicas
from studio.cluster.streams import GONE
from studio.doors import LARGEST_BODY, hosts_of
from studio.encodings import unpacked
from studio.ids import MARK_VARIABLE, new_id, new_mark
from tests.studio_toy import toy_recipe

SESSION = "Zm9yIGEgc2Vzc2lvbg"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """A stand-in for a page: says who answered, and plays as many events as it is told to before it breaks."""

    def __init__(self) -> None:
        self.mark, self.calls, self.asked = new_mark(), list[str](), list[Request]()
        self.events, self.breaks, self.held = 3, False, threading.Event()
        self.held.set()
        routes = [
            Route("/gradio_api/call/{name}/{event}", self.read),
            Route("/gradio_api/call/{name}", self.begin, methods=["POST"]),
            Route("/gradio_api/queue/data", self.read),
            Route("/{path:path}", self.answer, methods=["GET", "POST"]),
        ]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="critical")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    async def begin(self, request: Request) -> JSONResponse:
        self.calls.append(request.path_params["name"])
        return JSONResponse({"event_id": uuid.uuid4().hex})

    async def answer(self, request: Request) -> JSONResponse:
        self.asked.append(request)
        self.calls.append(request.url.path)
        body = await request.body()
        return JSONResponse({"data": [self.mark], "bytes": len(body)})

    async def read(self, request: Request) -> StreamingResponse:
        async def told() -> Any:
            for n in range(self.events):
                said = {"event": "audio", "session": f"{self.mark}-{SESSION}", "n": n}
                if "event" not in request.path_params:
                    said = {"msg": "process_generating", "event_id": 32 * str(n)}
                yield f"event: generating\ndata: {json.dumps([said])}\n\n"
            while not self.held.is_set():
                await asyncio.sleep(0.01)
            if self.breaks:
                yield 'event: generating\ndata: [{"half'
                await asyncio.sleep(0.05)
                raise ConnectionError("killed")
            yield "event: complete\ndata: [null]\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    def close(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self.thread.join(10)


class Stage:
    """Two stand-ins and what stands before them."""

    def __init__(self) -> None:
        self.clock, self.machines = Clock(), [Machine(), Machine()]
        self.replicas = Replicas(self.clock)
        self.hear()

    def hear(self) -> None:
        for one in self.machines:
            self.replicas.hear_of(one.mark, one.address, {"steering_playing": 1})

    @contextmanager
    def visitor(self) -> Iterator[TestClient]:
        with TestClient(relay(self.replicas, hosts_of(None)), "http://localhost") as client:
            yield client

    def close(self) -> None:
        for one in self.machines:
            one.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def called(visitor: TestClient, name: str, *data: Any) -> str:
    """Begin a call as a program without cookies does; its id."""
    visitor.cookies.clear()
    answer = visitor.post(f"/gradio_api/call/{name}", json={"data": data})
    visitor.cookies.clear()
    return str(answer.json()["event_id"])


def read(visitor: TestClient, name: str, event: str) -> list[tuple[str, Any]]:
    """All events of a call, by kind."""
    text = visitor.get(f"/gradio_api/call/{name}/{event}").text
    visitor.cookies.clear()
    found = [block.partition("\ndata: ") for block in text.strip().split("\n\n")]
    return [(kind.removeprefix("event: "), json.loads(said)) for kind, _, said in found]


def test_a_call_goes_to_the_machine_that_has_what_it_names(stage):
    """A program without cookies, whose calls have nothing in common but an id."""
    with stage.visitor() as visitor:
        for turn in range(6):
            event = called(visitor, "generate", toy_recipe())
            (_, [first]), *_, last = read(visitor, "generate", event)
            assert last == ("complete", [None])
            mark = first["session"].split("-")[0]
            assert event.startswith(f"{mark}-")
            for name in ("move", "stop", "verdict"):
                answer = visitor.post(
                    f"/gradio_api/run/{name}", json={"data": [first["session"], turn]}
                )
                visitor.cookies.clear()
                assert answer.json()["data"] == [mark]
    assert all("generate" in one.calls for one in stage.machines)


def test_new_clips_go_where_fewer_play_and_whoever_is_there_stays(stage):
    with stage.visitor() as visitor:
        events = [called(visitor, "generate", toy_recipe()) for _ in range(8)]
        marks = [event.split("-")[0] for event in events]
        assert {marks.count(one.mark) for one in stage.machines} == {4}
        first = [event for event in events if event.startswith(marks[0])]
        for event in first:
            read(visitor, "generate", event)
        again = [called(visitor, "generate", toy_recipe()) for _ in range(4)]
        assert {event.split("-")[0] for event in again} == {marks[0]}
        stage.clock.now += UNREAD_SECONDS + 1
        stage.hear()
        assert [stage.replicas.load(one) for one in stage.replicas.there] == [0, 0]


def test_a_listener_leaves_a_machine_only_where_many_more_play_there(stage):
    own, other = stage.replicas.there
    stage.replicas.plays(own, "first")
    assert stage.replicas.calmest(own) is own and stage.replicas.calmest() is other
    stage.replicas.plays(own, "second")
    assert stage.replicas.calmest(own) is other
    stage.replicas.lose(own)
    assert stage.replicas.calmest(own) is other


def test_a_visitor_stays_with_a_machine_for_as_long_as_it_is_there(stage):
    with stage.visitor() as visitor:
        assert "machine" not in visitor.get("/assets/index.js").cookies
        mark = visitor.get("/config").json()["data"][0]
        visitor.cookies = {"machine": mark}
        seen = {
            visitor.post("/gradio_api/run/presets", json={}).json()["data"][0] for _ in range(6)
        }
        assert seen == {mark}
        joined = visitor.post("/gradio_api/queue/join", json={"session_hash": "abc"})
        assert joined.json()["data"] == [mark] and "set-cookie" not in joined.headers
        stage.replicas.lose(stage.replicas.of(mark))
        answer = visitor.post("/gradio_api/run/presets", json={})
        (other,) = answer.json()["data"]
        assert other != mark and f"machine={other}" in answer.headers["set-cookie"]
        assert "HttpOnly" in answer.headers["set-cookie"]


def test_a_tab_without_a_cookie_stays_when_a_machine_comes_back(stage):
    with stage.visitor() as visitor:
        one, other = stage.machines
        stage.replicas.lose(stage.replicas.of(other.mark))
        for turn in range(8):
            body = {"session_hash": f"tab{turn}", "data": []}
            assert visitor.post("/gradio_api/queue/join", json=body).json()["data"] == [one.mark]
            visitor.cookies.clear()
        stage.hear()
        for turn in range(8):
            answer = visitor.get(f"/gradio_api/heartbeat/tab{turn}")
            assert answer.json()["data"] == [one.mark]
            visitor.cookies.clear()


def test_a_stream_that_breaks_off_ends_with_whole_events_and_a_way_on(stage):
    with stage.visitor() as visitor:
        event = called(visitor, "play_live", toy_recipe())
        (broken,) = [one for one in stage.machines if event.startswith(one.mark)]
        broken.breaks = True
        *events, last = read(visitor, "play_live", event)
        assert [kind for kind, _ in events] == 3 * ["generating"]
        assert last == ("error", {"error": GONE})
        broken.close()
        assert read(visitor, "play_live", event) == [("error", {"error": GONE})]
        again = called(visitor, "play_live", toy_recipe())
        assert not again.startswith(broken.mark)
        assert read(visitor, "play_live", again)[-1] == ("complete", [None])
        assert stage.replicas.of(broken.mark) is None
        assert read(visitor, "play_live", event) == [("error", {"error": GONE})]


def test_each_call_of_a_tab_is_told_that_its_machine_is_gone(stage):
    for one in stage.machines:
        one.breaks = True
    with stage.visitor() as visitor:
        text = visitor.get("/gradio_api/queue/data", params={"session_hash": "abc"}).text
    last = [json.loads(line[6:]) for line in text.splitlines() if "process_completed" in line]
    assert [one["event_id"] for one in last] == [32 * n for n in "012"]
    assert all(one["output"] == {"error": GONE} and one["success"] is False for one in last)


def test_a_machine_that_is_not_heard_of_is_gone_amid_a_stream(stage, monkeypatch):
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.02)
    with stage.visitor() as visitor:
        event = called(visitor, "generate", toy_recipe())
        for one in stage.machines:
            one.held.clear()
        later = threading.Timer(0.2, lambda: setattr(stage.clock, "now", 101 + SILENT_SECONDS))
        later.start()
        *events, last = read(visitor, "generate", event)
        assert len(events) == 3 and last == ("error", {"error": GONE})
        for one in stage.machines:
            one.held.set()


def test_nobody_hears_of_a_machine_that_is_gone_before_it_is_asked(stage):
    gone, there = stage.machines
    gone.close()
    with stage.visitor() as visitor:
        for _ in range(4):
            assert called(visitor, "generate", toy_recipe()).startswith(there.mark)
        there.close()
        answer = visitor.post("/gradio_api/call/generate", json={"data": []})
        assert answer.status_code == 503 and answer.json() == {"detail": NOBODY, "error": NOBODY}
        well = visitor.get("/healthz")
        assert well.status_code == 503 and well.json()["line"] == NOBODY


def test_a_request_is_handed_on_as_it_came(stage):
    with stage.visitor() as visitor:
        given = {"X-Forwarded-For": "203.0.113.9", "Accept-Encoding": "identity", "Te": "trailers"}
        answer = visitor.get("/gradio_api/info?a=b%20c", headers=given)
        (asked,) = [one for machine in stage.machines for one in machine.asked]
        assert asked.headers["host"] == "localhost" and asked.url.query == "a=b%20c"
        assert asked.headers["x-forwarded-for"] == "203.0.113.9, testclient"
        assert asked.headers["accept-encoding"] == "identity" and "te" not in asked.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        large = b" " * (LARGEST_BODY + 5)
        heard = visitor.post("/gradio_api/run/listen_to", content=large)
        assert heard.json()["bytes"] == len(large)
        assert visitor.post("/gradio_api/run/move", content=large).status_code == 413
        assert visitor.get("/config", headers={"Host": "evil.example"}).status_code == 403


def test_every_machines_figures_are_told_with_its_mark(stage):
    with stage.visitor() as visitor:
        lines = visitor.get("/metrics").text.splitlines()
        for one in stage.machines:
            assert f'steering_playing{{replica="{one.mark}"}} 1' in lines
        assert visitor.get("/healthz").json() == {"well": True, "replicas": 2}


def test_ids_begin_with_the_mark_of_the_process(monkeypatch):
    assert new_id(12)[8] != "-" or len(new_id(12)) == 16
    monkeypatch.setenv(MARK_VARIABLE, "0a0b0c0d")
    assert new_id(12).startswith("0a0b0c0d-") and len(new_id(12)) == 9 + 16


def test_a_page_behind_it_plays_the_same(address, monkeypatch):
    """The real page: its clip, and a call about it that has nothing but its id."""
    mark, replicas = new_mark(), Replicas()
    monkeypatch.setenv(MARK_VARIABLE, mark)
    replicas.hear_of(mark, address.rstrip("/"))
    sounds = []
    for there in (
        TestClient(relay(replicas, hosts_of(None)), "http://localhost"),
        httpx.Client(base_url=address, timeout=60),
    ):
        with there as visitor:
            event = called(visitor, "generate", toy_recipe(seed=3))
            told = [
                said[0]
                for kind, said in read(visitor, "generate", event)
                if kind == "generating" and said
            ]
            sounds.append(
                [
                    unpacked(one)[side].tobytes()
                    for side in SIDES
                    for one in told
                    if one["event"] == "audio"
                ]
            )
            assert told[-1]["event"] == "done" and told[-1]["clip"].startswith(f"{mark}-")
            stopped = visitor.post("/gradio_api/run/stop", json={"data": [told[-1]["clip"]]})
            assert stopped.json()["data"] == [False]
    assert b"".join(sounds[0]) == b"".join(sounds[1]) and sounds[0]
