"""Training what lies between a baseline and a trial: each step of an ablation path, with the same fresh seeds for all.

The trainings are those of a sweep of their own, of twins of the trial. See `sweep.runner.ablation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sweep.engines import RunOptions
from sweep.errors import Argument, Call, SweepError, UsageError, counted
from sweep.experiment.file import experiment_of
from sweep.experiment.imported import refuse_imported
from sweep.records import SweepRecord
from sweep.runner.ablation import (
    NOTHING,
    Changed,
    End,
    Outcome,
    Outcomes,
    Path,
    candidates,
    steps,
    trainings,
)
from sweep.runner.finalists import check_is_drawn
from sweep.runner.fresh import SEED, fresh_twin, training_twins
from sweep.runner.reseed import PARENT
from sweep.runner.rungs import UNENDED
from sweep.runner.twins import Twin, find_twins
from sweep.space.coordinates import is_ordered
from sweep.space.distributions import Choice, Distribution, Tree
from sweep.store import Store

Order = Literal["greedy", "file"]

BASELINE, CHANGED = "baseline", "changed"
"""What is kept with each training: where the path begins, and which parameters have the values of the trial."""
MIDDLE = "middle"
"""The baseline of the file's middle values."""
ONCE = (PARENT, BASELINE, CHANGED, SEED)


def explain_name(name: str) -> str:
    """Return the name of the sweep of the trainings that explain a sweep's trials."""
    return f"{name}.explain"


def middle(name: str, distribution: Distribution, depth: int) -> Tree:
    """Return the median of a distribution, or the first option of a choice that is not of numbers in order."""
    if isinstance(distribution, Choice) and not is_ordered(distribution):
        return distribution.options[0]
    return distribution.at(0.5)


@dataclass(frozen=True)
class Task:
    """What is to be explained, and how."""

    trial: int
    """Number of the trial at which the path ends."""
    baseline: int | None = None
    """That of the trial at which it begins; None for the file's middle values."""
    seeds: int = 3
    """Trainings of each configuration."""
    order: Order = "greedy"
    """In which parameters change: first the one that improves most, or as in the file."""

    def __post_init__(self) -> None:
        """Check the order, which may come from a user.

        Raises:
            UsageError: when there is none of that name.
        """
        if self.order not in get_args(Order):
            raise UsageError(Argument("order"), f" must be {' or '.join(get_args(Order))}, not {self.order!r}")

    def again(self, name: str) -> Call:
        """Return the call that goes on with the trainings, of trials of the sweep of that name."""
        given: list[tuple[str, str | float]] = [] if self.baseline is None else [("baseline", self.baseline)]
        given += [("seeds", self.seeds), *([("order", self.order)] if self.order != "greedy" else [])]
        return Call("explain", name, str(self.trial), tuple(given))


def path_of(record: SweepRecord, number: int, baseline: int | None, store: Store) -> Path:
    """Return the path from a trial, or from the file's middle values, to a trial.

    Raises:
        SweepError: when there is no such trial, its configuration is damaged, or nothing that is searched differs.
    """
    refuse_imported(record)
    check_is_drawn(record)
    experiment = experiment_of(record)
    target = _end(record, number, store)
    if baseline is None:
        drawn = experiment.draw(0, middle, set())
        begin = End(MIDDLE, drawn.configuration, drawn.parameters)
    else:
        begin = _end(record, baseline, store)
    try:
        path = Path.between(experiment.tree, begin, target)
    except (LookupError, TypeError) as error:
        raise SweepError(
            f"the configuration of {target.name} is damaged; look into it with: ", Call("doctor")
        ) from error
    if not path.groups:
        of = "the middle values of the file" if baseline is None else begin.name
        raise SweepError(f"no searched parameter of {target.name} differs from {of}, so there is nothing to explain")
    return path


def _end(record: SweepRecord, number: int, store: Store) -> End:
    row = store.trial(record.id, number)
    return End(f"{record.name}/{number}", row.configuration, store.parameters(record.id)[number])


