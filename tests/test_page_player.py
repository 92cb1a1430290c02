"""The player as a listener meets it: keys anywhere, a region, zoom, takes, and words while it waits."""

from __future__ import annotations

import pytest

from tests.visit import Visit, needs_chromium

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def visit(browser, address):
    there = Visit(browser, address, viewport={"width": 1440, "height": 1000})
    there.generate("Hold a C")
    yield there
    assert there.errors == []
    there.context.close()


@pytest.fixture
def page(visit):
    """The page with a clip that stands still at its beginning, and a preset clicked last."""
    tab = visit.page
    tab.evaluate("studio.sound.pause(); studio.sound.setRegion(0, 0); studio.sound.seek(0)")
    tab.evaluate("document.activeElement.blur()")
    return tab


def playing(page) -> bool:
    return page.evaluate("studio.sound.playing")


def checked(page, side: str) -> bool:
    return page.get_attribute(f"[data-side={side}]", "aria-checked") == "true"


def test_after_a_click_elsewhere_every_key_is_the_players(page):
    page.locator(".compose h3").first.click()
    page.keyboard.press(" ")
    assert playing(page)
    page.keyboard.press(" ")
    assert not playing(page)
    page.keyboard.press("x")
    assert checked(page, "unsteered")
    page.keyboard.press("x")
    assert checked(page, "steered")
    for key, name in (("l", "Loop"), ("m", "Match")):
        button = page.locator(f".listen .transport button:has-text('{name}')")
        was = button.get_attribute("aria-pressed")
        page.keyboard.press(key)
        assert button.get_attribute("aria-pressed") != was
        page.keyboard.press(key)
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("studio.sound.position") == pytest.approx(1.0, abs=0.01)
    page.keyboard.press("End")
    assert page.evaluate("studio.sound.position") == pytest.approx(8.0, abs=0.01)
    page.keyboard.press("Home")
    assert page.evaluate("studio.sound.position") == 0


def test_space_after_a_preset_plays_and_does_not_generate_again(visit, page):
    visit.generate("Hold a C")
    page.click(".listen .play")
    assert not playing(page)
    clip = page.evaluate("studio.pair.clip")
    page.locator("[data-preset='Hold a C']").hover()
    page.evaluate("document.querySelector(\"[data-preset='Hold a C']\").focus()")
    page.keyboard.press(" ")
    assert playing(page)
    assert page.evaluate("studio.pair.clip") == clip


def test_a_button_that_was_reached_by_tab_is_pressed_by_space(page):
    page.locator(".compose h3").first.click()
    page.keyboard.press("Tab")
    page.focus(".listen .transport button:has-text('Loop')")
    loops = page.evaluate("studio.sound.loop")
    page.keyboard.press(" ")
    assert page.evaluate("studio.sound.loop") is not loops
    assert not playing(page)
    page.keyboard.press(" ")
    assert page.evaluate("studio.sound.loop") is loops


def test_what_is_typed_is_typed(page):
    before = page.input_value("#prompt")
    page.focus("#prompt")
    page.keyboard.press("End")
    page.keyboard.type(" x l")
    assert page.input_value("#prompt") == f"{before} x l"
    assert checked(page, "steered") and not playing(page)
    page.fill("#prompt", before)
    strength = page.locator(".compose .strength input").first
    strength.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("studio.sound.position") == 0
    page.keyboard.press("ArrowLeft")


def test_other_tabs_keep_their_keys(visit, page):
    visit.tab("Explore")
    page.keyboard.press("x")
    visit.tab("Studio")
    assert checked(page, "steered")


def test_the_focus_is_kept_when_generate_hides(visit, page):
    page.evaluate("studio.pair = null")
    page.keyboard.press("Tab")
    page.focus("text=Generate >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector(".compose button.stop:visible")
    assert page.evaluate("document.activeElement.className") == "stop"
    visit.pair()
    page.wait_for_selector(".compose button.go:visible")
    assert page.evaluate("document.activeElement.className") == "go"


def test_a_region_is_drawn_on_the_axis_and_cleared_by_escape(page):
    frame = page.locator(".needle").bounding_box()
    page.locator(".needle").scroll_into_view_if_needed()
    frame = page.locator(".needle").bounding_box()
    page.mouse.move(frame["x"] + 0.3 * frame["width"], frame["y"] + 8)
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.6 * frame["width"], frame["y"] + 8, steps=4)
    page.mouse.up()
    first, last = page.evaluate("studio.sound.region.map((n) => n / studio.sound.rate)")
    assert 2.0 < first < 2.6 and 4.3 < last < 5.1
    page.keyboard.press(" ")
    page.wait_for_timeout(300)
    assert first <= page.evaluate("studio.sound.position") < last
    page.keyboard.press("Escape")
    assert page.evaluate("studio.sound.region") is None


