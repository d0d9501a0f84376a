"""Experiments shrunk to tiny networks, and a sentence for those that cannot be."""

import numpy as np
import pytest

from sweep.analysis.dimension import boundary, box_counting_dimension
from sweep.analysis.shrinking import CLASSES, DEFAULT, FEATURES, SAMPLES, UNITS, shrink, zoomed
from sweep.analysis.trainability import losses, train_map
from sweep.data import fit, open_dataset, prepare
from sweep.errors import UsageError
from sweep.experiment.file import load, parse
from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layers.affine import affine
from tests.analysis.single_networks import single_losses

ZOOMS = [
    (1.71257, 2.24471, 0.104975, 0.121294),
    (1.76152, 1.85843, 0.107858, 0.110987),
    (1.78029, 1.79926, 0.10977, 0.110393),
]
"""Each within the one before, and a fifth as wide."""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def default():
    return shrink(load(DEFAULT))


def test_the_default_map_is_of_a_few_samples_and_a_few_dozen_parameters(default):
    problem, x, y = default
    assert (x.name, x.is_log, y.name, y.is_log) == ("learning_rate", True, "std", True)
    assert problem.inputs.shape == (FEATURES + 1, SAMPLES)
    assert (problem.inputs[-1] == 1).all()
    assert problem.parameters == (FEATURES + 1) * UNITS + (UNITS + 1) * UNITS + (UNITS + 1) * CLASSES
    assert problem.targets.sum(1).tolist() == [SAMPLES / CLASSES] * CLASSES
    assert problem.fixed == {}


def test_100_random_points_of_it_have_the_losses_of_single_networks(default):
    problem, x, y = default
    rng, steps = np.random.default_rng(3), 60
    rate, std = (np.exp(rng.uniform(np.log(axis.low), np.log(axis.high), 100)) for axis in (x, y))
    with np.errstate(all="ignore"):
        found = np.array([*losses(problem, {"learning_rate": rate, "std": std}, steps)])
    single = [single_losses(problem, "tanh", steps, learning_rate=r, std=s) for r, s in zip(rate, std, strict=True)]
    single = np.transpose(single)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(single))
    is_finite = np.isfinite(single)
    np.testing.assert_allclose(found[is_finite], single[is_finite], rtol=1e-10, atol=0)


def test_its_boundary_has_the_same_dimension_at_three_zooms(default):
    found = [box_counting_dimension(boundary(train_map(*zoomed(default, zoom), 64, 100).converged)) for zoom in ZOOMS]
    assert all(1.1 + each.error < each.value < 1.99 - each.error for each in found)
    values, errors = [each.value for each in found], [each.error for each in found]
    assert max(values) - min(values) < 2 * np.hypot(*errors[:2])


def test_inputs_are_the_principal_components_of_the_normalized_samples(default):
    train = open_dataset(prepare("digits")).train
    x = np.empty((SAMPLES, 64))
    rng = np.random.default_rng([0, 0])
    rows = np.sort(np.concatenate([rng.permutation(np.flatnonzero(train.t == label))[:6] for label in range(4)]))
    fit("min_max", "all", train.x, np.float64).apply(train.x[rows], x)
    largest = np.linalg.svd(x, compute_uv=False)[:FEATURES]
    kept = default.problem.inputs[:-1]
    np.testing.assert_allclose(kept @ kept.T, np.diag(largest**2), atol=1e-10)


def test_first_weights_times_std_are_what_any_network_draws(default):
    rng = np.random.default_rng([0, 1])
    for weights, std in zip(default.problem.weights, (0.3, 0.3, 0.3), strict=True):
        layer = affine(len(weights), INITIALIZERS["normal"](0, std), INITIALIZERS["zeros"]())
        drawn, _ = layer.init(rng, (weights.shape[1] - 1,), np.dtype(np.float64))
        scaled = weights.copy()
        scaled[:, :-1] *= std
        np.testing.assert_array_equal(drawn, scaled)


def test_the_seed_decides_samples_and_weights(default):
    same, other = shrink(load(DEFAULT), seed=0).problem, shrink(load(DEFAULT), seed=1).problem
    np.testing.assert_array_equal(same.inputs, default.problem.inputs)
    assert not np.array_equal(other.inputs, same.inputs)
    assert not np.array_equal(other.weights[0], same.weights[0])


