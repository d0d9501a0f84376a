"""The section `training`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.experiment.sections.base import Kind, Positive, Section, by_kind


class Sgd(Kind):
    """Stochastic gradient descent."""

    kind: Literal["sgd"]
    learning_rate: Annotated[float, Field(gt=0)] = 0.01


Fraction = Annotated[float, Field(ge=0, lt=1)]


class WithMomentum(Kind):
    """Optimizers that remember earlier steps."""

    kind: Literal["momentum", "one_step_momentum", "nesterov"]
    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    momentum: Fraction = 0.9


class Adagrad(Kind):
    """AdaGrad."""

    kind: Literal["adagrad"]
    learning_rate: Annotated[float, Field(gt=0)] = 0.01
    eps: Annotated[float, Field(gt=0)] = 1e-8


class RmsProp(Kind):
    """RMSProp."""

    kind: Literal["rmsprop"]
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    decay: Fraction = 0.9
    eps: Annotated[float, Field(gt=0)] = 1e-8


class Adam(Kind):
    """Adam."""

    kind: Literal["adam"]
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    eps: Annotated[float, Field(gt=0)] = 1e-8


OptimizerSection = Annotated[Sgd | WithMomentum | Adagrad | RmsProp | Adam, *by_kind]


class PlainSchedule(Kind):
    """Schedules without values."""

    kind: Literal["constant", "cosine"]


class Decay(Kind):
    """The learning rate divided by 1 + rate·epoch after each epoch."""

    kind: Literal["decay"]
    rate: Annotated[float, Field(ge=0)] = 0.01


class Step(Kind):
    """The learning rate multiplied by a factor now and then."""

    kind: Literal["step"]
    every: Positive = 10
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1


ScheduleSection = Annotated[PlainSchedule | Decay | Step, *by_kind]


class Training(Section):
    """The section `training`."""

    epochs: Positive | None = None
    iterations: Positive | None = None
    batch_size: Positive | None = None
    batches_per_epoch: Positive | None = None
    shuffle: Literal["epoch", "with_replacement", False] = "epoch"
    optimizer: OptimizerSection
    loss: Literal["cross_entropy", "mean_squared_error", "binary_cross_entropy"] = "cross_entropy"
    dtype: Literal["float32", "float64"] = "float32"
    schedule: ScheduleSection = PlainSchedule(kind="constant")
    l1: Annotated[float, Field(ge=0)] = 0.0
    l2: Annotated[float, Field(ge=0)] = 0.0
    keep_weights: Literal["best", "last", "none"] = "none"
    """Which epoch's weights are kept in a file: the best by test accuracy, the last, or none's."""
    checkpoint_every: Positive | None = None
    """After so many epochs all is written that a trial needs to go on from there if its worker dies."""
    record_batches: bool = False
    """Whether the loss of each mini-batch is stored."""

    @model_validator(mode="after")
    def _end_one_way(self) -> Training:
        if (self.epochs is None) == (self.iterations is None):
            raise PydanticCustomError("one_of", "needs either epochs or iterations, such as epochs = 50, and not both")
        return self

    @model_validator(mode="after")
    def _cut_epochs_one_way(self) -> Training:
        if (self.batch_size is None) == (self.batches_per_epoch is None):
            raise PydanticCustomError(
                "one_of", "needs either batch_size or batches_per_epoch, such as batch_size = 50, and not both"
            )
        return self
