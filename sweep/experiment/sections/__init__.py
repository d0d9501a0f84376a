"""A configuration, its distributions drawn: pydantic models, and a sentence for every mistake."""

from __future__ import annotations

import math

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from sweep.experiment.sections.base import Kind, Section, kind_table
from sweep.experiment.sections.data import Data
from sweep.experiment.sections.network import NetworkSection, build_layers
from sweep.experiment.sections.training import Training
from sweep.nn.bounds import LARGEST
from sweep.nn.layer import Shape
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.nn.optimizers import OPTIMIZERS, Optimizer
from sweep.nn.penalties import Penalty
from sweep.nn.regression import REGRESSION_LOSSES, numbers
from sweep.nn.schedules import SCHEDULES, Schedule

__all__ = ["Configuration", "Kind", "Section", "kind_table"]


class Configuration(Section):
    """The sections of an experiment file that can be searched, each value drawn."""

    data: Data
    network: NetworkSection
    training: Training

    @model_validator(mode="after")
    def _check_loss(self) -> Configuration:
        losses = REGRESSION_LOSSES if self.is_regression else LOSSES
        if self.loss not in losses:
            raise PydanticCustomError(
                "loss",
                "training.loss = '{loss}' is not a loss of {task}; choose from {valid}",
                {"loss": self.loss, "task": self._task, "valid": ", ".join(sorted(losses))},
            )
        outputs = ["identity"] if self.is_regression else [*LOSSES[self.loss]]
        if self.output not in outputs:
            raise PydanticCustomError(
                "loss",
                "network.output = '{output}' does not go with training.loss = '{loss}', which takes {valid}",
                {"output": self.output, "loss": self.loss, "valid": " or ".join(outputs)},
            )
        return self

    @model_validator(mode="after")
    def _describe_layers_once(self) -> Configuration:
        if self.network.hidden and self.network.layers:
            raise PydanticCustomError("both", "network has both 'hidden' and 'layers'; give one of them")
        return self

    @property
    def _task(self) -> str:
        return self.data.task or "classification"

    @property
    def is_regression(self) -> bool:
        """Whether the targets are numbers, and not classes."""
        return self._task == "regression"

    @property
    def output(self) -> str:
        """The output of the network: `network.output`, whose default is `identity` for regression."""
        is_default = self.is_regression and "output" not in self.network.model_fields_set
        return "identity" if is_default else self.network.output

    @property
    def loss(self) -> str:
        """The name of the loss: `training.loss`, whose default is `mean_squared_error` for regression."""
        is_default = self.is_regression and "loss" not in self.training.model_fields_set
        return "mean_squared_error" if is_default else self.training.loss

    def build_network(self, outputs: int, example: Shape = ()) -> Network:
        """Build the network with one output for each class, or one for regression.

        `example` is the shape of an example, (channels, rows, columns) or (features,); a perceptron does not need it.
        """
        layers = build_layers(self.network, outputs, example)
        if self.is_regression:
            return Network(layers, REGRESSION_LOSSES[self.loss], numbers)
        return Network(layers, LOSSES[self.loss][self.output])

    def check_fit(self, outputs: int, example: Shape) -> None:
        """Check that every layer fits the output of the layer before it, and that its own fits into memory.

        Raises:
            ValueError: when one does not; the message names it, its input and what it needs.
        """
        shape: Shape = (math.prod(example),)
        for name, layer in build_layers(self.network, outputs, example).items():
            try:
                shape = layer.shape(shape)
            except ValueError as error:
                raise ValueError(f"network.{name} {error}") from None
            if math.prod(shape) > LARGEST:
                raise ValueError(
                    f"network.{name} makes {math.prod(shape)} numbers of each example; no memory holds them"
                )

    def build_optimizer(self) -> Optimizer:
        """Build the optimizer."""
        optimizer = self.training.optimizer
        return OPTIMIZERS[optimizer.kind](**optimizer.values())

    def build_schedule(self) -> Schedule:
        """Build the schedule of the learning rate."""
        schedule = self.training.schedule
        return SCHEDULES[schedule.kind](**schedule.values())

    def build_penalty(self) -> Penalty:
        """Build the regularization."""
        return Penalty(self.training.l1, self.training.l2)
