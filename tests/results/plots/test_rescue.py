"""The chart of what would have saved trials, read back from the figure."""

import pandas as pd
import pytest

import sweep
from sweep.errors import UsageError
from sweep.metrics import Objective
from sweep.results.plots import rescue_chart
from sweep.results.plots.rescue import MOST_ROWS, best_cells
from tests.results.test_rescue import FOUND

OBJECTIVE = Objective()


def many(count):
    """The twins of many casualties."""
    one = FOUND[FOUND["casualty"] == 3]
    return pd.concat([one.assign(casualty=number) for number in range(count)], ignore_index=True)


def test_of_two_twins_the_better_one_is_drawn():
    cells = best_cells(FOUND, OBJECTIVE).set_index(["casualty", "change"])["outcome"].to_dict()
    assert cells == {
        (3, "clip"): "saved so far",
        (3, "rate / 2"): "saved",
        (8, "clip"): "stuck",
        (8, "rate / 2"): "diverged",
    }


def test_each_casualty_has_a_row_of_marks_that_differ_in_shape_or_fill():
    figure = rescue_chart(FOUND, OBJECTIVE, title="digits.rescue")
    shares, cells = figure.axes
    drawn = {(line.get_marker(), line.get_markerfacecolor()) for line in cells.get_lines()}
    assert len(drawn) == 4
    assert [label.get_text() for label in cells.get_yticklabels()] == ["3  (epoch 5)", "8  (epoch 1)"]
    assert sorted(text.get_text() for text in cells.texts) == ["0.7000", "0.8000"]
    assert [text.get_text() for text in shares.texts] == ["1 of 2", "1 of 2"]
    assert [label.get_text() for label in cells.get_xticklabels()] == ["clipping", "half the rate"]
    assert figure.get_suptitle() == "digits.rescue: what saves 2 trials that diverged"
    assert len(figure.legends[0].get_texts()) == 4


def test_the_bars_are_the_shares_of_the_casualties():
    shares = rescue_chart(FOUND, OBJECTIVE).axes[0]
    bars = [(round(bar.get_x() + bar.get_width() / 2), bar.get_y(), bar.get_height()) for bar in shares.patches]
    assert bars == [(0, 0.0, 0.5), (0, 0.5, 0.5), (1, 0.0, 0.5), (1, 0.5, 0.5)]
    assert all(bar.get_hatch() for bar in shares.patches if bar.get_facecolor()[:3] == (1.0, 1.0, 1.0))


def test_of_more_casualties_than_fit_only_the_shares_are_drawn():
    assert len(rescue_chart(many(MOST_ROWS), OBJECTIVE).axes) == 2
    figure = rescue_chart(many(MOST_ROWS + 1), OBJECTIVE)
    (shares,) = figure.axes
    assert [text.get_text() for text in shares.texts] == ["41 of 41", "41 of 41"]
    assert len(figure.legends[0].get_texts()) == 2


def test_where_no_twin_has_ended_there_is_nothing_to_draw():
    with pytest.raises(UsageError, match="none of the twins has ended yet"):
        rescue_chart(FOUND.assign(outcome="unfinished"), OBJECTIVE)


def test_the_chart_of_a_sweep_is_that_of_its_twins(rescued):
    count = len(sweep.load("toy").diverged())
    words = f"toy.rescue: what saves {count} trials that diverged"
    assert [each.plot_rescue().get_suptitle() for each in (sweep.load("toy"), rescued)] == [words, words]
