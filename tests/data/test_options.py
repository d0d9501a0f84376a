import numpy as np
import pytest

from sweep.data import KINDS, data_entry, data_options, open_dataset, options_key, prepare
from sweep.observer import Silent
from sweep.runner.prepare import prepare_datasets

TABLE = {"kind": "csv", "file": "a.csv", "label": "y"}


@pytest.mark.parametrize(
    ("section", "options", "key"),
    [
        ({"dataset": "mnist"}, {"kind": "mnist"}, "mnist"),
        ({"dataset": {"kind": "mnist"}, "normalization": "z_score"}, {"kind": "mnist"}, "mnist"),
        ({"dataset": "mnist", "validation": 0.0, "split_seed": 3}, {"kind": "mnist"}, "mnist"),
        ({"dataset": "mnist", "validation": 0.1}, {"kind": "mnist", "validation": 0.1}, None),
        (
            {"dataset": "mnist", "validation": 0.1, "split_seed": 3},
            {"kind": "mnist", "validation": 0.1, "validation_seed": 3},
            None,
        ),
        (
            {"dataset": {**TABLE, "split_seed": 5, "drop": ["a"]}, "validation": 0.1, "split_seed": 3},
            {**TABLE, "split_seed": 5, "drop": ["a"], "validation": 0.1, "validation_seed": 3},
            None,
        ),
        ({"dataset": {**TABLE, "test_fraction": 0.25, "split_seed": 0, "drop": []}}, TABLE, None),
        ({"dataset": TABLE, "task": "regression"}, {**TABLE, "task": "regression"}, None),
        ({"dataset": TABLE, "task": None, "sha256": "0" * 64}, TABLE, None),
    ],
)
def test_what_is_default_is_left_out(section, options, key):
    assert data_options(section) == options
    assert options_key(options) == (key or options_key(dict(reversed(options.items()))))
    assert "\n" not in options_key(options)
    assert data_options(data_entry(section)) == options


def test_an_entry_holds_the_data_set_as_the_file_has_it():
    section = {"dataset": {**TABLE, "split_seed": 0}, "normalization": "z_score", "validation": 0.1, "split_seed": 2}
    assert data_entry(section) == {"dataset": section["dataset"], "validation": 0.1, "split_seed": 2}
    assert data_entry({"dataset": "mnist", "split_seed": 2}) == {"dataset": "mnist"}


def test_other_options_have_other_keys():
    changes = [
        {},
        {"task": "regression"},
        {"validation": 0.1},
        {"validation": 0.2},
        {"validation": 0.1, "split_seed": 1},
    ]
    assert len({options_key(data_options({"dataset": TABLE, **change})) for change in changes}) == len(changes)


def test_they_are_the_arguments_of_prepare():
    options = data_options({"dataset": "digits", "validation": 0.25, "split_seed": 1})
    dataset = open_dataset(prepare(**options))
    assert set(dataset.parts) == {"train", "validation", "test"}
    other = open_dataset(prepare(**{**options, "validation_seed": 2}))
    assert dataset.sha256 != other.sha256
    assert not np.array_equal(dataset.parts["validation"].x, other.parts["validation"].x)
    np.testing.assert_array_equal(dataset.test.x, other.test.x)


def test_a_validation_part_is_cut_from_the_training_part_alone():
    whole, cut = open_dataset(prepare("digits")), open_dataset(prepare("digits", validation=0.1))
    assert whole.validation is None
    np.testing.assert_array_equal(whole.test.x, cut.test.x)
    rows = np.concatenate([cut.train.x, cut.validation.x])
    assert sorted(map(bytes, rows)) == sorted(map(bytes, whole.train.x))
    counts, shares = (np.bincount(part.t) for part in (whole.train, cut.validation))
    assert (np.abs(shares - counts / 10) <= 0.5).all()
    kept = set(map(bytes, cut.train.x))
    assert [row.tolist() for row in whole.train.x if bytes(row) in kept] == cut.train.x.tolist()  # in their old order


@pytest.mark.parametrize("validation", [1, 1.0, -0.1, float("nan"), "0.1", None])
def test_a_validation_part_out_of_range_is_refused(refused, validation):
    with refused("validation is", repr(validation)):
        prepare("digits", validation=validation)


def test_other_wrong_arguments_are_refused(refused):
    with refused("-1", "at least 0"):
        prepare("digits", validation=0.1, validation_seed=-1)
    with refused("no task 'regres'", "did you mean 'regression'?"):
        prepare("digits", task="regres")
    with refused("digits is one of classes"):
        prepare("digits", task="regression")


def test_the_digests_of_released_versions_stay(mnist_folder):
    digest = "d89a725f795d18f3ebef23494afa4b2b3d7494eccc366180a1f4cdbd5bc53177"
    for options in ({}, {"task": "classification"}, {"validation_seed": 7}, {"validation": 0}):
        assert open_dataset(prepare("digits", **options)).sha256 == digest
    mnist = open_dataset(prepare("mnist", folder=mnist_folder)).sha256
    assert mnist == "6d2a7298b934ef4c38fef9171ef185f250a444a3713f778ff9298790e870fb7a"


def test_what_a_format_states_is_what_its_files_hold():
    dataset = open_dataset(prepare("digits"))
    assert (KINDS["digits"].shape, KINDS["digits"].classes) == (dataset.shape, dataset.outputs)


def test_a_stored_sweep_that_states_no_task_has_classes(tmp_path, refused):
    (tmp_path / "a.csv").write_text("a,y\n" + "".join(f"{i},{i}.5\n" for i in range(8)))
    entry = {"dataset": TABLE, "sha256": "0" * 64}
    with refused("8 different numbers"):
        prepare_datasets([entry], None, tmp_path, Silent())
    folders = prepare_datasets([entry], None, tmp_path, Silent(), task="classification")
    assert list(folders) == [options_key(data_options({"dataset": TABLE}))]
    stated = prepare(**data_options({"dataset": TABLE, "task": "classification"}), base=tmp_path)
    assert folders == {key: str(stated) for key in folders}
