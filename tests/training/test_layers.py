"""Networks of layers as an experiment file describes them: built, fitted to the data, trained and checked."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import sweep
from sweep.data import Dataset, Part, fit
from sweep.errors import ExperimentError, SweepError
from sweep.experiment.sections import Configuration
from sweep.nn.layer import Call, vectors
from sweep.nn.losses import loss_work, positions
from sweep.nn.network import chain
from sweep.records import Seeds
from sweep.training.build import network_settings
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer, train
from sweep.training.networks import build_network, check_fit

EVERYTHING = [
    {"kind": "convolution", "filters": 3, "kernel": 3},
    {"kind": "batch_norm", "over": "channel"},
    "tanh",
    {"kind": "max_pool", "size": 2},
    {"kind": "convolution", "filters": 2, "kernel": 2, "stride": 2, "padding": 1},
    {"kind": "leaky_relu", "alpha": 0.2},
    "flatten",
    {"kind": "affine", "units": 5},
    {"kind": "batch_norm", "over": "feature"},
    "softplus",
    {"kind": "dropout", "rate": 0.25},
]


def configuration(layers, **training):
    return Configuration.model_validate(
        {
            "data": {"dataset": "digits", "normalization": "min_max"},
            "network": {"layers": layers},
            "training": {
                "epochs": 2,
                "batch_size": 6,
                "optimizer": {"kind": "adam", "learning_rate": 0.01},
                "dtype": "float64",
                **training,
            },
        }
    )


def images(train=40, test=13, shape=(2, 5, 4)):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, (train + test, int(np.prod(shape))), np.uint8)
    t = (x.astype(int).sum(1) > x.astype(int).sum(1).mean()).astype(np.int64)
    parts = {"train": Part(x[:train], t[:train]), "test": Part(x[train:], t[train:])}
    return Dataset("noise", parts, "classification", ("dark", "bright"), shape, "")


@pytest.fixture
def ready(monkeypatch):
    """A function that makes the settings of a configuration for a data set that is in no cache."""

    def make(layers, dataset, **training):
        monkeypatch.setattr(
            "sweep.training.build._fit",
            lambda folder, kind, over, dtype, constant: fit(kind, over, dataset.train.x, np.dtype(dtype), constant),
        )
        return network_settings(configuration(layers, **training), dataset, "", Seeds(1, 2, 3))

    return make


def test_every_layer_stands_under_its_path():
    layers = build_network(configuration(EVERYTHING), 2, (2, 5, 4)).layers
    assert [*layers][:3] == ["image", "layers[0]/convolution", "layers[1]/batch_norm"]
    assert [*layers][-2:] == ["layers[10]/dropout", "output"]
    assert len(layers) == len(EVERYTHING) + 2


def test_shapes_are_inferred():
    shape, shapes = (40,), []
    for layer in build_network(configuration(EVERYTHING), 2, (2, 5, 4)).layers.values():
        shape = layer.shape(shape)
        shapes.append(shape)
    pooled, strided = (3, 3, 2), (2, 2, 2)  # (5, 4) is padded to (6, 4) to be pooled
    assert shapes == [(5, 2, 4), *[(5, 3, 4)] * 3, pooled, strided, strided, (8,), *[(5,)] * 4, (2,)]


def test_regularization_reaches_filters_and_weights_alone():
    layers = build_network(configuration(EVERYTHING), 2, (2, 5, 4)).layers
    reached = {}
    shape = (40,)
    for name, layer in layers.items():
        params, _ = layer.init(np.random.default_rng(0), shape, np.dtype("float64"))
        if params is not None:
            reached[name] = (params.shape, layer.weights(params).shape)
            assert layer.weights(params).size == 0 or np.shares_memory(layer.weights(params), params)
        shape = layer.shape(shape)
    assert reached == {
        "layers[0]/convolution": ((3, 18), (3, 18)),  # batch norm comes next
        "layers[1]/batch_norm": ((3, 2), (0, 2)),
        "layers[4]/convolution": ((2, 13), (2, 12)),
        "layers[7]/affine": ((5, 8), (5, 8)),
        "layers[8]/batch_norm": ((5, 2), (0, 2)),
        "output": ((2, 6), (2, 5)),
    }


@pytest.mark.parametrize(("given", "kept"), [(None, False), (True, True), (False, False)])
def test_a_bias_in_front_of_a_batch_norm_is_left_out_unless_it_is_asked_for(given, kept):
    bias = {} if given is None else {"bias": given}
    layers = [
        {"kind": "convolution", "filters": 3, "kernel": 3, **bias},
        "batch_norm",
        "flatten",
        {"kind": "affine", "units": 4, **bias},
        "batch_norm",
        {"kind": "affine", "units": 5},
    ]
    net = chain(build_network(configuration(layers), 2, (2, 5, 4)).layers)
    params, _ = net.init(np.random.default_rng(0), (40,), np.dtype("float64"))
    assert [p.shape for p in params if p is not None and p.shape[1] != 2] == [
        (3, 18 + kept),
        (4, 60 + kept),
        (5, 4 + 1),
        (2, 5 + 1),
    ]


def test_vectors_need_no_image():
    layers = build_network(configuration([{"kind": "affine", "units": 3}, "relu"]), 2, (2, 5, 4)).layers
    assert [*layers] == ["layers[0]/affine", "layers[1]/relu", "output"]


def test_the_gradient_of_a_whole_network_is_that_of_its_loss():
    """Every parameter of a network with all kinds of layers, dropout's mask held fixed."""
    network = build_network(configuration(EVERYTHING), 2, (2, 5, 4))
    net, dtype, samples = chain(network.layers), np.dtype("float64"), 7
    rng = np.random.default_rng(0)
    params, state = net.init(rng, (40,), dtype)
    x, t = vectors(40, samples, dtype), rng.integers(0, 2, samples)
    x[:-1] = rng.normal(size=(40, samples))

    def loss():
        work = net.work((40,), samples, dtype)
        y, _, cache = net.forward(params, state, x, work, Call(True, np.random.default_rng(5)))
        value, dy = network.loss(y[:-1], positions(t, samples), loss_work(2, samples, dtype))
        return value, net.backward(params, cache, dy, work, False)[1]

    _, gradients = loss()
    checked = 0
    for array, gradient in zip(params, gradients, strict=True):
        if array is None:
            continue
        dense = gradient if isinstance(gradient, np.ndarray) else gradient.left @ gradient.right.T
        numeric = np.empty_like(array)
        for index in np.ndindex(array.shape):
            value, ends = array[index], []
            for move in (1e-6, -1e-6):
                array[index] = value + move
                ends.append(loss()[0])
            array[index] = value
            numeric[index] = (ends[0] - ends[1]) / 2e-6
        # What stands before a batch norm has true gradients of 0 among its biases: the error is absolute there.
        np.testing.assert_allclose(dense, numeric, rtol=1e-5, atol=2e-8)
        checked += array.size
    assert checked == 3 * 18 + 3 * 2 + 2 * 13 + 5 * 8 + 5 * 2 + 2 * 6


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_of_layers_learns_and_repeats_itself(ready, dtype):
    dataset = images()
    with threadpool_limits(1):
        runs = [list(train(dataset, ready(EVERYTHING, dataset, dtype=dtype, epochs=30))) for _ in range(2)]
    one, two = (
        [(e.metrics["train_loss"], e.metrics["test_loss"], e.metrics["test_accuracy"]) for e in run] for run in runs
    )
    assert one == two
    assert runs[0][-1].metrics["train_loss"] < 0.7 * runs[0][0].metrics["train_loss"]


