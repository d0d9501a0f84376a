"""Tables of text, gaps, targets and dialects: what is made of them."""

import numpy as np
import pytest

from tests.data.formats.test_csv import IRIS

PETS = "kind,age,weight\n" + "".join(
    f"{kind},{age},{weight}\n"
    for kind, age, weight in [
        *(("dog", 1, 20.5), ("cat", 2, 4.25), ("dog", "", 30), ("cat", 7, 5), ("dog", 4, 25), (" dog", 3, 19)),
        *(("cat", 12, 3.5), ("", 5, 8)),
    ]
)


def test_arrays_and_digests_are_those_of_the_first_version(load_csv):
    dataset = load_csv(IRIS)
    assert dataset.sha256 == "6706763b0823f612c38005b56985de83d01a60b20b26cfcee62d38497426bc63"
    assert dataset.test.x[:, 1].tolist() == [4, 19, 6, 2, 13]
    other = load_csv(IRIS, split_seed=5, test_fraction=0.5, separator=None, decimal=None, drop=[], validation=0)
    assert other.sha256 == "2858aceeb5ffd8d0fb52a15229138e323649fef6d52f99a4ee3f0b1955f93c4d"


def test_new_options_change_the_digest(load_csv):
    changes = [{}, {"drop": ["width"]}, {"separator": ","}, {"decimal": "."}, {"validation": 0.2}]
    assert len({load_csv(IRIS, **change).sha256 for change in changes}) == len(changes)


def test_a_regression_keeps_its_units_and_tells_mean_and_scale(load_csv):
    dataset = load_csv(PETS, label="weight", task="regression")
    assert (dataset.task, dataset.outputs, dataset.class_names) == ("regression", 1, ())
    assert dataset.train.t.dtype == np.float64
    weights = np.concatenate([dataset.train.t, dataset.test.t])
    assert sorted(weights) == [3.5, 4.25, 5, 8, 19, 20.5, 25, 30]
    assert dataset.target.mean == np.mean(dataset.train.t)
    assert dataset.target.scale == np.std(dataset.train.t)
    assert load_csv(IRIS).target is None


def test_a_constant_target_has_the_scale_one(load_csv):
    assert load_csv("a,y\n1,3\n2,3\n5,3\n", label="y", task="regression").target.scale == 1


def test_text_and_gaps_become_features(load_csv):
    dataset = load_csv(PETS, label="weight", task="regression", test_fraction=0.1, split_seed=1)
    assert dataset.shape == (len(dataset.encoding.features),)
    by_weight = dict(zip(dataset.train.t, dataset.train.x.tolist(), strict=True))
    gap = dataset.encoding.features.index("age is missing")
    assert by_weight[30.0][gap] == 1
    assert by_weight[30.0][gap - 1] == np.median([row[gap - 1] for row in by_weight.values() if not row[gap]])
    assert by_weight[20.5][: gap - 1].count(1) == 1


def test_levels_and_medians_are_those_without_validation_and_test(load_csv):
    rows = [f"{i % 2},{i},level{i}\n" for i in range(60)]
    dataset = load_csv("y,size,text\n" + "".join(rows) + "0,,level60\n" * 4, label="y", validation=0.3)
    sizes = dataset.train.x[:, 0][dataset.train.x[:, 1] == 0]
    size, text = dataset.encoding.columns
    assert size.median == np.median(sizes)
    assert len(text.levels) < 60
    assert {f"level{int(each)}" for each in sizes} <= set(text.levels) <= {f"level{int(e)}" for e in [*sizes, 60]}
    assert (dataset.validation.x[:, 2:].sum(1)[dataset.validation.x[:, 1] == 0] == 0).all()


def test_a_float_target_is_asked_about_whatever_is_cached(load_csv, refused):
    questions = ("'weight' holds 8 different numbers in 8 samples", 'data.task = "regression"', '"classification"')
    for _ in range(2):
        with refused(*questions):
            load_csv(PETS, label="weight")
        with refused(*questions):
            load_csv(PETS, label="weight", validation=0.2)
        assert load_csv(PETS, label="weight", task="classification").outputs == 8


def test_columns_can_be_dropped(load_csv, refused):
    assert load_csv(IRIS, drop=["width"]).encoding.features == ("length",)
    with refused("no column 'widht' to drop", "did you mean 'width'?"):
        load_csv(IRIS, drop=["widht"])
    with refused("'species' cannot be dropped"):
        load_csv(IRIS, drop=["species"])
    with refused("leave some for the features"):
        load_csv(IRIS, drop=["width", "length"])
    with refused("drop is 'width'", "list"):
        load_csv(IRIS, drop="width")


@pytest.mark.parametrize(
    ("options", "part"),
    [({"separator": "::"}, "separator is '::'"), ({"decimal": ";"}, "decimal is ';'"), ({"decimal": ","}, "both ','")],
)
def test_an_impossible_dialect_is_refused(load_csv, refused, options, part):
    with refused(part):
        load_csv(IRIS, **{"separator": ",", **options})


def test_targets_with_decimal_commas_are_numbers(load_csv, refused):
    text = "a;y\n" + "".join(f"{i};{i},5\n" for i in range(8))
    assert (load_csv(text, label="y", task="regression", test_fraction=0.2).train.t % 1).tolist() == [0.5] * 6
    with refused("8 different numbers"):
        load_csv(text, label="y")


def test_a_target_that_is_not_a_number_is_refused(load_csv, refused):
    with refused("'y' holds 'x' in data row 2", "finite number"):
        load_csv("a,y\n1,1\n2,x\n3,3\n", label="y", task="regression")
    with refused("too far to be scaled"):
        load_csv("a,y\n" + "1,1e308\n2,-1e308\n" * 5, label="y", task="regression")


def test_the_file_encodes_as_its_own_parts_do(load_csv, tmp_path):
    dataset = load_csv(PETS, label="weight", task="regression")
    everything = dataset.encoding.transform(tmp_path / "iris.csv").tolist()
    assert sorted(everything) == sorted([*dataset.train.x.tolist(), *dataset.test.x.tolist()])
