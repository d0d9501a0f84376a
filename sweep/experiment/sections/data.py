"""The section `data`."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union

from pydantic import Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from sweep.data import KINDS
from sweep.data.transforms import Transform
from sweep.experiment.sections.base import Kind, Section, by_kind, kind_table

Seed = Annotated[int, Field(ge=0, lt=2**63)]


def _model(kind: str) -> type[Kind]:
    """Return the model of one kind of data set, whose keys are the options of its format's `locate`."""
    parameters = inspect.signature(KINDS[kind].locate, eval_str=True).parameters.values()
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    fields |= {
        each.name: (each.annotation, ... if each.default is inspect.Parameter.empty else each.default)
        for each in parameters
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return create_model(kind, __base__=Kind, **fields)


if TYPE_CHECKING:
    Dataset = Kind
else:
    Dataset = Annotated[Union[tuple(_model(kind) for kind in KINDS)], *by_kind]  # noqa: UP007 (of a tuple)


class NoNormalization(Kind):
    """Values as they are."""

    kind: Literal["none"]
    over: Literal["all"] = "all"
    constant: Literal["zero"] = "zero"


class Scaling(Kind):
    """A shift and a scale found in the training part."""

    kind: Literal["min_max", "z_score"]
    over: Literal["all", "feature"] = "all"
    """Of a table, `resolve_defaults` writes `feature` where it is absent."""
    constant: Literal["zero", "article"] = "zero"
    """What becomes of features that are constant in the training part; see `sweep.data.normalization.fit`."""

    @model_validator(mode="after")
    def _refuse_article_over_all(self) -> Scaling:
        if self.constant == "article" and self.over != "feature":
            raise PydanticCustomError(
                "one_of", "has constant = 'article', which goes with over = 'feature' alone; write both, or neither"
            )
        return self


Normalization = Annotated[NoNormalization | Scaling, *by_kind]


class Data(Section):
    """The section `data`."""

    dataset: Dataset
    normalization: Normalization = NoNormalization(kind="none")
    task: Literal["classification", "regression"] | None = None
    """None: classification, unless the target looks like that of a regression, which is asked about."""
    validation: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Fraction of the training part that becomes the validation part."""
    split_seed: Seed = 0
    """Seed of the draw of the validation part."""
    transform: Transform = "none"
    """What is done to images before anything else."""

    @model_validator(mode="after")
    def _refuse_classes_as_numbers(self) -> Data:
        kind = self.dataset.kind
        if self.task == "regression" and KINDS[kind].classes is not None:
            raise PydanticCustomError(
                "one_of", "has task = 'regression', but {kind} is a data set of classes; leave task out", {"kind": kind}
            )
        return self


TABLES = frozenset(["csv"])
"""Kinds of data sets whose features are of different units, so that each is normalized by itself."""


def resolve_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """Return a newly drawn section `data` with the defaults that depend on the data set written out.

    In a table, a normalization that does not say `over` what it goes becomes one over each feature. In stored
    configurations, an absent `over` always means "all", as in the first released versions.
    """
    normalization = kind_table(data.get("normalization", "none"))
    is_table = kind_table(data["dataset"])["kind"] in TABLES
    if not is_table or normalization["kind"] == "none" or "over" in normalization:
        return data
    return {**data, "normalization": {**normalization, "over": "feature"}}