def test_a_moment_is_saved_with_dropout_and_running_statistics(ready):
    dataset = images()
    trainer = NetworkTrainer(dataset, ready(EVERYTHING, dataset))
    trainer.run_epoch(1, np.arange(40))
    saved = trainer.state.save()
    figures = []
    for _ in range(2):
        trainer.state.restore(saved)
        trainer.run_epoch(2, np.arange(40))
        figures.append((trainer.state.vector.copy(), trainer.evaluate(2, 7)))
    np.testing.assert_array_equal(figures[0][0], figures[1][0])
    assert figures[0][1] == figures[1][1]


def test_divergence_inside_an_image_is_placed(ready):
    dataset = images()
    with pytest.raises(Diverged) as caught:
        layers = [{"kind": "convolution", "filters": 2, "kernel": 3}, "identity", "flatten"]
        optimizer = {"kind": "sgd", "learning_rate": 1e30}
        list(train(dataset, ready(layers, dataset, optimizer=optimizer, dtype="float32", epochs=9)))
    assert caught.value.divergence.place.split("/")[0] in ("layers[0]", "output")
    assert caught.value.divergence.epoch == 1


@pytest.mark.parametrize(
    ("layers", "example", "words"),
    [
        (
            [{"kind": "convolution", "filters": 2, "kernel": 9, "padding": 0}],
            (1, 8, 8),
            ["layers[0]/convolution", "8×8"],
        ),
        (["flatten", {"kind": "max_pool", "size": 2}], (1, 8, 8), ["layers[1]/max_pool", "takes an image", "64"]),
        (
            [{"kind": "max_pool", "size": 2}],
            (64,),
            [
                "layers[0]/max_pool takes an image",
                "vectors of 64 features",
                "'affine'",
                "(samples, channels, rows, columns)",
            ],
        ),
        ([{"kind": "max_pool", "size": 2}], (1, 8, 8), ["network.output", "takes a vector", "flatten"]),
        (
            [{"kind": "convolution", "filters": 2, "kernel": 3}, {"kind": "affine", "units": 3}],
            (1, 8, 8),
            ["layers[1]/affine", "takes a vector", "8×8", "2 channels", "flatten"],
        ),
    ],
)
def test_a_layer_that_does_not_fit_is_named_with_its_input(layers, example, words):
    with pytest.raises(ValueError) as caught:
        check_fit(configuration(layers), 10, example)
    for word in words:
        assert word in str(caught.value)


