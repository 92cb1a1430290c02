"""Teaching as a visitor meets it, in headless Chromium: clips, microphone, parts of takes, votes, a file."""

from __future__ import annotations

import time

import pytest

from steering.teaching import finding, trials
from studio import lessons
from tests import visit as visits
from tests.test_studio_teach import as_sound, tone
from tests.visit import Visit, chromium, needs_chromium, served

pytestmark = needs_chromium
HAS, NOT = (
    "[aria-label='Choose clips that have it']",
    "[aria-label='Choose clips that have it not']",
)
FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
ROWS = "document.querySelectorAll('.teach .examples[aria-label=\"What has it\"] li')"
READY = "() => ![...document.querySelectorAll('.teach .about')].some((one) => one.textContent.startsWith('listening'))"


@pytest.fixture(scope="module", autouse=True)
def quick():
    """Lessons that try two strengths on one prompt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trials, "PROMPTS", ("calm jazz",))
        patch.setattr(trials, "STRENGTHS", (0.05, 0.1))
        patch.setattr(trials, "SECONDS", 0.5)
        patch.setattr(finding, "FEWEST", 1)
        yield


@pytest.fixture(scope="module")
def address(model):
    with served(model) as there:
        yield there


@pytest.fixture(scope="module")
def browser():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visits, "FLAGS", visits.FLAGS + FAKE)
        with chromium() as running:
            yield running


@pytest.fixture
def visit(browser, address):
    there = Visit(browser, address, viewport={"width": 1280, "height": 900})
    there.tab("Teach")
    yield there
    assert [one for one in there.errors if "500" not in one] == []
    there.context.close()


def sounds(*pitches: float) -> list[dict]:
    return [
        {"name": f"{hz:g}.wav", "mimeType": "audio/wav", "buffer": as_sound(tone(hz))}
        for hz in pitches
    ]


def give(page, group: str, files) -> None:
    page.set_input_files(group, files)
    page.wait_for_function(READY)


def teach(page, name: str = "high") -> None:
    page.fill("#teach-name", name)
    page.click(".teach .launch .go")
    page.wait_for_selector(".teach .result:not([hidden])")


def high_and_low(page) -> None:
    give(page, HAS, sounds(900.0, 1000.0, 1100.0))
    give(page, NOT, sounds(150.0, 160.0, 170.0))


def test_from_a_drop_to_a_fader_that_is_heard_and_shared(visit, browser, address):
    page = visit.page
    high_and_low(page)
    page.check("text=how high it is")
    teach(page)
    head = page.text_content(".teach .headline")
    assert "it" in head and "null" not in page.text_content(".teach .result")
    assert "3 clips, against 3 of the clips without it" in page.text_content(".teach .result dl")
    page.click("text=▶ Hear it beside its twin")
    page.wait_for_function("studio.sound.playing && studio.pair !== null")
    pair = page.evaluate("studio.pair")
    assert [one["bank"] for one in pair["recipe"]["interventions"]] == ["own/high"]
    assert pair["sha256"]["steered"] != pair["sha256"]["unsteered"]
    assert page.locator(".compose .card select").first.input_value() == "own"
    assert page.locator(".compose .card .concept").input_value() == "high"
    other = Visit(browser, address)
    assert other.page.evaluate("studio.own.all.size") == 0
    assert "Yours" not in other.page.text_content(".compose .cards")
    other.page.goto(f"{address}#r={pair['permalink']}")
    other.page.wait_for_function("studio.own.all.size === 1")
    other.page.click(".compose .go")
    assert other.pair()["sha256"] == pair["sha256"]
    other.context.close()


def test_it_is_kept_as_a_file_forgotten_brought_again_renamed_and_stays_in_its_tab(visit, tmp_path):
    page = visit.page
    high_and_low(page)
    teach(page)
    with page.expect_download() as file:
        page.click("[aria-label='Keep as a file: high']")
    assert file.value.suggested_filename == "high.zip"
    file.value.save_as(tmp_path / "high.zip")
    text = page.evaluate("[...studio.own.all.values()][0].bank")
    page.click("[aria-label='Put into the Studio tab: high']")
    assert page.evaluate("Object.keys(studio.recipe.banks)") == ["own/high"]
    visit.tab("Teach")
    page.click("[aria-label='Forget high']")
    assert page.evaluate("studio.recipe.banks") == {}
    assert "own/high" not in str(page.evaluate("studio.recipe"))
    assert "Nothing yet." in page.text_content("[aria-label='Your concepts']")
    page.set_input_files('[aria-label="Bring a concept\'s file"]', tmp_path / "high.zip")
    page.wait_for_function("studio.own.all.size === 1")
    assert page.evaluate("[...studio.own.all.values()][0].bank") == text
    page.click("[aria-label='Put into the Studio tab: high']")
    visit.tab("Teach")
    page.once("dialog", lambda dialog: dialog.accept("bright"))
    page.click("[aria-label='Rename high']")
    page.wait_for_selector("[aria-label='Forget bright']")
    assert page.evaluate("Object.keys(studio.recipe.banks)") == ["own/bright"]
    assert page.evaluate("studio.recipe.interventions.at(-1).concept") == "bright"
    page.reload()
    page.wait_for_selector(".compose .card .point")
    assert page.evaluate("[...studio.own.all.keys()]") == ["own/bright"]
    visit.tab("Live")
    page.select_option(".live .more select", label="bright")
    page.click("text=+ fader")
    assert "bright" in page.text_content(".live .faders")
    page.click("text=Play live")
    page.wait_for_function("studio.live.position > 0.3")
    page.click(".live button.stop")
    page.wait_for_selector(".live button.go:visible")
    assert "Kept" in page.text_content(".live .state")


def test_bad_files_stand_beside_their_names_and_hold_the_lesson_up(visit):
    page = visit.page
    named = "<img src=x onerror=studio.hacked=1>.wav"
    bad = [{"name": named, "mimeType": "audio/wav", "buffer": b"no sound"}]
    give(page, HAS, [*sounds(900.0, 1000.0, 1100.0), *bad])
    page.fill("#teach-name", "high")
    page.click(".teach .launch .go")
    page.wait_for_function(
        "document.querySelector('.teach .error').textContent.includes('cannot be taken')"
    )
    assert named in page.text_content(".teach .examples .wrong")
    assert page.evaluate("studio.hacked") is None
    assert page.is_visible(".teach .launch .go")
    page.locator(".teach .wrong .remove").click()
    assert page.evaluate(f"{ROWS}.length") == 3


def test_a_lesson_stops_when_it_is_told_to(visit, monkeypatch):
    def endless(decoder, examples, name, against, told, **_):
        while True:
            told("trying strengths", 1, 6)
            time.sleep(0.02)

    monkeypatch.setattr(lessons, "teach_examples", endless)
    page = visit.page
    high_and_low(page)
    page.fill("#teach-name", "high")
    page.click(".teach .launch .go")
    page.wait_for_function(
        "document.querySelector('.teach .state').textContent === 'Trying strengths: 1 of 6'"
    )
    page.click(".teach .launch .stop")
    page.wait_for_function("document.querySelector('.teach .state').textContent === 'Stopped.'")
    assert page.is_visible(".teach .launch .go") and page.evaluate("studio.own.all.size") == 0


def test_the_microphone_gives_a_clip(visit):
    page = visit.page
    page.click("text=● Record")
    page.wait_for_selector("text=■ Stop recording")
    page.wait_for_timeout(1800)
    page.click("text=■ Stop recording")
    page.wait_for_function(f"{ROWS}.length === 1")
    page.wait_for_function(READY)
    said = page.text_content(".teach .examples li .about")
    assert said.endswith(" s") and 0.5 < float(said.removesuffix(" s")) < 5


def test_a_part_of_a_take_is_taught(visit):
    page = visit.page
    visit.tab("Studio")
    visit.generate("Hold a C")
    page.evaluate("studio.sound.pause()")
    page.keyboard.press("Home")
    page.evaluate("studio.sound.seek(2)")
    page.click("text=From here")
    page.click("text=Teach this part")
    visit.tab("Teach")
    page.wait_for_function(READY)
    assert "2.0 to 8.0 s" in page.text_content(".teach .examples li .about")


def test_votes_on_variations_become_examples(visit):
    page = visit.page
    page.click("text=Vote on takes instead")
    page.get_by_role("button", name="Two variations").click()
    page.click("[aria-label='Variation 1: has it']")
    page.click("[aria-label='Variation 2: has it not']")
    page.wait_for_selector("[aria-label='Variation 2: has it not']")  # two more come by themselves
    page.wait_for_function(READY)
    takes = page.locator(".teach .examples .name").all_text_contents()
    assert len(takes) == 2 and all(", seed " in one for one in takes)


def test_on_a_phone_nothing_scrolls_sideways(browser, address):
    there = Visit(browser, address, viewport={"width": 390, "height": 844}, has_touch=True)
    there.tab("Teach")
    page = there.page
    long = [one | {"name": "a" * 90 + one["name"]} for one in sounds(900.0, 1000.0, 1100.0)]
    bad = [{"name": "b" * 90 + ".wav", "mimeType": "audio/wav", "buffer": b"no sound"}]
    give(page, HAS, [*long, *bad])
    page.click(".teach .launch .go")
    page.wait_for_function(
        "document.querySelector('.teach .error').textContent.includes('cannot be taken')"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator(".teach .wrong .remove").click()
    give(page, NOT, sounds(150.0, 160.0, 170.0))
    teach(page, "a concept with a long name that goes on and on")
    page.evaluate("document.querySelectorAll('.teach details').forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    there.context.close()
