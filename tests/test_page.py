"""The page as a listener meets it, in headless Chromium, on a toy model."""

from __future__ import annotations

import pytest

from studio import answers as kept
from studio import excerpts
from tests.visit import Visit, needs_chromium

pytestmark = needs_chromium

LIKENESS = """() => {
  const { sound } = studio, out = new Float32Array(4096), width = 400;
  sound.analyser.getFloatTimeDomainData(out);
  const tail = out.subarray(4096 - width);
  const own = tail.reduce((sum, v) => sum + v * v, 0);
  const best = (samples) => {
    let most = 0, power = 0;
    for (let n = 0; n < width; n++) power += samples[n] ** 2;
    for (let at = 0; at + width < samples.length; at++) {
      let dot = 0;
      for (let n = 0; n < width; n++) dot += tail[n] * samples[at + n];
      most = Math.max(most, dot / Math.sqrt(own * Math.max(power, 1e-9) + 1e-12));
      power += samples[at + width] ** 2 - samples[at] ** 2;
    }
    return most;
  };
  return { steered: best(sound.samples.steered), unsteered: best(sound.samples.unsteered) };
}"""
"""How alike the last 12 ms that left the page's audio graph are to any moment of each clip."""

HASHES = """async () => Object.fromEntries(await Promise.all(["steered", "unsteered"].map(async (side) => {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", studio.sound.whole[side]));
  return [side, [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")];
})))"""


@pytest.fixture(scope="module")
def visit(browser, address):
    there = Visit(browser, address, viewport={"width": 1440, "height": 1000})
    yield there
    assert there.errors == []
    there.context.close()


@pytest.fixture(scope="module")
def first(visit):
    """A pair with a constant push; the tests before the last ones leave it as it is."""
    return visit.generate()


def test_a_preset_gives_two_clips_that_differ(visit, first):
    held = visit.page.evaluate(HASHES)
    assert held == first["sha256"] and held["steered"] != held["unsteered"]
    assert visit.page.evaluate("studio.firstSound") > 0
    assert visit.page.evaluate("studio.sound.filled") == 8 * 32_000


def test_one_model_is_named_and_is_no_choice(visit, first):
    model = visit.page.locator(".compose .field", has_text="Model")
    assert model.text_content() == "Modeltoy" and model.locator("select").count() == 0


def test_an_error_is_shown_in_words(visit):
    said = visit.page.evaluate(
        """() => [
          "no model", { error: "no model" }, { error: null }, null, {}, [], "", 7, { detail: [{ msg: "no model" }] },
          { error: { message: "no model" } },
        ].map((answer) => studio.reason(answer, "try again"))"""
    )
    word, otherwise = "no model", "try again"
    assert said == [word, word, *[otherwise] * 6, word, word]
    told = """studio.quick("stop", []).catch((failure) => failure.message)"""
    assert visit.page.evaluate(told) == "stop: session is not text: see /gradio_api/info"
    visit.errors[:] = [one for one in visit.errors if "status of 500" not in one]


def test_sound_starts_before_the_clip_is_made(visit, first):
    assert first["first_sound_after"] < first["took"]


def sounds_like(page, side, other):
    """Whether what leaves the audio graph is this side to the last bits, and not the other one.

    The toy's sounds are all alike, so only equality tells; a starved machine gets several tries.
    """
    for _ in range(8):
        page.wait_for_timeout(300)
        heard = page.evaluate(LIKENESS)
        if heard[side] > 1 - 1e-6 > heard[other]:
            return True
    return False


def test_the_switch_changes_what_sounds(visit, first):
    page = visit.page
    if not page.evaluate("studio.sound.playing"):
        page.click(".listen .play")
    page.click("[data-side=unsteered]")
    assert sounds_like(page, "unsteered", "steered")
    page.keyboard.press("x")
    assert page.get_attribute("[data-side=steered]", "aria-checked") == "true"
    assert sounds_like(page, "steered", "unsteered")


def test_the_playhead_moves_by_key_and_by_click(visit, first):
    page = visit.page
    if page.evaluate("studio.sound.playing"):
        page.click(".listen .play")
    page.focus(".needle")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("studio.sound.position") == pytest.approx(1.0, abs=0.01)
    frame = page.locator(".needle").bounding_box()
    page.locator(".needle").click(position={"x": frame["width"] / 2, "y": 30})
    assert 3.5 < page.evaluate("studio.sound.position") < 4.5


def test_pictures_and_verdict_come(visit, first):
    visit.page.wait_for_selector(".verdict tr.target", state="attached")
    visit.page.wait_for_function("document.querySelector('.tracks canvas').clientHeight > 300")
    visit.page.locator(".needle").hover(position={"x": 300, "y": 200})
    assert "strongest" in visit.page.text_content(".listen .tip")


