"""No figure of a page is typed by hand, and the committed pages are those of the committed data."""

import shutil
from pathlib import Path

import jinja2
import pandas as pd
import pytest

from benchmarks.reproduction import figures
from benchmarks.reproduction.__main__ import RESULTS, index, write
from benchmarks.reproduction.figures import FigureError, Figures, rendered
from benchmarks.reproduction.pages import PAGES, SUBJECTS

COMMITTED = sorted(
    path.parent.name for path in (RESULTS / "reference").glob("*/README.md") if path.parent.name in PAGES
)


@pytest.fixture
def template(monkeypatch, tmp_path):
    """Writes a template and returns its name."""
    monkeypatch.setattr(figures, "TEMPLATES", tmp_path)

    def written(text):
        (tmp_path / "page.md").write_text(text)
        return "page.md"

    return written


def test_a_figure_typed_into_a_template_is_refused(template):
    assert (
        rendered(template("It is {{ x | fixed(2) }}, of {{ n | whole }}."), {"x": 0.5, "n": 1234})
        == "It is 0.50, of 1,234."
    )
    with pytest.raises(FigureError, match=r"page.md, line 2: the figure 0\.51 is not in the data"):
        rendered(template("It is {{ x | fixed(2) }},\nnot 0.51."), {"x": 0.5})


def test_a_value_without_a_filter_is_refused(template):
    with pytest.raises(FigureError, match="the figure 17 "):
        rendered(template("{{ x }} trials"), {"x": 17})


def test_names_links_and_files_are_no_figures(template):
    text = "float32 of [digits](figures/2.png), layer hidden"
    assert rendered(template(text), {}) == text


def test_what_is_missing_is_an_error(template):
    with pytest.raises(jinja2.UndefinedError):
        rendered(template("{{ nothing | whole }}"), {})


def test_a_table_keeps_its_own_figures():
    found = Figures()
    rows = pd.DataFrame({"name": ["a|b", "c2"], "share": [0.25, float("nan")]})
    assert found.table(rows, {"share": ".3f"}).split("\n") == [
        "| name | share |",
        "|---|---:|",
        "| a\\|b | 0.250 |",
        "| c2 |  |",
    ]
    found.check("0.250", "page")
    with pytest.raises(FigureError):
        found.check("0.25", "page")


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_page_is_that_of_the_committed_data(name, tmp_path, monkeypatch):
    folder = tmp_path / name
    shutil.copytree(RESULTS / "reference" / name, folder)
    (folder / "README.md").unlink()
    monkeypatch.setattr(
        type(PAGES[name]), "draw", lambda self, results: None
    )  # pictures differ from version to version
    write(name, folder)
    assert (folder / "README.md").read_text() == (RESULTS / "reference" / name / "README.md").read_text()


def test_there_are_pages():
    assert "mnist-widths" in COMMITTED
    assert all(Path(RESULTS / "reference" / name).stat().st_size < 15e6 for name in COMMITTED)


def test_the_committed_list_names_each_page():
    assert set(SUBJECTS) == set(PAGES)
    listed = index(RESULTS / "reference")
    assert (RESULTS / "reference" / "README.md").read_text() == listed
    assert all(f"[{name}]({name}/README.md)" in listed for name in COMMITTED)
