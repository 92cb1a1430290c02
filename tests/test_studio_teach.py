"""A visitor's own concept at the page's endpoints: what is taken in, what is refused, and that nothing stays."""

from __future__ import annotations

import base64
import gc
import io
import json
import threading
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from curation.errors import BadInput
from steering.directions.packed import unpack
from steering.teaching import lesson as lesson_of
from steering.teaching import sounds, trials
from studio import lessons
from studio.answers import Answers
from studio.engine import BETWEEN, Engine
from studio.examples import Heard, carried, examples_of, hear_take
from studio.kept_concepts import as_file, from_file, renamed
from studio.lessons import Asked, Lessons
from studio.limits import LARGEST_SOUND
from studio.page import launch, make_page
from tests.studio_toy import Listener, toy_models, toy_recipe
from tests.teach_calls import as_sound, clip, listen, post, taught, tone


@pytest.fixture(scope="module")
def engine(model):
    running = Engine(toy_models(model))
    yield running
    running.close()


@pytest.fixture(scope="module")
def address(engine):
    page = make_page(engine, Answers())
    yield launch(page, prevent_thread_lock=True)
    page.close(verbose=False)


@pytest.fixture
def quick(monkeypatch):
    """A lesson that tries two strengths on two prompts."""
    monkeypatch.setattr(trials, "PROMPTS", ("calm jazz", "rock"))
    monkeypatch.setattr(trials, "STRENGTHS", (0.05, 0.1))
    monkeypatch.setattr(trials, "SECONDS", 0.5)


@pytest.fixture(scope="module")
def heard(address):
    """Three high tones and three low ones, listened to."""
    groups = ((900.0, 1000.0, 1100.0), (150.0, 160.0, 170.0))
    return [
        [listen(address, clip(f"{hz:g}.wav", as_sound(tone(hz))), ["pitch"]) for hz in group]
        for group in groups
    ]


def test_a_concept_from_clips_to_a_link_that_plays(address, engine, heard, quick):
    having, lacking = heard
    events = taught(address, having, lacking, "high", ["pitch"])
    assert events[0]["event"] == "started"
    whats = [event["what"] for event in events if event["event"] == "lesson"]
    assert list(dict.fromkeys(whats)) == [
        "reading the clips", "looking for the direction", "trying strengths",
    ]  # fmt: skip
    last = events[-1]
    assert last["event"] == "done" and last["clips"] == [3, 3]
    assert last["strength"] in (0.05, 0.1) and last["words"][0].startswith("high: ")
    part = toy_recipe()["interventions"][0] | {"concept": "high", "bank": "own/high"}
    recipe = toy_recipe(interventions=[part], banks={"own/high": last["bank"]})
    made = Listener(engine, recipe).end()
    assert made["sha256"]["steered"] != made["sha256"]["unsteered"]
    assert post(address, "run/rename_concept", last["bank"], "low")[1]["data"][0]["name"] == "low"
    file = post(address, "run/concept_file", last["bank"])[1]["data"][0]
    again = post(address, "run/open_concept", file["base64"], "")[1]["data"][0]
    assert file["name"] == "high.zip" and again["bank"] == last["bank"]
    assert again["strength"] == last["strength"]


def test_the_command_takes_the_file_that_is_kept(tmp_path, heard, address, quick, model):
    bank = taught(address, *heard, "high", ["pitch"])[-1]["bank"]
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(as_file(bank)["base64"]))) as archive:
        archive.extractall(tmp_path)
    import steering

    kept = steering.load_bank(str(tmp_path / "high"), model)["high"]
    assert torch.equal(kept.vectors, unpack(bank, "it")["high"].vectors)


def test_nothing_of_a_clip_or_a_lesson_stays(address, engine, quick):
    """Codes and bank are looked for in all that Python holds."""
    name = "the secret of visitor one"
    heard = [listen(address, clip(f"{name} {n}.wav", as_sound(tone(900.0 + n)))) for n in range(3)]
    low = [listen(address, clip(f"{n}.wav", as_sound(tone(150.0 + n)))) for n in range(3)]
    codes = heard[0]["codes"]
    last = taught(address, heard, low, "mine", [])[-1]
    assert last["event"] == "done"
    bank = last["bank"]
    del heard, low, last
    until = time.monotonic() + 30
    while held := _held({codes, bank}):
        assert time.monotonic() < until, held
        time.sleep(0.5)


