import dataclasses
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sweep.data import Dataset, Part, open_dataset, prepare
from sweep.data.cache import add, cache_folder, contents, find, question, store
from sweep.data.dataset import Target
from sweep.data.encoding import Column, Encoding

ROOT = Path(__file__).parents[2]
SHA = "0123456789abcdef" * 4


def arrays():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (7, 6), np.uint8),
        "t_train": rng.integers(0, 2, 7),
        "x_test": rng.integers(0, 256, (3, 6), np.uint8),
        "t_test": rng.integers(0, 2, 3),
    }


def parts():
    return {name: Part(arrays()[f"x_{name}"], arrays()[f"t_{name}"]) for name in ("train", "test")}


def keep(name="mine", sha256=SHA):
    return store(Dataset(name, parts(), "classification", ("no", "yes"), (1, 2, 3), sha256))


def assert_intact(folder):
    dataset = open_dataset(folder)
    for name, array in arrays().items():
        np.testing.assert_array_equal(getattr(dataset.parts[name[2:]], name[0]), array)


def test_what_is_stored_is_opened(cache):
    folder = keep()
    assert folder == cache / "mine-0123456789abcdef"
    dataset = open_dataset(folder)
    assert_intact(folder)
    assert (dataset.name, dataset.sha256) == ("mine", SHA)
    assert dataset.class_names == ("no", "yes")
    assert dataset.shape == (1, 2, 3)
    assert find("mine", SHA) == folder
    assert [path.name for path in cache.iterdir()] == [folder.name]


def test_arrays_are_plain_read_only_views_of_memory_maps():
    folder = keep()
    dataset = open_dataset(folder)
    for name in arrays():
        array = getattr(dataset.parts[name[2:]], name[0])
        assert type(array) is np.ndarray
        assert isinstance(array.base, np.memmap)
        assert Path(array.base.filename) == folder / f"{name}.npy"
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset.name = "other"


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux to list memory maps")
def test_two_processes_map_the_same_file():
    folder = keep()
    dataset = open_dataset(folder)
    code = (
        "import sys; from pathlib import Path; from sweep.data import open_dataset;"
        "dataset = open_dataset(Path(sys.argv[1])); print(open('/proc/self/maps').read())"
    )
    command = [sys.executable, "-c", code, str(folder)]
    theirs = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    ours = Path("/proc/self/maps").read_text()

    def mapped(maps):
        lines = [line.split() for line in maps.splitlines() if str(folder) in line]
        return {(path, inode, mode) for _, mode, _, _, inode, path in lines}

    assert len(mapped(ours)) == len(arrays())
    assert mapped(ours) == mapped(theirs)
    assert {mode for _, _, mode in mapped(ours)} == {"r--s"}
    assert len(dataset.train.x) == 7


def everything():
    """A regression with a validation part and an encoding."""
    rng = np.random.default_rng(0)
    drawn = {
        name: Part(rng.normal(size=(rows, 2)), rng.normal(size=rows)) for name, rows in (("train", 5), ("test", 2))
    }
    drawn["validation"] = Part(np.zeros((1, 2)), np.zeros(1))
    encoding = Encoding((Column("a", median=0.1), Column("ä", levels=("x",))))
    return Dataset("mine", drawn, "regression", (), (2,), SHA, Target(0.1, 1 / 3), encoding)


def test_every_field_is_kept():
    given = everything()
    kept = open_dataset(store(given))
    assert list(kept.parts) == ["train", "test", "validation"]
    for name, part in given.parts.items():
        np.testing.assert_array_equal(kept.parts[name].x, part.x)
        np.testing.assert_array_equal(kept.parts[name].t, part.t)
    for field in dataclasses.fields(Dataset):
        if field.name != "parts":
            assert getattr(kept, field.name) == getattr(given, field.name)
    assert find("mine", SHA)


def test_a_damaged_validation_part_is_noticed():
    folder = store(everything())
    (folder / "x_validation.npy").write_bytes((folder / "x_validation.npy").read_bytes()[:-1] + b"\1")
    assert find("mine", SHA) is None


def test_the_question_is_kept():
    assert question(keep()) is None
    assert question(store(dataclasses.replace(everything(), sha256="1" * 64), "Which?")) == "Which?"


def test_an_entry_of_the_first_format_is_rebuilt(small_mnist):
    folder = prepare("mnist", folder=small_mnist)
    damage_meta(format=1, parts=None, task=None, target=None, encoding=None, question=None)(folder)
    assert prepare("mnist", folder=small_mnist) == folder
    assert json.loads((folder / "meta.json").read_text())["format"] == 3


def test_an_entry_is_moved_to_another_machine(monkeypatch, tmp_path, refused):
    folder = store(everything())
    files = contents(str(folder))
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "elsewhere"))
    moved = add(folder.name, files)
    assert moved == tmp_path / "elsewhere" / folder.name
    np.testing.assert_array_equal(open_dataset(moved).parts["validation"].x, np.zeros((1, 2)))
    for wrong in (files | {"x.npy": b""}, {"meta.json": b""}, {k: v for k, v in files.items() if k != "x_test.npy"}):
        with refused("are not a data set"):
            add(folder.name, wrong)


def damage_meta(**changed):
    def damage(folder):
        meta = json.loads((folder / "meta.json").read_text()) | changed
        (folder / "meta.json").write_text(json.dumps({k: v for k, v in meta.items() if v is not None}))

    return damage


