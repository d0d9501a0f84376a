"""Tests of what is known of a data set: against NumPy on small arrays, and published figures of MNIST."""

import numpy as np
import pytest

from sweep.data import open_dataset, prepare
from sweep.data.facts import _ROWS, feature_names, features, moments, one_of_each, overview


@pytest.fixture
def small(tmp_path):
    """An archive with a constant feature, a sample that is there twice, and one that is in both parts."""
    x = np.array([[0, 1, 7], [2, 1, 5], [0, 1, 7], [4, 1, 3]], np.uint8)
    np.savez(tmp_path / "x.npz", x_train=x, t_train=[0, 1, 0, 1], x_test=[[4, 1, 3], [9, 1, 9]], t_test=[1, 2])
    return open_dataset(prepare("npz", file=str(tmp_path / "x.npz")))


def test_the_facts_of_each_part(small):
    facts = {row["fact"]: (row["train"], row["test"]) for row in overview(small)}
    assert facts["samples"] == (4, 2)
    assert facts["constant features"] == (1, 1)
    assert facts["lowest value"] == (0, 1) and facts["highest value"] == (7, 9)
    assert facts["samples twice in the part"] == (1, 0)
    assert facts["samples also in train"] == (None, 1)
    assert [facts[f"class {name}"] for name in "012"] == [(2, 0), (2, 1), (0, 1)]
    assert facts["mean"][0] == pytest.approx(np.mean([0, 1, 7, 2, 1, 5, 0, 1, 7, 4, 1, 3]))
    assert facts["standard deviation"][0] == pytest.approx(np.std([0, 1, 7, 2, 1, 5, 0, 1, 7, 4, 1, 3]))


def test_the_features_of_the_training_part(small):
    rows = features(small)
    assert [row["feature"] for row in rows] == ["0", "1", "2"]
    assert [row["constant"] for row in rows] == [False, True, False]
    assert rows[2] == {"feature": "2", "min": 3, "max": 7, "mean": 5.5, "std": pytest.approx(np.std([7, 5, 7, 3]))} | {
        "constant": False
    }


def test_large_numbers_in_several_blocks_lose_nothing():
    x = 1e8 + np.random.default_rng(0).normal(size=(2 * _ROWS + 7, 3))
    found = moments(x)
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.std, x.std(axis=0), rtol=1e-6)


def test_gaps_of_a_table_are_counted(tmp_path):
    rows = ["a,b,y", *(f"{i},{'' if i % 4 == 0 else i},{'pq'[i % 2]}" for i in range(40))]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    table = open_dataset(prepare("csv", file=str(tmp_path / "t.csv"), label="y"))
    facts = {row["fact"]: (row["train"], row["test"]) for row in overview(table)}
    assert sum(facts["missing values"]) == 10
    assert feature_names(table) == ("a", "b", "b is missing")
    assert one_of_each(table, table.train, 10) == [int(np.argmax(table.train.t == c)) for c in (0, 1)]


def test_mnist_is_as_published(mnist_folder):
    facts = {row["fact"]: row for row in overview(open_dataset(prepare("mnist", folder=mnist_folder)))}
    assert [facts[f"class {digit}"]["train"] for digit in "0189"] == [5923, 6742, 5851, 5949]
    assert facts["constant features"]["train"] == 784 - 717
    assert facts["mean"]["train"] / 255 == pytest.approx(0.1307, abs=5e-5)
    assert facts["standard deviation"]["train"] / 255 == pytest.approx(0.3081, abs=5e-5)
