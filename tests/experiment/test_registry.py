"""A new kind is one function and one line of a registry; its defaults, bounds and errors come from its signature."""

import inspect
from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from sweep.experiment.messages import describe_errors
from sweep.experiment.sections import Configuration, Kind
from sweep.experiment.sections.registry import OneOf, Registered, kind_model, supplied
from sweep.nn.bounds import Bounds, Count, Fraction
from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import ACTIVATIONS, elementwise
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.losses import LOSSES, softmax_cross_entropy
from sweep.nn.optimizers import OPTIMIZERS, sgd
from sweep.nn.regression import REGRESSION_LOSSES, numbers
from sweep.nn.schedules import SCHEDULES
from sweep.training.networks import build_network, build_schedule, check_fit
from tests.experiment.test_sections import changed, loss_of, sentence

TABLE = {"kind": "csv", "file": "mine.csv", "label": "y"}
NAMED = [*(LAYERS | OPTIMIZERS | SCHEDULES | INITIALIZERS).items()]


def scaled(factor: Annotated[float, Bounds(gt=0, le=9)] = 2.0):
    """Multiply every unit by a factor."""

    def function(x, y, slope):
        np.multiply(x, factor, out=y)
        slope.fill(factor)

    return elementwise(function)


def bottleneck(units: Count = 3, *, weights, biases):
    """An affine layer that a newcomer wrote."""
    return affine(units, weights, biases)


@pytest.mark.parametrize(("kind", "function"), NAMED, ids=[kind for kind, _ in NAMED])
def test_defaults_are_those_of_the_function(kind, function):
    fields = kind_model(kind, function).model_fields
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in supplied(function):
            is_required = parameter.default is parameter.empty
            assert fields[name].is_required() == is_required
            assert is_required or fields[name].default == parameter.default


def test_batch_normalization_is_over_channels_by_default_in_both_places():
    assert inspect.signature(batch_norm).parameters["over"].default == "channel"
    assert kind_model("batch_norm", batch_norm).model_fields["over"].default == "channel"


class TestNewcomer:
    def test_a_new_layer(self, monkeypatch):
        monkeypatch.setitem(LAYERS, "scaled", scaled)
        layers = [{"kind": "affine", "units": 4}, {"kind": "scaled", "factor": 3.0}, "scaled"]
        tree = changed(network__hidden=[], network__layers=layers)
        assert np.isfinite(loss_of(tree))
        names = [*build_network(Configuration.model_validate(tree), 3).layers]
        assert names == ["layers[0]/affine", "layers[1]/scaled", "layers[2]/scaled", "output"]
        wrong = changed(network__hidden=[], network__layers=[{"kind": "scaled", "factor": 10.0}])
        assert sentence(wrong) == "network.layers[0].factor is 10.0, but must be less than or equal to 9"
        unknown = changed(network__hidden=[], network__layers=[{"kind": "scaled", "facto": 1.0}])
        assert sentence(unknown) == "network.layers[0] has no key 'facto'; did you mean 'factor'?"

    def test_a_new_layer_with_weights_has_those_of_the_network(self, monkeypatch):
        monkeypatch.setitem(LAYERS, "bottleneck", bottleneck)
        layers = ["bottleneck", {"kind": "bottleneck", "units": 2, "bias": False}]
        tree = changed(network__hidden=[], network__layers=layers, network__weights="ones")
        built = build_network(Configuration.model_validate(tree), 3).layers
        first, _ = built["layers[0]/bottleneck"].init(np.random.default_rng(0), (5,), np.dtype("f8"))
        second, _ = built["layers[1]/bottleneck"].init(np.random.default_rng(0), (3,), np.dtype("f8"))
        np.testing.assert_array_equal(first, [[1, 1, 1, 1, 1, 0]] * 3)
        np.testing.assert_array_equal(second, np.ones((2, 3)))

    def test_a_new_layer_of_images_gets_images(self, monkeypatch):
        def halved():
            """Take every other row and column."""
            return LAYERS["max_pool"](2)

        monkeypatch.setitem(LAYERS, "halved", halved)
        tree = changed(network__hidden=[], network__layers=["halved", "flatten"])
        configuration = Configuration.model_validate(tree)
        check_fit(configuration, 3, (1, 8, 8))
        assert next(iter(build_network(configuration, 3, (1, 8, 8)).layers)) == "image"

    def test_a_new_activation_optimizer_schedule_initializer_and_loss(self, monkeypatch):
        def half(learning_rate: Fraction = 0.1):
            return sgd(learning_rate / 2)

        monkeypatch.setitem(ACTIVATIONS, "scaled", scaled)
        monkeypatch.setitem(OPTIMIZERS, "half", half)
        monkeypatch.setitem(SCHEDULES, "never", lambda: lambda epoch, epochs: 1e-9)
        monkeypatch.setitem(INITIALIZERS, "twos", lambda: lambda rng, fan_in, fan_out, shape: np.full(shape, 2.0))
        monkeypatch.setitem(LOSSES, "mine", {"softmax": softmax_cross_entropy})
        tree = changed(
            network__activation="scaled",
            network__biases="twos",
            training__optimizer={"kind": "half", "learning_rate": 0.2},
            training__schedule="never",
            training__loss="mine",
        )
        assert np.isfinite(loss_of(tree))
        assert build_schedule(Configuration.model_validate(tree))(1, 2) == 1e-9
        tree["training"]["optimizer"]["learning_rate"] = 1.0
        assert sentence(tree) == "training.optimizer.learning_rate is 1.0, but must be less than 1"

    def test_values_that_do_not_go_together_are_refused_by_the_function(self, monkeypatch):
        def between(low: float = 0.0, high: float = 1.0):
            if low > high:
                raise ValueError("has a low above its high")
            return INITIALIZERS["uniform"](low, high)

        monkeypatch.setitem(INITIALIZERS, "between", between)
        wrong = changed(network__weights={"kind": "between", "low": 2.0})
        assert sentence(wrong) == "network.weights has a low above its high"

    def test_a_value_without_default_is_asked_for_even_of_a_bare_string(self, monkeypatch):
        def mine(mode: Literal["a", "b"]):
            return sgd(1.0)

        monkeypatch.setitem(OPTIMIZERS, "mine", mine)
        assert sentence(changed(training__optimizer="mine")) == "training.optimizer.mode is missing"
        assert sentence(changed(training__optimizer={"kind": "mine", "mode": "c"})).startswith(
            "training.optimizer.mode is 'c'"
        )


