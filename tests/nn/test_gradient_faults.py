"""The gradient check finds planted faults, and no kink hides them."""

import math

import numpy as np
import pytest

from sweep.nn.initializers import normal, ones, uniform, zeros
from sweep.nn.layers.activations import identity, leaky_relu, relu, step, tanh
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.network import Network
from sweep.nn.penalties import Penalty
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
    leaking,
    network,
    plant,
    run,
    times,
    verdicts,
)
from tests.nn.numerical_gradients import dense


@pytest.mark.parametrize(("name", "part"), [(n, p) for n in PARTS for p in PARTS[n] if (n, p) not in TRUE_ZEROS])
@pytest.mark.parametrize("factor", [1.001, 0.999])
def test_a_gradient_wrong_by_one_in_a_thousand_is_a_problem_and_the_only_one(name, part, factor):
    net = everything()
    wrong = plant(net, name, faulty(net.layers[name], times(factor, part)))
    findings = run(wrong, math.prod(IMAGES), samples=8)
    fault = findings.pop((name, part))
    assert fault.verdict == "PROBLEM"
    assert fault.error == pytest.approx(5e-4, rel=1e-3)
    assert_right(findings)


@pytest.mark.parametrize("factor", [-1, 0, math.nan, math.inf])
@pytest.mark.parametrize(("name", "part"), [("convolution", "weights"), ("features", "gamma"), ("output", "biases")])
def test_a_gradient_of_the_wrong_sign_or_missing_or_not_finite_is_a_problem(name, part, factor):
    net = everything()
    with np.errstate(invalid="ignore"):
        wrong = plant(net, name, faulty(net.layers[name], times(factor, part)))
        findings = run(wrong, math.prod(IMAGES), samples=8)
    assert findings.pop((name, part)).verdict == "PROBLEM"
    assert_right(findings)


@pytest.mark.parametrize(("place", "below"), [("relu", 1), ("dropout", 1), ("last", 2)])
def test_a_wrong_slope_is_a_problem_in_all_layers_below(place, below):
    net = network(
        first=dense_layer(30), relu=relu(), dropout=dropout(0.4), second=dense_layer(30), last=leaky_relu(0.1)
    )
    findings = run(plant(net, place, leaking(net.layers[place], lambda dx: dx * 1.001)))
    wrong = {layer for (layer, _), finding in findings.items() if finding.verdict == "PROBLEM"}
    assert wrong == set(["first", "second"][:below])
    assert verdicts({key: f for key, f in findings.items() if key[0] not in wrong}) == {"OK"}


def without_mean(layer):
    """Batch normalization whose dx lacks the term of the mean of dy."""

    def backward(params, cache, dy, work, need_dx):
        spoilt = dy.mean(axis=1)[:, None] * params[:, :1] * cache
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        return dx + spoilt, gradient

    return layer._replace(backward=backward)


def test_a_missing_term_of_batch_normalization_is_a_problem():
    net = network(hidden=dense_layer(6), normalized=batch_norm(), tanh=tanh())
    findings = run(plant(net, "normalized", without_mean(net.layers["normalized"])))
    wrong = {key for key, finding in findings.items() if finding.verdict == "PROBLEM"}
    assert wrong == {("hidden", "weights"), ("hidden", "biases")}


def test_a_fault_in_one_entry_is_a_problem_where_all_are_checked():
    def change(gradient):
        gradient[2, 1] *= 1.1

    net = network(hidden=dense_layer(6), tanh=tanh())
    wrong = plant(net, "hidden", faulty(net.layers["hidden"], change))
    assert run(wrong, samples=None)["hidden", "weights"].verdict == "PROBLEM"


def test_a_fault_in_some_rows_is_a_problem_where_a_few_entries_are_checked():
    def change(gradient):
        gradient[30:] *= 1.01

    net = network(hidden=dense_layer(40), tanh=tanh())
    assert run(plant(net, "hidden", faulty(net.layers["hidden"], change)))["hidden", "weights"].verdict == "PROBLEM"


def test_exchanged_entries_are_a_problem():
    def change(gradient):
        gradient[:] = gradient[::-1].copy()

    net = everything()
    findings = run(plant(net, "strided", faulty(net.layers["strided"], change)), math.prod(IMAGES), samples=8)
    assert findings["strided", "weights"].verdict == "PROBLEM"


