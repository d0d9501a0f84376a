"""Trials that never learned, or forgot it all: how they are recognized, and the cause as far as it can be seen.

Everything here is computed once, when a trial has ended; of a trial that has learned only the epochs are looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sweep.data.dataset import Dataset
from sweep.errors import counted
from sweep.metrics import Objective, metric
from sweep.nn.network import chain, flat_vector
from sweep.records import Epoch
from sweep.training.dead_units import FLAT, dead_shares, flat_shares, is_saturating, sample_rows
from sweep.training.evaluation import predicted_classes
from sweep.training.findings import COLLAPSED, NEVER, UNKNOWN, clause
from sweep.training.loop import NetworkTrainer
from sweep.training.trainer import Trainer

CHANCE = 1e-3
"""Probability, over all epochs of a trial, with which a network that only guesses is said to have learned, at most."""
LITTLE = 0.1
"""A training loss that has fallen by less than this fraction is nearly where it began."""
STILL_FALLING = 0.9
"""Fraction of the epochs in which the loss of a training must fall whose learning rate is too small."""
ROUNDING = 1e-6
"""A training loss that differs by no more than this fraction has not changed, but for rounding in float32."""
NEARLY_ALL = 0.9
"""Fraction of a layer's units, or of the wrong outputs, without a gradient that explains why nothing is learned."""


class Cause(NamedTuple):
    """Why nothing was learned."""

    name: str
    """As trials are counted by it."""
    words: str
    """What was seen, as the end of a sentence."""


def finding(trainer: Trainer, dataset: Dataset | None, epochs: Sequence[Epoch], objective: Objective) -> str | None:
    """Return one clause on a trial that has ended without having learned anything, None for all others.

    A trial has learned if after any epoch its accuracy is above that of guessing: the share of the commonest class, or
    the accuracy before training if that is larger. Above is, on the objective's part of n samples, what E epochs reach
    by chance with a probability of `CHANCE` at most, E · P(X ≥ hits) for a binomial X; or, on that or the training
    part, `LITTLE` of the way from guessing to 1. If the network was above the commonest class from the start on, it has
    learned as well if its training loss has fallen by `LITTLE`. A trial that has learned has collapsed if its last
    accuracy is not above the commonest class, and an earlier one was `LITTLE` of the way above it.

    Args:
        trainer: after the last epoch; of a user's own only the metrics are looked at.
        dataset: what it was trained on; None where that is not known.
        epochs: all of the trial, from 0 if it has that.
        objective: that of the sweep.
    """
    if dataset is None or dataset.task != "classification":
        return None
    part = metric(objective.metric).part or ("validation" if dataset.validation else "test")
    curve = _curve(trainer, dataset, epochs, part)
    if curve is None:
        return None
    losses = [epoch.metrics["train_loss"] for epoch in epochs if "train_loss" in epoch.metrics]
    verdict = _verdict(curve, _curve(trainer, dataset, epochs, "train"), losses)
    if verdict is None:
        return None
    seen = f"{part}_accuracy {max(curve.values.values()):.4f} at best, and {curve.guessed_words}"
    if not isinstance(trainer, NetworkTrainer):
        return clause(*verdict, UNKNOWN, [seen])
    classes = np.unique(predicted_classes(trainer.outputs(part)))
    if len(classes) == 1:
        seen = f"predicts class {dataset.class_names[classes[0]]} for all samples of the {part} part"
    cause = next(_causes(trainer, losses))
    return clause(*verdict, cause.name, filter(None, [seen, cause.words]))


@dataclass(frozen=True)
class _Curve:
    """The accuracy on a part after each epoch, and that of guessing."""

    samples: int
    """Of the part, or as many of them as are evaluated."""
    commonest: float
    """Share of the commonest class."""
    untrained: float
    """Accuracy before training; 0 where that is not known."""
    values: Mapping[int, float]
    """By the number of the epoch, from 1."""

    @property
    def guessed(self) -> float:
        """The accuracy without any training."""
        return max(self.commonest, self.untrained)

    @property
    def guessed_words(self) -> str:
        """That accuracy in words."""
        if self.untrained > self.commonest:
            return f"{self.untrained:.4f} before training"
        return f"the commonest class has {self.commonest:.4f}"

    def is_far(self, epoch: int, guessed: float) -> bool:
        """Tell whether the accuracy is much better than guessing."""
        return self.values.get(epoch, 0.0) >= guessed + LITTLE * (1 - guessed)

    def is_beyond_chance(self, epoch: int, guessed: float) -> bool:
        """Tell whether the accuracy is better than by chance, however many epochs there are."""
        return len(self.values) * tail(self.values[epoch], guessed, self.samples) <= CHANCE


def _curve(trainer: Trainer, dataset: Dataset, epochs: Sequence[Epoch], part: str) -> _Curve | None:
    """Return the accuracy on a part; None where no epoch after the first has any, or it is not a fraction."""
    name = f"{part}_accuracy"
    values = {epoch.number: epoch.metrics[name] for epoch in epochs if name in epoch.metrics}
    untrained = values.pop(0, 0.0)
    if not values or part not in dataset.parts or not all(0 <= value <= 1 for value in (untrained, *values.values())):
        return None
    t = dataset.parts[part].t
    samples = len(t)
    if part == "train" and isinstance(trainer, NetworkTrainer) and isinstance(trainer.settings.evaluate_train, int):
        samples = min(samples, trainer.settings.evaluate_train)
    return _Curve(samples, float(np.bincount(t).max() / len(t)), untrained, values)


