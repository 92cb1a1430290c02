"""Everything that the page does can be done by a program, through its named endpoints."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import soundfile
from gradio_client import Client
from gradio_client.exceptions import AppError

from studio import panels
from studio.abx import ROUNDS
from studio.answers import Answers
from studio.engine import Engine
from studio.page import launch, make_page
from studio.self_check import play, play_a_preset
from tests.studio_toy import heard, toy_models, toy_recipe

README = Path(__file__).parents[1] / "README.md"
ENDPOINTS = {
    "catalogue", "presets", "check_recipe", "schedule_curve", "generate", "generate_flac", "stop", "analyse",
    "play_live", "play_live_flac", "move", "add_concept", "still_listening", "verdict", "download", "download_raw", "permalink", "open_permalink", "new_listener",
    "blind_trial", "blind_answer", "rate", "blind_results", "answers_csv", "datasets",
    "dataset_clips", "bank", "concept", "evaluation_reports", "report_picture", "example",
    "listen_to", "teach", "rename_concept", "concept_file", "open_concept",
    "study", "study_begin", "study_next", "study_answer",
}  # fmt: skip


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


@pytest.fixture(scope="module")
def client(address):
    return Client(address, verbose=False)


@pytest.fixture(scope="module")
def made(client):
    """A short clip, and its last event."""
    return play(client, toy_recipe(seed=2))


def test_every_action_is_named_and_documented(client):
    known = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert {name.lstrip("/") for name in known} == ENDPOINTS
    for name, facts in known.items():
        assert len(facts["description"]) > 30, name
        assert all(one["parameter_name"] != "" for one in facts["parameters"])


METRONOME = """
import gradio as gr
from studio.endpoints import endpoint
from studio.panels import Panel

def draw(services):
    return gr.HTML("tick", elem_id="metronome")

def endpoints(services):
    def tick(bpm: float) -> float:
        return 60 / bpm
    endpoint(tick)

panel = Panel("Studio", 35, draw, endpoints, column=1)
"""


def test_a_panel_is_added_as_one_file(engine, tmp_path, monkeypatch):
    (tmp_path / "metronome.py").write_text(METRONOME)
    monkeypatch.setattr(panels, "__path__", [*panels.__path__, str(tmp_path)])
    page = make_page(engine, Answers())
    monkeypatch.delitem(sys.modules, "studio.panels.metronome")
    names = [one["props"].get("elem_id") for one in page.get_config_file()["components"]]
    drawn = [name for name in names if name in ("listen", "verdict", "metronome", "keep", "live")]
    assert drawn == ["listen", "verdict", "metronome", "keep", "live"]
    assert "/tick" in page.get_api_info()["named_endpoints"]


def test_a_preset_is_played_as_a_program_would(address):
    assert "played 'C comes and goes': 1 s of both clips" in play_a_preset(address, seconds=1.0)


def test_the_example_in_the_readme_runs(address, tmp_path, monkeypatch):
    example = re.search(r"```python\n(from gradio_client.*?)```", README.read_text(), re.DOTALL)
    assert example is not None
    monkeypatch.chdir(tmp_path)
    exec(example[1].replace("http://127.0.0.1:7860", address), {})
    sound, rate = soundfile.read(tmp_path / "steered.wav")
    assert rate == 32_000 and len(sound) > rate


def test_what_is_streamed_is_what_is_downloaded(client, made):
    sound, last = made
    for side, samples in sound.items():
        assert hashlib.sha256(samples.tobytes()).hexdigest() == last["sha256"][side]
        for form in ("wav", "flac"):
            read, rate, name = downloaded(client, "/download_raw", last["clip"], side, form)
            assert rate == 32_000 and np.array_equal(read, samples)
            assert name == f"C in calm jazz, seed 2, {side}.{form}"


def downloaded(client, name, *arguments):
    """A file's samples, rate and name."""
    file = client.predict(*arguments, api_name=name)
    sound = io.BytesIO(base64.b64decode(file["base64"]))
    return *soundfile.read(sound, dtype="int16"), file["name"]


def test_a_file_is_at_the_level_that_the_page_plays(client, made):
    sound, last = made
    read, _, _ = downloaded(client, "/download", last["clip"], "steered", "wav")
    wanted = np.round(sound["steered"] * 10 ** (last["level_db"] / 20))
    assert last["level_db"] != 0 and np.array_equal(read, wanted.astype(np.int16))


def test_flac_is_the_same_sound(client, made):
    events = list(client.submit(toy_recipe(seed=2), api_name="/generate_flac"))
    chunks = [event for event in events if event["event"] == "audio"]
    assert {chunk["encoding"] for chunk in chunks} == {"flac"}
    assert all(chunk["sharing"] >= 1 for chunk in chunks)
    for side, samples in heard(events).items():
        assert np.array_equal(samples, made[0][side])


