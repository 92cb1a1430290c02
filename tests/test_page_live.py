"""Live as a player meets it, in headless Chromium: on past the window, both sides, faders, knobs, files."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from studio import live
from tests.visit import Visit, chromium, needs_chromium, served

pytestmark = needs_chromium
STATE = "document.querySelector('.live .state').textContent"
KNOBS = """
  window.pads = { name: "Pads", onmidimessage: null };
  navigator.requestMIDIAccess = async () => ({ inputs: new Map([["1", pads]]), onstatechange: null });
"""


@pytest.fixture(scope="module")
def engines():
    """What plays behind the page."""
    return []


@pytest.fixture(scope="module")
def address(model, engines):
    with served(model, engines.append) as there:
        yield there


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def visit(browser, address):
    there = Visit(browser, address, viewport={"width": 1440, "height": 1000})
    there.tab("Live")
    yield there
    assert there.errors == []
    there.context.close()


def begin(page, seconds=1.0):
    """Play live, and wait until so much has been heard."""
    page.click("text=Play live")
    page.wait_for_function(f"studio.live.position > {seconds}")


def stopped(page) -> str:
    """Stop; what is said then."""
    page.click(".live button.stop")
    page.wait_for_function(f"!{STATE}.startsWith('Playing')")
    page.wait_for_selector(".live button.go:visible")
    return page.evaluate(STATE)


def sound_of(download) -> np.ndarray:
    data = Path(download.path()).read_bytes()
    samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate == 32_000 and samples.ndim == 1
    return samples


def test_it_goes_on_and_its_link_plays_it_again(visit):
    page = visit.page
    begin(page, 3.0)
    page.locator(".live .fader").first.fill("-0.06")
    page.wait_for_timeout(600)
    word = stopped(page)
    assert "Kept: " in word and "one move. Its link plays it again." in word
    page.click("text=Hear this take in the Studio tab")
    page.wait_for_function("studio.pair?.recipe.moves.length === 1")
    first = page.evaluate("studio.pair")
    assert first["recipe"]["seconds"] == first["seconds"] > 3.0
    page.evaluate("studio.pair = null; studio.say('generate', studio.recipe)")
    assert visit.pair()["sha256"] == first["sha256"]


def levels(lines: list[dict], count: int) -> np.ndarray:
    """Decibels at every sample: lines that begin at a sample and go from one level to another."""
    db, places = np.zeros(count), np.arange(count)
    for one in lines:
        gone = np.clip((places - one["at"]) / max(one["long"], 1), 0, 1)
        db = np.where(places >= one["at"], one["from"] + (one["to"] - one["from"]) * gone, db)
    return db


def test_the_unsteered_side_is_heard_and_a_recording_is_what_was_heard(visit):
    page = visit.page
    begin(page, 0.5)
    page.click("text=● Record")
    page.wait_for_timeout(600)
    page.keyboard.press("x")
    assert page.get_attribute("[data-live=unsteered]", "aria-checked") == "true"
    page.wait_for_timeout(600)
    with page.expect_download() as file:
        page.click("text=■ Stop recording")
    made = sound_of(file.value)
    assert 1.0 * 32_000 < len(made) < 20 * 32_000
    switch = page.evaluate("studio.live.switches.at(-1).at")
    page.wait_for_timeout(300)
    with page.expect_download() as file:
        page.click("text=Keep the last minutes")
    whole = sound_of(file.value)
    (first,) = [
        n for n in range(len(whole) - len(made)) if np.array_equal(whole[n : n + 400], made[:400])
    ]
    assert np.array_equal(whole[first : first + len(made)], made)
    sides = page.evaluate(
        "(last) => Object.fromEntries(['steered', 'unsteered'].map((side) => [side, Array.from(studio.live.memory.part(side, 0, last))]))",
        len(whole),
    )
    db = levels(page.evaluate("studio.live.trimmed.unsteered"), len(whole))
    late = slice(switch + 1000, len(whole))
    raised = (np.array(sides["unsteered"]) * 10 ** (db / 20))[late]
    off = np.abs(whole[late] - np.clip(np.round(raised), -32768, 32767))
    assert np.median(off) <= 1
    assert not np.array_equal(sides["steered"], sides["unsteered"])
    stopped(page)


def test_faders_come_and_go_while_it_plays(visit):
    page = visit.page
    begin(page)
    page.select_option(".live .more select", label="G")
    page.click("text=+ fader")
    page.wait_for_selector(".live .strip-fader >> nth=1")
    fader = page.get_by_label("Strength of G, live")
    assert fader.input_value() == "0"
    fader.fill("0.06")
    page.wait_for_timeout(700)
    page.get_by_label("Remove the fader G").click()
    assert page.locator(".live .strip-fader").count() == 1
    page.wait_for_timeout(700)
    assert "2 moves" in stopped(page)
    page.click("text=Hear this take in the Studio tab")
    page.wait_for_function("studio.pair?.recipe.interventions.length === 2")
    recipe = page.evaluate("studio.pair.recipe")
    joined = recipe["interventions"][1]
    assert (joined["concept"], joined["coefficient"]) == ("G", 0)
    assert [one["coefficient"] for one in recipe["moves"] if one["concept"] == 1] == [0.06, 0]


def test_a_knob_is_learned_and_moves_its_fader(browser, address):
    there = Visit(browser, address)
    there.context.add_init_script(KNOBS)
    there.page.reload()
    there.page.wait_for_selector(".compose .card .point")
    there.tab("Live")
    page = there.page
    page.click("text=MIDI knobs")
    page.wait_for_function(f"{STATE}.startsWith('MIDI: Pads.')")
    page.click(".live .learn")
    turn = "(value) => pads.onmidimessage({ data: [0xb0, 21, value] })"
    begin(page)
    page.evaluate(turn, 127)
    assert page.text_content(".live .learn") == "knob 21"
    most = page.get_attribute(".live .fader", "max")
    assert float(page.input_value(".live .fader")) == pytest.approx(float(most))
    page.wait_for_timeout(400)
    page.evaluate(turn, 64)
    page.evaluate("pads.onmidimessage({ data: [0xb0, 22, 0] })")
    assert page.input_value(".live .fader") == "0"
    page.wait_for_timeout(400)
    assert "2 moves" in stopped(page)
    assert there.errors == []
    there.context.close()


def test_without_web_midi_it_is_said(visit):
    visit.page.evaluate(
        "Object.defineProperty(navigator, 'requestMIDIAccess', { value: undefined })"
    )
    visit.page.click("text=MIDI knobs")
    visit.page.wait_for_function(f"{STATE}.startsWith('This browser has no Web MIDI')")


def test_the_axis_is_looked_at_by_keys_and_goes_back_to_now(visit):
    page = visit.page
    begin(page, 4.0)
    strip = page.locator(".live .strip")
    strip.focus()
    for _ in range(4):
        page.keyboard.press("+")
    assert strip.get_attribute("aria-valuetext").startswith("0:0")
    page.keyboard.press("Home")
    assert strip.get_attribute("aria-valuenow") == "2"
    assert page.locator(".live button:has-text('Now')").is_enabled()
    page.wait_for_timeout(500)
    assert strip.get_attribute("aria-valuenow") == "2"
    page.keyboard.press("End")
    assert not page.locator(".live button:has-text('Now')").is_enabled()
    inks = page.evaluate(
        """() => { const all = document.querySelector(".live .strip"), dots = all.getContext("2d").getImageData(0, 0, all.width, all.height).data;
        return new Set(new Uint32Array(dots.buffer)).size; }"""
    )
    assert inks > 50
    stopped(page)
    frame = strip.bounding_box()
    strip.click(position={"x": frame["width"] / 2, "y": 60})
    page.wait_for_function("studio.live.playing && studio.live.position > 0.5")
    page.keyboard.press("x")
    assert page.evaluate("studio.live.side") == "unsteered"


def test_a_long_take_says_what_a_link_holds(visit, monkeypatch):
    page = visit.page
    monkeypatch.setattr(live, "LONGEST_SECONDS", 2.0)
    begin(page, 3.0)
    word = stopped(page)
    assert "Its sound can be kept as a file; a link holds the first 2 s." in word
    page.click("text=Hear its beginning in the Studio tab")
    page.wait_for_function("studio.pair?.seconds === 1.5")


def test_who_listens_stays_and_the_reason_of_an_end_is_said(visit, monkeypatch):
    page = visit.page
    monkeypatch.setattr(live, "MOST_LIVE_SECONDS", 2.0)
    page.click("text=Play live")
    page.wait_for_function(f"{STATE}.includes('An hour is as long as a live session goes on')")
    page.wait_for_selector(".live .after:not([hidden])")


def test_a_tab_that_is_closed_frees_its_place(browser, address, engines):
    leaver = Visit(browser, address)
    leaver.tab("Live")
    begin(leaver.page)
    (engine,) = engines
    assert engine.busy["playing"] == 1
    leaver.page.close()
    until = time.monotonic() + 30
    while engine.busy["playing"] and time.monotonic() < until:
        time.sleep(0.2)
    assert engine.busy["playing"] == 0
    leaver.context.close()
