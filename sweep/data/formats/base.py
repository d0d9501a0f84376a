"""What a format of data sets provides: how its files are found and loaded, its shape, its classes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweep.data.dataset import Array, Part, Task
from sweep.data.encoding import Encoding
from sweep.data.sources import file_sha256
from sweep.data.split import cut
from sweep.errors import DataError

__all__ = ["Format", "Loaded", "Request", "Source"]


@dataclass(frozen=True)
class Request:
    """What is asked of every kind of data set, beside the options of its own."""

    task: Task | None = None
    """None if it was not stated, which means classification unless the target looks like that of a regression."""
    validation: float = 0.0
    """Fraction of the training part that is set aside for validation, in [0, 1)."""
    seed: int = 0
    """Seed of the draw of the validation part, at least 0."""
    transform: str = "none"
    """`none`, or a name of `sweep.data.transforms.TRANSFORMS`."""

    def check_stated(self, question: str | None) -> None:
        """Raise DataError if there is a question which task is meant and the task is not stated."""
        if question and self.task is None:
            raise DataError(question)

    def cut(self, t: Array, name: str, class_names: tuple[str, ...]) -> tuple[Array, Array]:
        """Return the rows of the training part that remain, and those of the validation part."""
        return cut(t, self.validation, self.seed, name, class_names)

    @property
    def options(self) -> dict[str, str | float]:
        """All that changes the arrays of a data set; what is default is left out, so that old digests stay."""
        regression = {"task": self.task} if self.task == "regression" else {}
        validation = {"validation": float(self.validation), "validation_seed": self.seed} if self.validation else {}
        transform = {"transform": self.transform} if self.transform != "none" else {}
        return {**regression, **validation, **transform}


@dataclass(frozen=True)
class Loaded:
    """A whole data set in memory, as the loader of its format returns it."""

    parts: Mapping[str, Part]
    """`train` and `test`; also `validation` if the loader sets it aside itself."""
    class_names: tuple[str, ...]
    """Empty for regression."""
    shape: tuple[int, ...]
    encoding: Encoding | None = None
    question: str | None = None
    """The sentence that asks for the task, if the labels look like the target of a regression."""


@dataclass(frozen=True)
class Source:
    """A data set whose files are found but not read yet."""

    name: str
    files: tuple[Path, ...]
    load: Callable[[Request], Loaded]
    """Reads and validates the files; raises DataError."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the kind that change the loaded arrays, such as the split; JSON values."""

    def sha256(self, kind: str, request: Request) -> str:
        """Return one digest over the kind, the options and the content of every file."""
        digests = [file_sha256(path) for path in self.files]
        text = json.dumps([kind, digests, {**self.options, **request.options}], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Format:
    """One kind of data set."""

    locate: Callable[..., Source]
    """(places, **options) -> Source. Its keyword-only parameters are the keys of the experiment file's table
    `data.dataset`; their annotations, with bounds of `annotated_types`, and their defaults are checked there."""
    shape: tuple[int, ...] | None = None
    """Shape of an example, if it is known without the files."""
    classes: int | None = None
    """Number of classes, if it is known without the files."""