class TestRegression:
    def test_its_output_and_loss_have_defaults_of_their_own(self):
        tree = changed(data__dataset=TABLE, data__task="regression")
        del tree["network"]["output"], tree["training"]["loss"]
        configuration = Configuration.model_validate(tree)
        assert (configuration.output, configuration.loss) == ("identity", "mean_squared_error")
        network = build_network(configuration, 1)
        assert network.loss is REGRESSION_LOSSES["mean_squared_error"]
        assert network.targets is numbers

    @pytest.mark.parametrize("loss", REGRESSION_LOSSES)
    def test_every_loss_is_built(self, loss):
        tree = changed(data__dataset=TABLE, data__task="regression", network__output="identity", training__loss=loss)
        assert build_network(Configuration.model_validate(tree), 1).loss is REGRESSION_LOSSES[loss]

    def test_losses_and_outputs_of_the_other_task_are_refused(self):
        valid = "choose from huber, mean_absolute_error, mean_squared_error"
        regression = changed(data__dataset=TABLE, data__task="regression", network__output="identity")
        assert sentence(regression) == f"training.loss = 'cross_entropy' is not a loss of regression; {valid}"
        assert sentence(changed(training__loss="huber")).startswith(
            "training.loss = 'huber' is not a loss of classification; choose from binary_cross_entropy"
        )
        softmax = changed(data__dataset=TABLE, data__task="regression", training__loss="huber")
        expected = "network.output = 'softmax' does not go with training.loss = 'huber', which takes identity"
        assert sentence(softmax) == expected


class TestTypes:
    def test_kinds_have_a_json_schema(self):
        schema = TypeAdapter(Annotated[Kind, Registered(SCHEDULES)]).json_schema()
        assert schema["anyOf"][0] == {"enum": sorted(SCHEDULES)}
        (step,) = [kind for kind in schema["anyOf"][1:] if kind["title"] == "step"]
        assert (step["properties"]["every"]["minimum"], step["properties"]["every"]["default"]) == (1, 10)
        assert step["additionalProperties"] is False

    def test_names_have_a_json_schema(self):
        assert TypeAdapter(Annotated[str, OneOf(LOSSES)]).json_schema() == {"enum": sorted(LOSSES)}

    @pytest.mark.parametrize("value", [None, 5, [], ["relu"], True])
    def test_what_is_not_a_kind_is_not_a_table(self, value):
        with pytest.raises(ValidationError) as caught:
            TypeAdapter(Annotated[Kind, Registered(ACTIVATIONS)]).validate_python(value)
        (line,) = describe_errors(caught.value, value)
        assert line.endswith("but must be a valid table") or line.endswith("must be a table"), line
