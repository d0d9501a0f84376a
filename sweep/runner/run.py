"""Running a new sweep: its trials are drawn, stored and trained by an engine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from sweep.engines import RunOptions, open_engine
from sweep.errors import Argument, ExperimentError, SweepError
from sweep.experiment.experiment import Experiment
from sweep.experiment.imported import source_of
from sweep.records import SweepRecord, Trial
from sweep.runner.draws import draw
from sweep.runner.growth import Growth
from sweep.runner.takeover import earlier_sweep, take_over
from sweep.runner.train import resumable, train_queued
from sweep.store import Store

MANY = 10_000
"""Trials that take so long to be stored that the observer is told."""


Remark = Callable[[SweepRecord, Sequence[Trial], Store], str | None]
"""Returns what to tell of the trials of a new sweep before they are trained; None for nothing."""


def run(experiment: Experiment, store: Store, options: RunOptions, remark: Remark | None = None) -> SweepRecord:
    """Draw all trials of a new sweep, store them and train them; return the sweep's record.

    Trials of a sampler that learns from results are drawn once these are there. What `remark` returns is told once
    the sweep is stored.

    Raises:
        SweepError: when a configuration, a data set or the name is unusable, and nothing is stored then; or when the
            sweep had to stop, and all that was done is kept.
    """
    _check_name(experiment.name, store)
    with resumable(experiment.name, store):
        if experiment.is_endless and not options.has_budget:
            raise ExperimentError(
                f"{experiment.path or experiment.name}: trials is missing; say how many to draw, such as trials = 100, "
                "or give a budget with ",
                Argument("duration"),
            )
        earlier = earlier_sweep(experiment.header.start_from, store)
        drawn = draw(experiment, options)
        most = sys.maxsize if experiment.is_endless else drawn.record.planned_trials or len(drawn.trials)
        with open_engine(options, store, most) as engine:
            if len(drawn.trials) >= MANY:
                options.observer.note(f"storing {len(drawn.trials):,} trials")
            store.add_sweep(drawn.record, drawn.trials)
            record = store.sweep(experiment.name)
            message = remark(record, drawn.trials, store) if remark else None
            if message:
                options.observer.note(message)
            take_over(record, earlier, store, options.observer)
            growth = Growth(experiment, record, store, drawn.datasets, options)
            train_queued(record, store, drawn.datasets.folders, engine, options, growth=growth)
    return store.sweep(experiment.name)


def _check_name(name: str, store: Store) -> None:
    try:
        store.check_name(name)
    except SweepError:
        taken = next((each for each in store.records() if each.name.lower() == name.lower()), None)
        source = source_of(taken) if taken else None
        if taken is None or source is None:
            raise
        raise SweepError(
            f"there is a sweep '{taken.name}' already, imported from {source}; give this one another name with ",
            Argument("name"),
        ) from None
