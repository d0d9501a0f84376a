"""Tests of the losses of one trial as lines: where each point lies, against values worked by hand."""

import numpy as np
import pandas as pd
import pytest

from sweep.results.plots.curves import Line, curve, thinned


def batches_of(*epochs):
    """Return the frame of mini-batches of a trial, given the losses of each epoch."""
    rows = [(number, step, loss) for number, losses in enumerate(epochs, 1) for step, loss in enumerate(losses, 1)]
    return pd.DataFrame(rows, columns=["epoch", "step", "loss"]).astype({"loss": float})


def epochs_of(*numbers):
    """Return the frame of evaluated epochs, with the losses number + 0.25 and number + 0.5."""
    number = np.array(numbers, dtype=np.int64)
    return pd.DataFrame({"epoch": number, "train_loss": number + 0.25, "test_loss": number + 0.5})


def assert_line(line, places, losses):
    np.testing.assert_allclose(line.places, places, rtol=1e-12)
    np.testing.assert_allclose(line.losses, losses, rtol=1e-12)


def test_whole_epochs():
    found = curve(7, batches_of([8, 6, 4, 2], [4, 3, 2, 1]), epochs_of(0, 1, 2))
    assert_line(found.batches, [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2], [8, 6, 4, 2, 4, 3, 2, 1])
    assert_line(found.means, [0.5, 1.5], [5, 2.5])
    assert_line(found.train, [0, 1, 2], [0.25, 1.25, 2.25])
    assert_line(found.test, [0, 1, 2], [0.5, 1.5, 2.5])
    assert (found.start, found.end, found.unit, found.title) == (0, 2, "epoch", "trial 7")


def test_the_order_of_the_rows_does_not_matter():
    batches, epochs = batches_of([8, 6, 4, 2], [4, 3, 2, 1]), epochs_of(0, 1, 2)
    found = curve(7, batches.sample(frac=1, random_state=0), epochs[::-1])
    expected = curve(7, batches, epochs)
    for name in ("batches", "means", "train", "test"):
        assert_line(getattr(found, name), getattr(expected, name).places, getattr(expected, name).losses)


@pytest.mark.parametrize("is_evaluated", [True, False])
def test_a_last_epoch_cut_short_ends_at_its_last_mini_batch(is_evaluated):
    found = curve(3, batches_of([8, 6, 4, 2], [5, 4]), epochs_of(0, 1, 2) if is_evaluated else epochs_of(0, 1))
    assert_line(found.batches, [0.25, 0.5, 0.75, 1, 1.25, 1.5], [8, 6, 4, 2, 5, 4])
    assert_line(found.means, [0.5, 1.25], [5, 4.5])
    expected = [0, 1, 1.5] if is_evaluated else [0, 1]
    np.testing.assert_allclose(found.train.places, expected)
    np.testing.assert_allclose(found.test.places, expected)
    assert (found.start, found.end, found.unit) == (0, 2, "epoch")
    assert found.title == "trial 3, up to mini-batch 2 of epoch 2"


def test_a_single_whole_epoch():
    found = curve(0, batches_of([3, 1]), epochs_of(0, 1))
    assert_line(found.batches, [0.5, 1], [3, 1])
    assert_line(found.means, [0.5], [2])
    np.testing.assert_allclose(found.test.places, [0, 1])
    assert (found.start, found.end, found.unit, found.title) == (0, 1, "epoch", "trial 0")


def test_an_epoch_of_unknown_length_is_counted_in_mini_batches():
    found = curve(5, batches_of([4, 2, 9]), epochs_of(0))
    assert_line(found.batches, [1, 2, 3], [4, 2, 9])
    assert_line(found.means, [1.5], [5])
    assert_line(found.train, [0], [0.25])
    assert (found.start, found.end, found.unit) == (0, 3, "mini-batch of epoch 1")
    assert found.title == "trial 5, up to mini-batch 3 of epoch 1"


@pytest.mark.parametrize("numbers", [(), (0,), (0, 1), (2, 3)])
def test_all_evaluations_lie_between_the_ends(numbers):
    found = curve(5, batches_of([4, 2], [4, 2]), epochs_of(*numbers))
    assert len(found.train.places) == len(found.test.losses) == len(numbers)
    assert all(found.start <= place <= found.end for place in found.train.places)
    assert found.end == max([2, *numbers])


def test_an_average_of_the_highest_numbers_is_a_number():
    found = curve(0, batches_of([1.5e308, 1.0e308, 1.1e308]), epochs_of(0, 1))
    np.testing.assert_allclose(found.means.losses, [1.2e308])


def test_nullable_columns_are_read_too():
    batches = batches_of([4, 2]).astype({"epoch": "Int64", "step": "Int64", "loss": "Float64"})
    epochs = epochs_of(0, 1).astype({"epoch": "Int64", "train_loss": "Float64", "test_loss": "Float64"})
    assert_line(curve(0, batches, epochs).batches, [0.5, 1], [4, 2])


def test_thinning_keeps_the_first_last_lowest_and_highest_point_of_each_column():
    places = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    losses = np.array([5.0, 9.0, 6.0, 1.0, 7.0, 6.0, 3.0, 2.0, 4.0, 8.0, 6.0, 6.0])
    found = thinned(Line(places, losses), 0.0, 1.0, columns=2)
    assert_line(found, [0.0, 0.1, 0.3, 0.45, 0.5, 0.6, 0.8, 1.0], [5, 9, 1, 6, 3, 2, 8, 6])


def test_a_line_of_few_points_is_not_thinned():
    line = Line(np.linspace(0.125, 1, 8), np.arange(8.0))
    assert thinned(line, 0.0, 1.0, columns=2) is line


def test_thinning_a_million_points_leaves_every_extreme_and_few_points():
    losses = np.random.default_rng(0).lognormal(size=1_000_000)
    line = Line((np.arange(len(losses)) + 0.5) / 20_000, losses)
    found = thinned(line, 0.0, 50.0, columns=100)
    assert len(found.places) <= 400
    assert (np.diff(found.places) > 0).all()
    for number, given in enumerate(losses.reshape(100, 10_000)):
        kept = found.losses[(found.places > number / 2) & (found.places < (number + 1) / 2)]
        assert (kept.min(), kept.max(), kept[0], kept[-1]) == (given.min(), given.max(), given[0], given[-1])
