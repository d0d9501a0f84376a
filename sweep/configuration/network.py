"""The section `network`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.configuration.base import Kind, Positive, Section, by_kind
from sweep.nn.initialisers import INITIALISERS, Initialiser


class PlainActivation(Kind):
    """An activation without values."""

    kind: Literal["identity", "relu", "sigmoid", "softplus", "softsign", "step", "swish", "tanh"]


class LeakyRelu(Kind):
    """x above 0, alpha·x below."""

    kind: Literal["leaky_relu"]
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.01


Activation = Annotated[PlainActivation | LeakyRelu, *by_kind]


class PlainInitialiser(Kind):
    """An initialiser without values."""

    kind: Literal[
        "glorot_normal",
        "glorot_uniform",
        "he_normal",
        "he_uniform",
        "lecun_normal",
        "lecun_uniform",
        "ones",
        "zeros",
    ]


class NormalInitialiser(Kind):
    """A normal distribution."""

    kind: Literal["normal"]
    mean: float = 0.0
    std: Annotated[float, Field(ge=0)] = 0.01


class UniformInitialiser(Kind):
    """A uniform distribution."""

    kind: Literal["uniform"]
    min: float = -1.0
    max: float = 1.0

    @model_validator(mode="after")
    def _run_upwards(self) -> UniformInitialiser:
        if self.min > self.max:
            raise PydanticCustomError("backwards", "has a min above its max; exchange them")
        return self


WeightInitialiser = Annotated[PlainInitialiser | NormalInitialiser | UniformInitialiser, *by_kind]


class NetworkSection(Section):
    """The section `network`."""

    hidden: list[Positive] = Field(default_factory=list)
    activation: Activation = PlainActivation(kind="relu")
    weights: WeightInitialiser = PlainInitialiser(kind="he_normal")
    biases: WeightInitialiser = PlainInitialiser(kind="zeros")
    output: Literal["softmax", "identity", "sigmoid"] = "softmax"


def initialiser(section: Kind) -> Initialiser:
    """Build an initialiser."""
    return INITIALISERS[section.kind](**section.values())
