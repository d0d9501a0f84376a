import hashlib

import numpy as np
import pytest

from sweep.data import open_dataset, prepare
from tests.data.idx_writer import NAMES, label_bytes, write_idx_files

FASHION_LABELS = [9, 0, 0, 3, 0, 2, 7, 2, 5, 5, 0, 9, 5, 5, 7, 9]
MNIST_LABELS = [5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5, 3, 6, 1, 7]


def assert_holds(dataset, written):
    for part in ("train", "test"):
        x, t = dataset.parts[part].x, dataset.parts[part].t
        np.testing.assert_array_equal(x, written[f"x_{part}"].reshape(-1, 784))
        np.testing.assert_array_equal(t, written[f"t_{part}"])
        assert (x.dtype, t.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize("kind", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("below", [True, False])
def test_files_are_found_in_the_folder_and_in_its_subfolder(tmp_path, kind, compress, below):
    written = write_idx_files(tmp_path / kind if below else tmp_path, compress=compress)
    dataset = open_dataset(prepare(kind, folder=tmp_path))
    assert_holds(dataset, written)
    assert dataset.name == kind
    assert dataset.shape == (1, 28, 28)
    assert len(dataset.class_names) == 10


def test_the_environment_names_the_folder_unless_it_is_given(tmp_path, monkeypatch):
    mine = write_idx_files(tmp_path / "mine")
    other = write_idx_files(tmp_path / "other", t_test=np.arange(5))
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "mine"))
    assert_holds(open_dataset(prepare("mnist")), mine)
    assert_holds(open_dataset(prepare("mnist", folder=tmp_path / "other")), other)


def test_the_subfolder_of_the_name_comes_first(tmp_path):
    write_idx_files(tmp_path)
    fashion = write_idx_files(tmp_path / "fashion_mnist", t_test=np.arange(5))
    assert_holds(open_dataset(prepare("fashion_mnist", folder=tmp_path)), fashion)


def test_missing_files_are_refused_with_the_folders_searched(tmp_path, refused):
    with refused(tmp_path / "mnist", f"nor in {tmp_path}:", 'with data="DIR"', "SWEEP_DATA"):
        prepare("mnist", folder=tmp_path)
    with refused(tmp_path / "nowhere", 'with data="DIR"'):
        prepare("mnist", folder=tmp_path / "nowhere")
    with refused("train-images-idx3-ubyte.gz", 'with data="DIR"', "SWEEP_DATA"):
        prepare("mnist")


@pytest.mark.parametrize("compress", [True, False])
def test_names_with_a_dot_for_a_dash_are_found(tmp_path, compress):
    write_idx_files(tmp_path, compress=compress)
    for path in list(tmp_path.glob("*ubyte*")):
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    assert open_dataset(prepare("mnist", folder=tmp_path)).train.x.shape == (12, 784)


@pytest.mark.parametrize(("kind", "title"), [("mnist", "MNIST"), ("fashion_mnist", "Fashion-MNIST")])
def test_without_files_all_four_are_named(tmp_path, refused, kind, title):
    for folder in (None, tmp_path):
        with refused(f"the four files of the {title} database", *(f"{name}.gz" for name in NAMES.values())):
            prepare(kind, folder=folder)


@pytest.mark.parametrize("name", NAMES.values())
def test_one_missing_file_is_named(small_mnist, refused, name):
    (small_mnist / f"{name}.gz").unlink()
    with refused(small_mnist, f"not {name}.gz"):
        prepare("mnist", folder=small_mnist)


def test_counts_of_images_and_labels_must_agree(small_mnist, refused):
    (small_mnist / "t10k-labels-idx1-ubyte.gz").write_bytes(label_bytes([1, 2, 3, 4]))
    with refused("t10k-images-idx3-ubyte.gz", "5 images", "t10k-labels-idx1-ubyte.gz", "4 labels"):
        prepare("mnist", folder=small_mnist)


def test_damaged_files_are_refused_before_anything_is_cached(small_mnist, refused, cache):
    path = small_mnist / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:100])
    with refused(path, "truncated"):
        prepare("mnist", folder=small_mnist)
    assert not cache.exists()


@pytest.mark.parametrize(
    ("kind", "other", "labels"),
    [("fashion_mnist", "mnist", MNIST_LABELS), ("mnist", "fashion_mnist", FASHION_LABELS)],
)
def test_files_of_the_sister_data_set_are_refused(tmp_path, refused, kind, other, labels):
    write_idx_files(tmp_path, x_train=np.zeros((16, 28, 28), np.uint8), t_train=np.array(labels))
    with refused(tmp_path, f"holds the files of {other}, not those of {kind}"):
        prepare(kind, folder=tmp_path)
    assert open_dataset(prepare(other, folder=tmp_path)).train.t.tolist() == labels


def test_the_real_mnist_is_read_byte_for_byte(mnist_folder, refused):
    dataset = open_dataset(prepare("mnist", folder=mnist_folder))
    assert dataset.train.x.shape == (60000, 784)
    assert dataset.test.x.shape == (10000, 784)
    headers = {"x_train": 16, "t_train": 8, "x_test": 16, "t_test": 8}
    published = {
        "x_train": "6bbc9ace898e44ae57da46a324031adb",
        "t_train": "a25bea736e30d166cdddb491f175f624",
        "x_test": "2646ac647ad5339dbf082846283269ea",
        "t_test": "27ae3e4e09519cfbb04c329615203637",
    }
    for name, length in headers.items():
        array = getattr(dataset.parts[name[2:]], name[0])
        axes = (len(array), 28, 28) if length == 16 else (len(array),)
        header = np.array([0x0803 if length == 16 else 0x0801, *axes], ">u4").tobytes()
        content = header + array.astype(np.uint8).tobytes()
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == published[name]
    with refused("holds the files of mnist"):
        prepare("fashion_mnist", folder=mnist_folder)
