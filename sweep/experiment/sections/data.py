"""The section `data`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sweep.experiment.sections.base import Kind, Section, by_kind


class Digits(Kind):
    """scikit-learn's handwritten digits."""

    kind: Literal["digits"]


class Idx(Kind):
    """A data set in four IDX files."""

    kind: Literal["mnist", "fashion_mnist"]


class Cifar10(Kind):
    """The batches of CIFAR-10."""

    kind: Literal["cifar10"]


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


Dataset = Annotated[Digits | Idx | Cifar10 | Npz | Csv, *by_kind]


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