def test_a_dragged_point_changes_the_recipe(visit, first):
    page = visit.page
    assert page.evaluate("studio.recipe.interventions[0].schedule") == {"shape": "constant"}
    point = page.locator(".compose .point").first
    point.scroll_into_view_if_needed()
    frame = point.bounding_box()
    page.mouse.move(frame["x"] + 7, frame["y"] + 7)
    page.mouse.down()
    page.mouse.move(frame["x"] + 60, frame["y"] + 40, steps=4)
    page.mouse.up()
    schedule = page.evaluate("studio.recipe.interventions[0].schedule")
    assert schedule["shape"] == "breakpoints"
    time, level = schedule["points"][0]
    assert time > 0.3 and level < 0.9
    page.locator(".compose .point").first.focus()
    page.keyboard.press("ArrowDown")
    moved = page.evaluate("studio.recipe.interventions[0].schedule.points[0]")
    assert moved == [time, pytest.approx(level - 0.05, abs=1e-3)]
    page.evaluate("studio.pair = null")
    page.click("text=Generate >> nth=0")
    drawn = visit.pair()
    assert drawn["recipe"]["interventions"][0]["schedule"]["points"][0] == moved
    assert drawn["sha256"]["steered"] != first["sha256"]["steered"]
    assert drawn["sha256"]["unsteered"] == first["sha256"]["unsteered"]


def test_a_link_in_a_new_tab_gives_identical_sound(visit, browser, address):
    pair = visit.page.evaluate("studio.pair")
    link = visit.page.input_value(".keep .link")
    assert link.startswith(address)
    other = Visit(browser, link)
    other.page.wait_for_function(
        "document.querySelector('.compose .state').textContent.includes('shared')"
    )
    other.page.click("text=Generate >> nth=0")
    other.pair()
    assert other.page.evaluate(HASHES) == pair["sha256"]
    assert other.errors == []
    other.context.close()


@pytest.fixture
def short_test(monkeypatch):
    """A blind test of two rounds of half a second."""
    monkeypatch.setattr(kept, "ROUNDS", 2)
    monkeypatch.setattr(excerpts, "SECONDS", 0.5)


def answered(page, said):
    """Answer the round that is on as soon as it may be answered."""
    page.wait_for_selector(".blind [data-said=a]:not([disabled])")
    assert page.get_attribute("[data-player=X]", "aria-pressed") == "true"
    page.focus("[data-player=A]")
    page.keyboard.press("a")
    page.keyboard.press(said)


def test_a_blind_test_tells_its_score_at_its_end(visit, short_test):
    page = visit.page
    visit.tab("Blind test")
    page.click(".blind button.go >> nth=0")
    answered(page, "1")
    page.wait_for_function("document.querySelector('.blind .state').textContent.includes('2 of')")
    assert page.text_content(".blind .score") == ""
    answered(page, "2")
    page.wait_for_function(
        "document.querySelector('.blind .score').textContent.includes('of 2 right')"
    )
    assert page.locator(".blind .rounds tbody tr").count() == 2
    page.wait_for_selector(".blind .results td")


def test_a_concept_is_found_by_its_name_and_can_be_heard(visit):
    page = visit.page
    visit.tab("Explore")
    page.fill(".explore .search", "g")
    page.wait_for_function(
        "[...document.querySelectorAll('.explore .chip')].every((one) => one.textContent[0] === 'G')"
    )
    page.click(".explore .chip")
    page.wait_for_selector(".explore .story .alike button")
    page.evaluate("studio.pair = null")
    page.click("text=Hear it pushed")
    assert visit.pair()["recipe"]["interventions"][0]["concept"] == "G"
    assert page.get_by_role("tab", name="Studio").get_attribute("aria-selected") == "true"


def test_a_picture_of_a_report_is_fetched_when_it_is_seen(visit):
    page = visit.page
    visit.tab("Explore")
    page.wait_for_selector(".report summary")
    assert page.locator(".report img[src]").count() == 0
    page.locator(".report summary").first.click()
    page.wait_for_selector(".report[open] img[src]")


def test_a_slider_that_nobody_touched_is_not_sent(visit):
    page = visit.page
    visit.tab("Blind test")
    sent = []
    page.on("request", lambda asked: "/run/rate" in asked.url and sent.append(asked.post_data_json))
    steered = page.locator(".blind fieldset").first
    assert steered.locator("output").all_text_contents() == ["–"] * 4
    steered.get_by_text("Send rating").click()
    assert steered.locator("[role=status]").text_content() == "Move a slider first."
    steered.get_by_label("It sounds good, steered").fill("80")
    steered.get_by_text("Send rating").click()
    page.wait_for_function("document.querySelector('.blind fieldset').textContent.includes('kept')")
    assert [one["data"][2:] for one in sent] == [["steered", {"quality": 80}]]