def test_a_region_and_the_zoom_by_keys(page):
    page.keyboard.press("ArrowRight")
    page.keyboard.press("[")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("]")
    region = page.evaluate("studio.sound.region.map((n) => n / studio.sound.rate)")
    assert region == pytest.approx([1.0, 3.0], abs=0.01)
    assert page.text_content(".listen .tools [role=status]") == "1.0 to 3.0 s"
    frame = page.locator(".needle").bounding_box()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("Home")
    page.locator(".needle").click(position={"x": frame["width"] - 6, "y": 60})
    assert page.evaluate("studio.sound.position") == pytest.approx(2.0, abs=0.1)
    page.keyboard.press("-")
    page.keyboard.press("-")


def test_takes_are_kept_and_come_back_at_the_playhead(visit, page):
    one = visit.pair()
    page.evaluate("studio.say('generate', { ...studio.recipe, seed: 11 })")
    page.wait_for_function("studio.pair !== null && studio.pair.recipe.seed === 11")
    page.wait_for_selector(".compose button.go:visible")
    page.evaluate("studio.sound.pause(); studio.sound.seek(2)")
    name = page.locator(".listen .take[aria-pressed=true]").text_content()
    assert name == "Hold a C, seed 11"
    page.keyboard.press("t")
    assert page.evaluate("studio.pair.clip") == one["clip"]
    assert page.evaluate("studio.sound.position") == pytest.approx(2.0, abs=0.01)
    page.click(".listen .take >> text=seed 11")
    assert page.evaluate("studio.pair.recipe.seed") == 11
    page.click("text=Edit this one")
    assert page.evaluate("studio.recipe.seed") == 11
    page.wait_for_function("document.querySelector('.verdict tr.target') !== null")


def test_waiting_is_called_buffering_and_has_an_end(visit, page):
    page.evaluate(
        """() => {
          const arrival = Object.getPrototypeOf(studio.sound.arrival);
          arrival.kept = arrival.needs;
          arrival.needs = () => 100;
          studio.pair = null;
          studio.say("generate", { ...studio.recipe, seed: 12 });
        }"""
    )
    said = "document.querySelector('.listen .state').textContent"
    page.wait_for_function(f"{said}.startsWith('Buffering: ')")
    assert page.evaluate("[studio.sound.waiting, studio.sound.position]") == [True, 0]
    visit.pair()
    page.wait_for_function("studio.sound.position > 0")
    page.evaluate(
        "() => { const one = Object.getPrototypeOf(studio.sound.arrival); one.needs = one.kept; }"
    )


def test_what_came_before_the_server_went_away_can_be_heard(visit, page):
    page.evaluate(
        """() => {
          const stream = studio.stream;
          studio.stream = async (name, data, listen, signal) => {
            let count = 0;
            await stream(name, data, (event) => {
              if (event.event === "audio" && ++count > 4) throw new Error("The page went away.");
              listen(event);
            }, signal);
          };
          studio.kept = stream;
          studio.say("generate", { ...studio.recipe, seed: 13 });
        }"""
    )
    page.wait_for_function(
        "document.querySelector('.compose .error').textContent.includes('went away')"
    )
    page.wait_for_function("studio.sound.complete")
    seconds = page.evaluate("studio.sound.duration")
    assert 0 < seconds < 8 and playing(page)
    page.evaluate("() => { studio.stream = studio.kept; studio.say('error', ''); }")


def test_the_volume_is_remembered(visit, page):
    page.locator(".listen .volume").fill("40")
    page.reload()
    page.wait_for_selector(".listen .volume", state="attached")
    assert page.input_value(".listen .volume") == "40"
    assert page.evaluate("studio.sound.loud") == pytest.approx(0.16)


def test_the_page_has_one_word_for_what_is_not_steered(page):
    words = page.evaluate("document.querySelector('.listen').textContent")
    assert "twin" not in words and "plays already" not in words
