"""What a worker and the store tell each other about a trial: the claim on it, who has it, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sweep.metrics import Objective
from sweep.records import DecisionRecord, Divergence, Epoch, Seeds, Status, Weights

IsLost = Callable[[str, float], bool]
"""(owner, seconds since it last wrote) -> whether the owner of a trial is lost."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write one attempt at one trial, until a later attempt is claimed."""

    trial_id: int
    attempt: int
    number: int
    configuration: dict[str, Any]
    seeds: Seeds
    repeat: int = 0
    planned_epochs: int = 0
    """Epochs after which the trial is completed; 0 where that is not known."""
    objective: Objective = field(default_factory=Objective)
    """How the trials of the sweep are ranked."""
    weights: Weights | None = None
    """The kept weights of an earlier attempt."""
    checkpoint: Weights | None = None
    """The checkpoint of an earlier attempt that did not end the trial."""
    ranked_epochs: int = 0
    """Epochs of an ended training by which the trial ranks until this longer one is completed; 0 where there is none.

    They stay stored, and the values of the trial's row are theirs.
    """
    target_epochs: int | None = None
    """Epochs after which it pauses for the decision of a stopping rule; None where it does not."""
    is_exempt: bool = False
    """Whether no stopping rule ends it."""
    forked_from: str | None = None
    """The trial and epoch that it forks from, as NAME/TRIAL@EPOCH."""
    epochs: tuple[Epoch, ...] = ()
    """What is stored up to the epoch of the file to start from."""
    correct: bytes | None = None
    """Which examples are right at that of them which stands for the trial, where that is known."""

    @property
    def start(self) -> Weights | None:
        """The file to start from."""
        return self.checkpoint or self.weights


@dataclass(frozen=True, slots=True)
class Lease:
    """Who trains a trial, and since when."""

    owner: str
    silent_seconds: float
    """Since its owner last wrote."""
    seconds: float
    """Since this attempt began."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a trial ended."""

    status: Status
    seconds: float
    weights: Weights | None = None
    divergence: Divergence | None = None
    error: str | None = None
    traceback: str | None = None
    log: str | None = None
    """The end of what a command wrote."""
    checkpoint: Weights | None = None
    """Of a trial that has paused: the file to go on from."""
    decision: DecisionRecord | None = None
    """That of the stopping rule by which it has ended early."""
    finding: str | None = None
    """What is wrong with how it learned, in one clause."""
