"""How an epoch is cut into mini-batches, and what is in one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.data import fit
from sweep.nn.optimizers import Optimizer
from sweep.training import batches
from sweep.training.batches import Batch, Batching, runs, split
from sweep.training.loop import train
from tests.training.training_setup import blobs, settings

samples = st.integers(1, 200)


@given(samples, st.integers(1, 50))
def test_runs_of_a_length_follow_each_other_to_the_end(total, length):
    found = list(runs(total, length))
    assert [stop - start for start, stop in found[:-1]] == [length] * (len(found) - 1)
    assert 0 < found[-1][1] - found[-1][0] <= length
    assert [start for start, _ in found] == [0, *(stop for _, stop in found[:-1])]
    assert found[-1][1] == total


@given(st.integers(1, 50), st.integers(0, 200))
def test_a_split_is_numpys(parts, more):
    total = parts + more
    expected = [len(part) for part in np.array_split(np.arange(total), parts)]
    found = list(split(total, parts))
    assert [stop - start for start, stop in found] == expected
    assert [start for start, _ in found] == [0, *np.cumsum(expected)[:-1].tolist()]


def test_more_batches_than_samples_are_one_each():
    assert Batching(batches_per_epoch=9).runs(3) == [(0, 1), (1, 2), (2, 3)]


def test_orders():
    rng = np.random.default_rng(0)
    assert sorted(Batching(1).order(50, rng)) == list(range(50))
    assert Batching(1, shuffle=False).order(5, rng).tolist() == [0, 1, 2, 3, 4]
    drawn = Batching(1, shuffle="with_replacement").order(5000, rng)
    assert len(drawn) == 5000
    assert drawn.min() >= 0
    assert drawn.max() < 5000
    # A fraction 1 − 1/e of all is drawn at least once: 0.632 ± 0.005 at 6e-13 false alarms (7.3 standard deviations).
    assert abs(len(set(drawn.tolist())) / 5000 - 0.632) < 0.035


@pytest.mark.parametrize("shuffle", ["epoch", "with_replacement", False])
@pytest.mark.parametrize("batching", [{"batch_size": 8}, {"batches_per_epoch": 7}])
def test_every_way_trains(shuffle, batching):
    dataset = blobs()
    cut = replace(settings(dataset, epochs=4), batching=Batching(**batching, shuffle=shuffle))
    epochs = list(train(dataset, cut))
    assert epochs[-1].metrics["train_loss"] < epochs[0].metrics["train_loss"]


def test_as_many_batches_as_asked_for_are_as_good_as_their_sizes():
    """50 samples in 5 batches are 5 batches of 10."""
    dataset = blobs()
    figures = []
    for batching in (Batching(10), Batching(batches_per_epoch=5)):
        cut = replace(settings(dataset), batching=batching)
        figures.append([epoch.metrics["test_loss"] for epoch in train(dataset, cut)])
    assert figures[0] == figures[1]


@pytest.mark.parametrize(("iterations", "epochs", "last"), [(7, 1, 7), (8, 2, 1), (14, 2, 7), (17, 3, 3)])
def test_iterations_cut_the_last_epoch_short(iterations, epochs, last):
    """50 samples in batches of 8 are 7 steps an epoch."""
    dataset = blobs()
    steps = []

    def count(params, gradient, state, factor, scratch):
        steps[-1] += params.shape[1] == 7  # the first layer: 6 features and the bias

    given_settings = settings(dataset, optimizer=Optimizer(lambda p: None, count, takes_products=True), epochs=epochs)
    for _ in train(dataset, replace(given_settings, iterations=iterations)):
        steps.append(0)
    assert sum(steps) == iterations
    assert steps[:-1] == [7] * (epochs - 1) + [last]


@pytest.mark.parametrize("kind", ["none", "min_max", "z_score"])
@pytest.mark.parametrize("over", ["all", "feature"])
@pytest.mark.parametrize("given_dtype", ["uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_is_its_normalized_rows_and_ones_however_often_it_is_filled(kind, over, given_dtype, dtype):
    x = np.random.default_rng(0).integers(0, 200, (20, 3)).astype(given_dtype)
    normalization = fit(kind, over, x, np.dtype(dtype))
    expected = np.empty(x.shape, dtype)
    normalization.apply(x, expected)
    batch, rows = Batch(x, 5, np.dtype(dtype), normalization), np.array([19, 0, 7, 7, 3])
    for found, chosen in [
        (batch.gather, rows),
        (batch.gather, rows[::-1]),
        (lambda _: batch.slice(5, 10), range(5, 10)),
    ]:
        vectors = found(chosen)
        assert vectors.dtype == dtype
        np.testing.assert_array_equal(vectors[:-1].T, expected[list(chosen)])
        np.testing.assert_array_equal(vectors[-1], 1)


@pytest.mark.parametrize("together", [1, 8, 40, 10_000])
@pytest.mark.parametrize("batching", [Batching(3), Batching(7), Batching(20), Batching(batches_per_epoch=6)])
def test_mini_batches_are_the_same_however_many_are_gathered_together(batching, together, monkeypatch):
    monkeypatch.setattr(batches, "GATHERED", together)
    x = np.arange(60, dtype=np.uint8).reshape(20, 3)
    order, steps = np.random.default_rng(0).permutation(20), batching.runs(20)
    batch = Batch(x, max(stop - start for start, stop in steps), np.dtype("f4"), fit("none", "all", x, "f4"))
    found = [vectors[:-1].T.copy() for vectors in batch.gather_each(order, steps)]
    assert len(found) == len(steps)
    for vectors, (start, stop) in zip(found, steps, strict=True):
        np.testing.assert_array_equal(vectors, x[order[start:stop]])
