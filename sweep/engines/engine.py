"""The engine protocol and the options of a run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, TypedDict

from sweep.arguments import folder_or_file, number, whole
from sweep.display import default_observer
from sweep.engines.shutdown import Shutdown
from sweep.errors import Argument, UsageError
from sweep.observer import Observer, Silent
from sweep.records import Status
from sweep.store import Store
from sweep.trial.worker import Assignment


class Engine(Protocol):
    """Trains the trials of a sweep in parallel."""

    shutdown: Shutdown
    """Stops it; `run_all` ends soon after it was requested."""

    def run_all(self, assignments: Iterator[Assignment | None]) -> Iterator[Status | None]:
        """Train trials; yield the status of each as it ends, None for one that another worker has.

        The next assignment is asked for when there is a worker for it. None means that there is none at the moment, and
        that one may come once a trial that is being trained has ended.
        """


EngineFactory = Callable[["RunOptions", Store, int], AbstractContextManager[Engine]]
"""Opens an engine for a number of trials, and ends all that it has started when the context is left.

Raises SweepError when it cannot be used; nothing is stored then.
"""


LONGEST_SECONDS = 1e9
"""The longest time limit, some 30 years, which every system's clock can add to the present."""


@dataclass(frozen=True)
class RunOptions:
    """Execution options; none affects the results of a trial, and a budget only how many trials there are."""

    workers: int | None = None
    """Number of worker processes, at least 1; None for one per core."""
    timeout: float | None = None
    """Seconds of wall time after which a trial is stopped and counts as failed; None for no limit."""
    max_failures: int | None = None
    """Stop the sweep once more trials than this have failed; None for no limit."""
    backend: str | EngineFactory | None = None
    """The engine: "local", "dask", or a factory of one's own; None for "dask" if there is a scheduler, else "local"."""
    scheduler: str | None = None
    """Address of the Dask scheduler whose workers train, such as tcp://192.168.0.5:8786."""
    data: str | Path | None = None
    """Folder with the files of the data set; None for SWEEP_DATA."""
    duration: float | None = None
    """Seconds of wall time after which no more trials are started; None for no limit."""
    until: float | None = None
    """Start no more trials once a completed one has reached this value of the objective; None for no such value."""
    epochs_total: int | None = None
    """Start no more trials once all have this many epochs together; None for no limit."""
    observer: Observer = field(default_factory=default_observer)
    """Is told how the sweep proceeds; by default it is shown where one sees it."""

    @classmethod
    def of(cls, keywords: RunKeywords) -> Self:
        """Return the options that keyword arguments of a public function stand for.

        Raises:
            UsageError: as of the class.
        """
        given: dict[str, Any] = {**keywords}
        return cls(**given if given.get("observer", True) is not None else {**given, "observer": Silent()})

    def __post_init__(self) -> None:
        """Check types and ranges, and which options go together.

        Raises:
            UsageError: when one is not of its type or out of its range, or does not go with another.
        """
        checks: dict[str, Callable[[Any, str], Any]] = {
            **{"workers": whole, "timeout": number, "max_failures": whole, "data": folder_or_file},
            **{"duration": number, "until": number, "epochs_total": whole},
        }
        for name, check in checks.items():
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, check(given, name))
        if self.workers is not None and self.workers < 1:
            raise UsageError(Argument("workers"), f" must be at least 1, not {self.workers}")
        if self.timeout is not None and not 0 < self.timeout <= LONGEST_SECONDS:
            limit = f"; the most is {LONGEST_SECONDS:.0e}" if self.timeout > LONGEST_SECONDS else ""
            raise UsageError(Argument("timeout"), f" takes a positive number of seconds, not {self.timeout:g}{limit}")
        if self.max_failures is not None and self.max_failures < 0:
            raise UsageError(Argument("max_failures"), f" must be at least 0, not {self.max_failures}")
        if self.duration is not None and not 0 < self.duration <= LONGEST_SECONDS:
            raise UsageError(Argument("duration"), f" takes a positive number of seconds, not {self.duration:g}")
        if self.until is not None and not math.isfinite(self.until):
            raise UsageError(Argument("until"), f" takes a number, not {self.until}")
        if self.epochs_total is not None and self.epochs_total < 1:
            raise UsageError(Argument("epochs_total"), f" must be at least 1, not {self.epochs_total}")
        if self.scheduler is not None and self.kind == "local":
            raise UsageError(Argument("scheduler"), " goes with ", Argument("backend", "dask"))
        if self.kind == "dask":
            self._check_dask()

    def _check_dask(self) -> None:
        dask = Argument("backend", "dask")
        if self.scheduler is None:
            example = Argument("scheduler", "tcp://192.168.0.5:8786")
            raise UsageError(dask, " needs the address of a scheduler, such as ", example)
        if self.workers is not None:
            raise UsageError(Argument("workers"), " does not go with ", dask, ": the workers of the scheduler train")

    @property
    def has_budget(self) -> bool:
        """Whether the sweep may start fewer trials than it has."""
        return (self.duration, self.until, self.epochs_total) != (None, None, None)

    @property
    def kind(self) -> str | EngineFactory:
        """The engine that is meant, by its name in the registry or as a factory."""
        return self.backend or ("local" if self.scheduler is None else "dask")

    @property
    def data_folder(self) -> Path | None:
        """Folder with the files of the data set, if one was given."""
        return None if self.data is None else Path(self.data)


class RunKeywords(TypedDict, total=False):
    """The fields of `RunOptions` as keyword arguments of the public functions."""

    workers: int | None
    timeout: float | None
    max_failures: int | None
    backend: str | EngineFactory | None
    scheduler: str | None
    data: str | Path | None
    duration: float | None
    until: float | None
    epochs_total: int | None
    observer: Observer | None
