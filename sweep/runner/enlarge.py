"""Enlarging a sweep by further trials; those that it has stay as they are."""

from __future__ import annotations

from sweep.engines import RunOptions, open_engine
from sweep.errors import Argument, SweepError, UsageError
from sweep.experiment.experiment import Experiment, History
from sweep.experiment.file import experiment_of
from sweep.experiment.imported import refuse_imported
from sweep.experiment.sections.header import check_total
from sweep.records import SweepRecord
from sweep.runner.draws import Datasets, grouped
from sweep.runner.growth import Growth
from sweep.runner.prepare import plan, prepare_again, warn_of_changes
from sweep.runner.train import resumable, train_queued
from sweep.space.samplers.adaptive import Adaptive
from sweep.store import Store
from sweep.system.processes import is_lost


def enlarge(record: SweepRecord, total: int, store: Store, options: RunOptions) -> SweepRecord:
    """Draw further trials of a sweep until it has `total` configurations, and train all that are queued.

    They are those that the sweep would have had if it had been so large from the beginning; of a sampler in rounds, a
    further round. Stopping rules that compare trials compare the new ones with each other. Returns the sweep's record.

    Raises:
        SweepError: when the sweep has so many already, or its sampler has no more, and nothing is changed then; or when
            training had to stop, and all that was done is kept.
    """
    refuse_imported(record)
    experiment = experiment_of(record)
    _check(record, experiment, total)
    with resumable(record.name, store):
        store.requeue(record.id, is_lost)
        warn_of_changes(record, options.observer)
        datasets = Datasets.stored(record, prepare_again(record, options.data_folder, options.observer), options)
        if not isinstance(experiment.sampler, Adaptive):
            _draw(record, experiment, total, store, datasets, options)
        store.plan_trials(record.id, total * record.repeats)
        record = store.sweep(record.name)
        growth = Growth(experiment, record, store, datasets, options)
        with open_engine(options, store, total * record.repeats) as engine:
            train_queued(record, store, datasets.folders, engine, options, growth=growth)
    return store.sweep(record.name)


def _check(record: SweepRecord, experiment: Experiment, total: int) -> None:
    if experiment.fingerprint != record.fingerprint:
        raise SweepError(
            f"this version of sweep reads the experiment of {record.name} differently, so its further trials would not "
            "belong to it; run it again under another ",
            Argument("name"),
        )
    kind = experiment.header.sampler.kind
    if not experiment.sampler.needs_trials:
        raise SweepError(f"{record.name} has all trials that its sampler, '{kind}', lists")
    if not experiment.sampler.is_extensible:
        raise SweepError(
            f"the points of the sampler '{kind}' depend on how many there are, so {record.name} cannot have more; run "
            "it again with more trials under another ",
            Argument("name"),
        )
    check_total(total, record.repeats, record.name)
    has = (record.planned_trials or record.trials) // record.repeats
    if total <= has:
        raise UsageError(
            f"{record.name} has {has} configurations already; ask for more than that with ", Argument("trials")
        )


def _draw(
    record: SweepRecord, experiment: Experiment, total: int, store: Store, datasets: Datasets, options: RunOptions
) -> None:
    """Draw and store the further trials of a sampler that does not learn from results."""
    found = store.competitors(record.id)
    drawn = len(found) // record.repeats
    nothing = History((), (), ())
    trials = datasets.take(experiment, lambda outside: experiment.draw_more(drawn, total, nothing, outside))
    new = grouped(plan(trials, datasets.folders, options.observer), experiment, found[-1].round + 1)
    if not store.add_trials(record.id, new, datasets.listed()):
        raise SweepError(f"another process has enlarged {record.name} at the same time; look at it with `sweep list`")
