"""The page for everybody: axe finds nothing on any tab, headings do not jump, a finger hits what it means."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.visit import Visit, needs_chromium

pytestmark = needs_chromium

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TABS = ("Studio", "Teach", "Live", "Blind test", "Explore")
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
UNFOLD = """() => document.querySelectorAll(".compose, .verdict, .teach, .explore")
  .forEach((panel) => panel.querySelectorAll("details:not(.report), details.report:first-child")
    .forEach((one) => (one.open = true)))"""
LEVELS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .filter((one) => one.checkVisibility()).map((one) => +one.tagName[1])"""
CUT_OFF = """() => [...document.querySelectorAll("select")].filter((one) => one.checkVisibility())
  .filter((one) => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = getComputedStyle(one).font;
    return pen.measureText(one.selectedOptions[0]?.text ?? "").width + 20 > one.clientWidth;
  }).map((one) => one.ariaLabel)"""
SMALL = """() => [...document.querySelectorAll("button, select, summary, input, textarea, label.check, [role=tab]")]
  .filter((one) => one.checkVisibility() && !one.closest("footer, label.check input, .drop"))
  .map((one) => [one.ariaLabel || one.textContent || one.type, one.getBoundingClientRect()])
  .filter(([, box]) => Math.min(box.width, box.height) > 2 && Math.min(box.width, box.height) < 43.5)
  .map(([name, box]) => `${name}: ${box.width.toFixed(0)} by ${box.height.toFixed(0)}`)"""


@pytest.fixture(scope="module")
def axe():
    from_package = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs the package axe-playwright-python"
    )
    return from_package.Axe()


def look_around(visit: Visit, name: str) -> None:
    """Open a tab and what it holds folded."""
    page = visit.page
    visit.tab(name)
    if name == "Explore":
        page.wait_for_selector(".report summary")
        page.locator(".explore .chip").first.click()
        page.wait_for_selector(".explore .story .alike")
    page.evaluate(UNFOLD)
    if name == "Explore":
        page.wait_for_selector(".heat")
        page.wait_for_selector(".report[open] table")
    page.wait_for_timeout(300)


def hear_a_clip(visit: Visit) -> None:
    visit.tab("Studio")
    visit.generate("C fades into G")
    visit.page.wait_for_selector(".verdict tr.target", state="attached")
    visit.page.wait_for_function("document.querySelector('.tracks canvas').clientHeight > 300")


def objections(axe, page) -> list[str]:
    """What axe objects to: the rule, and where."""
    said = axe.run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    return [
        f"{one['id']} at {node['target']}: {node['failureSummary']}"
        for one in said.response["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(
    ("size", "colour"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"]
)
def test_axe_has_no_objection_and_headings_do_not_jump(axe, browser, address, size, colour):
    visit = Visit(browser, address, viewport=size, color_scheme=colour, has_touch=size is PHONE)
    told, jumps = {}, {}
    for heard in ("nothing", "a clip"):
        for name in TABS:
            look_around(visit, name)
            told[f"{name}, {heard} heard"] = objections(axe, visit.page)
            levels = visit.page.evaluate(LEVELS)
            assert levels[0] == 1 and levels.count(1) == 1
            jumps[name] = [(a, b) for a, b in pairwise(levels) if b > a + 1]
        if heard == "nothing":
            hear_a_clip(visit)
    assert {where: said for where, said in told.items() if said} == {}
    assert {where: found for where, found in jumps.items() if found} == {}
    assert visit.errors == []
    visit.context.close()


@pytest.mark.parametrize("width", [1440, 820, 390])
def test_no_select_is_cut_off(browser, address, width):
    visit = Visit(browser, address, viewport={"width": width, "height": 900})
    cut = {}
    for name in TABS:
        look_around(visit, name)
        cut[name] = visit.page.evaluate(CUT_OFF)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert {where: found for where, found in cut.items() if found} == {}
    visit.context.close()


@pytest.fixture(scope="module")
def phone(browser, address):
    visit = Visit(browser, address, viewport=PHONE, has_touch=True, is_mobile=True)
    hear_a_clip(visit)
    yield visit
    assert visit.errors == []
    visit.context.close()


def test_nothing_on_a_phone_is_too_small_for_a_finger(phone):
    small = {}
    for name in TABS:
        look_around(phone, name)
        small[name] = phone.page.evaluate(SMALL)
    assert {where: found for where, found in small.items() if found} == {}
    phone.tab("Studio")
    handle = phone.page.locator(".compose .point").first.bounding_box()
    assert 24 <= handle["width"] <= 44


def test_the_presets_are_one_touch_away_from_the_player(phone):
    phone.tab("Studio")
    phone.page.locator(".listen .play").scroll_into_view_if_needed()
    preset = ".compose .preset >> nth=0"
    seen = "() => document.querySelector('.compose .preset').getBoundingClientRect().bottom > 0"
    assert not phone.page.evaluate(seen)
    phone.page.tap("text=↑ Presets")
    phone.page.wait_for_function(seen)
    assert phone.page.locator(preset).bounding_box()["y"] < PHONE["height"]


PINCH = """async (spreads) => {
  const needle = document.querySelector(".needle"), frame = needle.getBoundingClientRect();
  const middle = frame.left + frame.width / 2, y = frame.top + 100;
  const send = (kind, pointerId, x) => needle.dispatchEvent(new PointerEvent(kind, {
    pointerId, pointerType: "touch", clientX: x, clientY: y, bubbles: true, buttons: kind === "pointerup" ? 0 : 1 }));
  needle.setPointerCapture = () => {};
  spreads.forEach((spread, n) => {
    const kind = n ? "pointermove" : "pointerdown";
    send(kind, 11, middle - spread / 2);
    send(kind, 12, middle + spread / 2);
  });
  send("pointerup", 11, 0);
  send("pointerup", 12, 0);
}"""


def shown_seconds(page) -> float:
    """How much of the clip is seen, from where a touch at the right edge leads."""
    frame = page.locator(".needle").bounding_box()
    ends = []
    for x in (36, frame["width"] - 6):
        page.locator(".needle").click(position={"x": x, "y": 120})
        ends.append(page.evaluate("studio.sound.position"))
    return ends[1] - ends[0]


def test_two_fingers_zoom_and_leave_the_playhead(phone):
    phone.tab("Studio")
    page = phone.page
    page.evaluate("studio.sound.pause()")
    page.locator(".needle").scroll_into_view_if_needed()
    whole = shown_seconds(page)
    page.evaluate("studio.sound.seek(1)")
    page.evaluate(PINCH, [40, 60, 80, 160])
    assert page.evaluate("studio.sound.position") == pytest.approx(1.0, abs=0.01)
    assert shown_seconds(page) == pytest.approx(whole / 4, rel=0.1)
    page.evaluate(PINCH, [160, 90, 20])
    assert shown_seconds(page) == pytest.approx(whole, rel=0.05)


def test_the_api_panel_opens_without_an_error(browser, address):
    visit = Visit(browser, address, viewport=DESKTOP)
    visit.page.click("footer .show-api")
    visit.page.wait_for_selector("text=schedule_curve")
    visit.page.wait_for_load_state("networkidle")
    assert visit.errors == []
    visit.context.close()
