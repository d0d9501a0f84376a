"""Changes of a configuration that may keep its training from diverging.

They are ordered by size, the smallest first: by how much of the training they touch.

1. `clip`: only steps whose gradient is longer than a norm;
2. `warm-up`: only the steps of the first epoch;
3. `rate / 2`, `rate / 4`: every step, in its length;
4. `slope 0`, `z_score` or `min_max`: another network, or other inputs;
5. `float64`: nothing but rounding and the range of numbers, but each epoch takes twice as long;
6. `seed`: nothing at all. What it saves was bad luck and may happen again, so it comes last.

A change that makes sense after a fork is smaller there than from the start, as the epochs before the fork stay.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sweep.experiment.sections.base import kind_table
from sweep.nn.optimizers import OPTIMIZERS
from sweep.records import Seeds
from sweep.space.distributions import Tree
from sweep.space.trees import join, leaves

Configuration = dict[str, Any]

RATES = ("learning_rate", "lr", "eta", "step_size")
"""Names of parameters of users' own trainers that are taken for a learning rate."""
ORDER = ("clip", "warm-up", "rate / 2", "rate / 4", "slope 0", "z_score", "min_max", "float64", "seed")
"""Names of all changes, the smallest first."""
OTHER_NORMALIZATION = {"min_max": "z_score", "z_score": "min_max", "none": "z_score"}
LEAKY = "leaky_relu"


@dataclass(frozen=True)
class Change:
    """A change of a trial's configuration or seeds."""

    name: str
    """Such as `rate / 2`; changes of one name are compared over trials."""
    words: str
    """What is changed, such as `learning_rate 0.5 → 0.25`."""
    configuration: Configuration
    seeds: Seeds
    forks: bool = True
    """Whether it makes sense from an epoch on, with the epochs before as they were."""
    cost: int = 1
    """How many times as long an epoch takes as without it."""


def changes(configuration: Configuration, seeds: Seeds, other_seeds: Seeds, norm: float | None) -> list[Change]:
    """Return all changes that can be made, the smallest first.

    Args:
        configuration: that of the trial.
        seeds: those of the trial.
        other_seeds: those of the change `seed`.
        norm: the usual norm of its gradient, to which it is clipped; None where that is not known.
    """
    found = list(
        _of_own(configuration, seeds) if "trainer" in configuration else _of_network(configuration, seeds, norm)
    )
    return [*found, Change("seed", "other seeds", configuration, other_seeds)]


def _of_network(configuration: Configuration, seeds: Seeds, norm: float | None) -> Iterator[Change]:
    """Yield the changes of one of our networks."""
    training = configuration["training"]
    if norm is not None and training.get("clip_norm") is None:
        clipped = _changed(configuration, "training", clip_norm=norm)
        yield Change("clip", f"clip_norm = {norm:g}", clipped, seeds)
    schedule = kind_table(training.get("schedule", "constant"))
    if schedule["kind"] != "warmup":
        then = {} if schedule["kind"] == "constant" else {"then": schedule}
        warm = {"kind": "warmup", "epochs": 1, **then}
        yield Change(
            "warm-up", "one epoch of warm-up", _changed(configuration, "training", schedule=warm), seeds, forks=False
        )
    optimizer = kind_table(training["optimizer"])
    rate = optimizer.get("learning_rate", _default_rate(optimizer["kind"]))
    for divisor in (2, 4):
        smaller = {**optimizer, "learning_rate": rate / divisor}
        words = f"learning_rate {rate:.4g} → {rate / divisor:.4g}"
        yield Change(f"rate / {divisor}", words, _changed(configuration, "training", optimizer=smaller), seeds)
    network, slopes = _without_slope(configuration["network"])
    if slopes:
        words = f"alpha {' and '.join(f'{slope:.4g}' for slope in slopes)} → 0"
        yield Change("slope 0", words, {**configuration, "network": network}, seeds)
    normalization = kind_table(configuration["data"].get("normalization", "none"))
    other = OTHER_NORMALIZATION[normalization["kind"]]
    inputs = _changed(configuration, "data", normalization={**normalization, "kind": other})
    yield Change(other, f"normalization {normalization['kind']} → {other}", inputs, seeds, forks=False)
    if training.get("dtype", "float32") == "float32":
        precise = _changed(configuration, "training", dtype="float64")
        yield Change("float64", "dtype float32 → float64", precise, seeds, cost=2)


def _of_own(configuration: Configuration, seeds: Seeds) -> Iterator[Change]:
    """Yield the changes of a trainer of the user's own, whose state cannot be forked."""
    name, rate = own_rate(configuration) or ("", 0.0)
    for divisor in (2, 4) if name else ():
        parameters = _with(configuration["parameters"], name, rate / divisor)
        words = f"{name} {rate:.4g} → {rate / divisor:.4g}"
        yield Change(f"rate / {divisor}", words, {**configuration, "parameters": parameters}, seeds, forks=False)


def own_rate(configuration: Configuration) -> tuple[str, float] | None:
    """Return the path and the value of the first parameter of a user's trainer that is named like a learning rate."""
    for path, value in leaves(configuration["parameters"]):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if path.rpartition(".")[2].lower() in RATES and is_number and value > 0:
            return path, float(value)
    return None


def _with(tree: Tree, path: str, value: float, here: str = "") -> Tree:
    """Return nested tables and lists with another value at a path."""
    if here == path:
        return value
    if isinstance(tree, dict):
        return {key: _with(child, path, value, join(here, key)) for key, child in tree.items()}
    if isinstance(tree, list):
        return [_with(child, path, value, f"{here}[{index}]") for index, child in enumerate(tree)]
    return tree


def _changed(configuration: Configuration, section: str, **values: Any) -> Configuration:
    """Return a configuration with other values in one of its sections."""
    return {**configuration, section: {**configuration[section], **values}}


def _default_rate(optimizer: str) -> float:
    return float(inspect.signature(OPTIMIZERS[optimizer]).parameters["learning_rate"].default)


def _without_slope(network: Mapping[str, Any]) -> tuple[Configuration, list[float]]:
    """Return a section `network` whose leaky rectifiers have the slope 0, and the slopes that they had."""
    slopes: list[float] = []

    def flat(value: Any) -> Any:
        table = kind_table(value)
        if not isinstance(table, dict) or table.get("kind") != LEAKY or table.get("alpha") == 0:
            return value
        slopes.append(float(table.get("alpha", _default_slope())))
        return {**table, "alpha": 0.0}

    changed = {key: [flat(each) for each in value] if key == "layers" else value for key, value in network.items()}
    if "activation" in changed:
        changed["activation"] = flat(changed["activation"])
    return changed, slopes


def _default_slope() -> float:
    from sweep.nn.layers.activations import leaky_relu

    return float(inspect.signature(leaky_relu).parameters["alpha"].default)
