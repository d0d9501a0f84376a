"""Checkpoint files: read as they were written, by NumPy too; nothing foreign or damaged is read."""

import io
import json
import os

import numpy as np
import pytest
from hypothesis import given as randomly
from hypothesis import strategies as st

from sweep.errors import WeightsError
from sweep.training import checkpoint, snapshots, state
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
    with pytest.raises(WeightsError, match=r"cannot make the folder .*; choose another place"):
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
    checkpoint.write(state.pack(3, values, ABOUT), path)
    again = checkpoint.read(path)
    assert (again.epoch, again.about) == (3, ABOUT)
    assert state.unpack(again) == values


@pytest.mark.parametrize("name", ["w", "about", "file", "allow_pickle", "arrays.x", "layer/0"])
def test_arrays_of_any_name_and_type_come_back_bit_for_bit(name, tmp_path):
    rng = np.random.default_rng(0)
    for value in (rng.normal(size=(3, 2)), np.arange(3, dtype=np.int8), np.float32(0.1), np.array(["a", "bc"])):
        checkpoint.write(state.pack(1, {name: value, "step": 7}, {}), tmp_path / "x.npz")
        found = state.unpack(checkpoint.read(tmp_path / "x.npz"))
        assert found.keys() == {name, "step"}
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
        assert found[name].tobytes() == value.tobytes()


def test_a_packed_array_is_a_copy():
    array = np.zeros(3)
    packed = state.pack(1, {"w": array}, {})
    array += 1
    assert not state.unpack(packed)["w"].any()


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), {(1, 2): 3}])
def test_what_cannot_be_saved_is_named(value):
    with pytest.raises(WeightsError, match=r"the state 'model' cannot be saved .* save arrays, tensors, numbers"):
        state.pack(1, {"model": value}, {})


# Nested values

LEAVES = VALUES | st.binary(max_size=9) | st.tuples(st.integers(), st.text())
NESTED = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES | st.integers(), inner, max_size=3), max_leaves=6)


@randomly(values=st.dictionaries(NAMES, NESTED, max_size=4))
def test_nested_values_come_back_as_they_were(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "x.npz"
    checkpoint.write(state.pack(3, values, ABOUT), path)
    for found in (state.unpack(checkpoint.read(path)), state.unpack(state.pack(3, values, ABOUT))):
        assert found == values
        assert repr(found) == repr(values)


def test_arrays_of_like_names_stay_apart(tmp_path):
    values = {"a.b": np.arange(2), "a": {"b": np.arange(3), "b_": np.arange(4)}}
    checkpoint.write(state.pack(1, values, {}), tmp_path / "x.npz")
    found = state.unpack(checkpoint.read(tmp_path / "x.npz"))
    assert [len(found["a.b"]), len(found["a"]["b"]), len(found["a"]["b_"])] == [2, 3, 4]


def test_the_state_of_a_torch_network_and_its_optimizer_comes_back(tmp_path):
    torch = pytest.importorskip("torch") if not os.environ.get("CI") else __import__("torch")
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1, betas=(0.8, 0.9))

    def step():
        optimizer.zero_grad()
        network(torch.ones(5, 3) * torch.arange(5.0)[:, None]).square().sum().backward()
        optimizer.step()
        return [parameter.detach().clone() for parameter in network.parameters()]

    step()
    saved = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}
    checkpoint.write(state.pack(1, saved, {}), tmp_path / "x.npz")
    expected = step()
    found = state.unpack(checkpoint.read(tmp_path / "x.npz"))
    network.load_state_dict(found["network"])
    optimizer.load_state_dict(found["optimizer"])
    torch.set_rng_state(found["rng"])
    assert all(map(torch.equal, step(), expected))


def test_what_comes_back_shares_no_memory_with_what_was_saved():
    packed = state.pack(1, {"w": np.zeros(2)}, {})
    state.unpack(packed)["w"] += 1
    assert not state.unpack(packed)["w"].any()


def test_files_from_before_nested_values_are_read():
    old = checkpoint.Snapshot(2, {"arrays.w": np.arange(3), "arrays.b": np.array(np.void(b"x\0"))}, {"n": {"a": 1}}, {})
    found = state.unpack(old)
    assert (found["w"].tolist(), found["b"], found["n"]) == ([0, 1, 2], b"x\0", {"a": 1})
