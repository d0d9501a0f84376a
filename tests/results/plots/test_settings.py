"""Tests of charts under settings of a user's own: none decides whether or how a chart is drawn."""

import io
import os
import subprocess
import sys
import warnings

import matplotlib as mpl
import pytest

from sweep.results.plots import confusion, save, scatter_grid
from sweep.results.plots.chart import Chart
from tests.results.plots.plot_setup import PARAMETERS, trials

SCRIPT = """
from pathlib import Path
from sweep.results.plots import confusion, save
save(confusion([[1, 2], [0, 4]], ["a", "b"]), Path("chart.png"))
"""


@pytest.mark.parametrize("backend", ["nonsense", "module://matplotlib_inline.backend_that_is_missing"])
def test_neither_a_foreign_backend_nor_a_damaged_configuration_is_noticed(tmp_path, backend):
    (tmp_path / "matplotlibrc").write_text(
        "text.usetex: True\nno setting at all\nlines.linewidth: wide\nbackend: none\n"
    )
    variables = {**os.environ, "MPLBACKEND": backend, "MPLCONFIGDIR": "/dev/null/missing"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    save(confusion([[1, 2], [0, 4]], ["a", "b"]), tmp_path / "expected.png")
    assert (tmp_path / "chart.png").read_bytes() == (tmp_path / "expected.png").read_bytes()


def test_settings_of_the_session_change_no_bit_of_a_chart_and_stay_as_they_are(tmp_path):
    save(scatter_grid(trials(), PARAMETERS), tmp_path / "expected.png")
    own = {"text.usetex": True, "font.size": 30, "font.family": "no such font", "axes.facecolor": "black"}
    with mpl.rc_context({**own, "savefig.bbox": "tight", "axes.prop_cycle": "cycler('color', ['r'])"}):
        before = repr({name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"})
        save(scatter_grid(trials(), PARAMETERS), tmp_path / "chart.png")
        assert repr({name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}) == before
    assert (tmp_path / "chart.png").read_bytes() == (tmp_path / "expected.png").read_bytes()


def test_a_notebook_shows_a_chart_as_a_picture_whatever_its_settings():
    expected = io.BytesIO()
    scatter_grid(trials(), PARAMETERS).savefig(expected, format="png", dpi=100)
    with mpl.rc_context({"text.usetex": True, "savefig.transparent": True}):
        picture = scatter_grid(trials(), PARAMETERS)._repr_png_()
    assert picture == expected.getvalue()
    assert picture.startswith(b"\x89PNG")


def test_letters_that_no_font_has_are_known_and_nothing_is_written_on_the_screen(tmp_path):
    # Letters of a private area, which are those of no script.
    names = ["\U000f1234", "é→", "\U000f1235"]
    figure = confusion([[1, 0, 0], [0, 1, 0], [0, 0, 1]], names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(figure, tmp_path / "a.png")
    assert isinstance(figure, Chart)
    assert figure.unknown_letters == "\U000f1234\U000f1235"


def test_letters_that_the_usual_font_lacks_are_drawn_in_another_one_that_has_them(tmp_path):
    # U+1D6A8, a mathematical letter, is in a font that comes with matplotlib, but not in the usual one.
    figure = confusion([[1, 0], [0, 1]], ["\U0001d6a8", "b"])
    save(figure, tmp_path / "a.png")
    assert figure.unknown_letters == ""
    (label,) = {label.get_fontfamily()[0] for label in figure.axes[0].get_xticklabels()}
    assert label == "DejaVu Sans"
    assert len(figure.axes[0].get_xticklabels()[0].get_fontfamily()) > 1