def test_who_has_no_clip_yet_gets_one_and_the_test_begins(browser, address):
    fresh = Visit(browser, address)
    fresh.tab("Blind test")
    fresh.page.click("text=Make a clip and start")
    fresh.page.wait_for_selector("[data-player=X][aria-pressed=true]")
    assert "Round 1 of 12" in fresh.page.text_content(".blind .state")
    assert not fresh.page.evaluate("studio.sound.playing")
    assert fresh.errors == []
    fresh.context.close()


def test_live_moves_are_kept(visit):
    page = visit.page
    visit.tab("Live")
    points = "schedule: { shape: 'breakpoints', points: [[0, 1], [8, 0.5]] }"
    page.evaluate(
        f"""studio.say("load", {{ recipe: {{ ...studio.recipe, seconds: 6, moves: [], interventions:
            studio.recipe.interventions.map((one) => ({{ ...one, {points} }})) }} }})"""
    )
    page.click("text=Play live")
    page.wait_for_function(
        "document.querySelector('.live .state').textContent.startsWith('Playing')"
    )
    page.wait_for_function("studio.live.filled > 0")
    page.locator(".live .fader").first.fill("-0.06")
    page.wait_for_function("studio.live.position > 2")
    page.click(".live button.stop")
    page.wait_for_selector(".live .after:not([hidden])")
    assert "one move" in page.text_content(".live .state")
    assert page.evaluate("studio.recipe.interventions[0].schedule.points.at(-1)[0]") <= 6
    page.click("text=Hear this take")
    page.wait_for_function("studio.pair.recipe.moves.length > 0 && studio.pair.seconds > 2")
    assert page.evaluate("studio.pair.recipe.interventions[0].schedule.shape") == "constant"
    assert page.evaluate(HASHES) == page.evaluate("studio.pair.sha256")


def test_an_entry_without_a_control_is_carried_along(visit):
    page = visit.page
    page.evaluate(
        """studio.say('load', { recipe: { ...studio.recipe, later: 1, interventions:
           studio.recipe.interventions.map((one) => ({ ...one, also: 2 })) } })"""
    )
    visit.tab("Studio")
    page.fill("#prompt", "another prompt")
    carried = page.evaluate("studio.recipe")
    assert carried["later"] == 1 and carried["interventions"][0]["also"] == 2
    page.evaluate("studio.say('load', { recipe: studio.catalogue.presets[0].recipe })")
    assert "later" not in page.evaluate("studio.recipe")


def test_a_long_clip_can_be_stopped(visit):
    page = visit.page
    visit.tab("Studio")
    page.evaluate("studio.say('load', { recipe: { ...studio.recipe, seconds: 30, moves: [] } })")
    page.evaluate("studio.pair = null; studio.sound.filled = 0")
    page.click("text=Generate >> nth=0")
    page.wait_for_function("studio.sound.filled > 0")
    page.click(".compose button.stop")
    assert visit.pair()["seconds"] < 30


def test_what_is_wrong_is_said_and_a_prompt_is_only_text(visit):
    page = visit.page
    page.fill("#prompt", "<img src=x onerror='window.hacked = 1'>")
    page.evaluate("studio.say('generate', { ...studio.recipe, seconds: 10000 })")
    page.wait_for_function(
        "document.querySelector('.compose .error').textContent.includes('from 1 to 30')"
    )
    assert page.evaluate("window.hacked") is None


def test_a_phone_has_no_overflow_and_every_control_a_name(browser, address):
    phone = Visit(
        browser,
        address,
        viewport={"width": 390, "height": 844},
        color_scheme="dark",
        has_touch=True,
    )
    assert phone.page.evaluate("document.body.classList.contains('dark')")
    phone.generate("C fades into G")
    for name in ("Live", "Blind test", "Explore", "Studio"):
        phone.tab(name)
        phone.page.wait_for_timeout(200)
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390, name
    phone.tab("Explore")
    phone.page.wait_for_selector(".report summary")
    phone.page.locator(".report summary").first.click()
    phone.page.wait_for_selector(".report[open] tbody tr:nth-child(6)")
    phone.tab("Studio")
    phone.page.click(".masthead button")
    assert not phone.page.evaluate("document.body.classList.contains('dark')")
    nameless = phone.page.evaluate(
        "[...document.querySelectorAll('.panel :is(button, input, select, textarea)')].filter((one) =>"
        " !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length)).length"
    )
    assert nameless == 0
    assert phone.errors == []
    phone.context.close()
