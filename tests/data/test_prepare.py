import json
from pathlib import Path

import numpy as np
import pytest

from sweep.data import KINDS, open_dataset, prepare

TABLE = "a,label\n1,x\n2,y\n3,x\n4,y\n"


def write(folder, text=TABLE):
    folder.mkdir(exist_ok=True)
    (folder / "t.csv").write_text(text)


def values(path):
    dataset = open_dataset(path)
    return sorted(np.concatenate([dataset.train.x, dataset.test.x])[:, 0].tolist())


def test_an_unknown_kind_is_answered_with_the_valid_ones(refused):
    with refused("'minst'", "did you mean 'mnist'?"):
        prepare("minst")
    with refused("choose from", *KINDS):
        prepare("??")


@pytest.mark.parametrize(
    ("kind", "options", "part"),
    [
        ("csv", {"file": "t.csv"}, "missing a required argument: 'label'"),
        ("npz", {}, "missing a required argument: 'file'"),
        ("npz", {"file": "a", "lable": 1}, "unexpected keyword argument 'lable'"),
        ("mnist", {"file": "a"}, "unexpected keyword argument 'file'"),
        ("digits", {"file": "a"}, "unexpected keyword argument 'file'"),
    ],
)
def test_wrong_options_are_refused(refused, kind, options, part):
    with refused(kind, part):
        prepare(kind, **options)


def test_a_file_is_looked_for_in_folder_then_base_then_here(tmp_path, monkeypatch):
    folders = {name: tmp_path / name for name in ("folder", "base", "here")}
    for number, folder in enumerate(folders.values(), start=1):
        write(folder, TABLE.replace("4", str(number * 100)))
    monkeypatch.chdir(folders["here"])
    places = {"folder": folders["folder"], "base": folders["base"]}
    for number, folder in enumerate(folders.values(), start=1):
        assert values(prepare("csv", file="t.csv", label="label", **places))[-1] == number * 100
        (folder / "t.csv").unlink()


def test_the_environment_stands_in_for_the_folder(tmp_path, monkeypatch):
    write(tmp_path / "mine")
    write(tmp_path / "base", TABLE.replace("4", "5"))
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path / "mine"))
    assert values(prepare("csv", file="t.csv", label="label", base=tmp_path / "base")) == [1, 2, 3, 4]


def test_an_absolute_path_is_taken_as_it_is(tmp_path, refused):
    write(tmp_path / "folder")
    write(tmp_path / "mine", TABLE.replace("4", "5"))
    options = {"label": "label", "folder": tmp_path / "folder"}
    assert values(prepare("csv", file=str(tmp_path / "mine" / "t.csv"), **options)) == [1, 2, 3, 5]
    with refused(tmp_path / "t.csv", "is not there"):
        prepare("csv", file=tmp_path / "t.csv", **options)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch, refused):
    write(tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert values(prepare("csv", file="~/t.csv", label="label")) == [1, 2, 3, 4]
    with refused("~nobody-of-this-name/t.csv"):
        prepare("csv", file="~nobody-of-this-name/t.csv", label="label")


@pytest.mark.parametrize("file", ["t.csv", "", "x" * 5000, "a\0b", 5])
def test_a_missing_file_is_refused_with_the_folders_searched(tmp_path, refused, file):
    with refused(tmp_path / "data", tmp_path / "base", "the current folder", 'with data="DIR"', "SWEEP_DATA"):
        prepare("csv", file=file, label="label", folder=tmp_path / "data", base=tmp_path / "base")


def test_each_folder_searched_is_named_once(tmp_path, monkeypatch, refused):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    with refused("t.csv is not in the current folder:"):
        prepare("csv", file="t.csv", label="label", folder=tmp_path, base=Path())
    with refused("t.csv is not in data nor in the current folder:"):
        prepare("csv", file="t.csv", label="label", folder=tmp_path / "data", base=Path("data"))


def test_the_digest_depends_on_content_and_options_alone(tmp_path):
    table = TABLE.replace("x", "0").replace("y", "1")
    write(tmp_path / "one", table)
    write(tmp_path / "two", table)
    one, two = (prepare("csv", file=tmp_path / name / "t.csv", label="label") for name in ("one", "two"))
    assert one == two
    seen = {one}
    for options in (
        {"label": "a"},
        {"label": "label", "split_seed": 3},
        {"label": "label", "test_fraction": 0.5},
    ):
        seen.add(prepare("csv", file=tmp_path / "one" / "t.csv", **options))
    write(tmp_path / "one", table.replace("4", "5"))
    seen.add(prepare("csv", file=tmp_path / "one" / "t.csv", label="label"))
    assert len(seen) == 5
    assert len({open_dataset(folder).sha256 for folder in seen}) == 5


def test_defaults_and_their_values_are_the_same(tmp_path):
    write(tmp_path)
    file = tmp_path / "t.csv"
    explicit = prepare("csv", file=file, label="label", test_fraction=0.25, split_seed=0)
    assert prepare("csv", file=file, label="label") == explicit


@pytest.mark.parametrize("kind", ["mnist", "digits", "csv", "npz"])
def test_a_second_prepare_reads_nothing_but_the_bytes(kind, small_mnist, tmp_path, monkeypatch):
    write(tmp_path)
    np.savez(tmp_path / "a.npz", x_train=np.ones((2, 2)), t_train=[0, 1], x_test=np.ones((2, 2)), t_test=[0, 1])
    options = {"csv": {"file": "t.csv", "label": "label"}, "npz": {"file": "a.npz"}}.get(kind, {})
    prepared = prepare(kind, folder=small_mnist, base=tmp_path, **options)
    stamps = {path: path.stat().st_mtime_ns for path in prepared.iterdir()}

    def fail(*args, **kwargs):
        raise AssertionError("the source was parsed again")

    import pandas as pd
    import sklearn.datasets

    for module, name in [
        (np, "load"),
        (pd, "read_csv"),
        (sklearn.datasets, "load_digits"),
        ("sweep.data.formats.mnist", "read_images"),
        ("sweep.data.cache", "store"),
    ]:
        if isinstance(module, str):
            monkeypatch.setattr(f"{module}.{name}", fail)
        else:
            monkeypatch.setattr(module, name, fail)
    assert prepare(kind, folder=small_mnist, base=tmp_path, **options) == prepared
    assert {path: path.stat().st_mtime_ns for path in prepared.iterdir()} == stamps


def test_the_meta_file_can_be_read_by_anyone(small_mnist):
    folder = prepare("mnist", folder=small_mnist)
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["name"] == "mnist"
    assert meta["shape"] == [1, 28, 28]
    assert folder.name == f"mnist-{meta['sha256'][:16]}"
