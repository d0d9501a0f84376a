"""The gradient check: right gradients pass by a wide margin; what is checked, and the verdict."""

import math

import numpy as np
import pytest

from sweep.nn.comparison import compare
from sweep.nn.initializers import glorot_variance, normal, ones, scaled_normal
from sweep.nn.layers.activations import ACTIVATIONS, relu, sigmoid, tanh
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.nn.penalties import Penalty
from sweep.records import Seeds
from tests.nn.gradient_check_setup import (
    CLASSES,
    CROSS_ENTROPY,
    IMAGES,
    PARTS,
    TRUE_ZEROS,
    assert_right,
    dense_layer,
    everything,
    faulty,
    filters,
    network,
    plant,
    run,
    times,
    verdicts,
)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_right(name):
    net = network(first=dense_layer(8), activation=ACTIVATIONS[name](), second=dense_layer(5), last=tanh())
    assert_right(run(net))


@pytest.mark.parametrize(("name", "output"), [(name, output) for name in LOSSES for output in LOSSES[name]])
def test_every_loss_is_right(name, output):
    assert_right(run(network(LOSSES[name][output], hidden=dense_layer(8), relu=relu())))


def test_a_network_of_all_layers_is_right():
    findings = run(everything(), math.prod(IMAGES))
    assert set(findings) == {(layer, part) for layer, parts in PARTS.items() for part in parts}
    assert_right(findings)


def test_layers_without_biases_are_right():
    layers = {"image": image(IMAGES), "convolution": filters(3, biases=None), "channels": batch_norm("channel")}
    findings = run(network(**layers, flat=flatten(), hidden=dense_layer(5, biases=None), relu=relu()), 60)
    assert {part for layer, part in findings if layer in ("convolution", "hidden")} == {"weights"}
    assert_right(findings)


def test_the_penalty_is_right():
    net = network(hidden=dense_layer(8), relu=relu())
    assert_right(run(net, penalty=Penalty(l1=0.01, l2=0.1)))


def test_a_deep_network_is_right():
    layers = {}
    for depth in range(6):
        layers |= {f"hidden{depth}": dense_layer(20), f"relu{depth}": relu()}
    assert_right(run(network(**layers), samples=10))


def test_large_weights_are_right():
    net = network(hidden=dense_layer(20, normal(std=30.0)), relu=relu())
    assert verdicts(run(net)) == {"OK"}


def test_biases_before_batch_normalization_have_no_error():
    findings = run(everything(), math.prod(IMAGES))
    for key in TRUE_ZEROS:
        assert (findings[key].verdict, findings[key].error) == ("OK", 0)


def test_a_small_fault_in_a_gradient_that_is_zero_is_a_problem():
    def change(gradient):
        gradient[:, -1] += 1e-9

    net = network(hidden=dense_layer(6), normalized=batch_norm(), tanh=tanh())
    findings = run(plant(net, "hidden", faulty(net.layers["hidden"], change)))
    assert findings["hidden", "biases"].verdict == "PROBLEM"


def test_dead_units_have_no_error():
    net = network(hidden=dense_layer(6, biases=normal(mean=-50.0)), relu=relu())
    findings = run(net)
    assert all((f.verdict, f.error, f.checked) == ("OK", 0, min(20, f.entries)) for f in list(findings.values())[:2])


@pytest.mark.parametrize("exponent", range(1, 16))
def test_no_fault_hides_in_a_small_gradient_and_no_small_gradient_is_a_fault(exponent):
    """The smaller the weights of the last layer, the smaller is the gradient before it."""

    def findings(factor):
        layers = {
            "hidden": faulty(dense_layer(6), times(factor, "weights")),
            "sigmoid": sigmoid(),
            "output": dense_layer(CLASSES, normal(std=10.0**-exponent)),
        }
        return run(Network(layers, CROSS_ENTROPY))["hidden", "weights"]

    assert findings(1.001).verdict == ("PROBLEM" if exponent < 8 else findings(1.001).verdict)
    assert findings(1.001).verdict in ("PROBLEM", "not checked")
    assert findings(1).verdict in (["OK"] if exponent < 5 else ["OK", "warning", "not checked"])


