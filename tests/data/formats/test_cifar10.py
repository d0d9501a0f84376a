import hashlib
import os
import pickle
import shlex
import subprocess
import tarfile
from pathlib import Path

import numpy as np
import pytest

from sweep.data import open_dataset, prepare
from sweep.data.formats.cifar10 import read_batch, read_class_names
from sweep.errors import DataError
from tests.data.cifar10_writer import (
    CLASSES,
    META,
    TEST,
    TRAINING,
    batch,
    meta,
    present,
    published,
    with_strings,
    write_cifar10,
)

FOLDER = "cifar-10-batches-py"
FILES = [*TRAINING, TEST, META]
WRITERS = [published, present, with_strings]
BELOW = [".", FOLDER, "cifar10", f"cifar10/{FOLDER}"]
PLACES = [Path(os.environ.get("SWEEP_DATA") or ".") / below for below in BELOW]
REAL = next((folder for folder in PLACES if (folder / TEST).exists()), None)


@pytest.fixture
def small(tmp_path):
    """The folder with the seven files, of a few random images each."""
    write_cifar10(tmp_path / FOLDER)
    return tmp_path / FOLDER


@pytest.fixture
def refuse(tmp_path, refused):
    """Asserts that a reader refuses a file of this content."""

    def check(reader, content, *parts):
        path = tmp_path / "file"
        path.write_bytes(content)
        with refused(path, *parts):
            reader(path)

    return check


def assert_holds(dataset, batches):
    training = [batches[name] for name in TRAINING]
    np.testing.assert_array_equal(dataset.train.x, np.concatenate([content["data"] for content in training]))
    assert dataset.train.t.tolist() == [label for content in training for label in content["labels"]]
    np.testing.assert_array_equal(dataset.test.x, batches[TEST]["data"])
    assert dataset.test.t.tolist() == batches[TEST]["labels"]
    for part in ("train", "test"):
        x, t = dataset.parts[part].x, dataset.parts[part].t
        assert (x.dtype, t.dtype) == (np.uint8, np.int64)
        assert x.flags.c_contiguous


class TestFolders:
    @pytest.mark.parametrize("write", WRITERS)
    @pytest.mark.parametrize("below", BELOW)
    def test_the_batches_are_found_and_read_in_order(self, tmp_path, write, below):
        batches = write_cifar10(tmp_path / below, write)
        dataset = open_dataset(prepare("cifar10", folder=tmp_path))
        assert_holds(dataset, batches)
        assert dataset.name == "cifar10"
        assert dataset.shape == (3, 32, 32)
        assert dataset.class_names == tuple(CLASSES)

    def test_the_environment_names_the_folder(self, small, monkeypatch):
        monkeypatch.setenv("SWEEP_DATA", str(small))
        assert len(open_dataset(prepare("cifar10")).train.x) == 3 + 4 + 5 + 6 + 7

    def test_without_a_folder_nothing_is_searched(self, refused):
        with refused(FOLDER, 'with data="DIR"', "SWEEP_DATA"):
            prepare("cifar10")

    @pytest.mark.parametrize("folder", [".", "nowhere"])
    def test_missing_files_are_refused_with_the_folders_searched(self, tmp_path, refused, folder):
        parts = (
            "data_batch_1, data_batch_2",
            f"{FOLDER}, cifar10 and cifar10/{FOLDER}",
            'with data="DIR"',
            "SWEEP_DATA",
        )
        with refused(tmp_path / folder, *parts):
            prepare("cifar10", folder=tmp_path / folder)

    @pytest.mark.parametrize("name", FILES)
    def test_one_missing_file_is_named(self, small, refused, name):
        (small / name).unlink()
        with refused(small, f"but not {name}:", "unpack"):
            prepare("cifar10", folder=small.parent)

    @pytest.mark.parametrize("below", [".", "cifar10", "with a space"])
    def test_the_way_to_unpack_the_archive_is_told(self, tmp_path, below):
        root = tmp_path / below if "space" in below else tmp_path
        archive = tmp_path / below / "cifar-10-python.tar.gz"
        archive.parent.mkdir(exist_ok=True)
        batches = write_cifar10(tmp_path / "elsewhere" / FOLDER)
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(tmp_path / "elsewhere" / FOLDER, FOLDER)
        for given in (root, archive):
            with pytest.raises(DataError, match="is not unpacked yet") as caught:
                prepare("cifar10", folder=given)
            _, command, _ = str(caught.value).split("`")
        subprocess.run(shlex.split(command), check=True)
        assert_holds(open_dataset(prepare("cifar10", folder=root)), batches)