def test_a_link_carries_the_recipe(client, made):
    recipe = client.predict(made[1]["permalink"], api_name="/open_permalink")
    again, _ = play(client, recipe)
    assert all(np.array_equal(again[side], made[0][side]) for side in again)


def test_a_picture_has_one_time_axis(client, made):
    view = client.predict(made[1]["clip"], api_name="/analyse")
    assert view["seconds"] == 1.0 and view["targets"] == [[0]]
    for rows in view["chroma"].values():
        assert len(rows) == 12 and len({len(row) for row in rows}) == 1
        assert abs(len(rows[0]) - 12.5) <= 1
    assert len(view["curves"][0]["levels"]) == 12
    assert len(view["probes"][0]["steered"]) == 13
    reading = view["probes"][0]
    assert reading["kind"] == "deviations" and abs(np.mean(reading["unsteered"])) < 0.01
    assert reading["steered"] != reading["unsteered"]


def test_the_verdict_names_the_target(client, made):
    said = client.predict(made[1]["clip"], api_name="/verdict")
    row = said["rows"][0]
    assert row["target"] == "C" and 0 <= row["steered"] <= 100 and row["of"] > 0
    assert said["headline"].startswith("C is the loudest note in")
    assert {"Key", "Tempo", "Loudness"} <= {row["what"] for row in said["rows"]}


def test_a_blind_trial_is_answered_and_told_after_its_last_round(client, made):
    listener = client.predict(api_name="/new_listener")
    for turn in range(1, ROUNDS + 1):
        trial = client.predict(listener, made[1]["clip"], api_name="/blind_trial")
        assert (trial["round"], trial["of"]) == (turn, ROUNDS)
        sounds = {name: np.frombuffer(base64.b64decode(trial[name]), "<i2") for name in "abx"}
        assert len({len(sound) for sound in sounds.values()}) == 1
        assert set(trial) == {"trial", "round", "of", "answer_after", "sample_rate", *"abx"}
        told = client.predict(trial["trial"], "a", api_name="/blind_answer")
    assert told["done"] and told["too_quick"] + told["trials"] == ROUNDS
    results = client.predict(api_name="/blind_results")
    assert results["trials"] == 0 and results["too_quick"] == ROUNDS
    table = client.predict(api_name="/answers_csv")
    assert table.count("abx") == ROUNDS
    assert listener not in table and made[1]["clip"] not in table and trial["trial"] not in table


def test_what_the_page_begins_with_is_complete(client):
    there = client.predict("toy", api_name="/catalogue")
    recipe = there["recipe"]
    checked = client.predict(recipe, api_name="/check_recipe")
    assert checked == recipe | {"revision": there["revision"]}
    for family in there["families"]:
        assert there["banks"][family["intervention"]["bank"]]["family"] == family["name"]
        recipe["interventions"] = [family["intervention"]]
        checked = client.predict(recipe, api_name="/check_recipe")
        assert checked["interventions"] == [family["intervention"]]
        assert set(there["intervention"]) == set(family["intervention"])
    for layers in there["weightings"].values():
        recipe["interventions"] = [family["intervention"] | {"layers": layers}]
        assert (
            client.predict(recipe, api_name="/check_recipe")["interventions"][0]["layers"] == layers
        )


def test_what_an_old_recipe_left_out_is_spelled_out(client):
    least = {"concept": "C", "bank": "notes/ridge", "coefficient": 0.1}
    checked = client.predict(toy_recipe(interventions=[least]), api_name="/check_recipe")
    (one,) = checked["interventions"]
    assert one["layers"] == {"weighting": "exponential"} and one["gate"]["seed"] == 0


def test_a_drawn_schedule_is_a_curve(client):
    points = {"shape": "breakpoints", "points": [[0, 0], [4, 1]]}
    levels = client.predict(points, 4.0, api_name="/schedule_curve")
    assert np.allclose(levels, np.arange(601) / 601, atol=1e-3)


def test_banks_and_datasets_can_be_looked_at(client):
    bank = client.predict("notes", "ridge", api_name="/bank")
    assert bank["concepts"] == ["C", "E", "G"] and np.allclose(
        np.diag(bank["likeness"]), 1, atol=1e-3
    )
    clips = client.predict("notes", 3, api_name="/dataset_clips")
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(clips[0]["audio"])))
    assert len(clips) == 6 and rate == 32_000 and np.abs(sound).max() > 0
    labelled = client.predict("notes", 3, "C#", api_name="/dataset_clips")
    assert {one["labels"]["pitch_class"] for one in labelled} == {"C#"}
    assert {"songs", "notes"} <= {one["name"] for one in client.predict(api_name="/datasets")}


