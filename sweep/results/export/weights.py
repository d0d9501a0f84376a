"""A trial's trained network, written for other programs: as arrays of NumPy, or as an ONNX graph."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sweep.errors import SweepError, UsageError
from sweep.experiment.sections import Configuration
from sweep.nn.layer import Array
from sweep.results.export.base import check_installed
from sweep.results.export.trained import TrainedNetwork, trained_network
from sweep.results.prediction import in_own_units, kept_network, outputs_of, probabilities
from sweep.system.files import check_place, write_whole
from sweep.training.loop import NetworkTrainer

if TYPE_CHECKING:
    from sweep.results.sweep import Sweep

SUFFIXES = (".npz", ".onnx")
CHECKED = 1_000
"""Examples of the test part for which an ONNX graph is run."""
CLOSE = 1e-5
"""Largest difference, or share of a larger value, between an ONNX graph and our own network that is not told."""
WRONG = 1e-2
"""Share of examples with a larger difference than that, above which a graph is not written."""


@dataclass(frozen=True, slots=True)
class ExportedWeights:
    """What was written of a trained network."""

    file: Path
    epoch: int
    """The epoch that the weights are of."""
    input: str
    """Type and shape of what it takes, such as `float32 (samples, 1, 28, 28)`."""
    output: str
    """What it gives, such as `the probability of each of 10 classes`."""
    difference: float | None = None
    """The largest difference of an output, as onnxruntime computes it, to our own, as a share of those above 1; None of
    a file that is not ONNX."""
    examples: int = 0
    """Number of examples that were compared."""
    transform: str = "none"
    """What has to be done to images before they are handed to it, as the key `data.transform` has it."""


def export_weights(sweep: Sweep, trial: int, path: Path, data: Path | None = None) -> ExportedWeights:
    """Write the kept weights of a trial with their normalization to a file; see `Sweep.export_weights`."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"cannot write '{path}': its name must end in {' or '.join(SUFFIXES)}")
    check_place(path)
    if suffix == ".onnx":
        for module in ("onnx", "onnxruntime"):
            check_installed(module, "an ONNX file", "onnx")
    trainer, _ = kept_network(sweep.record, trial, sweep.store, data)
    configuration = Configuration.model_validate(sweep.store.trial(sweep.record.id, trial).configuration)
    network = trained_network(trainer, configuration, sweep.name, trial)
    content, difference, examples = _onnx(trainer, network) if suffix == ".onnx" else (_npz(network), None, 0)
    write_whole(path, content)
    input_, output, transform = _input(network, suffix), _output(network), configuration.data.transform
    return ExportedWeights(path, trainer.state.epoch, input_, output, difference, examples, transform)


def _input(network: TrainedNetwork, suffix: str) -> str:
    from sweep.results.export.onnx import input_dtype

    dtype = input_dtype(network) if suffix == ".onnx" else network.dtype
    return f"{dtype} ({', '.join(map(str, ['samples', *network.dataset.shape]))})"


def _output(network: TrainedNetwork) -> str:
    if network.dataset.target is not None:
        return "the prediction in the target's own units"
    meaning = "output" if network.output == "identity" else "probability"
    return f"the {meaning} of each of {network.dataset.outputs} classes"


def _npz(network: TrainedNetwork) -> bytes:
    """Return an archive of all arrays by name, and `about`, which says what they mean, as JSON."""
    content = io.BytesIO()
    about = json.dumps(dict(network.about), ensure_ascii=False)
    np.savez(content, allow_pickle=False, **{"about": np.array(about), **dict(_arrays(network))})
    return content.getvalue()


def _arrays(network: TrainedNetwork) -> Iterator[tuple[str, Array]]:
    shift, scale = network.normalization.shift, network.normalization.scale
    yield "normalization.shift", np.zeros_like(scale) if shift is None else shift
    yield "normalization.scale", scale
    for layer in network.layers:
        for name, array in layer.arrays.items():
            yield f"{layer.name}.{name}", array


def _onnx(trainer: NetworkTrainer, network: TrainedNetwork) -> tuple[bytes, float, int]:
    """Return an ONNX file, the largest difference to our own network, and for how many examples that was looked for.

    Raises:
        SweepError: when many outputs differ.
    """
    from sweep.results.export.onnx import model_of, run_model

    model, x = model_of(network), network.dataset.test.x[:CHECKED]
    differences = np.abs(run_model(model, x) - (own := outputs(trainer, network, x))) / np.maximum(1, np.abs(own))
    worst = differences.max(axis=1)
    if np.mean(~(worst <= WRONG)) > WRONG:
        raise SweepError(
            f"onnxruntime computes other outputs than sweep for {np.mean(~(worst <= WRONG)):.0%} of the examples, so "
            "that nothing was written; the values in the network may be too large for its type"
        )
    return model, float(worst.max()), len(x)


def outputs(trainer: NetworkTrainer, network: TrainedNetwork, x: Array) -> Array:
    """Return what our own network gives for samples, (samples, classes), or (samples, 1) of a regression."""
    found = outputs_of(trainer, x)
    if network.dataset.target is not None:
        return in_own_units(network.dataset, found)[:, None]
    return probabilities(found, network.output)