def test_a_fault_of_the_penalty_is_a_problem():
    class ForgetsL1(Penalty):
        def add_gradient(self, weights, gradient):
            gradient += self.l2 * weights

    findings = run(network(hidden=dense_layer(6), tanh=tanh()), penalty=ForgetsL1(0.01, 0.1))
    assert {part for (_, part), finding in findings.items() if finding.verdict == "PROBLEM"} == {"weights"}


def test_a_gradient_that_is_never_the_same_is_a_problem():
    rng = np.random.default_rng(0)

    def change(gradient):
        gradient[:] = rng.normal(size=gradient.shape)

    net = network(hidden=dense_layer(6), tanh=tanh())
    findings = run(plant(net, "hidden", faulty(net.layers["hidden"], change)))
    assert findings["hidden", "weights"].verdict == findings["hidden", "biases"].verdict == "PROBLEM"


def test_no_fault_changes_what_is_left_out_at_kinks():
    net = network(first=dense_layer(40), relu=relu(), second=dense_layer(40), step=step(), third=dense_layer(9))
    right, wrong = (
        run(plant(net, "second", faulty(net.layers["second"], times(factor, "weights"))), samples=30)
        for factor in (1, 1.5)
    )
    assert sum(finding.kinks for finding in right.values()) > 0
    assert [(f.checked, f.kinks) for f in right.values()] == [(f.checked, f.kinks) for f in wrong.values()]


def test_relu_exactly_at_its_kink_is_not_checked():
    net = network(hidden=dense_layer(6, biases=zeros()), relu=relu())
    findings = run(net, x=np.zeros((7, 5)))
    for part, chosen in (("weights", 20), ("biases", 6)):
        finding = findings["hidden", part]
        assert (finding.verdict, finding.checked, finding.kinks) == ("not checked", 0, chosen)
        assert math.isnan(finding.error)
    assert findings["output", "biases"].verdict == "OK"


def test_equal_maxima_of_a_constant_image_are_not_checked():
    net = network(image=image(IMAGES), convolution=filters(3), pool=max_pool(2), flat=flatten())
    findings = run(net, x=np.ones((math.prod(IMAGES), 5)))
    assert findings["convolution", "weights"].verdict == findings["convolution", "biases"].verdict == "not checked"
    assert findings["output", "weights"].verdict == findings["output", "biases"].verdict == "OK"


@pytest.mark.parametrize(("factor", "verdict"), [(1, "OK"), (1.001, "PROBLEM")])
def test_a_jump_among_the_units_is_no_excuse_for_the_layers_above(factor, verdict):
    """Seven ones less seven: the slightest change of a weight makes a step of the sum."""
    layers = {"hidden": dense_layer(6, ones(), normal(mean=-7.0, std=0.0)), "step": step()}
    output = faulty(dense_layer(CLASSES), times(factor, "weights"))
    x = np.broadcast_to([1.0, 1.0, 2.0, 2.0, 2.0], (7, 5))
    findings = run(Network({**layers, "output": output}, CROSS_ENTROPY), x=x)
    assert findings["output", "weights"].verdict == verdict
    assert findings["hidden", "weights"].verdict == findings["hidden", "biases"].verdict == "not checked"


def test_weights_at_the_kink_of_the_l1_penalty_are_not_checked():
    net = network(hidden=dense_layer(6, weights=zeros()), tanh=tanh())
    assert run(net, penalty=Penalty(l1=0.1))["hidden", "weights"].verdict == "not checked"


def test_steps_never_reach_over_a_kink():
    """Units at every distance from their kink, down to 1e-6: whatever is compared is right."""
    for exponent in range(1, 7):
        near = network(hidden=dense_layer(12, zeros(), uniform(-(10.0**-exponent), 10.0**-exponent)), relu=relu())
        findings = run(near)
        assert verdicts(findings) <= {"OK", "not checked"}
        assert findings["output", "biases"].verdict == "OK"


# Faults that other mini-batches before bring to light


def with_inputs(layer, choose):
    """An affine layer whose gradient takes the input that `choose(inputs so far)` returns, not that of the call."""
    seen = []

    def forward(params, state, x, work, call):
        seen.append(x.copy())
        return layer.forward(params, state, x, work, call)

    def backward(params, cache, dy, work, need_dx):
        return layer.backward(params, choose(seen), dy, work, need_dx)

    return layer._replace(forward=forward, backward=backward)


def first_of_its_size(seen):
    return next(x for x in seen if x.shape == seen[-1].shape)