def flip_last_byte(folder):
    with (folder / "x_train.npy").open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        byte = stream.read(1)[0]
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([byte ^ 1]))


SEEN_WHEN_OPENED = {
    "no array": lambda folder: (folder / "t_test.npy").unlink(),
    "short array": lambda folder: os.truncate(folder / "x_train.npy", 130),
    "empty array": lambda folder: os.truncate(folder / "x_train.npy", 0),
    "foreign array": lambda folder: (folder / "x_test.npy").write_text("hello"),
    "pickled array": lambda folder: np.save(folder / "t_test.npy", np.array([None] * 3), allow_pickle=True),
    "other dtype": lambda folder: np.save(folder / "t_test.npy", np.ones(3)),
    "other rows": lambda folder: np.save(folder / "t_test.npy", np.ones(4, int)),
    "other features": lambda folder: np.save(folder / "x_train.npy", np.ones((7, 5))),
    "no meta": lambda folder: (folder / "meta.json").unlink(),
    "empty meta": lambda folder: os.truncate(folder / "meta.json", 0),
    "half a meta": lambda folder: os.truncate(folder / "meta.json", 40),
    "binary meta": lambda folder: (folder / "meta.json").write_bytes(b"\xff\xfe\0"),
    "list as meta": lambda folder: (folder / "meta.json").write_text("[]"),
    "meta of another version": damage_meta(format=0),
    "meta without names": damage_meta(class_names=None),
    "meta with a wrong shape": damage_meta(shape=[2, 2, 3]),
    "empty": lambda folder: [path.unlink() for path in folder.iterdir()],
}
SEEN_WHEN_PREPARED = {
    "a flipped bit": flip_last_byte,
    "no digests": damage_meta(digests=None),
    "other digests": damage_meta(digests={}),
    "strange digests": damage_meta(digests=5),
    "another data set": damage_meta(sha256="f" * 64),
}


@pytest.mark.parametrize("damage", SEEN_WHEN_OPENED.values(), ids=SEEN_WHEN_OPENED)
def test_opening_a_damaged_entry_is_refused(refused, damage):
    folder = keep()
    damage(folder)
    with refused(folder, "missing or damaged"):
        open_dataset(folder)


def test_opening_what_is_not_there_is_refused(refused, tmp_path):
    with refused(tmp_path / "none", "missing or damaged"):
        open_dataset(tmp_path / "none")


BOTH = SEEN_WHEN_OPENED | SEEN_WHEN_PREPARED


@pytest.mark.parametrize("damage", BOTH.values(), ids=BOTH)
def test_a_damaged_entry_is_not_found_and_stored_anew(cache, damage):
    folder = keep()
    damage(folder)
    assert find("mine", SHA) is None
    assert keep() == folder
    assert find("mine", SHA) == folder
    assert_intact(folder)
    assert [path.name for path in cache.iterdir()] == [folder.name]


def test_prepare_rebuilds_a_damaged_entry(small_mnist):
    folder = prepare("mnist", folder=small_mnist)
    before = np.array(open_dataset(folder).train.x)
    os.truncate(folder / "x_train.npy", 500)
    assert prepare("mnist", folder=small_mnist) == folder
    np.testing.assert_array_equal(open_dataset(folder).train.x, before)


def test_a_damaged_entry_may_be_removed_by_another_process_meanwhile(monkeypatch):
    folder = keep()
    (folder / "meta.json").unlink()

    def find_too_late(name, sha256):
        shutil.rmtree(folder)

    monkeypatch.setattr("sweep.data.cache.find", find_too_late)
    assert keep() == folder
    assert_intact(folder)


def test_open_maps_outlive_the_rebuilding():
    folder = keep()
    dataset = open_dataset(folder)
    (folder / "meta.json").unlink()
    keep()
    np.testing.assert_array_equal(dataset.train.x, arrays()["x_train"])


def test_who_comes_second_leaves_the_first_entry_alone():
    folder = keep()
    inode = (folder / "x_train.npy").stat().st_ino
    assert keep() == folder
    assert (folder / "x_train.npy").stat().st_ino == inode


@pytest.mark.parametrize("damaged", [False, True])
def test_many_at_once_leave_one_sound_entry(cache, damaged):
    if damaged:
        (keep() / "meta.json").unlink()
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: keep(), range(16)))
    assert folders == {cache / "mine-0123456789abcdef"}
    assert_intact(*folders)
    assert len(list(cache.iterdir())) == 1


def test_a_failure_leaves_nothing_behind(cache, monkeypatch, refused):
    def full(path, array, **kwargs):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with refused(cache, "No space left on device", "SWEEP_CACHE"):
        keep()
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_refused(tmp_path, monkeypatch, refused):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("SWEEP_CACHE", str(folder))
        with refused(folder, "cannot be written", "SWEEP_CACHE"):
            prepare("digits")


def test_the_folder_is_the_users_own_cache_by_default(monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", "")
    monkeypatch.setattr("sweep.data.cache.user_cache_path", lambda name: Path("/home/me/.cache") / name)
    assert cache_folder() == Path("/home/me/.cache/sweep")


@pytest.mark.parametrize("name", ["a/b", "../up", "naïve file", "x" * 300, ""])
def test_any_name_makes_a_folder_in_the_cache(cache, name):
    folder = keep(name)
    assert folder.parent == cache
    assert open_dataset(folder).name == name


def test_others_may_read_what_one_stored(cache):
    before = os.umask(0o022)
    try:
        folder = keep()
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "x_train.npy").stat().st_mode & 0o777 == 0o644
