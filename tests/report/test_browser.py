"""The page in Chromium: nothing is fetched, it fits a phone, it is dark where that is wished, and charts are linked."""

import os
import shutil

import pytest

from tests.report.hostile_sweep import OPTIONS

pytest.importorskip("playwright") if not os.environ.get("CI") else __import__("playwright")
from playwright.sync_api import sync_playwright  # noqa: E402

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser():
    """Chromium; without it tests are skipped, but in CI they fail."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(page, tmp_path_factory):
    """The page as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def opened(browser, file):
    """The page on a desktop, with all that was said and asked for while it was used."""
    shown = browser.new_page(viewport={"width": 1280, "height": 900})
    heard = []
    shown.on("console", lambda message: heard.append(message.text))
    shown.on("pageerror", lambda error: heard.append(str(error)))
    shown.on("request", lambda request: heard.append(request.url))
    shown.on("dialog", lambda dialog: heard.append("a dialog"))
    shown.goto(file.as_uri())
    yield shown
    shown.close()
    assert heard == [file.as_uri()], "nothing but the page itself is read, and nothing goes wrong"


def test_hostile_names_are_shown_and_not_run(opened):
    assert opened.locator(f"td:text-is('{OPTIONS[0]}')").count() > 0
    assert opened.locator("img").count() == 0


POINT = """(path) => {
    const svg = path.closest("figure").querySelector("svg"), matrix = svg.getScreenCTM();
    const numbers = path.getAttribute("d").match(/-?\\d+/g).map(Number);
    const [x, y] = path.dataset.trial ? [numbers[0] + numbers[2], numbers[1] + numbers[3]] : numbers;
    const at = new DOMPoint(x, y).matrixTransform(matrix);
    return [at.x, at.y];
}"""


CHARTS_WITH = """(number) => [...document.querySelectorAll("svg.linked")].filter((svg) =>
    [...svg.querySelectorAll("[data-trial], [data-trials]")].some((each) =>
        (each.dataset.trial || each.dataset.trials).split(" ").includes(number))).length"""


def test_a_pointer_on_a_curve_finds_its_trial_in_all_charts(opened):
    curve = opened.locator("path.first[data-trial]").first
    curve.scroll_into_view_if_needed()
    opened.mouse.move(*curve.evaluate(POINT))
    number = curve.get_attribute("data-trial")
    assert opened.locator("#found").inner_text().startswith(f"trial {number}: completed · ")
    found = opened.locator("svg.linked .found[visibility=visible]")
    assert found.count() == opened.evaluate(CHARTS_WITH, number) >= 6
    assert found.first.locator("path").get_attribute("d") == curve.get_attribute("d")
    best = opened.locator("path.marks.best").first
    place = best.get_attribute("d").removeprefix("M").removesuffix("h0").split()
    circle = best.locator("xpath=ancestor::figure").locator(".found circle")
    assert [circle.get_attribute("cx"), circle.get_attribute("cy")] == place
    assert opened.locator(f"tr.on[data-trial='{number}']").count() > 0
    opened.mouse.move(5, 5)
    assert opened.locator("#found").is_hidden() and found.count() == 0


def test_a_pointer_on_a_row_finds_its_trial(opened):
    row = opened.locator("tr[data-trial]").nth(2)
    row.scroll_into_view_if_needed()
    row.hover()
    assert opened.locator("#found").inner_text().startswith(f"trial {row.get_attribute('data-trial')}: ")
    opened.mouse.move(5, 5)


CUT = """() => [...document.querySelectorAll("svg text")].filter((each) => {
    const own = each.getBoundingClientRect(), box = each.closest("figure").getBoundingClientRect();
    return own.left < box.left - 0.1 || own.right > box.right + 0.1;
}).map((each) => each.textContent)"""
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


def test_on_a_phone_only_tables_scroll_sideways(browser, file):
    phone = browser.new_page(viewport={"width": 375, "height": 800})
    phone.goto(file.as_uri())
    assert phone.evaluate(WIDTHS) == [375, 375]
    assert phone.evaluate("[...document.querySelectorAll('.scroll')].some((box) => box.scrollWidth > box.clientWidth)")
    cut = phone.evaluate(CUT)
    assert not cut, "no word of a chart leaves it"
    letters = "[...document.querySelectorAll('svg text')].map((each) => each.getBoundingClientRect().height)"
    assert min(phone.evaluate(letters)) >= 10
    phone.close()


BRIGHTNESS = """() => ["body", "svg .label"].map((each) => {
    const style = getComputedStyle(document.querySelector(each));
    const color = each === "body" ? style.backgroundColor : style.fill;
    return color.match(/\\d+/g).slice(0, 3).reduce((a, b) => +a + +b, 0);
})"""


def test_in_dark_mode_paper_and_ink_change_places_but_not_in_print(browser, file):
    shown = browser.new_page()
    shown.goto(file.as_uri())
    paper, ink = shown.evaluate(BRIGHTNESS)
    assert paper - ink > 400
    shown.emulate_media(color_scheme="dark")
    paper, ink = shown.evaluate(BRIGHTNESS)
    assert ink - paper > 400
    layers = "[...document.querySelectorAll('svg *')].filter((each) => getComputedStyle(each).opacity !== '1').length"
    assert shown.evaluate(layers) == 0, "Chromium tints a dark ground behind many translucent elements"
    shown.emulate_media(color_scheme="dark", media="print")
    paper, ink = shown.evaluate(BRIGHTNESS)
    assert paper - ink > 400
    shown.close()


def test_in_print_tables_fit_the_paper(browser, file):
    width = 700  # of A4 without its margins, in pixels
    shown = browser.new_page(viewport={"width": width, "height": 900})
    shown.goto(file.as_uri())
    shown.emulate_media(media="print")
    tables = "Math.max(...[...document.querySelectorAll('table')].map((each) => each.getBoundingClientRect().right))"
    assert shown.evaluate(tables) <= width
    shown.close()
