"""Running a sweep from Python: beginning it, going on with it, and making its trials longer or more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from sweep.results.hints import naming_database

if TYPE_CHECKING:  # heavy imports happen inside the functions, so that `sweep --help` is quick
    from sweep.engines import RunKeywords, RunOptions
    from sweep.experiment.experiment import Experiment
    from sweep.experiment.function import ObjectiveLike, PickledFunction
    from sweep.results.sweep import Sweep


@naming_database
def run(
    source: str | Path | Mapping[str, Any] | Callable[..., Any],
    *,
    overrides: str | Sequence[str] = (),
    db: str | Path | None = None,
    parameters: Mapping[str, Any] | None = None,
    trials: int | None = None,
    epochs: int | None = None,
    objective: ObjectiveLike | None = None,
    name: str | None = None,
    seed: int | None = None,
    repeats: int | None = None,
    sampler: str | Mapping[str, Any] | None = None,
    stopping: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None = None,
    limits: Mapping[str, float] | None = None,
    dataset: Mapping[str, Any] | None = None,
    deterministic: bool | None = None,
    **options: Unpack[RunKeywords],
) -> Sweep:
    """Run an experiment, or search the parameters of a training function, and return the results.

    Args:
        source: an experiment file, the name of an experiment that comes with sweep, the tables of a file as a dict, or
            a generator function `train(config, trial)` that yields a mapping of metrics after each epoch.
        overrides: KEY=VALUE, each changing one value of the file, such as "training.epochs=5" or "name=again".
        db: URL or file of the database; by default SWEEP_DB, else results/sweeps.db.
        trials: number of configurations, in place of that of the file; None only for a sampler that knows it.
        epochs: number of epochs, in place of that of the file; the most that a function is asked for.
        objective: the metric by which trials are ranked and its direction, such as ("rmse", "min").
        name: name of the sweep; by default that in the file, or the function's.
        seed: seed of all draws; by default that in the file, or 0.
        repeats: trainings of each configuration, each with a seed of its own.
        sampler: the key `sampler` of a file.
        stopping: the key `stopping` of a file, such as "halving".
        limits: the section `limits` of a file, such as {"parameters": 50_000}.
        parameters: of a training function: what is searched, as in `[parameters]` of a file: nested mappings, lists
            and scalars, with distributions such as `{"learning_rate": {"log_uniform": [1e-5, 1e-1]}}`; `sweep.space`
            has these as functions.
        dataset: of a training function: the section `data` of a file, such as `{"dataset": "mnist"}`.
        deterministic: of a training function: whether the same parameters and seed always give the same metrics.
        workers: number of worker processes, at least 1; by default one per core.
        timeout: seconds of wall time after which a trial is stopped and counts as failed; by default no limit.
        max_failures: stop the sweep once more trials than this have failed; by default no limit.
        backend: the engine, "local" or "dask", or a factory of one's own (`sweep.engines.EngineFactory`); by default
            "dask" if there is a scheduler, else "local".
        scheduler: address of the Dask scheduler whose workers train, such as tcp://192.168.0.5:8786.
        data: folder with the files of the data set; by default SWEEP_DATA.
        duration: seconds of wall time after which no more trials are started.
        until: value of the objective; once a completed trial has reached it, no more are started.
        epochs_total: number of epochs of all trials together after which no more are started.
        observer: is told how the sweep proceeds (`sweep.observer.Observer`), None for nobody; by default it is shown in
            a cell of a notebook, in a terminal, or else as a line now and then on standard error.
        options: the ten above; none affects the results of a trial.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.engines import RunOptions
    from sweep.experiment.function import from_function
    from sweep.experiment.keywords import from_source

    checked = RunOptions.of(options)
    header: dict[str, Any] = {
        **{"trials": trials, "seed": seed, "repeats": repeats, "epochs": epochs},
        **{"sampler": sampler, "stopping": stopping, "limits": limits, "name": name},
    }
    own = {"parameters": parameters, "dataset": dataset, "deterministic": deterministic}
    if not callable(source):
        return _run(from_source(source, overrides, objective=objective, header=header, own=own), None, db, checked)
    experiment, pickled = from_function(
        source, parameters, objective=objective, data=dataset, deterministic=bool(deterministic), **header
    )
    return _run(experiment, pickled, db, checked)


def _run(experiment: Experiment, pickled: PickledFunction | None, db: str | Path | None, options: RunOptions) -> Sweep:
    """Write the function, if one was pickled, beside the database, and run the experiment."""
    from sweep.data.cache import cache_folder
    from sweep.results.expectation import forecast
    from sweep.results.opening import database_url
    from sweep.results.sweep import Sweep
    from sweep.runner import run as runner
    from sweep.store import Store

    if "data" in experiment.tree:
        cache_folder()  # where there can be none, no database is made either
    store = Store(database_url(db), create=True)
    if pickled:
        pickled.write(store.files)
    return Sweep(store, runner.run(experiment, store, options, forecast))


@naming_database
def resume(
    name: str | None = None, *, retry_failed: bool = False, db: str | Path | None = None, **options: Unpack[RunKeywords]
) -> Sweep:
    """Finish a sweep that was interrupted and return its results.

    Args:
        retry_failed: whether to train failed trials again, too.
        name: the sweep; by default the newest.
        db: as of `run`.
        options: execution options, as of `run`.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.engines import RunOptions
    from sweep.results.opening import database_url
    from sweep.results.sweep import Sweep
    from sweep.runner import resume as runner
    from sweep.store import Store

    checked = RunOptions.of(options)
    store = Store(database_url(db))
    return Sweep(store, runner.resume(name, store, checked, retry_failed=retry_failed))


@naming_database
def extend(
    trials: int | Sequence[int] = (),
    *,
    epochs: int | None = None,
    best: int | None = None,
    name: str | None = None,
    db: str | Path | None = None,
    **options: Unpack[RunKeywords],
) -> Sweep:
    """Train completed trials, and those that were stopped early, further and return the sweep's results.

    The result is bit for bit that of trials that were so long from the beginning. No stopping rule ends them any more.

    Args:
        trials: numbers of the trials.
        epochs: how many epochs each shall have in all; None for those planned, of trials that were stopped early.
        best: this many of the best trials, besides those named.
        name: the sweep; by default the newest.
        db: as of `run`.
        options: execution options, as of `run`.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.arguments import whole, wholes
    from sweep.engines import RunOptions
    from sweep.errors import UsageError
    from sweep.results.opening import load
    from sweep.runner import extend as runner

    checked = RunOptions.of(options)
    results = load(name, db=db)
    numbers = [*wholes(trials, "trials"), *(results.best_trials(whole(best, "best")) if best is not None else [])]
    if not numbers:
        raise UsageError(f"there is no trial of {results.name} to go on with; name some that are completed")
    planned = None if epochs is None else whole(epochs, "epochs")
    runner.extend(results.record, numbers, planned, results.store, checked)
    return results


@naming_database
def enlarge(
    trials: int, *, name: str | None = None, db: str | Path | None = None, **options: Unpack[RunKeywords]
) -> Sweep:
    """Draw and train further trials of a sweep, whose first ones stay as they are, and return its results.

    Args:
        trials: how many configurations it shall have in all.
        name: the sweep; by default the newest.
        db: as of `run`.
        options: execution options, as of `run`.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.arguments import whole
    from sweep.engines import RunOptions
    from sweep.results.opening import load
    from sweep.results.sweep import Sweep
    from sweep.runner.enlarge import enlarge

    checked = RunOptions.of(options)
    results = load(name, db=db)
    return Sweep(results.store, enlarge(results.record, whole(trials, "trials"), results.store, checked))
