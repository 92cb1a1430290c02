"""A study's page in headless Chromium: by keys alone, for readers aloud, in light and dark, on a phone."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.study.toy import toy_study
from studio.page import launch
from studio.study.lots import HEADPHONES, TRAINING
from studio.study.page import make_page_of_studies
from studio.study.simulated import Listener, Truth
from studio.study.sitting import Studies
from tests.visit import PATIENCE, needs_chromium

pytestmark = needs_chromium

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NEW = """(last) => {
  const { step, trial } = document.querySelector(".study").dataset;
  return step && trial !== last;
}"""
TEXT = """\
name = "short"
title = "A short study"
listeners = {listeners}
training = "training"
seconds = {seconds}
headphones = {{ rounds = 1, needed = 1 }}
abx = {{ trials = 1, compare = ["push"], catch = 0 }}
preference = {{ trials = 1, catch = 0 }}
ratings = {{ trials = 1, scales = ["quality"], catch = 1 }}
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    there = toy_study(tmp_path_factory.mktemp("study"), TEXT)
    yield there
    there.close()


@pytest.fixture(scope="module")
def served(study):
    page = make_page_of_studies(Studies([study]))
    yield launch(page, prevent_thread_lock=True)
    page.close(verbose=False)


@pytest.fixture(scope="module")
def axe():
    from_package = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs the package axe-playwright-python"
    )
    return from_package.Axe()


def objections(axe, page) -> list[str]:
    said = axe.run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    return [
        f"{one['id']} at {node['target']}"
        for one in said.response["violations"]
        for node in one["nodes"]
    ]


def go_through(page, study, look) -> list[str]:
    """From Begin to the code by keys alone; the steps that came."""
    me, steps, last = Listener(study.design, Truth(), {}, np.random.default_rng(0)), [], ""
    while True:
        page.wait_for_function(NEW, arg=last)
        step, last = (
            page.evaluate(f"document.querySelector('.study').dataset.{name}")
            for name in ("step", "trial")
        )
        steps.append(step)
        look(step)
        assert page.evaluate("document.activeElement.tagName") == "H2"
        if step == "done":
            return steps
        asked = study.trials.find(last).asked
        said = me.says(asked)
        if step == HEADPHONES:
            page.keyboard.press("l")
            for interval in asked.labels:  # each is lit while it sounds
                page.wait_for_selector(f".sounding:text-is('{interval}')")
            page.keyboard.press(said["interval"])
            continue
        for label in asked.labels:
            page.keyboard.press(label)
            page.wait_for_timeout(60)
        if step == TRAINING:
            page.locator(".board .go").press("Enter")
        elif step == "quality":
            for place in range(len(asked.labels)):
                page.locator("input[type=range]").nth(place).press("ArrowRight")
            page.locator(".board .go:not([disabled])").press("Enter")
        else:
            page.wait_for_selector(".board .go:not([disabled])")
            page.keyboard.press({"a": "1", "b": "2", "tie": "0"}[next(iter(said.values()))])


def test_a_study_is_done_by_keys_and_read_aloud_from_its_first_page_to_its_code(
    axe, browser, served, study
):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page, errors, told = context.new_page(), [], {}
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{served}{study.stimuli.link}")
    page.wait_for_selector(".board .go")

    def look(step: str) -> None:
        told[step] = objections(axe, page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

    look("welcome")
    page.locator(".board .go").press("Enter")
    steps = go_through(page, study, look)
    assert sorted(steps) == ["abx", "done", "headphones", "preference", "quality", "training"]
    assert page.inner_text(".study .code") in study.codes()
    assert {step: found for step, found in told.items() if found} == {} and errors == []
    plays = {one.asked.kind: one.plays for one in study.trials.kept()}
    assert plays["abx"] == 3 and plays["preference"] == 2 and plays["quality"] == 5
    page.reload()
    page.click("text=Go on")
    page.wait_for_selector(".study .code")
    context.close()


def test_a_study_that_is_not_open_is_said_so(browser, served):
    page = browser.new_page()
    page.goto(f"{served}study?nothing")
    page.wait_for_selector("text=no study of this name is open here")
    page.close()
