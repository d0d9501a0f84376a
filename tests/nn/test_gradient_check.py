"""The gradient check: right gradients pass with room to spare, planted faults do not, and kinks are no excuse."""

import math

import numpy as np
import pytest

from sweep.nn.gradient_check import check, derivative, judge
from sweep.nn.initializers import glorot_variance, he_variance, normal, ones, scaled_normal, uniform, zeros
from sweep.nn.layers.activations import ACTIVATIONS, leaky_relu, relu, sigmoid, step, tanh
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.convolution import convolution
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.nn.penalties import Penalty
from sweep.records import Seeds
from tests.nn.numerical_gradients import dense

SEEDS = Seeds(weights=1, shuffling=2, dropout=3)
CROSS_ENTROPY = LOSSES["cross_entropy"]["softmax"]
HE, SPREAD = scaled_normal(he_variance)(), normal(std=0.1)
IMAGES = (2, 6, 5)
CLASSES = 3
CLEARLY_RIGHT = 1e-9


def dense_layer(units, weights=HE, biases=SPREAD):
    return affine(units, weights, biases)


def filters(count, kernel=3, stride=1, weights=HE, biases=SPREAD):
    return convolution(count, kernel, stride, kernel // 2, weights, biases)


def network(loss=CROSS_ENTROPY, **layers):
    """A network of named layers and an affine one that gives the logits."""
    return Network({**layers, "output": dense_layer(CLASSES)}, loss)


def batch(features, samples=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(features, samples)), rng.integers(0, CLASSES, samples)


def run(net, features=7, seeds=SEEDS, x=None, samples=20, **options):
    """Check a network; return its findings by (layer, parameter)."""
    made_up, labels = batch(features)
    findings = check(net, made_up if x is None else x, labels, seeds, samples=samples, **options)
    return {(finding.layer, finding.parameter): finding for finding in findings}


def verdicts(findings):
    return {finding.verdict for finding in findings.values()}


def everything():
    """A network with every kind of layer, kinks among them."""
    return network(
        image=image(IMAGES),
        convolution=filters(3),
        channels=batch_norm("channel"),
        leaky=leaky_relu(0.2),
        pool=max_pool(2),
        strided=filters(2, kernel=2, stride=2),
        features=batch_norm("feature", statistics="cumulative"),
        relu=relu(),
        flat=flatten(),
        dropout=dropout(0.25),
        hidden=dense_layer(6),
        normalized=batch_norm("feature"),
        tanh=tanh(),
    )


PARTS = {  # the parameters of `everything`
    **dict.fromkeys(["convolution", "strided", "hidden", "output"], ("weights", "biases")),
    **dict.fromkeys(["channels", "features", "normalized"], ("gamma", "beta")),
}
TRUE_ZEROS = [("convolution", "biases"), ("strided", "biases"), ("hidden", "biases")]
"""The biases that a batch normalization takes away again."""


# Right gradients


def assert_right(findings):
    assert verdicts(findings) == {"OK"}
    assert all(0 <= finding.error < CLEARLY_RIGHT for finding in findings.values())


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


# Faults


def faulty(layer, change):
    """A layer whose gradient of its parameters is changed by `change(gradient)`, in place."""

    def backward(params, cache, dy, work, need_dx):
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        gradient = np.array(dense(gradient))
        change(gradient)
        return dx, gradient

    return layer._replace(backward=backward)


def leaking(layer, change):
    """A layer whose gradient of its input is `change(dx)`."""

    def backward(params, cache, dy, work, need_dx):
        dx, gradient = layer.backward(params, cache, dy, work, need_dx)
        return None if dx is None else change(dx), gradient

    return layer._replace(backward=backward)


def times(factor, part):
    """Multiply the gradient of one part: biases and beta are the last column."""
    columns = np.s_[:, -1] if part in ("biases", "beta") else np.s_[:, :-1]

    def change(gradient):
        gradient[columns] *= factor

    return change


def plant(net, name, layer):
    return Network({**net.layers, name: layer}, net.loss)


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


# Kinks


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


@pytest.mark.parametrize(("function", "slope"), [(np.sin, 1), (np.tanh, 1), (np.expm1, 1), (np.square, 0)])
def test_a_smooth_function_has_its_derivative_from_large_steps(function, slope):
    estimate = derivative(lambda t: 2 + float(function(t)), 2.0, 1.0, 2e-16, 0)
    assert abs(estimate.value - slope) <= estimate.rounding < 1e-11
    assert estimate.halvings <= 12


DISTANCES = [0, 1e-9, 3e-8, 1e-6, 1e-4, 0.01, 0.1556, 0.4737, 1, *np.random.default_rng(0).uniform(0, 2, 30)]


@pytest.mark.parametrize(("rest", "slope"), [(np.zeros_like, 0), (np.sin, 1), (np.exp, 1)], ids=["0", "sin", "exp"])
@pytest.mark.parametrize("kind", ["kink", "jump"])
def test_a_derivative_beside_a_kink_or_a_jump_is_right_or_none(rest, slope, kind):
    for distance in DISTANCES:

        def function(t, distance=distance):
            beyond = max(0.0, t - distance) if kind == "kink" else float(t > distance)
            return float(rest(t)) + 0.3 * beyond

        estimate = derivative(function, function(0.0), 1.0, 2e-16, 0)
        assert (estimate is None) == (distance < 1e-7)
        if estimate is not None:
            assert abs(estimate.value - slope) <= estimate.rounding
            assert distance <= 1e-5 or estimate.rounding < 1e-8


# Zeros, and gradients that are nearly zero


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
    assert judge(numeric, computed, np.full(len(numeric), rounding), np.full(len(numeric), variation))[1] == verdict


# What is checked


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