@pytest.mark.parametrize(
    ("numeric", "computed", "rounding", "variation", "verdict"),
    [
        ([], [], 0, 0, "not checked"),
        ([0, 0], [0, 0], 1e-12, 0, "OK"),
        ([1, 2], [1, 2], 1e-12, 1e-16, "OK"),
        ([1, 2], [1 + 1e-8, 2], 1e-12, 1e-16, "OK"),
        ([1, 2], [1 + 1e-6, 2], 1e-12, 1e-16, "warning"),
        ([1, 2], [1 + 1e-2, 2], 1e-12, 1e-16, "PROBLEM"),
        ([1, 2], [math.nan, 2], 1e-12, 1e-16, "PROBLEM"),
        ([1, 2], [math.inf, 2], 1e-12, 1e-16, "PROBLEM"),
        ([1e-13, 0], [1e-17, -1e-17], 1e-12, 1e-17, "OK"),  # both are rounding
        ([1e-17, 0], [1e-14, -1e-14], 1e-15, 1e-14, "OK"),  # the difference is the more precise one
        ([1e-13, 0], [1e-13, 0], 1e-12, 1e-28, "not checked"),  # small, but real
        ([1e-13, 0], [0, 0], 1e-12, 0, "not checked"),  # forgotten, perhaps
        ([1e-10, 0], [0, 0], 1e-12, 0, "PROBLEM"),
        ([0, 0], [1e-10, 0], 1e-12, 1e-17, "PROBLEM"),
        ([1e-9, 0], [0.999e-9, 0], 1e-12, 1e-24, "not checked"),
        ([1e-7, 0], [0.999e-7, 0], 1e-12, 1e-22, "PROBLEM"),
        ([1e-7, 0], [1e-7 + 1e-13, 0], 1e-12, 1e-22, "warning"),
    ],
)
def test_the_verdict(numeric, computed, rounding, variation, verdict):
    numeric, computed = np.array(numeric, float), np.array(computed, float)
    assert compare(numeric, computed, np.full(len(numeric), rounding), np.full(len(numeric), variation))[1] == verdict


def test_so_many_entries_are_checked_and_the_same_ones_again():
    net = network(hidden=dense_layer(20), tanh=tanh())
    few, again, every = run(net, samples=9), run(net, samples=9), run(net, samples=None)
    assert few == again
    assert few["hidden", "weights"].shape == (20, 7)
    assert few["hidden", "weights"].entries == 140
    assert few["hidden", "biases"].shape == (20,)
    assert all(finding.checked == min(9, finding.entries) for finding in few.values())
    assert all(finding.checked == finding.entries for finding in every.values())
    assert run(net, seeds=Seeds(1, 5, 3), samples=9) != few


def test_the_seeds_give_the_parameters_and_the_mask():
    """Rounding tells: another network has another error."""
    net = network(hidden=dense_layer(20), dropout=dropout(0.5))
    seeds = [Seeds(weights, 0, mask) for weights in (1, 2) for mask in (1, 2)]
    errors = {run(net, seeds=these, samples=9)["output", "weights"].error for these in seeds}
    assert len(errors) == 4


def test_images_can_be_given_as_they_are():
    x = np.random.default_rng(0).normal(size=(6, 2, 5, 5))
    assert_right(run(network(convolution=filters(3), relu=relu(), pool=max_pool(3), flat=flatten()), x=x))


def test_progress_counts_every_entry():
    seen = []
    findings = run(network(hidden=dense_layer(6), relu=relu()), progress=lambda *counts: seen.append(counts))
    total = sum(finding.checked + finding.kinks for finding in findings.values())
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_a_loss_that_is_not_finite_is_never_right():
    net = network(hidden=dense_layer(6, normal(std=1e200)), second=dense_layer(6, normal(std=1e200)))
    assert "OK" not in verdicts(run(net, samples=9))


def test_equal_weights_are_right():
    net = network(hidden=dense_layer(6, ones()), tanh=tanh(), second=dense_layer(6, scaled_normal(glorot_variance)()))
    assert_right(run(net))
