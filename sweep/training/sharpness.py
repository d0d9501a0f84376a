"""The sharpness of a network's loss while it is trained: beside its learning rate, whether gradient descent is stable.

**Loss.** That of a fixed sample of `SAMPLES` training samples, all if there are fewer, with the layers in training mode
and the l2 penalty; see `sweep.nn.sharpness`. With batch normalization the sample is cut into mini-batches as long as
those of the training, whose mean loss is meant; so the sharpness belongs to what the optimizer sees. Without, how it is
cut changes no more than last bits.

**Instability.** learning_rate·λ/2 for SGD: above 1, gradient descent on a quadratic with this curvature grows without
end. With momentum the limit is another (`Optimizer.stable_below`), and 1 is that limit, too. Steps of AdaGrad, RMSProp
and Adam are divided by the sizes of earlier gradients, which at the start are not known; there is no such figure of
them. At the start the learning rate is that of the configuration; after an epoch it is that of the epoch's end.

No bit of the training depends on any of this: it draws from generators of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sweep.nn.layer import Array
from sweep.nn.sharpness import DOUBLE, largest_eigenvalue, loss_gradient
from sweep.training.batches import runs

if TYPE_CHECKING:
    from sweep.training.loop import NetworkTrainer

SAMPLES = 1000
"""Training samples whose loss is meant, at most."""
UNKNOWN = (
    "no sharpness is recorded of epoch {epoch}, nor of others for the same reason: around its parameters the gradient "
    "is not finite, or jumps however small the step\n"
)
"""What the log of a trial says."""
TOGETHER = 250
"""Samples that are computed at a time where that changes nothing: many of them need much memory."""


@dataclass(frozen=True, slots=True)
class Sharpness:
    """The curvature of the loss where it bends most, and what it means for the optimizer."""

    value: float
    """The largest eigenvalue of the Hessian: near 0 on a plane, below it only where the loss bends down everywhere."""
    instability: float | None
    """The sharpness in units of that at which the optimizer's steps begin to grow; None for AdaGrad, RMSProp, Adam."""

    @property
    def metrics(self) -> dict[str, float]:
        """What is recorded of it, by name."""
        found = {"sharpness": self.value, "instability": self.instability}
        return {name: value for name, value in found.items() if value is not None}


def sharpness_of(trainer: NetworkTrainer) -> Sharpness | None:
    """Return the sharpness of the loss at a trainer's present parameters.

    None without parameters, and where the gradient is not finite or jumps at every step around them. Call it between
    epochs, not within one, as it writes into the arrays that mini-batches are gathered in.
    """
    settings, state = trainer.settings, trainer.state
    if not state.vector.size or not state.is_finite():
        return None
    batches = sampled_batches(trainer)
    gradient, point = loss_gradient(settings.network, trainer.params, state.layer_states, batches, settings.penalty)
    found = largest_eigenvalue(gradient, point)
    if found is None:
        return None
    limit = settings.optimizer.stable_below
    factor = settings.schedule(state.epoch, settings.epochs) if state.epoch else 1.0
    return Sharpness(found.value, None if limit is None else found.value * factor / limit)


def sampled_batches(trainer: NetworkTrainer) -> list[tuple[Array, Array]]:
    """Return (x, targets) of the mini-batches that the fixed sample is cut into."""
    settings, evaluation = trainer.settings, trainer.evaluation
    rows = sample(len(trainer.dataset.train.x))
    has_statistics = any(state is not None for state in trainer.state.layer_states)
    longest = settings.batching.longest(len(trainer.dataset.train.x)) if has_statistics else TOGETHER
    places = list(runs(len(rows), longest))
    sizes = np.array([stop - start for start, stop in places])
    targets = settings.network.targets(evaluation.targets("train")[rows], sizes)
    x = evaluation.batch("train").gather(rows).astype(DOUBLE)
    return [(x[:, start:stop], targets[start:stop]) for start, stop in places]


def sample(samples: int) -> Array:
    """Return the training samples whose loss is meant, in order, the same in each training."""
    if samples <= SAMPLES:
        return np.arange(samples)
    return np.sort(np.random.default_rng(0).choice(samples, SAMPLES, replace=False))


def recorded(trainer: NetworkTrainer) -> dict[str, float]:
    """Return what is recorded of the sharpness after a trainer's last epoch, by the names of the metrics.

    Where it cannot be computed nothing is, and the trainer's log says so once.
    """
    when, epoch = trainer.settings.record_sharpness, trainer.state.epoch
    if not when or (when == "start" and epoch > 0):
        return {}
    found = sharpness_of(trainer)
    if found is None:
        trainer.log = trainer.log or UNKNOWN.format(epoch=epoch)
        return {}
    return found.metrics