class TestBatches:
    @pytest.mark.parametrize("write", WRITERS)
    @pytest.mark.parametrize("samples", [1, 2, 1001])
    def test_any_number_of_samples_is_read(self, tmp_path, write, samples):
        written = batch(samples)
        (tmp_path / "file").write_bytes(write(written))
        x, t = read_batch(tmp_path / "file")
        np.testing.assert_array_equal(x, written["data"])
        assert t.tolist() == written["labels"]
        assert (x.dtype, t.dtype) == (np.uint8, np.int64)
        assert x.flags.c_contiguous
        assert x.flags.owndata

    @pytest.mark.parametrize("write", WRITERS)
    def test_images_stored_column_by_column_are_turned(self, tmp_path, write):
        written = batch(4)
        written["data"] = np.asfortranarray(written["data"])
        (tmp_path / "file").write_bytes(write(written))
        x, _ = read_batch(tmp_path / "file")
        np.testing.assert_array_equal(x, written["data"])
        assert x.flags.c_contiguous

    @pytest.mark.parametrize("write", WRITERS)
    @pytest.mark.parametrize(
        ("changed", "part"),
        [
            ({"data": np.zeros((3, 3072), np.int8)}, "type uint8"),
            ({"data": np.zeros((3, 3072), np.float32)}, "type uint8"),
            ({"data": [0, 1, 2]}, "type uint8"),
            ({"data": np.zeros((3, 3071), np.uint8)}, "(3, 3071)"),
            ({"data": np.zeros((3, 3, 32, 32), np.uint8)}, "(3, 3, 32, 32)"),
            ({"data": np.zeros(3072, np.uint8)}, "(3072,)"),
            ({"data": np.zeros((0, 3072), np.uint8), "labels": []}, "(0, 3072)"),
            ({"data": np.zeros((4, 3072), np.uint8)}, "4 images but 3 labels"),
            ({"labels": [1, 2]}, "3 images but 2 labels"),
            ({"labels": []}, "3 images but 0 labels"),
            ({"labels": [1, 10, 2]}, "label 10 at index 1"),
            ({"labels": [1, 2, -1]}, "label -1 at index 2"),
            ({"labels": [True, 1, 1]}, "type bool at index 0"),
            ({"labels": [1, None, 1]}, "type NoneType at index 1"),
            ({"labels": [1, [2], 1]}, "type list at index 1"),
            ({"labels": ["1", "2", "3"]}, "at index 0"),
            ({"labels": {1: 1}}, "labels is not a list"),
            ({"labels": np.zeros(3, np.uint8)}, "labels is not a list"),
        ],
    )
    def test_wrong_images_and_labels_are_refused(self, refuse, write, changed, part):
        refuse(read_batch, write(batch(3) | changed), part)

    @pytest.mark.parametrize("labels", [[1.0, 2.0, 3.0], [2**40, 0, 0], list(np.arange(3)), (1, 2, 3)])
    def test_labels_of_other_types_are_refused(self, refuse, labels):
        refuse(read_batch, present(batch(3, labels=labels)))

    @pytest.mark.parametrize("name", ["data", "labels"])
    @pytest.mark.parametrize("write", WRITERS)
    def test_a_missing_entry_is_named(self, refuse, write, name):
        content = batch(3)
        content[f"fine_{name}"] = content.pop(name)
        refuse(read_batch, write(content), f"no entry {name}")

    @pytest.mark.parametrize("content", [None, [], ["data", "labels"], "data", 5])
    def test_anything_but_a_dictionary_is_refused(self, refuse, content):
        refuse(read_batch, present(content), "not a file of CIFAR-10")