def test_sizes_and_batches_that_are_searched_make_no_difference():
    problem, x, y = shrink(load("digits-quickstart"))
    assert (x.name, y.name, y.low, y.high) == ("learning_rate", "alpha", 0, 0.4)
    assert problem.loss == "cross_entropy"
    assert [len(weights) for weights in problem.weights] == [UNITS, UNITS, CLASSES]


TABLE = """
name = "table"
trials = 3
[data]
dataset = { kind = "csv", file = "rows.csv", label = "y" }
task = "regression"
normalization = "z_score"
[network]
hidden = [5]
activation = "softplus"
[training]
epochs = 3
batch_size = 5
optimizer = { kind = "momentum", momentum = { uniform = [0.0, 0.9] }, learning_rate = { log_uniform = [0.01, 1.0] } }
"""


def test_a_regression_with_momentum(tmp_path):
    rng = np.random.default_rng(0)
    rows = ["a,b,y", *(",".join(f"{value:.6f}" for value in row) for row in rng.normal(size=(60, 3)))]
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    (tmp_path / "table.toml").write_text(TABLE)
    problem, x, y = shrink(load(tmp_path / "table.toml"))
    assert (x.name, y.name) == ("learning_rate", "momentum")
    assert problem.inputs.shape == (3, SAMPLES)
    assert problem.targets.shape == (1, SAMPLES)
    assert abs(problem.targets.mean()) < 1


@pytest.mark.parametrize(
    ("name", "overrides", "words"),
    [
        ("boosted-trees", [], "has a trainer of its own"),
        ("mnist-alpha", [], "searches only alpha, and a map has two axes; write ranges for two of learning_rate"),
        ("mnist-sigmoid-mlp", [], "searches nothing that can be an axis"),
        ("digits-quickstart", ["weights={kind='normal',std={uniform=[0.1,1]}}"], "has two axes; fix the others"),
        ("digits-quickstart", ["activation={choice=['relu','tanh']}"], "searches activation, and an axis is a range"),
        (DEFAULT, ["learning_rate={choice=[0.1,0.2]}"], "searches learning_rate, and an axis is a range of"),
        (DEFAULT, ["l2=0.1"], "sets training.l2, which is not mapped"),
        (DEFAULT, ["schedule='cosine'"], "sets training.schedule, which is not mapped"),
        (DEFAULT, ["optimizer={kind='adam',learning_rate={log_uniform=[0.1,1]}}"], "uses the optimizer adam"),
        (DEFAULT, ["network.output='sigmoid'"], "only cross_entropy of softmax and mean_squared_error of identity"),
        (DEFAULT, ["network.weights.mean=1.0"], "has first weights whose mean is not 0"),
        (DEFAULT, ["hidden=[]", "layers=[{kind='affine',units=3}]"], "lists network.layers"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_a_sentence(name, overrides, words):
    with pytest.raises(UsageError) as caught:
        shrink(load(name, overrides))
    assert str(caught.value).startswith(f"{name} cannot be mapped: it ")
    assert words in str(caught.value)


def test_other_ends_of_the_axes(default):
    x, y = zoomed(default, [0.5, 2, 0.1, 0.2])[1:]
    assert (x.low, x.high, y.low, y.high) == (0.5, 2, 0.1, 0.2)
    alpha = parse(load("digits-quickstart").text, "q")
    assert zoomed(shrink(alpha), [0.5, 2, 0, 1]).y.high == 1


@pytest.mark.parametrize(
    ("zoom", "words"),
    [
        ([1, 2, 3], "zoom takes four numbers: x0,x1,y0,y1"),
        ([1, 2, 0.1, float("nan")], "zoom takes four numbers"),
        ([2, 1, 0.1, 0.2], "learning_rate cannot go from 2 to 1; both are above 0"),
        ([0, 1, 0.1, 0.2], "learning_rate cannot go from 0 to 1; both are above 0"),
        ([1, 2, 0.1, 0.1], "std cannot go from 0.1 to 0.1"),
    ],
)
def test_impossible_ends_are_refused(default, zoom, words):
    with pytest.raises(UsageError, match=words):
        zoomed(default, zoom)
