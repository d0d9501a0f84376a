"""A sweep of 1,000 trials of 50 epochs: its page stays below 1 MB."""

import os
import shutil

import pytest

from tests.report.hostile_sweep import FILE, run

pytestmark = pytest.mark.slow


def test_a_large_sweep_fits_into_a_megabyte(tmp_path):
    changed = FILE.replace("trials = 40\nepochs = 4", "trials = 1000\nepochs = 50")
    page = run(tmp_path, file=changed).report(tmp_path / "report.html")
    assert page.stat().st_size < 1_000_000
    text = page.read_text(encoding="utf-8")
    assert text.count("data-trial=") > 300 and "300 of 1000 trials" in text
    if shutil.which("chromium") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1280, "height": 900})
        shown.goto(page.as_uri())
        assert shown.locator("path[data-trial]").count() >= 300
        browser.close()
