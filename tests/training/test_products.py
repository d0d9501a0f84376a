"""How networks multiply is measured once on a machine, recorded with a sweep, and taken from there ever after."""

import pytest

import sweep
from sweep.errors import DataError
from sweep.nn.layers import affine
from sweep.runner import prepare
from sweep.training import products
from sweep.training.products import chosen, products_of
from tests.engine_here import training_here

SMALL = ["trials=1", "training.epochs=2", "network.hidden=[20]", "batch_size=60"]


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ({"products": "narrow", "blas": "openblas 0.3.30 Haswell"}, "narrow"),
        ({"products": "wide", "blas": "openblas 0.3.30 SkylakeX"}, "wide"),
        ({"blas": "openblas 0.3.30 SkylakeX, openblas 0.3.31 SkylakeX"}, "narrow"),
        ({"blas": "openblas 0.3.30 Haswell"}, "wide"),
        ({"products": "of another version"}, "wide"),
        ({}, "wide"),
    ],
)
def test_a_sweep_goes_on_as_it_was_begun(recorded, expected):
    assert products_of(recorded) == expected


@pytest.fixture
def measured(monkeypatch):
    """What each measurement gives, the last one first; a measurement too many fails."""
    found = ["narrow"]
    monkeypatch.setattr(products, "faster", found.pop)
    return found


def test_it_is_measured_once_on_a_machine(measured, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "new" / "cache"))
    assert [chosen(), chosen()] == ["narrow", "narrow"]
    measured.append("wide")
    monkeypatch.setattr(products, "environment", lambda: {"numpy": "9", "blas": "another", "cpu": "another"})
    assert [chosen(), chosen()] == ["wide", "wide"]


def test_a_damaged_file_is_written_again(measured, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path))
    chosen()
    (file,) = tmp_path.iterdir()
    for damage in (b"", b"\xff\xfe", b"wider"):
        file.write_bytes(damage)
        measured.append("wide")
        assert chosen() == "wide"
        assert file.read_text() == "wide"


def test_without_a_cache_it_is_measured_each_time(measured, tmp_path, monkeypatch):
    def nowhere():
        raise DataError("this user has no home folder")

    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "file" / "below"))
    measured[:] = ["wide", "narrow", "wide", "narrow"]
    assert [chosen(), chosen()] == ["narrow", "wide"]
    monkeypatch.setattr(products, "cache_folder", nowhere)
    assert [chosen(), chosen()] == ["narrow", "wide"]


@pytest.fixture
def taken(monkeypatch):
    """The products that layers have taken."""
    found, width = set(), affine.width
    monkeypatch.setattr(affine, "width", lambda *arguments: (found.add(arguments[-1]), width(*arguments))[1])
    return found


@pytest.mark.parametrize("form", ["narrow", "wide"])
def test_all_of_a_sweep_multiplies_as_recorded(form, taken, tmp_path, monkeypatch):
    other = {"narrow": "wide", "wide": "narrow"}[form]
    database = tmp_path / "sweeps.db"
    monkeypatch.setattr(prepare, "chosen", lambda: form)
    with training_here():
        found = sweep.run("digits-quickstart", overrides=SMALL, db=database)
        assert found.record.environment["products"] == form
        assert taken == {form}
        monkeypatch.setattr(prepare, "chosen", lambda: other)
        grown = sweep.enlarge(2, db=database)
    assert sweep.verify(grown.pack(tmp_path / "sweep.zip").file, share=1.0).is_verified
    assert grown.record.environment["products"] == form
    assert taken == {form}