def _verdict(curve: _Curve, train: _Curve | None, losses: Sequence[float]) -> tuple[str, str] | None:
    """Return the verdict that nothing was learned or all is lost, and since when; None of a trial that has learned."""

    def is_above(epoch: int, guessed: float, guessed_train: float) -> bool:
        if curve.is_far(epoch, guessed) or curve.is_beyond_chance(epoch, guessed):
            return True
        return train is not None and train.is_far(epoch, guessed_train)

    epochs = sorted(curve.values)
    above = [epoch for epoch in epochs if is_above(epoch, curve.commonest, train.commonest if train else 1.0)]
    has_fallen = bool(losses) and min(losses) <= (1 - LITTLE) * losses[0]
    has_learned = above and has_fallen
    has_learned = has_learned or any(is_above(epoch, curve.guessed, train.guessed if train else 1.0) for epoch in above)
    if not has_learned:
        return NEVER, f"in {counted(len(epochs), 'epoch')}"
    if above[-1] == epochs[-1]:
        return None
    far = [epoch for epoch in above if curve.is_far(epoch, curve.commonest)]
    # What never was much better than guessing has not been lost, only the margin that chance alone does not explain.
    return (COLLAPSED, f"after epoch {above[-1]}") if far else None


def tail(share: float, probability: float, samples: int) -> float:
    """Return an upper bound of the probability that a binomial share is at least as large.

    exp(−n · KL(share ‖ probability)), by Chernoff (Hoeffding 1963, equation 2.1); 1 for a share that is not above the
    probability.
    """
    if share <= probability:
        return 1.0
    if probability <= 0:
        return 0.0
    divergence = share * math.log(share / probability)
    if share < 1:
        divergence += (1 - share) * math.log((1 - share) / (1 - probability))
    return math.exp(-samples * divergence)


def _causes(trainer: NetworkTrainer, losses: Sequence[float]) -> Iterator[Cause]:
    """Yield what explains that nothing was learned, the surest cause first, and in the end that none is known."""
    dead = {name: share for name, share in dead_shares(trainer).items() if not is_saturating(name)}
    flat = {name: share for name, share in flat_shares(trainer).items() if is_saturating(name)}
    for shares, what, word in ((dead, "units", "dead"), (flat, "outputs", "saturated")):
        layer = max(shares, key=lambda name: shares[name], default=None)
        if layer and shares[layer] >= NEARLY_ALL:
            yield Cause(f"{word} units", f"{100 * shares[layer]:.0f} % of the {what} of {layer} are {word}")
    if (share := saturated_outputs(trainer)) >= NEARLY_ALL:
        yield Cause("saturated outputs", f"the loss has no gradient for {100 * share:.0f} % of the wrong outputs")
    if (words := slow_words(losses)) and not has_moved(trainer):
        yield Cause("learning rate too small", words)
    yield Cause(UNKNOWN, "")


def saturated_outputs(trainer: NetworkTrainer) -> float:
    """Return the share of wrongly classified training samples for which the loss has practically no gradient.

    Of such a sample none of the derivatives by the outputs of the last affine layer is above `FLAT`. The samples are
    those of `dead_shares`; 0 where none is wrong.
    """
    network, rows = trainer.settings.network, sample_rows(trainer)
    t = trainer.evaluation.targets("train")[rows]
    wrong = without = 0
    with np.errstate(all="ignore"):
        outputs_of = trainer.evaluation.outputs(network, trainer.params, trainer.state.layer_states, "train", rows)
        for start, stop, outputs in outputs_of:
            is_wrong = predicted_classes(outputs) != t[start:stop]
            samples = stop - start
            work = trainer.evaluation.buffers(samples).loss
            _, gradient = network.loss(outputs, network.targets(t[start:stop], samples), work)
            is_flat = np.abs(gradient).max(axis=0) * samples <= FLAT
            wrong += int(np.count_nonzero(is_wrong))
            without += int(np.count_nonzero(is_wrong & is_flat))
    return without / wrong if wrong else 0.0


def has_moved(trainer: NetworkTrainer) -> bool:
    """Tell whether the parameters have moved by more than `LITTLE` of their norm from where they began."""
    settings = trainer.settings
    rng = np.random.default_rng(settings.seeds.weights)
    initial, _ = chain(settings.network.layers).init(rng, trainer.evaluation.shape, settings.dtype)
    vector, _ = flat_vector(initial, settings.dtype)
    return bool(np.linalg.norm(trainer.state.vector - vector) > LITTLE * np.linalg.norm(vector))


def slow_words(losses: Sequence[float]) -> str | None:
    """Return how slowly a loss falls that is nearly where it began; None where that is not what can be seen.

    It has fallen by less than `LITTLE`, in `STILL_FALLING` of all epochs, and in the second half of them by at least a
    quarter of what it did in the first: a loss that comes to rest falls less and less. The time to half of it is that
    at the mean pace. A loss that changes by rounding alone is too slow as well.
    """
    if len(losses) < 3:
        return None
    first, falls = losses[0], -np.diff(losses)
    epochs = len(falls)
    if np.ptp(losses) <= ROUNDING * abs(first):
        return f"the training loss has not changed in {epochs} epochs"
    early, late = np.split(falls, [epochs // 2])
    fall = (first - losses[-1]) / first
    is_steady = np.mean(falls > 0) >= STILL_FALLING and late.sum() >= early.sum() / 4
    if not (is_steady and 0 < fall < LITTLE):
        return None
    halved = float(f"{epochs / 2 / fall:.2g}")
    return (
        f"the training loss has fallen by {100 * fall:.2g} % in {epochs} epochs, a pace that halves it in about "
        f"{halved:,.0f} epochs"
    )