NORM = {"kind": "batch_norm"}
CONVOLUTION = {"kind": "convolution", "filters": 2, "kernel": 3}


@pytest.mark.parametrize(
    ("layers", "example"),
    [
        ([{"kind": "affine", "units": 3}, NORM], (8,)),
        (["flatten", NORM], (1, 8, 8)),
        ([CONVOLUTION, {**NORM, "over": "feature"}, "flatten"], (1, 8, 8)),
    ],
)
def test_a_norm_over_single_values_is_refused(layers, example):
    check_fit(configuration(layers, batch_size=2), 10, example)
    check_fit(configuration([CONVOLUTION, NORM, "flatten"], batch_size=1), 10, (1, 8, 8))  # over many pixels
    with pytest.raises(ValueError, match=r"batch_norm normalizes each feature .*make training\.batch_size at least 2"):
        check_fit(configuration(layers, batch_size=1), 10, example)


def test_a_last_mini_batch_of_one_sample_spoils_nothing(here):
    """Digits have 1347 training samples; with 2 batches of 673 there is one left."""
    overrides = ["trials=1", "epochs=8", "batch_size=673", "optimizer={kind='adam', learning_rate=0.02}"]
    layers = "{kind='affine', units=30}, {kind='batch_norm', momentum=1.0}, 'relu'"
    results = sweep.run("digits-quickstart", overrides=[*overrides, f"network={{layers=[{layers}]}}"])
    assert results.epochs(0)["test_accuracy"].iloc[-1] > 0.9
    assert results.epochs(0)["train_loss"].iloc[-1] < 0.5


def test_nothing_is_stored_of_a_sweep_with_a_layer_that_does_not_fit():
    change = "network.layers=[{kind='convolution', filters=2, kernel={int=[3, 30]}, padding=0}, 'flatten']"
    with pytest.raises(ExperimentError, match=r"trial \d+: network\.layers\[0\]/convolution takes an image") as caught:
        sweep.run("digits-quickstart", overrides=[change, "network.hidden=[]"])
    assert caught.value.exit_code == 2
    with pytest.raises(SweepError, match="holds no sweeps yet"):
        sweep.load()


def test_layers_are_searched_like_anything_else_and_workers_change_no_bit(tmp_path):
    layers = (
        "network.layers=[{kind='convolution', filters={int=[1, 4]}, kernel={choice=[1, 3]}}, 'relu', "
        "{choice=['flatten', {kind='max_pool', size=2}]}, 'flatten', {kind='dropout', rate={uniform=[0.0, 0.5]}}]"
    )
    overrides = [layers, "network.hidden=[]", "trials=4", "epochs=2", "training.optimizer={kind='adam'}"]
    tables = []
    for workers in (1, 2):
        database = str(tmp_path / f"{workers}.db")
        results = sweep.run("digits-quickstart", overrides=overrides, workers=workers, db=database)
        tables.append(results.epochs().drop(columns="seconds"))
    assert tables[0].equals(tables[1])
    trials = results.trials()
    assert (trials["status"] == "completed").all()
    assert {"filters", "kernel", "rate"} <= set(trials.columns)
