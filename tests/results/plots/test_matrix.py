"""Tests of the confusion matrix: the shares in its cells, its colors, its counts and its words."""

import numpy as np
import pytest

from sweep.results.plots import confusion
from tests.results.plots.plot_setup import assert_legible, tick_words

SMALL = np.array([[8, 2, 0], [1, 18, 1], [0, 0, 5]])


def images(figure):
    """Return what is drawn on the diagonal and beside it."""
    right, wrong = figure.axes[0].get_images()
    return right, wrong


def written(figure):
    """Return the counts in the cells by (row, column)."""
    found = {}
    for text in figure.axes[0].texts:
        column, row = text.get_position()
        found[row, column] = int(text.get_text())
    return found


def random_counts(classes, examples, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, examples)
    predicted = np.where(rng.random(examples) < 0.8, true, rng.integers(0, classes, examples))
    counts = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def test_the_cells_hold_the_share_of_each_row_the_diagonal_apart_from_the_errors():
    right, wrong = images(confusion(SMALL, ["a", "b", "c"]))
    np.testing.assert_allclose(right.get_array().compressed(), [0.8, 0.9, 1.0])
    assert not right.get_array().mask[np.diag_indices(3)].any()
    np.testing.assert_allclose(wrong.get_array().compressed(), [0.2, 0, 0.05, 0.05, 0, 0])
    assert wrong.get_array().mask[np.diag_indices(3)].all()
    assert right.get_clim() == (0, 1)
    assert wrong.get_clim() == (0, pytest.approx(0.2))


def test_small_errors_beside_large_ones_are_clearly_colored():
    counts = np.diag([1000] * 4)
    counts[0, 1:3] = 200, 2
    _, wrong = images(confusion(counts, ["a", "b", "c", "d"]))
    small, none = wrong.to_rgba(np.array([2 / 1202, 0.0]))[:, 1]
    assert none == 1
    assert small < 0.95


def test_rows_are_true_and_columns_predicted_classes_from_the_top_left():
    figure = confusion(SMALL, ["ant", "$bee$", "cat"], title="pets/3")
    axes = figure.axes[0]
    assert tick_words(axes.xaxis) == tick_words(axes.yaxis) == ["ant", r"\$bee\$", "cat"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert written(figure) == {(0, 0): 8, (0, 1): 2, (1, 0): 1, (1, 1): 18, (1, 2): 1, (2, 2): 5}
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert_legible(figure)


def test_the_title_says_the_accuracy():
    assert confusion(SMALL, "abc", title="pets/3").get_suptitle() == "pets/3: accuracy 0.8857, 31 of 35 right"
    assert confusion([[0, 0], [0, 0]], "ab", title="pets/3").get_suptitle() == "pets/3: no examples"


def test_a_class_without_examples_is_a_gray_row_without_counts():
    counts = SMALL.copy()
    counts[1] = 0
    figure = confusion(counts, "abc")
    right, wrong = images(figure)
    assert right.get_array().mask[1].all()
    assert wrong.get_array().mask[1].all()
    assert not any(row == 1 for row, _ in written(figure))
    assert figure.axes[0].get_ylabel() == "true class (gray: without examples)"
    np.testing.assert_allclose(right.get_array().compressed(), [0.8, 1.0])


@pytest.mark.parametrize("counts", [np.zeros((3, 3)), np.diag([1, 2, 3]), [[0, 3, 0], [0, 0, 2], [1, 0, 0]], [[4]]])
def test_nothing_all_right_or_all_wrong_can_be_drawn(counts):
    figure = confusion(np.asarray(counts, dtype=int), "abc"[: len(counts)])
    assert_legible(figure)
    assert images(figure)[1].get_clim() == (0, 1)


def test_a_class_that_is_never_right_has_a_zero_on_the_diagonal():
    assert written(confusion([[0, 3], [0, 2]], "ab"))[0, 0] == 0


def test_the_counts_are_light_on_dark_cells_and_dark_on_light_ones():
    colors = {
        (text.get_position()[1], text.get_position()[0]): text.get_color()
        for text in confusion([[96, 4, 0], [50, 50, 0], [0, 2, 8]], "abc").axes[0].texts
    }
    assert colors[0, 0] == colors[1, 0] == colors[2, 1] == colors[2, 2] == "white"
    assert colors[0, 1] == colors[1, 1] == "#333333"


@pytest.mark.parametrize("largest", [10**5, 10**8])
def test_counts_of_any_length_stay_in_their_cells(largest):
    assert_legible(confusion(np.full((8, 8), largest), "abcdefgh"))


@pytest.mark.parametrize(("classes", "is_counted"), [(2, True), (20, True), (21, False)])
def test_the_counts_of_at_most_twenty_classes_are_written(classes, is_counted):
    counts = random_counts(classes, 50 * classes)
    figure = confusion(counts, [f"comp.sys.ibm.pc.hardware_{number}" for number in range(classes)])
    assert len(written(figure)) == (np.count_nonzero(counts) if is_counted else 0)
    if is_counted:
        assert_legible(figure)


def test_a_hundred_classes_have_their_names_and_more_have_some_of_them():
    figure = confusion(random_counts(100, 5000), [f"class number {number}" for number in range(100)])
    assert all(tick_words(figure.axes[0].xaxis))
    assert_legible(figure)
    figure = confusion(random_counts(120, 5000), [f"n{number}" for number in range(120)])
    assert [word for word in tick_words(figure.axes[0].yaxis) if word] == [f"n{number}" for number in range(0, 120, 2)]


def test_each_color_bar_explains_its_image():
    figure = confusion(SMALL, "abc")
    right, wrong = images(figure)
    (bars,) = [figure.axes[0].child_axes]
    assert [bar.get_ylabel() for bar in bars] == ["right, share of the row", "wrong, share of the row"]
    assert [bar.get_ylim() for bar in bars] == [right.get_clim(), wrong.get_clim()]