def explain(record: SweepRecord, task: Task, store: Store, options: RunOptions) -> SweepRecord:
    """Train the steps of the path to a trial, as far as they are not trained yet; return the record of their sweep.

    Args:
        record: the sweep of the trial.
        task: which one, and how.
        store: where they are.
        options: execution options.

    Raises:
        SweepError: as of `path_of`, when the data set has changed, or training had to stop; then what was done is kept.
    """
    path, name = path_of(record, task.trial, task.baseline, store), explain_name(record.name)
    found = outcomes_of(path, record, task.seeds, store)
    if NOTHING in found and len(steps(path, found, record.objective, task.order)) == len(path.groups):
        options.observer.note(f"all steps are trained already, in {name}")
        return store.sweep(name)
    most = trainings(len(path.groups), task.seeds, task.order)
    options.observer.note(
        f"{counted(len(path.groups), 'parameter')} {'differs' if len(path.groups) == 1 else 'differ'}, which takes "
        f"{most} trainings in all, those done before included"
    )
    with training_twins(record, name, ONCE, store, options, most, task.again(record.name)) as train:
        for wanted in _rounds(path, record, task, store):
            if train(wanted) is None:
                options.observer.note("the budget ended before the last step; give the same command again")
                break
    return store.sweep(name)


def _rounds(path: Path, record: SweepRecord, task: Task, store: Store) -> Iterator[list[Twin]]:
    """Yield the trainings of each step, which is decided once those of the step before are done."""
    done: list[str] = []
    while len(done) < len(path.groups):
        found = outcomes_of(path, record, task.seeds, store)
        done = steps(path, found, record.objective, task.order)
        needed = [*([] if done else [NOTHING]), *candidates(path, done, task.order)]
        if missing := [changed for changed in needed if changed not in found]:
            yield [twin for changed in missing for twin in _twins(path, record, task, changed)]


def _twins(path: Path, record: SweepRecord, task: Task, changed: Changed) -> list[Twin]:
    """Return the trainings of one configuration."""
    labels = {PARENT: path.target.name, BASELINE: path.baseline.name, CHANGED: path.label(changed)}
    configuration, values = path.configuration(changed), path.parameters(changed)
    return [
        fresh_twin(record, task.trial, configuration, seed, labels, parameters=values)
        for seed in range(1, task.seeds + 1)
    ]


def outcomes_of(path: Path, record: SweepRecord, seeds: int | None, store: Store) -> Outcomes:
    """Return the outcomes of those configurations whose trainings with the first seeds have all ended.

    Args:
        path: between which configurations.
        record: the sweep of the trial.
        seeds: how many; None for as many as the baseline has.
        store: where the trainings are.
    """
    twins = find_twins(record, explain_name(record.name), store)
    if twins is None:
        return {}
    kept = store.parameters(twins.id)
    ended: dict[str, dict[int, Any]] = {}
    for each in store.competitors(twins.id):
        own = kept[each.number]
        if (own.get(PARENT), own.get(BASELINE)) == (path.target.name, path.baseline.name):
            ended.setdefault(str(own[CHANGED]), {})[int(str(own[SEED]))] = each
    if seeds is None:
        seeds = max((len(all_) for all_ in ended.values()), default=0)
    found = {}
    for label, all_ in ended.items():
        own_seeds = [all_[seed] for seed in range(1, seeds + 1) if seed in all_]
        if len(own_seeds) == seeds and not any(each.status in UNENDED for each in own_seeds):
            found[_changed(label)] = _outcome({seed: all_[seed] for seed in range(1, seeds + 1)})
    return found


def trained_for(path: Path, record: SweepRecord, seeds: int, store: Store) -> list[int]:
    """Return the numbers of the trainings between two configurations with the first seeds, in the sweep of these."""
    twins = find_twins(record, explain_name(record.name), store)
    ends = (path.target.name, path.baseline.name)
    return [
        number
        for number, own in (store.parameters(twins.id) if twins else {}).items()
        if (own.get(PARENT), own.get(BASELINE)) == ends and int(str(own[SEED])) <= seeds
    ]


def _changed(label: str) -> Changed:
    return NOTHING if label == "nothing" else frozenset(label.split(", "))


def _outcome(trainings: dict[int, Any]) -> Outcome:
    """Return the outcome of trainings by the number of their seed."""
    return Outcome(
        {seed: each.best_value for seed, each in trainings.items() if each.status == "completed"},
        frozenset(seed for seed, each in trainings.items() if each.status == "diverged"),
        frozenset(seed for seed, each in trainings.items() if each.status not in ("completed", "diverged")),
    )