def test_a_concept_has_a_page_of_its_own(client):
    about = client.predict("notes/ridge", "C", api_name="/concept")
    assert len(about["scores"]) > about["layer"] and about["measured"] is None
    assert {one["concept"] for one in about["alike"]} >= {"E", "G"}
    with pytest.raises(AppError, match="no concept"):
        client.predict("notes/ridge", "H", api_name="/concept")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("/generate", [toy_recipe(seconds=10_000)], "seconds is 10000"),
        ("/generate", [toy_recipe(model="../../etc")], "no model"),
        ("/generate", [toy_recipe(interventions=toy_recipe()["interventions"] * 500)], "concepts|characters"),
        ("/generate", [toy_recipe(model=7)], "no model"),
        ("/check_recipe", ["recipe"], "not a JSON object"),
        ("/download", ["../../etc/passwd", "steered", "wav"], "no longer kept"),
        ("/open_permalink", ["../../etc/passwd"], "damaged"),
        ("/dataset_clips", ["../notes", 0], "notes"),
        ("/bank", ["..", "ridge"], "no bank"),
        ("/schedule_curve", [{"shape": "pulse", "period": 0}, 4.0], "above 0"),
        ("/move", ["nobody", 0, 0.1], "session is over"),
        ("/rate", ["listener-1", "nothing", "steered", {"quality": 1}], "no longer kept"),
    ],
)  # fmt: skip
def test_nonsense_gets_one_line_and_nothing_else(client, name, arguments, message):
    with pytest.raises(AppError, match=message):
        client.predict(*arguments, api_name=name)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("check_recipe", [], "missing a required argument: 'recipe'"),
        ("download", ["clip"], "missing a required argument: 'side'"),
        ("check_recipe", [{}, {}], "too many positional arguments"),
        ("check_recipe", [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}], "unknown field 'path'"),
        ("blind_answer", [[], "steered"], "trial is not text"),
        ("download", ["clip", "steered", []], "form is not text"),
        ("dataset_clips", ["notes", 10**400], "seed is not a number"),
        ("dataset_clips", ["notes", True], "seed is not a whole number"),
        ("schedule_curve", [{}, 10**400], "seconds is not a number"),
        ("schedule_curve", [{"shape": "breakpoints"}, 4], "lacks points"),
        ("move", ["nobody", 0, "loud"], "coefficient is not a number"),
        ("catalogue", ["\ud800"], "no model"),
    ],
)  # fmt: skip
def test_whatever_is_sent_is_answered_in_one_line(address, name, arguments, message):
    call = f"{address}gradio_api/call/{name}"
    body = json.dumps({"data": arguments}).encode()
    request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request, timeout=30))["event_id"]
    answer = urllib.request.urlopen(f"{call}/{event}", timeout=30).read().decode()
    told = re.findall(r"event: error\ndata: (.*)", answer)
    assert len(told) == 1 and message in json.loads(told[0])["error"]


def test_the_page_takes_no_files(address):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="f"\r\n\r\n0\r\n--x--\r\n'
    )
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    request = urllib.request.Request(f"{address}gradio_api/upload", body, form)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 404


def test_closing_the_tab_frees_the_work(address, engine):
    body = json.dumps({"data": [toy_recipe(seconds=30.0)]}).encode()
    call = f"{address}gradio_api/call/play_live"
    request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request, timeout=30))["event_id"]
    with urllib.request.urlopen(f"{call}/{event}", timeout=30) as stream:
        while b"audio" not in stream.readline():
            pass
        assert engine.busy["playing"] == 1
    until = time.monotonic() + 20
    while engine.busy["playing"] and time.monotonic() < until:
        time.sleep(0.1)
    assert engine.busy["playing"] == 0


def test_not_a_number_is_refused_on_the_wire(address):
    recipe = toy_recipe()
    recipe["interventions"][0]["coefficient"] = float("nan")
    body = json.dumps({"data": [recipe]}).encode()
    assert b"NaN" in body
    request = urllib.request.Request(
        f"{address}gradio_api/call/check_recipe", body, {"Content-Type": "application/json"}
    )
    try:
        event = json.load(urllib.request.urlopen(request, timeout=30))["event_id"]
    except urllib.error.HTTPError as refused:
        assert refused.code in (400, 422)
        return
    stream = urllib.request.urlopen(f"{address}gradio_api/call/check_recipe/{event}", timeout=30)
    assert "strength of C is not a number" in stream.read().decode()


@pytest.mark.parametrize("path", ["README.md", "app.py", "build/answers.sqlite", "/etc/passwd"])
def test_no_file_is_reachable(address, path):
    full = path if path.startswith("/") else str(README.parent / path)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}gradio_api/file={full}", timeout=30)
    assert refused.value.code in (403, 404)


def test_agents_find_the_endpoints_as_tools(address):
    pytest.importorskip("mcp", reason="the MCP server needs the package mcp")
    with urllib.request.urlopen(f"{address}gradio_api/mcp/schema", timeout=30) as answer:
        tools = json.load(answer)
    names = " ".join(tool["name"] for tool in tools)
    assert "generate" in names and "verdict" in names
