"""The charts of a report: each mark and line stands where the ticks beside it say."""

import numpy as np
import pandas as pd
import pytest

from sweep.metrics import Objective
from sweep.records import Parameter
from sweep.report.charts.curves import MOST, all_curves, chosen, curves_of, enlarged
from sweep.report.charts.drawing import line
from sweep.report.charts.intervals import Interval, interval_chart
from sweep.report.charts.points import points as points_chart
from sweep.report.charts.tuning_curve import tuning_chart
from tests.report.charts.svg_reading import middles, paths, points, ticks, values

ACCURACY = Objective("accuracy", "max", tie_break=None)
RMSE = Objective("rmse", "min", tie_break=None)


def epochs(trials=5, count=20, metric="accuracy", diverged=()):
    """Epochs of some trials, with values that are known: those that diverged end after half of them."""
    return pd.DataFrame(
        [
            (trial, epoch, curve(trial, epoch))
            for trial in range(trials)
            for epoch in range(1, (count // 2 if trial in diverged else count) + 1)
        ],
        columns=["trial", "epoch", metric],
    )


def curve(trial, epoch):
    return 0.9 - 0.5 / epoch - 0.01 * (trial % 20)


def test_a_line_goes_on_from_the_point_before():
    path = {"d": line([10, 20, 15, 15], [5, 1, 9, 9])}
    assert points(path).tolist() == [[10, 5], [20, 1], [15, 9], [15, 9]]
    assert line([3], [4]) == "M3 4h0"


def test_curves_stand_at_their_values():
    curves = curves_of(epochs(diverged=[4]), ACCURACY)
    statuses = dict.fromkeys(range(4), "completed") | {4: "diverged"}
    svg = all_curves(curves, statuses, [0, 1], ACCURACY)
    drawn = {int(each["data-trial"]): points(each) for each in paths(svg, "") if "data-trial" in each}
    assert sorted(drawn) == list(range(5))
    for trial, each in drawn.items():
        x, y = values(each[:, 0], ticks(svg, "middle")), values(each[:, 1], ticks(svg, "end"))
        assert x == pytest.approx(range(1, len(x) + 1), abs=0.02)
        assert y == pytest.approx([curve(trial, epoch) for epoch in range(1, len(y) + 1)], abs=0.001)
    (end,) = paths(svg, "marks diverged")
    assert middles(end) == {4: tuple(drawn[4][-1])}
    assert [each["data-trial"] for each in paths(svg, "first")] == ["0"]
    assert [each["data-trial"] for each in paths(svg, "top")] == ["1"]


def test_of_many_curves_some_are_drawn_the_winners_among_them():
    curves = curves_of(epochs(1000, 3), ACCURACY)
    drawn = chosen(curves, [777, 3])
    assert len(drawn) == MOST == len(set(drawn)) and drawn[-2:] == [3, 777]
    others = np.array(drawn[:-2])
    assert np.diff(others).max() <= 5 and others[0] == 0 and others[-1] == 999
    assert chosen(curves_of(epochs(20, 3), ACCURACY), [5]) == [*range(5), *range(6, 20), 5]


def test_a_page_of_a_thousand_curves_stays_small():
    rng = np.random.default_rng(0)
    frame = epochs(1000, 50)
    frame["accuracy"] += rng.normal(0, 0.01, len(frame))
    svg = all_curves(curves_of(frame, ACCURACY), dict.fromkeys(range(1000), "completed"), [0], ACCURACY)
    assert len(svg) < 150_000


def test_the_second_half_of_the_best_is_enlarged():
    svg = enlarged(curves_of(epochs(), ACCURACY), {}, [0, 1], ACCURACY)
    numbers = [number for _, number in ticks(svg, "end")]
    assert min(numbers) > curve(1, 10) - 0.01 and max(numbers) < 0.9
    assert {each["data-trial"] for each in paths(svg, "") if "data-trial" in each} == {"0", "1"}
    assert enlarged(curves_of(epochs(), ACCURACY), {}, [0], ACCURACY) is None


def test_long_curves_are_thinned_but_keep_their_best_and_worst():
    frame = epochs(1, 5000)
    frame.loc[2345, "accuracy"] = 0.95
    (drawn,) = [
        points(each)
        for each in paths(all_curves(curves_of(frame, ACCURACY), {}, [0], ACCURACY), "")
        if "data-trial" in each
    ]
    svg = all_curves(curves_of(frame, ACCURACY), {}, [0], ACCURACY)
    assert len(drawn) < 130
    best = drawn[drawn[:, 1].argmin()]
    assert values([best[0]], ticks(svg, "middle"))[0] == pytest.approx(2346, rel=0.01)


@pytest.fixture
def trials():
    """Trials of which every fifth diverged, and one was pruned."""
    rng = np.random.default_rng(1)
    number = np.arange(30)
    status = np.where(number % 5 == 4, "diverged", "completed")
    status[7] = "pruned"
    rate = np.exp(rng.uniform(np.log(0.001), 0, 30))
    value = np.where(status == "diverged", np.nan, 1 + number / 30)
    option = np.array(["sgd", "adam", None], object)[number % 3]
    return pd.DataFrame({"trial": number, "status": status, "rmse": value, "rate": rate, "option": option})


def test_marks_stand_at_the_metric_and_the_parameter(trials):
    parameter = Parameter("parameters.rate", "rate", log=True, low=0.001, high=1.0)
    svg = points_chart(trials, parameter, RMSE, 3)
    rows = trials.set_index("trial")
    for status in ("completed", "pruned", "diverged"):
        (path,) = paths(svg, f"marks {status}")
        found = middles(path)
        assert sorted(found) == rows.index[rows["status"] == status].tolist()
        x = values([place[0] for place in found.values()], ticks(svg, "middle"), is_log=True)
        assert x == pytest.approx(rows.loc[[*found], "rate"], rel=0.02)
        if status != "diverged":
            y = values([place[1] for place in found.values()], ticks(svg, "end"))
            assert y == pytest.approx(rows.loc[[*found], "rmse"], abs=0.01)
    (best,) = paths(svg, "marks best")
    assert middles(best) == {3: middles(paths(svg, "marks completed")[0])[3]}
    band = {y for _, y in middles(paths(svg, "marks diverged")[0]).values()}
    assert len(band) == 1 and band.pop() < min(y for _, y in middles(paths(svg, "marks completed")[0]).values())


def test_options_have_places_of_their_own_and_what_has_none_is_left_out(trials):
    parameter = Parameter("parameters.option", "option", categorical=True, options=("sgd", "adam"))
    (path,) = paths(points_chart(trials, parameter, RMSE, None), "marks completed")
    found, rows = middles(path), trials.set_index("trial")["option"]
    assert all(rows[number] is not None for number in found)
    adam = [x for number, (x, _) in found.items() if rows[number] == "adam"]
    sgd = [x for number, (x, _) in found.items() if rows[number] == "sgd"]
    assert max(adam) < min(sgd) and len(set(adam)) > 1


def test_the_tuning_curve_goes_in_steps_within_its_band():
    rows = pd.DataFrame({"trials": [1.0, 10, 100], "best": [0.5, 0.7, 0.8], "low": [0.4, 0.6, 0.7]})
    rows["high"] = [0.6, 0.75, np.inf]
    svg = tuning_chart(rows, ACCURACY)
    (best,), (band,) = paths(svg, "best"), paths(svg, "band")
    corners = np.array([point.split() for point in best["d"][1:].split("L")], float)
    assert values(corners[:, 1], ticks(svg, "end")) == pytest.approx([0.5, 0.5, 0.7, 0.7, 0.8], abs=0.003)
    trials = values(corners[:, 0], ticks(svg, "middle"), is_log=True)
    assert trials == pytest.approx([1, 10, 10, 100, 100], rel=0.02)
    heights = [float(point.split()[1]) for point in band["d"][1:-1].split("L")]
    assert min(heights) == 36 and band["d"].endswith("z")
    assert tuning_chart(rows.assign(best=-np.inf, low=-np.inf), ACCURACY) is None


def test_intervals_stand_below_each_other_from_the_first_on():
    rows = [Interval("a", 0.5, 0.25, 0.75), Interval("b", 0.1, 0.0, 1.2, (0.3,))]
    svg = interval_chart(rows, ([0, 0.5, 1], ["0", "50", "100"]), "share", "text")
    spans = [each["d"] for each in paths(svg, "span")]
    found = values([int(spans[0].split()[0][1:]), int(spans[0].split("H")[1])], ticks(svg, "middle"))
    assert found == pytest.approx([25, 75], abs=0.2)
    assert int(spans[0].split()[1].split("H")[0]) < int(spans[1].split()[1].split("H")[0])
    assert values([int(spans[1].split("H")[1])], ticks(svg, "middle"))[0] == pytest.approx(100, abs=0.2)
    assert len(paths(svg, "small")) == 1
