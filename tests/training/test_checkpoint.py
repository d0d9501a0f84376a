"""Checkpoint files: read as they were written, by NumPy too; nothing foreign or damaged is read."""

import io
import json

import numpy as np
import pytest
from hypothesis import given as randomly
from hypothesis import strategies as st

from sweep.errors import WeightsError
from sweep.training import checkpoint, snapshots
from tests.training.test_snapshots import ABOUT, given, stopped_after


def test_the_file_can_be_read_with_numpy_alone(tmp_path):
    path = tmp_path / "new" / "12-1.npz"
    trainer = stopped_after(2, given())
    checkpoint.write(snapshots.take(trainer, ABOUT), path)

    with np.load(path, allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["parameters.hidden[0]"], trainer.params[0])
        assert archive["parameters.hidden[0]"].shape == (7, 6 + 1)
        assert archive["states.norm.batches"] == 2 * 7
        assert json.loads(str(archive["about"]))["about"] == ABOUT
    assert [file.name for file in path.parent.iterdir()] == ["12-1.npz"]


def test_a_damaged_file_is_answered_with_one_sentence(tmp_path):
    path = tmp_path / "12-1.npz"
    checkpoint.write(snapshots.take(stopped_after(1, given()), ABOUT), path)
    content = path.read_bytes()
    flipped = bytearray(content)
    flipped[content.index(trainer_bytes(path)) + 3] ^= 1
    damaged = {
        "empty": b"",
        "foreign": b"not an archive",
        "one array": npy(),
        "flipped": bytes(flipped),
        **{f"cut at {k}": content[: len(content) * k // 10] for k in range(1, 10)},
    }
    for what, given_content in damaged.items():
        path.write_bytes(given_content)
        with pytest.raises(WeightsError, match=r"12-1.npz cannot be read .*back from a backup, or run") as caught:
            checkpoint.read(path)
        assert "\n" not in str(caught.value), what
        assert "allow_pickle" not in str(caught.value), what


def trainer_bytes(path):
    with np.load(path) as archive:
        return archive["parameters.output"].tobytes()


def npy():
    stream = io.BytesIO()
    np.save(stream, np.zeros(3))
    return stream.getvalue()


def test_pickled_objects_are_not_loaded(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, about=np.array([{"format": 2}], dtype=object))
    with pytest.raises(WeightsError, match="cannot be read"):
        checkpoint.read(path)


def test_missing_and_newer_files_and_places_that_cannot_be_written_are_named(tmp_path):
    with pytest.raises(WeightsError, match="are gone; bring the file back"):
        checkpoint.read(tmp_path / "no.npz")

    np.savez(tmp_path / "new.npz", about=np.array(json.dumps({"format": 99})))
    with pytest.raises(WeightsError, match="newer sweep; upgrade"):
        checkpoint.read(tmp_path / "new.npz")

    (tmp_path / "file").write_text("")
    taken = snapshots.take(stopped_after(0, given()), ABOUT)
    with pytest.raises(WeightsError, match=r"folder .* cannot be made"):
        checkpoint.write(taken, tmp_path / "file" / "x.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(WeightsError, match="cannot write"):
        checkpoint.write(taken, tmp_path / "folder.npz")


# What users' own trainers save

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.integers())


@randomly(values=st.dictionaries(NAMES | st.sampled_from(["about", "file", "allow_pickle", "x/y", "a.npy"]), VALUES))
def test_a_mapping_comes_back_as_it_was(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "x.npz"
    checkpoint.write(checkpoint.pack(3, values, ABOUT), path)
    again = checkpoint.read(path)
    assert (again.epoch, again.about) == (3, ABOUT)
    assert checkpoint.unpack(again) == values


@pytest.mark.parametrize("name", ["w", "about", "file", "allow_pickle", "arrays.x", "layer/0"])
def test_arrays_of_any_name_and_type_come_back_bit_for_bit(name, tmp_path):
    rng = np.random.default_rng(0)
    for value in (rng.normal(size=(3, 2)), np.arange(3, dtype=np.int8), np.float32(0.1), np.array(["a", "bc"])):
        checkpoint.write(checkpoint.pack(1, {name: value, "step": 7}, {}), tmp_path / "x.npz")
        found = checkpoint.unpack(checkpoint.read(tmp_path / "x.npz"))
        assert found.keys() == {name, "step"}
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
        assert found[name].tobytes() == value.tobytes()


def test_a_packed_array_is_a_copy():
    array = np.zeros(3)
    packed = checkpoint.pack(1, {"w": array}, {})
    array += 1
    assert not checkpoint.unpack(packed)["w"].any()


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), b"bytes", [np.zeros(3)]])
def test_what_cannot_be_saved_is_named(value):
    with pytest.raises(WeightsError, match=r"the state 'model' cannot be saved .* save arrays, numbers"):
        checkpoint.pack(1, {"model": value}, {})
