"""One inf or NaN put into any tensor of training is never missed, and is traced to its step and its computation.

A plant is *loud*, NumPy raising its flag, as for all that NumPy itself makes of finite numbers (the last tests here see
to that), or *silent*, as for what SciPy's BLAS and Python's floats make, and for what was there before.

Every plant must be flagged at its epoch, step and place, or be harmless: the training ends with the very bits of an
undisturbed one. One kind alone may be neither: an infinity that comes silently into what a saturating function takes,
which turns it into a finite number. None can come so, as NumPy computes all of these tensors; and even so nothing that
is not finite remains.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sweep.data import Normalization
from sweep.nn import initializers
from sweep.nn.layer import Call
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.convolution import convolution
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.losses import LOSSES, loss_work, positions
from sweep.nn.network import Network
from sweep.nn.optimizers import OPTIMIZERS
from sweep.nn.penalties import Penalty
from sweep.records import Divergence
from sweep.training.batches import Batch
from sweep.training.divergence import FiniteCheck, Flags, all_finite
from sweep.training.loop import NetworkTrainer, TrainingState
from tests.training.plants import DATASET, EPOCHS, Plant, chosen, trained, verdict
from tests.training.training_setup import settings

DTYPES = ["float32", "float64"]
VALUES = [math.inf, -math.inf, math.nan]
WEIGHTS, BIASES = initializers.INITIALIZERS["glorot_normal"](), initializers.INITIALIZERS["normal"](0.0, 0.1)

dense = partial(affine, weights=WEIGHTS, biases=BIASES)


def chained(*layers):
    """Name layers as experiment files do, and add the last one."""
    return {f"layers[{index}]": layer for index, layer in enumerate(layers)} | {"output": dense(3)}


KINDS = sorted(ACTIVATIONS, key="step".__ne__)


def activated(*kinds):
    """Make a network of some activations, each of which has a layer of its own to take from."""
    return chained(*itertools.chain.from_iterable((dense(4), ACTIVATIONS[kind]()) for kind in kinds))


# Small ones: the tensors to plant in grow with the layers, and so does the time of each training.
NETWORKS = {
    **{f"activations, {first + 1} of 3": partial(activated, *KINDS[first::3]) for first in range(3)},
    "normalized": lambda: chained(
        dense(5, biases=None),
        batch_norm("feature"),
        ACTIVATIONS["relu"](),
        dropout(0.4),
        dense(4),
        batch_norm("channel", "cumulative"),
        ACTIVATIONS["leaky_relu"](0.2),
        flatten(),
    ),
    "of every gradient": lambda: chained(dense(4, biases=None), batch_norm("feature"), ACTIVATIONS["relu"]()),
    "images": lambda: chained(
        image((1, 6, 6)),
        convolution(2, 3, 1, 1, weights=WEIGHTS, biases=None),
        batch_norm("channel"),
        ACTIVATIONS["relu"](),
        max_pool(2),
        convolution(3, 2, 1, 1, weights=WEIGHTS, biases=BIASES),
        flatten(),
    ),
    "images, cumulative": lambda: chained(
        image((4, 3, 3)),
        convolution(3, 2, 1, 1, weights=WEIGHTS, biases=BIASES),
        ACTIVATIONS["tanh"](),
        batch_norm("feature", "cumulative"),
        max_pool(3),
        dropout(0.2),
        flatten(),
        dense(4),
        ACTIVATIONS["softsign"](),
    ),
    "pooled first": lambda: chained(image((4, 3, 3)), max_pool(2), flatten(), ACTIVATIONS["sigmoid"]()),
    "squashed first": lambda: chained(ACTIVATIONS["tanh"](), dense(3), ACTIVATIONS["sigmoid"]()),
    "none": chained,
}


def is_within_rights(plant, word):
    """Tell whether a plant may come to this."""
    if word == "swallowed":
        return not plant.loud and math.isinf(plant.value) and plant.site.tensor in {"y", "batch"}
    if word == "harmless":
        return not plant.loud
    return word == "flagged"


def assert_none_is_missed(given, wanted=lambda site: True):
    """Plant every value into every tensor, loudly and silently; return how often each verdict was given."""
    recorder = Plant()
    quiet = trained(given, recorder)
    assert quiet.divergence is None
    assert quiet.is_finite
    counts, wrong = Counter(), []
    for value, loud in itertools.product(VALUES, [True, False]):
        seed = [VALUES.index(value), loud]
        for site in filter(wanted, chosen(recorder.shown, seed)):
            plant = Plant(site, value, loud)
            word = verdict(plant, trained(given, plant), quiet)
            counts[word] += 1
            if not is_within_rights(plant, word):
                wrong.append((site, value, "loud" if loud else "silent", word))
    print(f"missed = {len(wrong)} of {counts.total()}: {dict(counts)}")
    assert not wrong


def made(network, dtype, loss=("cross_entropy", "softmax"), optimizer="sgd", penalty=Penalty()):
    net = Network(NETWORKS[network](), LOSSES[loss[0]][loss[1]])
    rate = 0.1 if optimizer == "sgd" else 0.01
    given = settings(DATASET, net, optimizer=OPTIMIZERS[optimizer](rate), epochs=EPOCHS, dtype=dtype)
    return replace(given, penalty=penalty)


@pytest.fixture(autouse=True)
def one_thread():
    """Train as workers do; with two threads NumPy misses half of what overflows in matrix products."""
    with threadpool_limits(1):
        yield


@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
@pytest.mark.parametrize("network", NETWORKS)
def test_no_plant_is_missed_in_any_layer(network, dtype):
    assert_none_is_missed(made(network, dtype))


BOTH = Penalty(l1=0.01, l2=0.01)


@pytest.mark.parametrize(
    ("penalty", "dtype"),
    [
        pytest.param(BOTH, "float32", id="l1 and l2-float32"),
        pytest.param(Penalty(), "float64", id="plain-float64"),
        pytest.param(Penalty(), "float32", id="plain-float32", marks=pytest.mark.slow),
        pytest.param(BOTH, "float64", id="l1 and l2-float64", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_plant_is_missed_in_any_optimizer(optimizer, penalty, dtype):
    """What an optimizer is given and what it remembers; with a penalty, all of them take one vector of all layers."""

    def wanted(site):
        return site.place.endswith("/update") or site.tensor.startswith(("gradient", "params"))

    assert_none_is_missed(made("of every gradient", dtype, optimizer=optimizer, penalty=penalty), wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "loss", [(loss, output) for loss, outputs in LOSSES.items() for output in outputs], ids="-".join
)
def test_no_plant_is_missed_in_any_loss(loss, dtype):
    assert_none_is_missed(made("none", dtype, loss))


@pytest.mark.parametrize(
    ("owner", "name", "disabled"),
    [
        (TrainingState, "is_finite", lambda self: True),
        (Flags, "__call__", lambda self, message, flag: None),
        (FiniteCheck, "check_all", lambda self, placed: list(placed)),
        (NetworkTrainer, "_updated", lambda self: iter(())),
    ],
)
def test_a_missing_check_is_found(owner, name, disabled, monkeypatch):
    monkeypatch.setattr(owner, name, disabled)
    with pytest.raises(AssertionError, match="assert not"):
        assert_none_is_missed(made("squashed first", "float32", optimizer="adam"))


def huge(rng, shape, dtype):
    """Draw finite numbers of one order of magnitude, far from 1."""
    largest = float(np.finfo(dtype).max)
    return (rng.uniform(-1, 1, shape) * largest ** rng.uniform(0.2, 1)).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("network", [network for network in NETWORKS if network != "none"])
def test_no_layer_makes_of_finite_numbers_what_is_not_without_a_flag(network, dtype):
    rng, flags, shape, births = np.random.default_rng(0), Flags(), (36,), 0
    for layer in NETWORKS[network]().values():
        for samples, is_training in itertools.product([1, 3, 8] * 10, [True, False]):
            (params, state), work = layer.init(rng, shape, dtype), layer.work(shape, samples, np.dtype(dtype))
            x = huge(rng, (shape[0] + (len(shape) == 1), *shape[1:], samples), dtype)
            if len(shape) == 1:
                x[-1] = 1
            params = None if params is None else huge(rng, params.shape, dtype)
            dy = huge(rng, (*layer.shape(shape), samples), dtype)
            flags.clear()
            with flags.watching():
                made = layer.forward(params, state, x, work, Call(is_training, rng))
                results = made[:2]
                if is_training and all_finite(results):
                    results = layer.backward(params, made[2], dy, work, True)
            births += not all_finite(results)
            assert all_finite(results) or flags.kind
        shape = layer.shape(shape)
    assert births > 10


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [loss for outputs in LOSSES.values() for loss in outputs.values()])
def test_no_loss_makes_of_finite_numbers_what_is_not_without_a_flag_or_saying_so(loss, dtype):
    rng, flags = np.random.default_rng(0), Flags()
    for samples in [1, 3, 8] * 20:
        work = loss_work(4, samples, np.dtype(dtype))
        targets = positions(rng.integers(0, 4, samples), samples)
        flags.clear()
        with flags.watching():
            value, gradient = loss(huge(rng, (4, samples), dtype), targets, work)
        assert all_finite(gradient) or flags.kind or not math.isfinite(value)


def test_data_beyond_the_range_of_the_network_raise_a_flag():
    flags = Flags()
    data = np.full((4, 3), 1e300)
    for shift in (None, np.float64(-1.0)):
        flags.clear()
        with flags.watching():
            x = Batch(data, 2, np.dtype("float32"), Normalization(shift, np.float64(1.0))).gather(np.arange(2))
        assert not all_finite(x)
        assert flags.kind == "overflow"


def constant(value):
    return lambda rng, fan_in, fan_out, shape: np.full(shape, value)


def divergence_of(layers, scale, optimizer="sgd"):
    """Train a network in float32 on data from 1 to 256 times `scale`."""
    given = settings(DATASET, Network(layers, LOSSES["cross_entropy"]["softmax"]), dtype="float32")
    optimizer = OPTIMIZERS[optimizer](1e-30)
    given = replace(given, optimizer=optimizer, normalization=Normalization(np.float32(-1), np.float32(scale)))
    return trained(given, Plant()).divergence


@pytest.mark.parametrize("statistics", ["moving", "cumulative"])
def test_a_variance_that_overflows_cannot_hide_behind_its_reciprocal(statistics):
    """Normalized by an infinite deviation, every output would be a finite 0, in this epoch and in all that follow."""
    layers = {"normal": batch_norm("feature", statistics), "output": dense(3)}
    assert divergence_of(layers, 1e20) == Divergence(1, 1, "normal/forward", "overflow")


@pytest.mark.parametrize("optimizer", ["adagrad", "rmsprop", "adam"])
def test_squares_that_overflow_cannot_hide_behind_their_root(optimizer):
    """Divided by an infinite root, every step would be a finite 0, and the parameter frozen for ever."""
    assert divergence_of({"output": dense(3)}, 1e19, optimizer) == Divergence(1, 1, "output/update", "overflow")


def test_infinite_first_weights_cannot_hide_behind_a_saturated_unit():
    infinite = {"dense": affine(4, constant(np.inf), BIASES), "squashed": ACTIVATIONS["tanh"](), "output": dense(3)}
    assert divergence_of(infinite, 1.0) == Divergence(0, 0, "evaluation/dense/forward", "overflow")


def test_data_that_overflow_cannot_hide_behind_a_saturated_unit():
    layers = {"squashed": ACTIVATIONS["tanh"](), "output": dense(3)}
    assert divergence_of(layers, 3e38) == Divergence(0, 0, "evaluation/squashed/input", "overflow")
