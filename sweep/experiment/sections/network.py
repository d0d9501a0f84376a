"""The section `network`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sweep.experiment.sections.base import Kind, Section
from sweep.experiment.sections.registry import OneOf, Registered
from sweep.nn.bounds import Count
from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.losses import OUTPUTS

Activation = Annotated[Kind, Registered(ACTIVATIONS)]
WeightInitializer = Annotated[Kind, Registered(INITIALIZERS)]
LayerSection = Annotated[Kind, Registered(LAYERS)]


class NetworkSection(Section):
    """The section `network`."""

    hidden: list[Count] = Field(default_factory=list)
    layers: list[LayerSection] = Field(default_factory=list)
    activation: Activation = Field("relu", validate_default=True)
    weights: WeightInitializer = Field("he_normal", validate_default=True)
    biases: WeightInitializer = Field("zeros", validate_default=True)
    output: Annotated[str, OneOf(OUTPUTS)] = "softmax"
