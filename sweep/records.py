"""Frozen dataclasses that all packages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from sweep.metrics import Objective

Scalar = bool | int | float | str
"""A drawn value: always a Python scalar, never a NumPy one, which SQLite would store as a BLOB."""

Status = Literal["queued", "running", "paused", "completed", "diverged", "failed", "pruned", "interrupted"]
STATUSES: tuple[Status, ...] = get_args(Status)
LOST: tuple[Status, ...] = ("diverged", "failed")
"""Statuses of trials that ended without a value that counts."""
ENDED: tuple[Status, ...] = ("completed", *LOST, "pruned")
"""Statuses of trials that have ended, in the order in which they are told."""

DivergenceKind = Literal["overflow", "invalid", "divide"]
Decided = Literal["go on", "stop", "audit"]
"""A stopped trial may still be trained to its end for the audit of the rule."""
Exemption = Literal["audit", "continued"]
"""Why no stopping rule ends a trial: it was drawn for the audit of the rules, or was asked to go on."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A searched parameter, as tables and charts need to know it."""

    name: str
    """The dotted path, such as `training.optimizer.learning_rate`."""
    short_name: str
    """The last part of the path where that is unique, such as `learning_rate`."""
    log: bool = False
    """Whether it is drawn uniformly in its logarithm, and so wants a logarithmic axis."""
    categorical: bool = False
    """Whether its values are labels rather than numbers."""
    low: float | None = None
    """The least value that is searched, if they are numbers of a range."""
    high: float | None = None
    step: int = 1
    """Of integers, how far their values are apart; else 1, as where they are not one range alone."""
    options: tuple[Scalar, ...] = ()
    """The labels of all options, if its values are those of a choice."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """The seeds of one trial's random number generators, each in [0, 2**63)."""

    weights: int
    shuffling: int
    dropout: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One drawn configuration of a sweep, ready to be trained."""

    number: int
    """Position in the sweep, from 0."""
    parameters: dict[str, Scalar]
    """Value of each searched parameter by its full name."""
    configuration: dict[str, Any]
    """The searched sections with every distribution replaced by its drawn value: `data`, `network` and `training`, or
    those of a user's own trainer."""
    seeds: Seeds
    repeat: int = 0
    """Which training of the same configuration this is, from 0."""
    planned_epochs: int = 0
    """Epochs after which it is completed; 0 until the data set is known."""
    round: int = 0
    """Group of trials, from 0, that were drawn together and that stopping rules compare with each other."""
    target_epochs: int | None = None
    """Epochs after which it first pauses for the decision of a stopping rule; None where it does not."""
    told: tuple[int, ...] | None = None
    """Configurations whose results the sampler was told just before it drew this one; None of other samplers."""
    redraws: int = 0
    """Draws outside of the limits before this one."""
    network_parameters: int | None = None
    """Number of values that its network learns; None of a user's own trainer."""
    multiplications: int | None = None
    """Multiplications of its network for one sample; None of a user's own trainer."""
    forked_from: str | None = None
    """The trial and the epoch after which it forks from it, as NAME/TRIAL@EPOCH; None of one that does not."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """What was measured after an epoch; number 0 is the untrained network."""

    number: int
    seconds: float
    """Wall time of the epoch, its evaluation included."""
    metrics: Mapping[str, float]
    """Value of each metric by its name, always finite."""


@dataclass(frozen=True, slots=True)
class BatchLosses:
    """The mean loss of each mini-batch of an epoch from before its step, in order."""

    epoch: int
    """From 1."""
    losses: tuple[float, ...]
    """Always finite; fewer than the epoch has mini-batches where it diverged."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The kept weights of a trial."""

    file: str
    """Relative to the folder of the database."""
    epoch: int
    """The epoch that they are of."""
    sha256: str | None = None
    """Digest of the file, by which one that was changed is noticed; None of files from before there were digests."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where the first value that is not finite appeared."""

    epoch: int
    step: int
    """Mini-batch within the epoch, from 1; 0 is the evaluation of the untrained network."""
    place: str
    """The computation that gave it, such as `hidden[1]/backward`."""
    kind: DivergenceKind


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A trial as the database keeps it, without its epochs and parameters."""

    number: int
    """Position in the sweep, from 0."""
    repeat: int
    """Which training of the same configuration this is, from 0."""
    status: Status
    attempt: int
    """How often the trial has been started."""
    crashes: int
    """How often a worker process has crashed while it had the trial."""
    owner: str | None
    """The process that trains it, or did last: host:process@start:parent@start."""
    started: datetime | None
    """When this attempt began, UTC without a zone."""
    finished: datetime | None
    """When this attempt ended, UTC without a zone."""
    seconds: float | None
    """Wall time of this attempt, and of the epochs of earlier ones that it has gone on from."""
    error: str | None
    """Why it failed, or which files could not be written, in one sentence."""
    traceback: str | None
    log: str | None
    """The end of what a command wrote, other than epochs."""
    divergence: Divergence | None
    seeds: Seeds
    configuration: dict[str, Any]
    planned_epochs: int
    """Epochs after which it is completed; 0 where that is not known."""
    best_value: float | None
    """Value of the sweep's objective at the chosen epoch."""
    best_epoch: int | None
    """The epoch that stands for the trial by the sweep's objective."""
    tie_value: float | None
    """Value of the objective's tie-break metric at that epoch."""
    last_epoch: int | None
    """The last epoch that is stored; 0 is the untrained network."""
    weights: Weights | None
    checkpoint: Weights | None
    """The checkpoint that its next attempt starts from; None once the trial has ended."""
    ranked_epochs: int | None = None
    """Epochs of an ended training by which it ranks while a longer one is not completed."""
    round: int = 0
    """Group of trials, from 0, that were drawn together and that stopping rules compare with each other."""
    target_epochs: int | None = None
    """Epochs after which it pauses for the decision of a stopping rule; None where it does not."""
    exempt: Exemption | None = None
    """Why no stopping rule ends it."""
    told: tuple[int, ...] | None = None
    """Configurations whose results the sampler was told just before it drew this one; None of other samplers."""
    redraws: int = 0
    """Draws outside of the limits before this one."""
    network_parameters: int | None = None
    """Number of values that its network learns."""
    multiplications: int | None = None
    """Multiplications of its network for one sample."""
    taken_from: str | None = None
    """The trial of an earlier sweep, as SWEEP/TRIAL, whose training it has taken over."""
    finding: str | None = None
    """What is wrong with how it learned, in one clause; None where nothing is."""
    forked_from: str | None = None
    """The trial and the epoch, as SWEEP/TRIAL@EPOCH, whose state it has gone on from."""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """What a stopping rule has decided about a trial."""

    trial: int
    """Its number."""
    epoch: int
    """The epoch after which it was decided."""
    rule: str
    """Kind of the rule."""
    decision: Decided
    value: float | None
    """What the rule looked at."""
    threshold: float | None
    """What it was compared with."""
    target_epochs: int | None
    """Epochs to which the trial goes on; None for its end, or where it stops."""
    reason: str
    """One clause that says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody has noted."""

    trial: int | None
    """The trial that it is about; None for the sweep itself."""
    text: str
    written: datetime
    """UTC without a zone."""


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A sweep as the database keeps it, without its trials."""

    name: str
    description: str
    seed: int
    epochs: int
    experiment: str
    overrides: list[str]
    fingerprint: str
    datasets: list[dict[str, Any]]
    data_folder: str | None
    experiment_folder: str | None
    environment: dict[str, str]
    trials: int = 0
    """Number of all trials, repeats included."""
    id: int = 0
    created: datetime | None = None
    objective: Objective = field(default_factory=Objective)
    """How its trials are ranked."""
    repeats: int = 1
    """Trainings of each configuration."""
    format: int = 2
    """Format of the experiment file; 1 is that of the first edition."""
    planned_trials: int | None = None
    """Number of trials in all, repeats included, where some are drawn only later; None where all are drawn."""
    ended: str | None = None
    """Why no more trials were started, in one clause, if that was for a budget."""


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial that is being trained."""

    number: int
    epoch: int
    """The last epoch that is stored."""
    best: float | None
    """Value of the sweep's objective so far."""
    trouble: str | None = None
    """What it waits for, in one sentence."""
    planned: int | None = None
    """Epochs after which it is completed."""
    curve: tuple[float, ...] = ()
    """Values of the sweep's objective after each epoch, where they were asked for."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """The time until no trial is trained any more, estimated."""

    seconds: float
    low: float
    """Seconds that it takes at least, and `high` at most, in three of four cases or so."""
    high: float

    def after(self, seconds: float) -> Remaining:
        """Return what is left of it some seconds later."""
        return Remaining(*(max(0.0, value - seconds) for value in (self.seconds, self.low, self.high)))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep has come."""

    counts: dict[Status, int]
    """Number of trials by status; statuses without trials are left out."""
    best: float | None
    """Best value of the sweep's objective among the completed trials."""
    running: tuple[RunningTrial, ...]
    epochs: int
    """Epochs of the longest trial."""
    metric: str = "test_accuracy"
    """Metric of the sweep's objective."""
    ranked_by_earlier: int = 0
    """Number of trials that rank by an ended training while a longer one is not completed."""
    planned: int | None = None
    """Number of trials in all, where some are drawn only later."""
    paused_epochs: int = 0
    """Epochs that the paused trials have together."""
    name: str = ""
    """Name of the sweep."""
    is_max: bool = True
    """Whether more of the metric is better."""
    left: Remaining | None = None
    """Time until no trial is trained any more; None where it is not known."""

    @property
    def total(self) -> int:
        """Number of trials in all."""
        return max(self.planned or 0, sum(self.counts.values()))