class TestClassNames:
    def test_the_published_file_is_read_byte_for_byte(self, tmp_path):
        content = published(meta())
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() == "5ff9c542aee3614f3951f8cda6e48888"
        (tmp_path / META).write_bytes(content)
        assert read_class_names(tmp_path / META) == tuple(CLASSES)

    @pytest.mark.parametrize("write", WRITERS)
    def test_names_are_text_of_any_language(self, tmp_path, write):
        names = ["Löwe", "T-shirt/top", "猫", *"1234567"]
        (tmp_path / META).write_bytes(write(meta(label_names=names)))
        assert read_class_names(tmp_path / META) == tuple(names)

    @pytest.mark.parametrize(
        "names",
        [
            CLASSES[:9],
            [*CLASSES, "eleventh"],
            [*CLASSES[:9], "cat"],
            [*CLASSES[:9], ""],
            [*CLASSES[:9], "  "],
            [*CLASSES[:9], "a\nb"],
            [*CLASSES[:9], "\x1b[2J"],
            [*CLASSES[:9], 5],
            [*CLASSES[:9], None],
            [*CLASSES[:9], ["truck"]],
            [],
            "0123456789",
            None,
            dict.fromkeys(CLASSES, 1),
        ],
    )
    @pytest.mark.parametrize("write", WRITERS)
    def test_they_must_be_ten_different_names(self, refuse, write, names):
        refuse(read_class_names, write(meta(label_names=names)), "must be 10 different names")

    @pytest.mark.parametrize("name", [b"\xff\xfe", "\ud800"])
    def test_they_must_be_unicode(self, refuse, name):
        content = meta(label_names=[*CLASSES[:9], name])
        refuse(read_class_names, pickle.dumps(content, protocol=4), "must be 10 different names")

    def test_a_batch_in_its_place_is_refused(self, refuse):
        refuse(read_class_names, published(batch(3)), "no entry label_names")
        refuse(read_batch, published(meta()), "no entry data")


class TestPreparing:
    @pytest.mark.parametrize("name", FILES)
    def test_a_damaged_file_is_refused_before_anything_is_cached(self, small, refused, cache, name):
        content = (small / name).read_bytes()
        for damaged in (b"", content[: len(content) // 2], content[:-1]):
            (small / name).write_bytes(damaged)
            with refused(small / name):
                prepare("cifar10", folder=small)
        assert not cache.exists()

    @pytest.mark.parametrize("name", FILES)
    def test_a_malicious_file_is_refused_and_runs_nothing(self, tmp_path, small, refused, cache, name):
        class Malice:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "marker"),)

        (small / name).write_bytes(pickle.dumps({"data": Malice(), "label_names": Malice()}, protocol=2))
        with refused(small / name, "mkdir"):
            prepare("cifar10", folder=small)
        assert not (tmp_path / "marker").exists()
        assert not cache.exists()

    @pytest.mark.parametrize("name", FILES)
    def test_changed_content_is_noticed(self, small, name):
        before = prepare("cifar10", folder=small)
        names = [*CLASSES[:9], "lorry"]
        (small / name).write_bytes(published(meta(label_names=names) if name == META else batch(2, seed=9)))
        after = prepare("cifar10", folder=small)
        assert after != before
        one, other = open_dataset(before), open_dataset(after)
        assert one.sha256 != other.sha256
        assert (one.class_names != other.class_names) == (name == META)
        assert (len(one.test.x) != len(other.test.x)) == (name == TEST)
        assert (len(one.train.x) != len(other.train.x)) == (name in TRAINING)

    def test_a_second_prepare_reads_nothing_but_the_bytes(self, small, monkeypatch):
        before = prepare("cifar10", folder=small)

        def fail(path):
            raise AssertionError("the source was parsed again")

        monkeypatch.setattr("sweep.data.formats.cifar10.unpickle", fail)
        assert prepare("cifar10", folder=small) == before


@pytest.mark.slow
@pytest.mark.skipif(REAL is None, reason="CIFAR-10 is not where SWEEP_DATA says")
def test_the_real_batches_are_balanced():
    dataset = open_dataset(prepare("cifar10", folder=REAL))
    assert np.bincount(dataset.train.t).tolist() == [5000] * 10
    assert np.bincount(dataset.test.t).tolist() == [1000] * 10
    assert dataset.class_names == tuple(CLASSES)
