"""The section `training`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.experiment.sections.base import Kind, Section
from sweep.experiment.sections.registry import OneOf, Registered
from sweep.metrics import MEASURES
from sweep.nn.bounds import Count, NonNegative, Positive
from sweep.nn.losses import LOSSES
from sweep.nn.optimizers import OPTIMIZERS
from sweep.nn.regression import REGRESSION_LOSSES
from sweep.nn.schedules import SCHEDULES

OptimizerSection = Annotated[Kind, Registered(OPTIMIZERS)]
ScheduleSection = Annotated[Kind, Registered(SCHEDULES)]
COUNTED_MEASURES = {name: measure for name, measure in MEASURES.items() if measure.of_counts}


class Training(Section):
    """The section `training`."""

    epochs: Count | None = None
    iterations: Count | None = None
    batch_size: Count | None = None
    batches_per_epoch: Count | None = None
    shuffle: Literal["epoch", "with_replacement", False] = "epoch"
    optimizer: OptimizerSection
    loss: Annotated[str, OneOf(LOSSES, REGRESSION_LOSSES)] = "cross_entropy"
    dtype: Literal["float32", "float64"] = "float32"
    clip_norm: Positive | None = None
    """The largest norm of the gradient of all parameters, to which larger ones are scaled; None for any."""
    schedule: ScheduleSection = Field("constant", validate_default=True)
    l1: NonNegative = 0.0
    l2: NonNegative = 0.0
    keep_weights: Literal["best", "last", "none"] = "best"
    """Which epoch's weights are kept in a file, if any; experiments of before format 4 keep none unless they say so."""
    checkpoint_every: Count | None = None
    """Number of epochs between checkpoints, from which a trial continues if its worker dies."""
    evaluate_train: Literal["full", "running"] | Count = "full"
    """What the metrics of the training part come from: all samples, a number of them, or the mini-batches."""
    metrics: list[Annotated[str, OneOf(COUNTED_MEASURES)]] = Field(default_factory=list)
    """Measures besides loss and accuracy, of classification."""
    record_batches: bool = False
    """Whether the loss of each mini-batch is stored."""
    record_sharpness: Literal["start", "epochs"] | bool = False
    """When the largest eigenvalue of the loss's Hessian is recorded: before the training, after each epoch, too, or
    never; true is "epochs"."""

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
