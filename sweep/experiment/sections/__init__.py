"""One concrete configuration, its distributions drawn: pydantic models, and a friendly sentence for every mistake."""

from __future__ import annotations

import math

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from sweep.experiment.sections.base import LARGEST, Kind, Section, kind_table
from sweep.experiment.sections.data import Data
from sweep.experiment.sections.network import NetworkSection, build_layers
from sweep.experiment.sections.training import Training
from sweep.nn.layer import Shape
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network
from sweep.nn.optimizers import OPTIMIZERS, Optimizer
from sweep.nn.penalties import Penalty
from sweep.nn.schedules import SCHEDULES, Schedule

__all__ = ["Configuration", "Kind", "Section", "kind_table"]


class Configuration(Section):
    """The sections of an experiment file that can be searched, each value drawn."""

    data: Data
    network: NetworkSection
    training: Training

    @model_validator(mode="after")
    def _join_output_and_loss(self) -> Configuration:
        outputs = LOSSES[self.training.loss]
        if self.network.output not in outputs:
            raise PydanticCustomError(
                "loss",
                "network.output = '{output}' does not go with training.loss = '{loss}', which takes {valid}",
                {"output": self.network.output, "loss": self.training.loss, "valid": " or ".join(outputs)},
            )
        return self

    @model_validator(mode="after")
    def _describe_layers_once(self) -> Configuration:
        if self.network.hidden and self.network.layers:
            raise PydanticCustomError("both", "network has both 'hidden' and 'layers'; give one of them")
        return self

    def build_network(self, classes: int, example: Shape = ()) -> Network:
        """Build the functional network for examples of a shape, with one output for each class.

        `example` is (channels, rows, columns) or (features,); a perceptron needs no telling.
        """
        layers = build_layers(self.network, classes, example)
        return Network(layers, LOSSES[self.training.loss][self.network.output])

    def check_fit(self, classes: int, example: Shape) -> None:
        """Check that every layer fits what the layer before it gives, and what it gives fits into a memory.

        Raises:
            ValueError: when one does not; the message names it, its input and what it needs.
        """
        shape: Shape = (math.prod(example),)
        for name, layer in build_layers(self.network, classes, example).items():
            try:
                shape = layer.shape(shape)
            except ValueError as error:
                raise ValueError(f"network.{name} {error}") from None
            if math.prod(shape) > LARGEST:
                raise ValueError(
                    f"network.{name} makes {math.prod(shape)} numbers of each example; no memory holds them"
                )

    def build_optimizer(self) -> Optimizer:
        """Build the functional optimizer."""
        optimizer = self.training.optimizer
        return OPTIMIZERS[optimizer.kind](**optimizer.values())

    def build_schedule(self) -> Schedule:
        """Build what becomes of the learning rate from epoch to epoch."""
        schedule = self.training.schedule
        return SCHEDULES[schedule.kind](**schedule.values())

    def build_penalty(self) -> Penalty:
        """Build the regularization."""
        return Penalty(self.training.l1, self.training.l2)
