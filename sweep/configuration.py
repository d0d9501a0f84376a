"""One concrete configuration, its distributions drawn: pydantic models, and a friendly sentence for every mistake."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from sweep.errors import suggest
from sweep.nn.activations import ACTIVATIONS
from sweep.nn.initialisers import INITIALISERS, Initialiser
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network, perceptron
from sweep.nn.optimisers import OPTIMISERS, Optimiser
from sweep.nn.penalties import Penalty
from sweep.nn.schedules import SCHEDULES, Schedule
from sweep.space import EXACT_INTEGERS, join

Positive = Annotated[int, Field(ge=1, le=EXACT_INTEGERS)]


class Section(BaseModel):
    """A table of an experiment file: its keys are known, its types strict."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, table: Any) -> Any:
        if isinstance(table, dict):
            for key in table:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "has no key {key}; {hint}",
                        {"key": repr(key), "hint": suggest(key, cls.model_fields)},
                    )
        return table


class Kind(Section):
    """A table that says by its `kind` what it is; a bare string stands for a kind without values."""

    kind: str

    def values(self) -> dict[str, Any]:
        """Return what stands beside the kind."""
        return self.model_dump(exclude={"kind"})


def kind_table(value: Any) -> Any:
    """Write out the bare string that stands for a kind without values."""
    return {"kind": value} if isinstance(value, str) else value


by_kind = (BeforeValidator(kind_table), Field(discriminator="kind"))


class Digits(Kind):
    """scikit-learn's handwritten digits."""

    kind: Literal["digits"]


class Idx(Kind):
    """A data set in four IDX files."""

    kind: Literal["mnist", "fashion_mnist"]


class Npz(Kind):
    """A file with the arrays x_train, t_train, x_test and t_test."""

    kind: Literal["npz"]
    file: str


class Csv(Kind):
    """A table with a header, split at random into a training and a test part."""

    kind: Literal["csv"]
    file: str
    label: str
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    split_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


Dataset = Annotated[Digits | Idx | Npz | Csv, *by_kind]


class NoNormalization(Kind):
    """Values as they are."""

    kind: Literal["none"]
    over: Literal["all"] = "all"


class Scaling(Kind):
    """A shift and a scale found in the training part."""

    kind: Literal["min_max", "z_score"]
    over: Literal["all", "feature"] = "all"


Normalization = Annotated[NoNormalization | Scaling, *by_kind]


class Data(Section):
    """The section `data`."""

    dataset: Dataset
    normalization: Normalization = NoNormalization(kind="none")


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


class Sgd(Kind):
    """Stochastic gradient descent."""

    kind: Literal["sgd"]
    learning_rate: Annotated[float, Field(gt=0)] = 0.01


Fraction = Annotated[float, Field(ge=0, lt=1)]


class WithMomentum(Kind):
    """Optimisers that remember earlier steps."""

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

    epochs: Positive
    batch_size: Positive
    optimizer: OptimizerSection
    loss: Literal["cross_entropy", "mean_squared_error", "binary_cross_entropy"] = "cross_entropy"
    dtype: Literal["float32", "float64"] = "float32"
    schedule: ScheduleSection = PlainSchedule(kind="constant")
    l1: Annotated[float, Field(ge=0)] = 0.0
    l2: Annotated[float, Field(ge=0)] = 0.0


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

    def build_network(self, classes: int) -> Network:
        """Build the functional network with one output for each class."""
        section = self.network
        layers = perceptron(
            section.hidden,
            lambda: ACTIVATIONS[section.activation.kind](**section.activation.values()),
            section.activation.kind,
            _initialiser(section.weights),
            _initialiser(section.biases),
            classes,
        )
        return Network(layers, LOSSES[self.training.loss][section.output])

    def build_optimiser(self) -> Optimiser:
        """Build the functional optimiser."""
        optimizer = self.training.optimizer
        return OPTIMISERS[optimizer.kind](**optimizer.values())

    def build_schedule(self) -> Schedule:
        """Build what becomes of the learning rate from epoch to epoch."""
        schedule = self.training.schedule
        return SCHEDULES[schedule.kind](**schedule.values())

    def build_penalty(self) -> Penalty:
        """Build the regularisation."""
        return Penalty(self.training.l1, self.training.l2)


def _initialiser(section: Kind) -> Initialiser:
    return INITIALISERS[section.kind](**section.values())


def mistakes(error: ValidationError, tree: Any) -> list[str]:
    """Turn what pydantic found in `tree` into sentences that name the dotted key, what was given and what is right."""
    return [_mistake(detail, tree) for detail in error.errors()]


def _mistake(detail: ErrorDetails, tree: Any) -> str:
    path = _dotted(detail["loc"], tree)
    given, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return f"{path} is missing"
        case "union_tag_invalid":
            valid = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            return f"{path} is of the unknown kind {context['tag']!r}; {suggest(context['tag'], valid)}"
        case "union_tag_not_found":
            return f"{path} needs a kind, as a string or as a table with the key 'kind', not {given!r}"
        case "unknown_key" | "backwards":
            return f"{path or 'the file'} {detail['msg']}"
        case "loss":
            return detail["msg"]
        case "literal_error" if isinstance(given, str):
            valid = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return f"{path} is {given!r}; {suggest(given, valid)}"
        case "string_pattern_mismatch":
            return f"{path} is {given!r}, but must be up to 100 letters, digits, dots, dashes or underscores, {FIRST}"
    return f"{path} is {_shown(given)}, but {_in_our_words(detail['msg'])}"


FIRST = "the first of them a letter or a digit"


def _shown(value: Any) -> str:
    """Write a value as TOML does, cut short where it is long."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    if isinstance(value, datetime.date | datetime.time):
        text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _in_our_words(message: str) -> str:
    message = message.replace("Input should be", "must be")
    return re.sub(r"valid dictionary( or (instance of \w+|object to extract fields from))?", "table", message)


def _dotted(location: tuple[int | str, ...], tree: Any) -> str:
    """Write pydantic's location as a dotted key, without the kinds that it puts between."""
    path, here = "", tree
    for part in location:
        if isinstance(part, int):
            path, here = f"{path}[{part}]", here[part]
        elif (isinstance(here, dict) and part not in here and here.get("kind") == part) or here == part:
            continue
        else:
            path = join(path, part)
            here = here.get(part) if isinstance(here, dict) else None
    return path
