"""The dashboard in Chromium: a sweep in progress is followed, hostile names are shown, and nothing is fetched."""

import os
import shutil
import threading

import pytest

from sweep.dashboard import server
from sweep.store import Store
from tests.hand_made import METRIC, begin, draw, end_all_ways

pytest.importorskip("playwright") if not os.environ.get("CI") else __import__("playwright")
from playwright.sync_api import sync_playwright  # noqa: E402

CHROMIUM = shutil.which("chromium")
PATIENCE = 30_000
"""Milliseconds that a busy machine may take."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A database with a sweep in progress."""
    opened = Store(str(tmp_path_factory.mktemp("dashboard") / "sweeps.db"), create=True)
    end_all_ways(opened, draw(opened))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def page(store):
    """The page of the sweep, with all that is wrong while it is used; without Chromium tests are skipped, not in CI."""
    if CHROMIUM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    with server.dashboard(store, 0) as served, sync_playwright() as playwright:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown, own, wrong = browser.new_page(), f"http://127.0.0.1:{served.server_port}/", []
        shown.set_default_timeout(PATIENCE)
        shown.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        shown.on("pageerror", lambda error: wrong.append(str(error)))
        shown.on("dialog", lambda dialog: wrong.append("a dialog"))
        foreign = (own, "data:", "blob:")
        shown.on("request", lambda asked: None if asked.url.startswith(foreign) else wrong.append(asked.url))
        shown.goto(server.address(served, store.sweep().id))
        yield shown
        browser.close()
        served.shutdown()
        thread.join()
    assert wrong == [], "nothing goes wrong, and nothing is asked of other machines"


CURVES = "() => [...document.querySelectorAll('.js-plotly-plot')].map(plot => plot.data)"
"""What is drawn in all charts."""


def drawn(page, name):
    """Wait for a curve of a trial; return it."""
    found = f"({CURVES})().flat().find(trace => (trace.name || '').trim() === '{name}' && trace.y.length)"
    return page.wait_for_function(found, timeout=PATIENCE).evaluate("trace => [...trace.y]")


def test_the_curves_are_those_of_the_sweep(page):
    assert drawn(page, "trial #0") == [0.5, 0.1 + 0.2, 0.4]
    assert page.get_by_text("Best Trial (number=4)").count() == 1
    assert page.get_by_text(METRIC).count() > 0


def test_new_trials_and_epochs_appear_without_reloading(page, store):
    page.evaluate("window.isStillThis = true")
    record = store.sweep()
    begin(store, record, 7, [0.19, 0.17])
    assert drawn(page, "trial #7 (running)") == [0.19, 0.17]
    assert page.evaluate("window.isStillThis")


def test_hostile_names_are_shown_and_not_run(page, store):
    page.get_by_text(store.sweep().description).wait_for()
    page.get_by_text("style: =cmd|' /C calc'!A0").wait_for()
    page.goto(page.url.split("/studies")[0])
    page.get_by_text("1. by-hand").wait_for()
