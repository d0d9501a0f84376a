"""A configuration, its distributions drawn: pydantic models, and a sentence for every mistake."""

from __future__ import annotations

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from sweep.experiment.sections.base import Kind, Section, kind_table
from sweep.experiment.sections.data import Data
from sweep.experiment.sections.network import NetworkSection
from sweep.experiment.sections.training import Training
from sweep.nn.losses import LOSSES
from sweep.nn.regression import REGRESSION_LOSSES

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
