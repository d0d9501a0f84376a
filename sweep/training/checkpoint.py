"""Checkpoints: all that changes while a network is trained, taken out of a trainer, written, read and put back."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweep.errors import SweepError, WeightsError
from sweep.nn.layer import Array
from sweep.system.files import write_whole
from sweep.training.loop import Trainer

FORMAT = 1
_ABOUT = "about"


@dataclass(frozen=True)
class Checkpoint:
    """A network as it stands after an epoch; training that goes on from it gives the bits of one without a stop."""

    epoch: int
    arrays: dict[str, Array]
    """Copies of the parameters, of what layers remember and of what the optimizer remembers, by dotted names such as
    `parameters.hidden[0]`: a layer's own array, whose last column is its biases."""
    generators: dict[str, Any]
    """State of each random number generator, as NumPy gives it."""
    about: Mapping[str, Any]
    """What the writer says of it; JSON."""


def take(trainer: Trainer, about: Mapping[str, Any]) -> Checkpoint:
    """Return a checkpoint that later training leaves alone."""
    arrays = {name: np.array(leaf) for name, leaf in _leaves(_tree(trainer))}
    generators = {name: rng.bit_generator.state for name, rng in _generators(trainer).items()}
    return Checkpoint(trainer.training.epoch, arrays, generators, about)


def put(checkpoint: Checkpoint, trainer: Trainer) -> None:
    """Set a trainer, and through it its network, to the moment of a checkpoint.

    Raises:
        WeightsError: when the checkpoint is of another network or optimizer; the trainer is unchanged then.
    """
    check(checkpoint, trainer)
    generators = _restored_generators(checkpoint.generators, trainer)
    tree, training = _tree(trainer), trainer.training
    for name, params in tree["parameters"].items():
        if params is not None:
            np.copyto(params, checkpoint.arrays[f"parameters.{name}"])
    training.layer_states = tuple(_rebuilt(tree["states"], checkpoint.arrays, "states").values())
    training.optimizer_states = _rebuilt(tree["optimiser"], checkpoint.arrays, "optimiser")
    training.rng, training.shuffling = generators["layers"], generators["shuffling"]
    training.epoch = checkpoint.epoch


def check(checkpoint: Checkpoint, trainer: Trainer) -> None:
    """Refuse a checkpoint whose arrays are not of the names, shapes and types of a trainer's.

    Raises:
        WeightsError: when it is of another network or optimizer.
    """
    _check(checkpoint.arrays, dict(_leaves(_tree(trainer))))


def write(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint as `.npz`, whole or not at all; its folder is made where it is missing.

    Raises:
        WeightsError: when it cannot be written.
    """
    head = {
        "format": FORMAT,
        "epoch": checkpoint.epoch,
        "generators": checkpoint.generators,
        "about": dict(checkpoint.about),
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{_ABOUT: np.array(json.dumps(head))}, **checkpoint.arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.getvalue())
    except OSError as error:
        raise WeightsError(f"the folder {path.parent} cannot be made: {error.strerror}") from error
    except SweepError as error:
        raise WeightsError(str(error)) from error


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        WeightsError: when the file is missing, damaged or no checkpoint.
    """
    try:
        with path.open("rb") as stream:
            if not zipfile.is_zipfile(stream):  # NumPy would take it for a pickle, and say how to load one
                raise ValueError("it is no .npz archive")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        head = json.loads(str(arrays.pop(_ABOUT)))
        if head["format"] != FORMAT:
            raise WeightsError(f"the weights in {path} were written by a newer sweep; upgrade sweep")
        return Checkpoint(int(head["epoch"]), arrays, dict(head["generators"]), dict(head["about"]))
    except WeightsError:
        raise
    except FileNotFoundError:
        raise WeightsError(f"the weights {path} are gone; bring the file back, or train the trial again") from None
    except Exception as error:  # whatever zipfile, zlib, json and NumPy raise on a damaged or foreign file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(
            f"the weights {path} cannot be read ({reason}); bring the file back from a backup, or train the trial again"
        ) from error


def _tree(trainer: Trainer) -> dict[str, Any]:
    """Return views of all that changes, in nested containers."""
    layers, training = trainer.settings.network.layers, trainer.training
    return {
        "parameters": dict(zip(layers, trainer.params, strict=True)),
        "states": dict(zip(layers, training.layer_states, strict=True)),
        "optimiser": training.optimizer_states,  # the name in files
    }


def _generators(trainer: Trainer) -> dict[str, np.random.Generator]:
    return {"layers": trainer.training.rng, "shuffling": trainer.training.shuffling}


def _restored_generators(states: Mapping[str, Any], trainer: Trainer) -> dict[str, np.random.Generator]:
    generators = copy.deepcopy(_generators(trainer))
    for name, rng in generators.items():
        try:
            rng.bit_generator.state = states[name]
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"the weights lack the state of the generator {name}; train the trial again") from error
    return generators


def _members(tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, member) of a container; nothing for a leaf."""
    if isinstance(tree, dict):
        yield from tree.items()
    elif isinstance(tree, tuple | list):
        names = getattr(tree, "_fields", range(len(tree)))
        yield from zip(map(str, names), tree, strict=True)


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, array or number) for all that a tree holds but None."""
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


def _check(arrays: Mapping[str, Array], expected: Mapping[str, Any]) -> None:
    """Refuse arrays that are not of the expected names, shapes and types."""
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


def _described(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape}"