def _held(texts: set[str]) -> list[str]:
    """What Python still holds of a lesson: the kinds of things that it is in."""
    gc.collect()
    found = []
    for one in gc.get_objects():
        if type(one) in (Heard, Asked):
            found.append(type(one).__name__)
        elif type(one) in (dict, list, tuple) and not texts.isdisjoint(_strings(one)):
            by = {type(other).__name__ for other in gc.get_referrers(one)}
            found.append(f"{type(one).__name__} of {len(one)}, held by {', '.join(sorted(by))}")
    return found


def _strings(one) -> list[str]:
    try:
        parts = list(one.values()) if isinstance(one, dict) else list(one)
    except Exception:  # noqa: BLE001  whatever is being changed at this moment
        return []
    return [part for part in parts if type(part) is str]


def waiting_lesson(monkeypatch):
    """A lesson that goes on until it is stopped; what it is given when it begins."""
    begun = threading.Event()

    def endless(decoder, examples, name, against, told, **_):
        begun.set()
        while True:
            told("trying strengths", 1, 6)
            time.sleep(0.02)

    monkeypatch.setattr(lessons, "teach_examples", endless)
    return begun


def asked(engine, name="mine") -> Asked:
    loaded = engine.models["toy"]
    rng = np.random.default_rng(0)
    codes = [torch.from_numpy(rng.integers(0, 8, (loaded.model.codebooks, 100))) for _ in range(6)]
    clips = [Heard(str(n), "clip", (one,), (-20.0, 9.0, 2.0), 50.0) for n, one in enumerate(codes)]
    return Asked(name, clips[:3], clips[3:], (), loaded)


def test_a_lesson_is_stopped_by_its_id_alone_and_so_many_are_under_way(engine, monkeypatch):
    begun = waiting_lesson(monkeypatch)
    teaching, events = Lessons(engine, most=2), []
    names = [teaching.begin(asked(engine), events.append) for _ in range(2)]
    assert begun.wait(20)
    with pytest.raises(BadInput, match="2 lessons are under way here"):
        teaching.begin(asked(engine), events.append)
    assert not teaching.stop("another's") and not teaching.stop(None)
    assert teaching.stop(names[0])
    until = time.monotonic() + 20
    while teaching.under_way > 1 and time.monotonic() < until:
        time.sleep(0.02)
    assert teaching.under_way == 1 and not teaching.stop(names[0])
    assert {"event": "stopped"} in events
    teaching.stop(names[1])


def test_who_goes_away_ends_the_lesson(address, engine, heard, monkeypatch):
    begun = waiting_lesson(monkeypatch)
    _, said = post(address, "call/teach", *heard, "x", [])
    call = f"{address}gradio_api/call/teach/{said['event_id']}"
    with urllib.request.urlopen(call, timeout=30) as stream:
        while b"trying" not in stream.readline():
            pass
    assert begun.is_set()
    until = time.monotonic() + 20
    while any(one.name == "lesson" for one in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_lesson_leaves_listeners_their_turn(model):
    """Between two moments of a lesson everybody who plays makes some steps."""
    engine = Engine(toy_models(model))
    engine.pace.admits = lambda *_: True  # both from the beginning
    turns: list[str] = []
    playing = [Listener(engine, toy_recipe(seed, seconds=2.0)) for seed in (1, 2)]
    for one in playing:
        one.until("started")
    for place, one in enumerate(list(engine._open.values())):
        whole = one.begin
        one.begin = lambda whole=whole, place=place: (turns.append(f"listener {place}"), whole())[1]
    busy = [engine.errand(lambda: turns.append("lesson"), patient=True) for _ in range(20)]
    for one in playing:
        assert one.end()["event"] == "done"
    for one in busy:
        one.result(20)
    engine.close()
    last = max(n for n, turn in enumerate(turns) if turn != "lesson")
    moments = [n for n, turn in enumerate(turns[:last]) if turn == "lesson"]
    between = [turns[a + 1 : b] for a, b in pairwise(moments)]
    both = [set(one) for one in between if len(one) == 2 * BETWEEN]
    assert len(both) >= 3 and all(one == {"listener 0", "listener 1"} for one in both)
    with pytest.raises(BadInput, match="shutting down"):
        engine.errand(lambda: None, patient=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "is no name"),
        ({"name": "../x"}, "is no name"),
        ({"belongs": ["colour"]}, "'colour' is no part of a concept"),
        ({"belongs": [["pitch"], {}, 7]}, "is no part of a concept"),
        ({"clips": []}, "0 clips have the concept: give 3 to 50"),
        ({"clips": 2}, "2 clips have the concept: give 3 to 50"),
        ({"against": 2}, "2 clips are without the concept"),
        ({"clips": ["a"]}, "a clip is not a JSON object"),
        ({"clips": 51}, "51 clips have the concept"),
    ],
)
def test_what_cannot_be_taught_gets_one_line(address, heard, change, message):
    having, lacking = heard
    given = {"clips": having, "against": lacking, "name": "x", "belongs": []}
    for key in ("clips", "against"):
        count = change.get(key)
        if isinstance(count, int):
            change = change | {
                key: [one | {"name": str(n)} for n, one in enumerate(50 * heard[0])][:count]
            }
    given |= change
    said = taught(address, *given.values())[-1]
    assert said["event"] == "error" and message in said["message"] and "\n" not in said["message"]


