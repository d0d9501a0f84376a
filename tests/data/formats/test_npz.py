import pickle
import zipfile

import numpy as np
import pytest

from sweep.data import open_dataset, prepare


def good(**changed):
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": rng.normal(size=(6, 3)),
        "t_train": np.array([0, 1, 2, 0, 1, 2]),
        "x_test": rng.normal(size=(4, 3)),
        "t_test": np.array([2, 1, 0, 0]),
    }
    return {name: array for name, array in (arrays | changed).items() if array is not None}


@pytest.fixture
def load(tmp_path):
    """Save arrays, prepare the file, open the data set."""

    def load(task=None, **arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return open_dataset(prepare("npz", file=tmp_path / "mine.npz", task=task))

    return load


def test_a_table_is_kept_as_it_is(load):
    arrays = good()
    dataset = load(**arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(getattr(dataset.parts[name[2:]], name[0]), array)
    assert dataset.name == "mine"
    assert dataset.shape == (3,)
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.train.x.dtype == np.float64


def test_compressed_archives_are_read(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", **good())
    dataset = open_dataset(prepare("npz", file="a.npz", base=tmp_path))
    np.testing.assert_array_equal(dataset.test.x, good()["x_test"])


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ("uint8", "uint8"),
        ("int16", "int16"),
        ("int64", "int64"),
        ("float32", "float32"),
        (">f8", "float64"),
        (">i4", "int32"),
        ("bool", "uint8"),
        ("float16", "float32"),
        ("longdouble", "float64"),
    ],
)
def test_dtypes_are_kept_but_for_rare_ones(load, stored, kept):
    values = np.array([[1, 0], [0, 1], [1, 1]]).astype(stored)
    dataset = load(x_train=values, t_train=[0, 1, 1], x_test=values, t_test=[0, 0, 1])
    assert dataset.train.x.dtype == np.dtype(kept)
    assert dataset.train.x.dtype.isnative
    np.testing.assert_array_equal(dataset.train.x, [[1, 0], [0, 1], [1, 1]])


def test_two_dtypes_become_one(load):
    dataset = load(**good(x_train=np.arange(18, dtype=np.uint8).reshape(6, 3)))
    assert dataset.train.x.dtype == dataset.test.x.dtype == np.float64


@pytest.mark.parametrize(
    ("example", "shape"),
    [((2, 3, 4), (2, 3, 4)), ((3, 4), (1, 3, 4)), ((5,), (5,))],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_images_are_flattened_and_their_shape_kept(load, example, shape, order):
    size = int(np.prod(example))
    x_train = np.arange(6 * size).reshape(6, *example)
    x_test = -np.arange(4 * size).reshape(4, *example)
    dataset = load(**good(x_train=np.asarray(x_train, order=order), x_test=np.asarray(x_test, order=order)))
    assert dataset.shape == shape
    np.testing.assert_array_equal(dataset.train.x, x_train.reshape(6, size))
    np.testing.assert_array_equal(dataset.test.x, x_test.reshape(4, size))
    assert dataset.train.x.flags.c_contiguous


def test_classes_are_those_of_both_parts(load):
    texts = {"t_train": np.array(["b", "d"] * 3), "t_test": np.array(["apple", "d", "b", "b"])}
    dataset = load(**good(**texts))
    assert dataset.class_names == ("apple", "b", "d")
    assert dataset.train.t.tolist() == [1, 2] * 3
    assert dataset.test.t.tolist() == [0, 2, 1, 1]


BAD = {
    "object labels": ({"t_train": np.array([None] * 6)}, ["t_train", "cannot be read"]),
    "float labels": (
        {"t_train": np.array([0.0, 1.0] * 3)},
        ["t_train", "float64", 'data.task = "regression"', 'data.task = "classification"'],
    ),
    "floats that are not whole": ({"t_test": np.arange(4) + 0.5}, ["7 different numbers in 10 samples", "data.task"]),
    "floats that are not finite": ({"t_test": np.array([0, 1, np.nan, 1])}, ["t_test[2] is nan"]),
    "bytes labels": ({"t_test": np.array([b"a"] * 4)}, ["t_test", "S1", "astype(str)"]),
    "one-hot labels": (
        {"t_train": np.eye(6, dtype=int)},
        ["t_train", "(6, 6)", "(6,)", "one label per row", "t.argmax(axis=1)"],
    ),
    "labels in a column": ({"t_train": np.arange(6).reshape(6, 1)}, ["(6, 1)", "one label per row: take t[:, 0]"]),
    "two targets": ({"t_train": np.ones((6, 2))}, ["(6, 2)", "one label per row."]),
    "a label too few": ({"t_train": np.array([0, 1, 2, 0, 1])}, ["t_train", "(5,)", "6 rows"]),
    "mixed labels": ({"t_test": np.array(list("abab"))}, ["t_train is int64", "t_test <U1"]),
    "one class": ({"t_train": np.ones(6, int), "t_test": np.ones(4, int)}, ["one class 1"]),
    "complex": ({"x_train": np.ones((6, 3), complex)}, ["x_train", "complex128", "real"]),
    "text": ({"x_test": np.full((4, 3), "1.0")}, ["x_test", "real"]),
    "dates": ({"x_train": np.zeros((6, 3), "M8[s]")}, ["x_train", "real"]),
    "one axis": ({"x_train": np.ones(6)}, ["x_train", "(6,)", "(samples, features)"]),
    "no rows": ({"x_test": np.ones((0, 3)), "t_test": np.ones(0, int)}, ["x_test", "(0, 3)"]),
    "no features": ({"x_train": np.ones((6, 0))}, ["x_train", "(6, 0)"]),
    "other features": ({"x_test": np.ones((4, 2))}, ["(3,)", "(2,)", "x_test"]),
    "nan": ({"x_train": np.array([[0, 0, 0]] * 5 + [[0, np.nan, 0]])}, ["x_train[5, 1] is nan"]),
    "inf": ({"x_test": np.array([[0, 0, -np.inf]] * 4)}, ["x_test[0, 2] is -inf"]),
    "beyond float64": ({"x_train": np.full((6, 3), np.longdouble("1e400"))}, ["x_train[0, 0] is inf", "float64"]),
    "missing": ({"t_test": None, "y_test": np.ones(4)}, ["lacks t_test", "y_test"]),
}


@pytest.mark.parametrize(("changed", "parts"), BAD.values(), ids=BAD)
def test_bad_arrays_are_refused(load, refused, tmp_path, changed, parts):
    with refused(tmp_path / "mine.npz", *parts):
        load(**good(**changed))


def test_nan_in_an_image_is_named_by_all_its_axes(load, refused):
    x_train = np.zeros((6, 2, 3, 4))
    x_train[4, 1, 2, 3] = np.nan
    with refused("x_train[4, 1, 2, 3] is nan"):
        load(**good(x_train=x_train, x_test=np.zeros((4, 2, 3, 4))))


def foreign_files():
    yield "empty", b""
    yield "text", b"x_train,t_train\n1,2\n"
    yield "pickle", pickle.dumps({"x_train": [1]})
    yield "zip signature", b"PK\x03\x04 and then nothing"
    yield "npy signature", b"\x93NUMPY\x01\x00v\x00{'descr':"


@pytest.mark.parametrize("content", [content for _, content in foreign_files()], ids=[n for n, _ in foreign_files()])
def test_foreign_files_are_refused(tmp_path, refused, content):
    path = tmp_path / "mine.npz"
    path.write_bytes(content)
    with refused(path, "not an .npz archive", "numpy.savez"):
        prepare("npz", file=path)


def test_a_single_array_is_refused(tmp_path, refused):
    with (tmp_path / "mine.npz").open("wb") as stream:
        np.save(stream, np.ones((3, 3)))
    with refused("single array"):
        prepare("npz", file=tmp_path / "mine.npz")


def test_a_zip_of_other_files_is_refused(tmp_path, refused):
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in good():
            archive.writestr(name, "text")
    with refused(path, "x_train is not an array"):
        prepare("npz", file=path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "text")
    with refused(path, "lacks x_train, t_train, x_test, t_test", "readme.txt"):
        prepare("npz", file=path)


def test_damage_anywhere_gives_a_sentence_or_sound_data(tmp_path, refused):
    path = tmp_path / "mine.npz"
    np.savez_compressed(path, **good())
    sound = path.read_bytes()
    for cut in range(0, len(sound), 101):
        path.write_bytes(sound[:cut])
        with refused(path):
            prepare("npz", file=path)
    start = sound.index(b"x_train.npy") + 60
    path.write_bytes(sound[:start] + bytes(byte ^ 0x55 for byte in sound[start : start + 40]) + sound[start + 40 :])
    with refused(path, "the array x_train cannot be read"):
        prepare("npz", file=path)


@pytest.mark.parametrize("stored", ["float32", "float64", "int16"])
def test_a_regression_has_float64_targets(load, stored):
    targets = {"t_train": np.array([1, 2, 3, 4, 5, 9], stored), "t_test": np.array([-1, 0, 1, 7], stored)}
    dataset = load("regression", **good(**targets))
    assert (dataset.task, dataset.outputs, dataset.class_names) == ("regression", 1, ())
    assert dataset.train.t.dtype == np.float64
    assert dataset.train.t.tolist() == [1, 2, 3, 4, 5, 9]
    assert dataset.test.t.tolist() == [-1, 0, 1, 7]
    assert dataset.target.mean == 4


def test_text_is_not_the_target_of_a_regression(load, refused):
    with refused("t_train is text", "must be numbers"):
        load("regression", **good(t_train=np.array(list("ababab")), t_test=np.array(list("abab"))))


def test_stated_classes_may_be_floats(load):
    targets = {"t_train": np.array([0.0, 1.0] * 3), "t_test": np.array([0.0, 1.0] * 2)}
    assert load("classification", **good(**targets)).class_names == ("0", "1")