STALE = {
    "the first input": lambda seen: seen[0],
    "the input before": lambda seen: seen[-2:][0],
    "the first input of this size": first_of_its_size,
    "the input of every other call": lambda seen: seen[(len(seen) - 1) // 2 * 2],
}


@pytest.mark.parametrize("choose", STALE.values(), ids=STALE)
def test_a_gradient_of_an_earlier_input_is_a_problem(choose):
    net = network(hidden=dense_layer(6), tanh=tanh())
    findings = run(plant(net, "hidden", with_inputs(net.layers["hidden"], choose)))
    assert findings["hidden", "weights"].verdict == "PROBLEM"
    assert findings["output", "weights"].verdict == "OK"


def test_an_input_that_only_training_keeps_is_a_problem_if_evaluation_blocks_it():
    """After an evaluation, one training call keeps its old input."""
    kept = {"x": None, "block": False}
    layer = dense_layer(6)

    def forward(params, state, x, work, call):
        if call.train and not kept["block"]:
            kept["x"] = x.copy()
        kept["block"] = not call.train
        return layer.forward(params, state, x, work, call)

    def backward(params, cache, dy, work, need_dx):
        return layer.backward(params, kept["x"], dy, work, need_dx)

    net = network(hidden=layer._replace(forward=forward, backward=backward), tanh=tanh())
    assert run(net)["hidden", "weights"].verdict == "PROBLEM"


def test_a_gradient_that_is_added_to_the_one_before_is_a_problem():
    layer, total = dense_layer(6), np.zeros((6, 8))

    def backward(params, cache, dy, work, need_dx):
        nonlocal total
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        total += dense(gradient)
        return dx, total

    findings = run(network(hidden=layer._replace(backward=backward), tanh=tanh()))
    assert findings["hidden", "weights"].verdict == findings["hidden", "biases"].verdict == "PROBLEM"


def test_a_slope_of_an_earlier_input_is_a_problem_below():
    slopes, layer = {}, tanh()

    def backward(params, cache, dy, work, need_dx):
        slope = slopes.setdefault(dy.shape, cache.copy())
        return slope * dy, None

    net = network(hidden=dense_layer(6), tanh=layer._replace(backward=backward))
    assert run(net)["hidden", "weights"].verdict == "PROBLEM"


def mean_of(count):
    """A layer that divides by a number of samples, which `count(its own, those of all work arrays made)` returns."""
    made = []

    def work(shape, samples, dtype):
        made.append(samples)
        return samples

    def forward(params, state, x, work, call):
        return x, state, None

    def backward(params, cache, dy, work, need_dx):
        return dy * (dy.shape[1] / count(work, made)), None

    return identity()._replace(work=work, forward=forward, backward=backward)


@pytest.mark.parametrize(
    ("count", "verdict"),
    [
        (lambda own, made: own, "OK"),
        (lambda own, made: made[0], "PROBLEM"),
        (lambda own, made: made[-1], "PROBLEM"),
        (lambda own, made: max(made), "PROBLEM"),
    ],
    ids=["its own", "the first", "the last", "the largest"],
)
def test_work_arrays_of_another_size_are_a_problem(count, verdict):
    findings = run(network(hidden=dense_layer(6), mean=mean_of(count)))
    assert findings["hidden", "weights"].verdict == verdict


def test_columns_of_a_larger_batch_in_a_gradient_are_a_problem():
    layer, kept = dense_layer(6), {"x": np.zeros((8, 0)), "dy": np.zeros((6, 0))}

    def put(name, array):
        if array.shape[1] > kept[name].shape[1]:
            kept[name] = np.zeros(array.shape)
        kept[name][:, : array.shape[1]] = array
        return kept[name]

    def backward(params, cache, dy, work, need_dx):
        dx, _ = layer.backward(params, cache, dy, work, need_dx)
        return dx, put("dy", dy) @ put("x", cache).T

    findings = run(network(hidden=layer._replace(backward=backward), tanh=tanh()))
    assert findings["hidden", "weights"].verdict == "PROBLEM"


def test_a_layer_that_cannot_take_another_size_raises():
    layer = dense_layer(6)

    def backward(params, cache, dy, work, need_dx):
        if dy.shape[1] != 5:
            raise ValueError("only 5 samples")
        return layer.backward(params, cache, dy, work, need_dx)

    with pytest.raises(ValueError, match="only 5 samples"):
        run(network(hidden=layer._replace(backward=backward), tanh=tanh()))
