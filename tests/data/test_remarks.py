"""Remarks on data sets that can be used, but are likely a mistake."""

import numpy as np
import pytest

from sweep.data import remarks
from sweep.data.dataset import Dataset, Part, Target


def dataset(names, shape=(2,), **labels):
    parts = {
        name: Part(np.zeros((len(t), int(np.prod(shape))), np.uint8), np.array(t, np.int64))
        for name, t in labels.items()
    }
    return Dataset("d", parts, "classification", names, shape, "0" * 64)


def test_a_usual_data_set_has_none():
    assert remarks(dataset(("x", "y"), train=[0, 1], validation=[1, 0], test=[1, 0])) == []


def test_a_class_without_samples_in_a_part_is_named():
    assert remarks(dataset(("x", "y", "z"), train=[0, 0], validation=[0, 1, 2], test=[1, 2])) == [
        "the data set d: the classes 'y', 'z' have no sample to learn from in the training part",
        "the data set d: the class 'x' has no sample in the test part",
    ]


def test_of_many_classes_five_are_named():
    (remark,) = remarks(dataset(tuple("abcdefgh"), train=[0], test=range(8)))
    assert "'b', 'c', 'd', 'e', 'f' and 2 more have no sample" in remark


def test_classes_of_one_number_are_named():
    (remark,) = remarks(dataset(("1", "1.0", "2"), train=[0, 1, 2], test=[0, 1, 2]))
    assert "'1', '1.0' are one number but different classes" in remark


@pytest.mark.parametrize(("shape", "is_odd"), [((8, 8, 3), True), ((3, 8, 8), False), ((1, 8, 3), False)])
def test_images_with_channels_last_are_pointed_out(shape, is_odd):
    found = remarks(dataset(("x", "y"), shape, train=[0, 1], test=[0, 1]))
    assert [("x.transpose(0, 3, 1, 2)" in remark) for remark in found] == [True] * is_odd


def test_a_regression_has_no_classes():
    part = Part(np.zeros((2, 2)), np.array([0.5, 1.0]))
    regression = Dataset("d", {"train": part, "test": part}, "regression", (), (2,), "0" * 64, Target(0.75, 0.25))
    assert remarks(regression) == []
