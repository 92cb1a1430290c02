"""The page's doors: what is not named is not there, and who is not known is not answered."""

from __future__ import annotations

import logging

import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.testclient import TestClient

from studio.doors import HEADERS, LARGEST_BODY, doors, hosts_of

CALL = "/gradio_api/call/presets"


class Body(BaseModel):
    data: list


def visitor(served_on: str | None = None, *named: str) -> TestClient:
    app = FastAPI(**doors(["presets", "generate"], hosts_of(served_on, named)))

    @app.post("/gradio_api/call/generate")
    def breaks(body: Body):
        raise KeyError("insides")

    @app.post(CALL)
    def takes(body: Body):
        return "called"

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    def anything(path: str):
        return path

    return TestClient(app, "http://localhost:7860")


@pytest.mark.parametrize(
    "path",
    [
        "/", "/config", "/study", "/healthz", "/metrics", "/theme.css", "/assets/index.js", "/static/fonts/a.woff2", "/gradio_api/info",
        "/gradio_api/queue/data?session_hash=a", "/gradio_api/heartbeat/1-a", f"{CALL}/7f",
        "/gradio_api/mcp/schema", "/gradio_api/startup-events",
    ],
)  # fmt: skip
def test_what_the_page_needs_is_open(path):
    assert visitor().get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/upload", "/gradio_api/upload_progress", "/gradio_api/file=/etc/passwd",
        "/gradio_api/file/a", "/gradio_api/proxy=https://example.org", "/gradio_api/component_server",
        "/gradio_api/stream/a", "/gradio_api/vibe-edit", "/gradio_api/dev/reload", "/login",
        "/monitoring", "/monitoring/a", "/docs", "/openapi.json", "/gradio_api/deep_link",
        "/gradio_api/call/nothing", "/gradio_api/run/nothing", "/gradio_api/call/v2/presets",
        "/GRADIO_API/upload", "//gradio_api/upload", "/healthz/a", "/metrics.txt", "/gradio_api/mcpx", "/config/a", "/x%0A/config",
    ],
)  # fmt: skip
def test_what_it_does_not_need_is_closed(path):
    for method in ("GET", "POST"):
        answer = visitor().request(method, path)
        assert answer.status_code == 404 and "what can be called" in answer.json()["error"]


@pytest.mark.parametrize(
    ("served_on", "named", "host", "answered"),
    [
        (None, (), "localhost:7860", True),
        (None, (), "127.0.0.1:9", True),
        (None, (), "[::1]:7860", True),
        (None, (), "LOCALHOST", True),
        (None, (), "evil.example:7860", False),
        (None, (), "localhost.evil.example", False),
        (None, (), "evil.example#localhost", False),
        (None, (), "192.168.0.7:7860", False),
        (None, ("Music.example.org",), "music.example.org", True),
        (None, ("music.example.org",), "x.music.example.org", False),
        ("studio.lan", (), "studio.lan:7860", True),
        ("0.0.0.0", (), "192.168.0.7:7860", True),
        ("0.0.0.0", (), "evil.example:7860", False),
        ("::", (), "[fe80::1]:7860", True),
        ("0.0.0.0", ("*",), "anything.example", True),
    ],
)
def test_a_page_answers_to_its_own_names(served_on, named, host, answered):
    answer = visitor(served_on, *named).get("/config", headers={"Host": host})
    assert answer.status_code == (200 if answered else 403)
    if not answered:
        assert "--allow-host" in answer.json()["error"]


@pytest.mark.parametrize(
    ("origin", "answered"),
    [("http://localhost:7860", True), ("http://127.0.0.1:7860", True), ("https://evil.example", False)],
)  # fmt: skip
def test_a_foreign_page_may_not_ask(origin, answered):
    answer = visitor("0.0.0.0").get("/config", headers={"Origin": origin})
    assert answer.status_code == (200 if answered else 403)


def test_a_space_answers_to_its_name_and_is_asked_by_anybody(monkeypatch):
    monkeypatch.setenv("SPACE_HOST", "me-music.hf.space")
    there = visitor("0.0.0.0")
    asked = {"Host": "me-music.hf.space", "Origin": "https://huggingface.co"}
    assert there.get("/config", headers=asked).status_code == 200
    assert there.get("/config", headers={"Host": "evil.example"}).status_code == 403


def test_more_than_the_largest_recipe_is_not_carried_in():
    assert visitor().post(CALL, content=b" " * (LARGEST_BODY - 1)).status_code != 413
    for body in (b" " * (LARGEST_BODY + 1), iter([b" " * LARGEST_BODY, b" "])):
        answer = visitor().post(CALL, content=body)
        assert answer.status_code == 413 and len(answer.text.splitlines()) == 1


def test_every_answer_has_the_headers():
    for path, status in (("/config", 200), ("/gradio_api/upload", 404)):
        answer = visitor().get(path)
        assert answer.status_code == status
        assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_what_breaks_is_one_line_with_a_reference_that_the_log_has(caplog):
    with caplog.at_level(logging.ERROR):
        answer = visitor().post("/gradio_api/call/generate", json={"data": []})
    line = answer.json()["error"]
    assert answer.status_code == 500 and "insides" not in line
    reference = line.split("reference ")[1].split(":")[0]
    assert reference in caplog.text and "KeyError: 'insides'" in caplog.text


@pytest.mark.parametrize("body", ["{", '{"data": 7}', "[]", '{"data": "\\ud800"}', "\udcff"])
def test_a_malformed_body_is_told_in_one_line(body):
    raw = body.encode(errors="surrogateescape")
    there = visitor()
    answer = there.post(
        "/gradio_api/call/generate", content=raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    said = answer.json()["detail"]
    assert isinstance(said, str) and len(said.splitlines()) == 1
