"""Where the time of a training step goes: layer by layer, forward and backward, loss and update."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.measurement import Cell, Table
from sweep.nn.network import Network
from sweep.training.loop import NetworkTrainer

UPDATE = "update, with the products for the gradients of affine layers"
REST = "mini-batches, and Python between"
NOTE = (
    "Shares of the CPU time of a step, each measured by a clock around it, which makes small ones seem somewhat "
    "larger. A table for each figure above that misses its target."
)


def layer_times(trainer: NetworkTrainer, order: Any) -> dict[str, float]:
    """Train on `order`, and return the CPU seconds of each part of a step, added up, by name."""
    spent: dict[str, float] = defaultdict(float)
    watched = NetworkTrainer(
        trainer.dataset, replace(trainer.settings, network=timed_network(trainer.settings.network, spent))
    )
    watched._update = timed(UPDATE, watched._update, spent)  # type: ignore[method-assign]
    watched.run_epoch(1, order)  # which makes the arrays
    spent.clear()
    start = time.thread_time()
    watched.run_epoch(1, order)
    total = time.thread_time() - start
    return {**spent, REST: total - sum(spent.values())}


def timed_network(network: Network, spent: dict[str, float]) -> Network:
    """Return a network of which the time of each layer and of the loss is added up."""
    layers = {
        name: layer._replace(
            forward=timed(f"{name}, forward", layer.forward, spent),
            backward=timed(f"{name}, backward", layer.backward, spent),
        )
        for name, layer in network.layers.items()
    }
    return network._replace(layers=layers, loss=timed("loss", network.loss, spent))


def timed(name: str, function: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    """Return a function whose time is added up."""

    def measured(*arguments: Any) -> Any:
        start = time.thread_time()
        result = function(*arguments)
        spent[name] += time.thread_time() - start
        return result

    return measured


def profile_table(title: str, spent: dict[str, float]) -> Table:
    """Return the parts of a step, the longest first."""
    table = Table(f"Where the time of {title} goes", NOTE)
    total = sum(spent.values())
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        table.add(name, Cell(100 * seconds / total, "%"))
    return table
