"""Snapshots of the network trainer: copied from it, checked against it, and put back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.errors import WeightsError
from sweep.nn.layer import Array
from sweep.system.arithmetic import ARITHMETIC, arithmetic_of
from sweep.training.checkpoint import Snapshot

if TYPE_CHECKING:
    from sweep.training.loop import NetworkTrainer


def take(trainer: NetworkTrainer, about: Mapping[str, Any]) -> Snapshot:
    """Return a snapshot of a trainer, which later training does not change.

    Its arrays are `parameters.<layer>` (a layer's own array, whose last column is its biases), `states.<layer>.<field>`
    and `optimizer.<layer or "all">.<field>`; its state is `generators`, as NumPy gives their states, and the version of
    the `arithmetic`.
    """
    arrays = {name: np.array(leaf) for name, leaf in _leaves(_tree(trainer))}
    generators = {name: rng.bit_generator.state for name, rng in _generators(trainer).items()}
    state = {"generators": generators, "arithmetic": ARITHMETIC}
    return Snapshot(trainer.state.epoch, arrays, state, about)


def put(snapshot: Snapshot, trainer: NetworkTrainer) -> None:
    """Set a trainer, and through it its network, to the state of a snapshot.

    Raises:
        WeightsError: when the snapshot is of another network or optimizer; the trainer is unchanged then.
    """
    tree, training = _tree(trainer), trainer.state
    arrays = _checked(snapshot.arrays, tree)
    generators = _restored_generators(snapshot.state.get("generators"), trainer)
    for name, params in tree["parameters"].items():
        if params is not None:
            np.copyto(params, arrays[f"parameters.{name}"])
    training.layer_states = tuple(_rebuilt(tree["states"], arrays, "states").values())
    upgrade, version = trainer.settings.optimizer.upgrade, arithmetic_of(snapshot.state)
    states = _rebuilt(tree["optimizer"], arrays, "optimizer").values()
    training.optimizer_states = [None if state is None else upgrade(state, version) for state in states]
    training.rng, training.shuffling = generators["layers"], generators["shuffling"]
    training.epoch = snapshot.epoch


def check(snapshot: Snapshot, trainer: NetworkTrainer) -> None:
    """Check that a snapshot's arrays have the names, shapes and types of a trainer's.

    Raises:
        WeightsError: when it is of another network or optimizer.
    """
    _checked(snapshot.arrays, _tree(trainer))


def _tree(trainer: NetworkTrainer) -> dict[str, Any]:
    """Return views of all arrays and numbers that training changes, in nested containers."""
    layers, training = trainer.settings.network.layers, trainer.state
    return {
        "parameters": dict(zip(layers, trainer.params, strict=True)),
        "states": dict(zip(layers, training.layer_states, strict=True)),
        "optimizer": dict(zip(trainer.updated, training.optimizer_states, strict=True)),
    }


def _generators(trainer: NetworkTrainer) -> dict[str, np.random.Generator]:
    return {"layers": trainer.state.rng, "shuffling": trainer.state.shuffling}


def _restored_generators(states: Any, trainer: NetworkTrainer) -> dict[str, np.random.Generator]:
    generators = copy.deepcopy(_generators(trainer))
    for name, rng in generators.items():
        try:
            rng.bit_generator.state = states[name]
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"the weights lack the state of the generator {name}; run the experiment again under another name"
            ) from error
    return generators


def _members(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, member) of a container; nothing for a leaf."""
    if isinstance(tree, dict):
        yield from tree.items()
    elif isinstance(tree, tuple | list):
        names = getattr(tree, "_fields", range(len(tree)))
        yield from zip(map(str, names), tree, strict=True)


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, array or number) of each leaf of a tree, None left out."""
    if tree is not None and not isinstance(tree, dict | tuple | list):
        yield path, tree
    for name, member in _members(tree):
        yield from _leaves(member, f"{path}.{name}" if path else name)


def _rebuilt(tree: Any, arrays: Mapping[str, Array], path: str) -> Any:
    """Return a tree of the same containers with its leaves taken from `arrays`."""
    if tree is None:
        return None
    members = [_rebuilt(member, arrays, f"{path}.{name}") for name, member in _members(tree)]
    if isinstance(tree, dict):
        return dict(zip(tree, members, strict=True))
    if isinstance(tree, tuple | list):
        return type(tree)(*members) if hasattr(tree, "_fields") else type(tree)(members)
    array = arrays[path]
    return array.copy() if isinstance(tree, np.ndarray) else type(tree)(array.item())


def _checked(arrays: Mapping[str, Array], tree: dict[str, Any]) -> Mapping[str, Array]:
    """Return a snapshot's arrays by their present names, with names, shapes and types checked."""
    arrays = _renamed(arrays, tree["optimizer"])
    expected = dict(_leaves(tree))
    for name, leaf in expected.items():
        if name not in arrays:
            raise WeightsError(f"the weights are of another network: they lack {name}")
        kept, wanted = arrays[name], np.asarray(leaf)
        if (kept.shape, kept.dtype) != (wanted.shape, wanted.dtype):
            raise WeightsError(
                f"the weights are of another network: {name} is {_described(kept)}, but this one needs "
                f"{_described(wanted)}"
            )
    if extra := sorted(arrays.keys() - expected.keys()):
        raise WeightsError(f"the weights are of another network: this one has no {extra[0]}")
    return arrays


def _renamed(arrays: Mapping[str, Array], states: dict[str, Any]) -> Mapping[str, Array]:
    """Give arrays of format 1, `optimiser.<number>.<position>`, the names of format 2.

    Its work array is left out.

    That array stood after those of the state, and before its numbers.
    """
    if not any(name.startswith("optimiser.") for name in arrays):
        return arrays
    renamed = dict(arrays)
    for number, (name, state) in enumerate(states.items()):
        leaves = list(_leaves(state, f"optimizer.{name}"))
        work = sum(isinstance(leaf, np.ndarray) for _, leaf in leaves)
        positions = [position for position in range(len(leaves) + 1) if position != work]
        old = [f"optimiser.{number}.{position}" for position in positions]
        if leaves and all(name in renamed for name in old):
            renamed.pop(f"optimiser.{number}.{work}", None)
            renamed |= {new: renamed.pop(name) for name, (new, _) in zip(old, leaves, strict=True)}
    return renamed


def _described(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape}"
