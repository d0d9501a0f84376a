"""Tests of what kept networks predict: of both tasks, for the data set's parts and for the rows of a new table."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

import sweep
from sweep.errors import SweepError, UsageError
from tests.engine_here import training_here

ROWS = 60
CLASSIFIER = """
name = "flowers"
trials = 1
[data]
dataset = {{ kind = "csv", file = "{file}", label = "kind" }}
normalization = "z_score"
validation = 0.2
[network]
hidden = [6]
activation = "tanh"
weights = "he_normal"
biases = "zeros"
output = "softmax"
[training]
epochs = 3
batch_size = 8
optimizer = {{ kind = "sgd", learning_rate = 0.1 }}
loss = "cross_entropy"
keep_weights = "last"
"""
REGRESSION = """
name = "prices"
trials = 1
[data]
dataset = {{ kind = "csv", file = "{file}", label = "price" }}
task = "regression"
normalization = "z_score"
[network]
hidden = [6]
activation = "tanh"
weights = "he_normal"
biases = "zeros"
[training]
epochs = 3
batch_size = 8
optimizer = {{ kind = "sgd", learning_rate = 0.05 }}
keep_weights = "last"
"""


def table():
    """Return a table with text and gaps, whose last two columns are targets of the two tasks."""
    rng = np.random.default_rng(3)
    size, color = rng.normal(10, 3, ROWS).round(3), rng.choice(["red", "green", "blue"], ROWS)
    weight = np.where(rng.random(ROWS) < 0.1, np.nan, rng.normal(0, 1, ROWS).round(3))
    price = (50_000 + 3_000 * size + 10_000 * (color == "red") + rng.normal(0, 500, ROWS)).round(2)
    kind = np.where(size > 10, "large", "small")
    return pd.DataFrame({"size": size, "color": color, "weight": weight, "price": price, "kind": kind})


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A classifier and a regression with kept weights, and their tables."""
    folder = tmp_path_factory.mktemp("predictions")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(folder / "cache"))
        for name, text, target in [("flowers", CLASSIFIER, "price"), ("prices", REGRESSION, "kind")]:
            file = folder / f"{name}.csv"
            table().drop(columns=target).to_csv(file, index=False)
            (folder / f"{name}.toml").write_text(text.format(file=file))
            with training_here():
                sweep.run(folder / f"{name}.toml", db=str(folder / "sweeps.db")).store.close()
    return folder


@pytest.fixture
def load(shelf, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(shelf / "cache"))
    return lambda name: sweep.load(name, db=str(shelf / "sweeps.db"))


def test_each_part_of_a_classifier_is_as_accurate_as_in_training(load):
    results = load("flowers")
    prediction, last = results.predict(0), results.epochs(0).iloc[-1]
    assert [*prediction.parts] == ["train", "validation", "test"]
    for name, part in prediction.parts.items():
        assert part.accuracy == last[f"{name}_accuracy"]
        assert part.row == {
            "part": name,
            "samples": len(part.labels),
            "misclassified": len(part.misclassified),
            "accuracy": part.accuracy,
        }
    assert prediction.epoch == 3


def test_a_regression_is_in_the_targets_own_units(load):
    results = load("prices")
    prediction, last = results.predict(0), results.epochs(0).iloc[-1]
    for name in ("train", "test"):
        part = prediction.part(name)
        assert part.labels.mean() > 50_000
        assert part.row["rmse"] == pytest.approx(np.sqrt(np.mean((part.predicted - part.labels) ** 2)))
        assert part.row["rmse"] == pytest.approx(last[f"{name}_rmse"], rel=1e-5)
        assert part.row["r2"] == pytest.approx(r2_score(part.labels, part.predicted))
    example = prediction.test.example(1).iloc[0]
    assert example["error"] == pytest.approx(example["predicted"] - prediction.test.labels[1])


def test_a_part_that_is_not_there_is_answered_with_those_that_are(load):
    with pytest.raises(UsageError, match="no validation part; choose from train, test"):
        load("prices").predict(0).part("validation")
    with pytest.raises(UsageError, match="index must be from 0 to"):
        load("prices").predict(0).test.example(10_000)


def test_new_rows_get_the_predicted_class_and_all_probabilities(load, tmp_path):
    results = load("flowers")
    new = table().drop(columns=["kind", "price"]).head(7)
    new.insert(0, "id", [f"row {number}" for number in range(7)])
    new.to_csv(tmp_path / "new.csv", index=False)
    found = results.predict_rows(0, tmp_path / "new.csv")
    assert [*found.columns] == [
        *("id", "size", "color", "weight", "predicted", "probability of large", "probability of small"),
    ]
    assert found["id"].tolist() == new["id"].tolist()
    probabilities = found[["probability of large", "probability of small"]].to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert (
        found["predicted"].tolist() == np.where(probabilities[:, 0] >= probabilities[:, 1], "large", "small").tolist()
    )


@pytest.mark.parametrize("name", ["flowers", "prices"])
def test_the_rows_of_the_data_set_itself_are_predicted_as_its_parts_are(load, shelf, name):
    results = load(name)
    column = "predicted" if name == "prices" else "probability of large"
    found = results.predict_rows(0, shelf / f"{name}.csv")[column]
    parts = results.predict(0).parts.values()
    known = np.concatenate([part.predicted if name == "prices" else part.outputs[:, 0] for part in parts])
    assert len(found) == ROWS
    np.testing.assert_allclose(np.sort(found), np.sort(known), rtol=1e-5)


def test_a_table_that_cannot_be_predicted_is_one_sentence(load, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("size,color\n1,red\n")
    with pytest.raises(SweepError, match="no column 'weight'"):
        load("prices").predict_rows(0, path)
    path.write_text("size,color,weight,predicted\n1,red,2,3\n")
    with pytest.raises(SweepError, match="has a column 'predicted' already"):
        load("prices").predict_rows(0, path)


SATURATED = {
    "sigmoid": [
        "network.output='sigmoid'",
        "training.loss='binary_cross_entropy'",
        "network.weights={kind='normal', std=6}",
    ],
    "softmax": [
        "network.weights={kind='normal', std=1e-9}",
        "training.optimizer={kind='sgd', learning_rate=1e-12}",
    ],
}


@pytest.mark.parametrize("output", SATURATED)
def test_where_outputs_saturate_the_predictions_are_those_of_the_epochs(here, tmp_path, output):
    overrides = ["trials=1", "epochs=1", "hidden=[30]", "activation='tanh'", "keep_weights=last", *SATURATED[output]]
    results = sweep.run("digits-quickstart", overrides=overrides)
    stored, predicted = results.epochs(0).iloc[-1], results.predict(0)
    for part in ("train", "test"):
        found = predicted.part(part)
        assert found.accuracy == stored[f"{part}_accuracy"]
        # The case is real: by the outputs alone other classes would be predicted.
        assert (found.outputs.argmax(axis=1) != found.predicted).any()
        assert (found.logits.argmax(axis=0) == found.predicted).all()
        assert np.trace(found.confusion()) == len(found.labels) - len(found.misclassified)
        for index in range(20):
            example = found.example(index)
            assert example["class"][0] == found.dataset.class_names[found.predicted[index]]
            assert example[found.meaning].is_monotonic_decreasing
