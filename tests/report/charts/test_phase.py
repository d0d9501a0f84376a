"""The phase diagram: marks at their parameters, and shades where the law says that trials diverge."""

import numpy as np
import pandas as pd
import pytest

from sweep.analysis.divergence import fit_law
from sweep.records import Parameter
from sweep.report.charts.phase import phase_panels
from tests.report.charts.svg_reading import middles, paths, ticks, values

RATE = Parameter("parameters.rate", "rate", log=True, low=0.001, high=1.0)
WIDTH = Parameter("parameters.width", "width", low=0.0, high=100.0)
OPTION = Parameter("parameters.option", "option", categorical=True, options=("a", "b"))


@pytest.fixture(scope="module")
def trials():
    """Trials that diverge from a rate of 0.1 on."""
    rng = np.random.default_rng(0)
    rate = np.exp(rng.uniform(np.log(0.001), 0, 120))
    frame = pd.DataFrame({"trial": range(120), "group": range(120), RATE.name: rate})
    frame["status"] = np.where(rate > 0.1, "diverged", "completed")
    frame[WIDTH.name], frame[OPTION.name] = rng.uniform(0, 100, 120), np.where(rng.random(120) < 0.5, "a", "b")
    return frame


def test_marks_and_shades_stand_where_trials_diverge(trials):
    ((title, names, svg),) = phase_panels(fit_law(trials, [WIDTH, RATE]), trials)
    assert (title, names) == ("", "rate and width")
    rates = trials.set_index("trial")[RATE.name]
    for status in ("completed", "diverged"):
        found = middles(paths(svg, f"marks {status}")[0])
        x = values([place[0] for place in found.values()], ticks(svg, "middle"), is_log=True)
        assert x == pytest.approx(rates[[*found]], rel=0.03)
    (even,) = paths(svg, "even")
    line = values([int(point.split()[0]) for point in even["d"][1:].split("L")], ticks(svg, "middle"), is_log=True)
    assert line == pytest.approx(np.full(len(line), 0.1), rel=0.35)
    assert len(paths(svg, "shade")) == 3


def test_each_option_has_a_panel_and_one_number_has_none(trials):
    few = trials[(trials[RATE.name] < 0.1) | (trials[RATE.name] > 0.6)].assign(trial=lambda rows: range(len(rows)))
    panels = phase_panels(fit_law(few, [RATE, WIDTH, OPTION]), few)
    assert sorted(panel.title for panel in panels) == ["option a", "option b"]
    shown = [middles(each) for panel in panels for each in paths(panel.svg, "marks") if "data-trials" in each]
    assert sorted(number for each in shown for number in each) == list(range(len(few)))
    assert phase_panels(fit_law(few, [RATE]), few) == []
    assert phase_panels(fit_law(few, [OPTION]), few) == []
