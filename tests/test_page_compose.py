"""Composing on the page in headless Chromium: nothing is lost, and what is said is seen."""

from __future__ import annotations

import itertools

import pytest

from tests.visit import Visit, needs_chromium

pytestmark = needs_chromium
IN_SIGHT = """(name) => {
  const box = document.querySelector(name).getBoundingClientRect();
  return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight;
}"""
STRENGTH = ".compose .strength input"


@pytest.fixture
def visit(browser, address):
    there = Visit(browser, address, viewport={"width": 1440, "height": 900})
    yield there
    assert there.errors == []
    there.context.close()


def schedule(page):
    return page.evaluate("studio.recipe.interventions[0].schedule")


@pytest.mark.parametrize(("wide", "high"), [(1440, 900), (390, 844)])
def test_generate_is_in_sight_however_many_concepts_there_are(browser, address, wide, high):
    there = Visit(browser, address, viewport={"width": wide, "height": high})
    for _ in range(4):
        there.page.click(".compose .add")
    there.page.evaluate("scrollTo(0, 0)")
    there.page.evaluate("document.querySelector('.compose').scrollIntoView()")
    assert there.page.evaluate(IN_SIGHT, ".compose .go")
    there.context.close()


def test_every_change_can_be_taken_back_and_made_again(visit):
    page = visit.page
    before = page.evaluate("studio.recipe.interventions[0].coefficient")
    page.locator(STRENGTH).first.fill("1.5")
    page.wait_for_timeout(600)
    after = page.evaluate("studio.recipe.interventions[0].coefficient")
    page.click(".compose .add")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+z")
    assert page.evaluate("studio.recipe.interventions.length") == 1
    page.keyboard.press("Control+z")
    assert page.evaluate("studio.recipe.interventions[0].coefficient") == before != after
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+y")
    assert page.evaluate("studio.recipe.interventions.length") == 2
    assert page.evaluate("studio.recipe.interventions[0].coefficient") == after
    assert page.is_disabled("[aria-label=Redo]")


def test_no_point_of_a_pulse_is_lost_when_it_is_drawn_by_hand(visit):
    page = visit.page
    pulse = '{ shape: "pulse", period: 2.0, width: 1.2 }'
    page.evaluate(
        f"""studio.say("load", {{ recipe: {{ ...studio.recipe, seconds: 30, moves: [],
            interventions: studio.recipe.interventions.map((one) => ({{ ...one, schedule: {pulse} }})) }} }})"""
    )
    page.wait_for_function("document.querySelectorAll('.compose .point').length > 50")
    drawn = page.locator(".compose .point").count()
    page.locator(".compose .point").nth(2).focus()
    page.keyboard.press("ArrowDown")
    points = schedule(page)["points"]
    assert len(points) == drawn
    falls = [b for a, b in itertools.pairwise(points) if a[1] > 0.9 and b[1] < 0.1]
    assert len(falls) >= 14, "fifteen pulses, the last one may end with the clip"
    page.keyboard.press("Control+z")
    assert schedule(page)["shape"] == "pulse"


def test_a_draft_outlives_a_reload(visit):
    page = visit.page
    page.fill("#prompt", "a waltz nobody has written")
    page.click(".compose .add")
    page.reload()
    page.wait_for_selector(".compose .card .point")
    assert page.input_value("#prompt") == "a waltz nobody has written"
    assert page.locator(".compose .card").count() == 2


def test_a_link_in_an_open_tab_is_taken_up_and_a_bad_one_is_told(visit):
    page = visit.page
    code = page.evaluate(
        "studio.call('permalink', { ...studio.recipe, prompt: 'from a link', moves: [] })"
    )
    page.evaluate("(code) => (location.hash = `r=${code}`)", code)
    page.wait_for_function("document.querySelector('#prompt').value === 'from a link'")
    page.wait_for_function(
        "document.querySelector('.listen .hollow').textContent.includes('from a link')"
    )
    page.evaluate("location.hash = 'r=cut-off'")
    page.wait_for_function(
        "document.querySelector('.compose .error').textContent.startsWith('This link gives no clip')"
    )
    assert page.evaluate(IN_SIGHT, ".compose .error")
    visit.errors[:] = [one for one in visit.errors if "status of 500" not in one]


def test_strength_is_told_in_multiples_and_in_words(visit):
    page = visit.page
    unit = page.evaluate("studio.catalogue.families[0].intervention.coefficient")
    page.locator(STRENGTH).first.fill("-0.5")
    concept = page.evaluate("studio.recipe.interventions[0].concept")
    assert page.evaluate("studio.recipe.interventions[0].coefficient") == pytest.approx(-unit / 2)
    told = page.get_attribute(STRENGTH, "aria-valuetext")
    assert told == f"×−0.50, less {concept}"
    assert "Not tested on this model" in page.text_content(".compose .finding")


def test_all_strengths_become_takes_of_one_clip(visit):
    page = visit.page
    page.evaluate("studio.say('load', { recipe: { ...studio.recipe, seconds: 2, moves: [] } })")
    once = page.evaluate("studio.recipe.interventions[0].coefficient")
    page.click("text=All strengths")
    page.wait_for_function("document.querySelectorAll('.listen .take').length === 4")
    names = page.locator(".listen .take").all_text_contents()
    assert [name.split()[0] for name in names] == ["×0.5", "×1", "×1.5", "×2"]
    page.locator(".listen .take").nth(3).click()
    twice = page.evaluate("studio.pair.recipe.interventions[0].coefficient")
    assert twice == pytest.approx(min(1, 2 * once))


def test_a_server_that_went_away_is_told_and_its_return_too(visit):
    page = visit.page
    page.route("**/gradio_api/**", lambda route: route.abort())
    page.click(".compose .go")
    page.wait_for_function(
        "document.querySelector('.compose .error').textContent.includes('server')"
    )
    page.wait_for_function("document.querySelector('.compose .go').disabled")
    page.unroute("**/gradio_api/**")
    page.wait_for_function("!document.querySelector('.compose .go').disabled")
    assert page.text_content(".compose .error") == ""
    visit.errors[:] = [one for one in visit.errors if "ERR_FAILED" not in one]


def test_the_first_thing_to_press_plays(visit):
    page = visit.page
    page.click("text=Hear it")
    visit.pair()
    assert page.evaluate("studio.sound.playing") and page.locator(".listen .deck").is_visible()
