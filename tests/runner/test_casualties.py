"""Diverged trials that are trained again: the state before, the norms of their gradients, what may be in the way."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweep.nn.layer import OuterProduct
from sweep.records import Divergence
from sweep.runner.casualties import GradientNorms, squared_norm
from sweep.training.build import build
from sweep.training.trainer import Setup
from tests.runner.diverging import Listening, cached, casualty, late

finite = st.floats(-1e3, 1e3, width=32)
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 3))


@given(arrays(np.float32, SHAPES, elements=finite), st.integers(1, 5), st.data())
def test_the_norm_of_an_outer_product_is_that_of_the_matrix(left, columns, data):
    right = data.draw(arrays(np.float32, (columns, left.shape[1]), elements=finite))
    whole = left.astype(float) @ right.astype(float).T
    scale = max(1.0, float(np.linalg.norm(left)) ** 2 * float(np.linalg.norm(right)) ** 2)
    assert squared_norm(OuterProduct(left, right)) == pytest.approx(np.linalg.norm(whole) ** 2, abs=1e-9 * scale)
    assert squared_norm(left) == pytest.approx(np.linalg.norm(left.astype(float)) ** 2)


def collected(*steps):
    norms = GradientNorms()
    for gradients in steps:
        norms("loss", 1.0, None)
        for place, gradient in enumerate(gradients):
            norms(f"layer{place}/backward", None, np.array(gradient, float))
        norms("relu/backward", None, None)
    norms("loss", 1.0, None)
    norms("loss", 1.0, None)  # an evaluation, which has no gradients
    return norms


def test_the_usual_norm_is_the_median_of_the_first_half_before_the_blow_up():
    norms = collected(*([[value]] for value in (3.0, 1.0, 2.0, 5.0, 90.0, 1e30, np.inf)), [[7.0]])
    assert norms.norms[:6] == [3.0, 1.0, 2.0, 5.0, 90.0, 1e30]
    assert norms.usual() == 2.0
    assert norms.usual(is_untrained=True) == 3.0


def test_the_norm_is_that_of_all_layers_together_in_two_digits():
    norms = collected([[3.0, 0.0], [4.0]], [[np.nan]])
    assert norms.norms[0] == 5.0
    assert norms.usual() == 5.0
    assert collected([[1.234]]).usual() == 1.2
    assert collected([[np.nan]]).usual() is None
    assert collected().usual() is None


def test_a_casualty_is_trained_again_up_to_the_epoch_before(toy):
    for number in late(toy):
        found, row = casualty(toy, number), toy.trial(number)
        assert found.fork.snapshot.epoch == row.divergence.epoch - 1
        assert found.fork.epochs == list(toy.store.trial_epochs(toy.record.id, number))
        before = toy.batches(number)
        assert [x for each in found.fork.losses for x in each.losses] == before["loss"][
            before["epoch"] < row.divergence.epoch
        ].tolist()
        assert found.norm > 0


def test_the_first_norm_is_that_of_the_gradient_of_the_untrained_network(toy):
    number = int(toy.diverged()["trial"][toy.diverged()["epoch"] == 1].iloc[0])
    trainer = build(Setup.stored(toy.record, toy.trial(number), cached(toy), toy.store.files))
    before = trainer.state.vector.copy()
    settings = trainer.settings
    order = settings.batching.order(len(trainer.dataset.train.x), trainer.state.shuffling)
    next(trainer._steps(1, order, settings))
    step = (before - trainer.state.vector).astype(float)  # the first one of momentum is the rate times the gradient
    norm = np.linalg.norm(step) / toy.trials()["learning_rate"][number]
    assert casualty(toy, number).norm == pytest.approx(norm, rel=0.05)
    assert casualty(toy, number).fork is None


def test_damaged_weights_are_told_and_cost_nothing_but_time(toy):
    number = max(late(toy), key=lambda each: toy.trial(each).weights.epoch)
    assert toy.trial(number).weights.epoch > 0
    whole, listening = casualty(toy, number), Listening()
    Path(toy.store.folder, toy.trial(number).weights.file).write_bytes(b"nothing")
    found = casualty(toy, number, listening)
    assert len(listening.notes) == 1
    assert f"toy/{number} is trained again from its start instead" in listening.notes[0]
    assert found.fork.epochs == whole.fork.epochs
    assert all((array == whole.fork.snapshot.arrays[name]).all() for name, array in found.fork.snapshot.arrays.items())
    assert found.fork.snapshot.state == whole.fork.snapshot.state


def test_a_casualty_that_does_not_diverge_as_it_did_is_told(toy, monkeypatch):
    number, listening = late(toy)[0], Listening()
    row = toy.trial(number)
    elsewhere = replace(row, divergence=Divergence(row.divergence.epoch, 1, "loss", "overflow"))
    monkeypatch.setattr(type(toy), "trial", lambda self, number: elsewhere)
    assert casualty(toy, number, listening).fork.snapshot.epoch == row.divergence.epoch - 1
    assert any("does not diverge here as it did" in note for note in listening.notes)
