"""A model of results as a JSON file, by which further points are drawn without the database that it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.errors import ExperimentError, unreadable
from sweep.space.coordinates import Slot
from sweep.space.screening import Model
from sweep.space.trees import unparse_tree

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Screen:
    """What such a file holds."""

    model: Model
    """With a finite threshold."""
    keep: float
    """The share of the space that reaches it."""
    parameters: Mapping[str, Any]
    """The distributions of the space that the model is of, as tables by full name."""
    parents: str
    """Digest of the results that the model was fitted to."""

    def text(self) -> str:
        """Return the text of the file."""
        content = {
            "format": FORMAT,
            "parents": self.parents,
            "keep": self.keep,
            "threshold": self.model.threshold,
            "intercept": self.model.intercept,
            "coefficients": dict(self.model.coefficients),
            "parameters": dict(self.parameters),
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def check(self, places: Sequence[Slot], source: str) -> None:
        """Check that a space has the parameters of the model, with the same ranges.

        Raises:
            ExperimentError: when it does not.
        """
        own = described(places)
        for name, tables in self.parameters.items():
            if name not in own:
                raise ExperimentError(
                    f"{source} is a model of {name}, which is not searched; search it, or draw with another sampler"
                )
            if own[name] != tables:
                raise ExperimentError(
                    f"{source} is a model of {name} = {_said(tables)}, not of {_said(own[name])}; search that range, "
                    "or draw with another sampler"
                )


def described(places: Sequence[Slot]) -> dict[str, list[Any]]:
    """Return the distributions of slots as tables, by full name."""
    found: dict[str, list[Any]] = {}
    for slot in places:
        found.setdefault(slot.name, []).append(slot.distribution.table())
    whole: dict[str, list[Any]] = json.loads(json.dumps(unparse_tree(found), default=str))
    return whole


def _said(tables: Any) -> str:
    return json.dumps(tables[0] if isinstance(tables, list) and len(tables) == 1 else tables, ensure_ascii=False)


def load(path: Path) -> Screen:
    """Return the content of a file.

    Raises:
        ExperimentError: when it cannot be read or is not such a file.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = unreadable(error) if isinstance(error, OSError) else error
        raise ExperimentError(f"sampler.file = {str(path)!r} cannot be read as a JSON file: {reason}") from None
    try:
        return _parsed(content)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ExperimentError(
            f"sampler.file = {str(path)!r} is not a model of results in format {FORMAT}; write it again"
        ) from None


def _parsed(content: Any) -> Screen:
    if content["format"] != FORMAT:
        raise ValueError
    coefficients = {str(name): _number(value) for name, value in content["coefficients"].items()}
    keep = _number(content["keep"])
    if not 0.0001 <= keep <= 1:
        raise ValueError
    model = Model(_number(content["intercept"]), coefficients, _number(content["threshold"]))
    return Screen(model, keep, dict(content["parameters"].items()), str(content["parents"]))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError
    return float(value)