def test_a_program_sends_sounds_with_the_lesson(address):
    sounds_of = [clip(f"{n}.wav", as_sound(tone(900.0 + n, 0.6))) for n in range(2)]
    assert "2 clips have the concept" in taught(address, sounds_of, [], "x", [])[-1]["message"]
    bad = [*sounds_of, clip("../c.wav", b"no sound")]
    assert taught(address, bad, [], "x", [])[-1]["message"].startswith("c.wav cannot be taken")


def test_a_take_is_taught_by_its_own_codes_and_spans_by_their_seconds(engine):
    loaded = engine.models["toy"]
    made = Listener(engine, toy_recipe(seconds=2.0)).end()
    pair = engine.clips[made["clip"]]
    takes = [
        hear_take({"side": side, "spans": [[0.0, 1.0]]}, pair, 50.0)
        for side in ("steered", "unsteered")
    ]
    assert torch.equal(takes[1].codes[0], pair.codes[1])
    examples, against = examples_of(takes, [], loaded.model, (), lambda job: job())
    assert against == "the rest of the clips" and examples[0].spans == ((0.0, 1.0),)
    again = carried(takes[0].record() | {"spans": [[0.0, 1.0]]}, loaded.model)
    assert torch.equal(again.codes[0], takes[0].codes[0]) and again.spans == ((0.0, 1.0),)
    whole = [carried(one.record(), loaded.model) for one in takes]
    with pytest.raises(BadInput, match="takes of this model are compared with takes"):
        examples_of(whole, [], loaded.model, (), lambda job: job())


@pytest.mark.parametrize(
    "change",
    [
        {"codes": "AAAA"}, {"codes": None}, {"codes": base64.b64encode(zlib.compress(bytes(10**7))).decode()},
        {"frames": [10**9]}, {"frames": []}, {"frames": [True]}, {"frames": [100] * 99}, {"kind": "file"},
        {"qualities": [0, 0]}, {"qualities": [0, 0, float("inf")]}, {"spans": [[2, 1]]}, {"spans": [[0, 99]]},
        {"spans": "all"}, {"spans": [[0, 1]] * 99},
    ],
)  # fmt: skip
def test_codes_that_come_back_changed_are_refused(engine, change):
    model = engine.models["toy"].model
    raw = asked(engine).having[0].record()
    assert carried(raw, model).seconds == 2.0
    with pytest.raises(BadInput) as refused:
        carried(raw | change, model)
    assert "\n" not in str(refused.value)


def packed_file(**content: bytes) -> str:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, one in content.items():
            archive.writestr(name.replace("_", "."), one)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize(
    "file",
    [
        "", "%%%", "AAAA", "A" * 400_000,
        packed_file(),
        packed_file(directions_json=b"{}"),
        packed_file(directions_json=b"{}", directions_safetensors=b"", more=b""),
        packed_file(directions_json=b"{}", directions_safetensors=b"a"),
        packed_file(directions_json=bytes(10**7), directions_safetensors=b""),
    ],
)  # fmt: skip
def test_a_file_that_is_no_concept_is_refused_in_one_line(engine, file):
    with pytest.raises(BadInput) as refused:
        from_file(file, engine.models["toy"].model.origin)
    assert "\n" not in str(refused.value) and str(Path("/tmp")) not in str(refused.value)


def test_a_text_that_is_no_concept_is_refused_in_one_line():
    for call in (as_file, lambda text: renamed(text, "x")):
        with pytest.raises(BadInput):
            call("a" * 64 + ".AAAA")


def test_agents_find_teaching_as_a_tool(address):
    pytest.importorskip("mcp", reason="the MCP server needs the package mcp")
    with urllib.request.urlopen(f"{address}gradio_api/mcp/schema", timeout=30) as answer:
        tools = {tool["name"].split("_app_")[-1]: tool for tool in json.load(answer)}
    (name,) = [one for one in tools if one.endswith("teach")]
    assert {"clips", "against", "name", "belongs"} <= set(tools[name]["inputSchema"]["properties"])
    assert sounds.MOST_BYTES > LARGEST_SOUND and lesson_of.NEUTRAL == "the neutral clips"
