"""Random search over the hyperparameters of neural networks.

>>> import sweep                                     # doctest: +SKIP
>>> s = sweep.run("digits-quickstart", workers=2)    # doctest: +SKIP
>>> s.best(10); s.worst(10); s.diverged(); s.epochs()   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

if TYPE_CHECKING:  # heavy imports happen inside the functions, so that `sweep --help` is quick
    from sweep.engines import RunKeywords, RunOptions
    from sweep.errors import SweepError
    from sweep.experiment.experiment import Experiment
    from sweep.experiment.function import ObjectiveLike, PickledFunction
    from sweep.pack.verifying import Verification
    from sweep.results.importing import import_sweep
    from sweep.results.opening import DEFAULT_DATABASE, database_url, load, sweeps
    from sweep.results.querying import sql
    from sweep.results.retraining import explain, finalists, rescue, reseed
    from sweep.results.sweep import Sweep

__all__ = [
    "DEFAULT_DATABASE",
    "Sweep",
    "SweepError",
    "database_url",
    "enlarge",
    "explain",
    "extend",
    "finalists",
    "import_sweep",
    "load",
    "rescue",
    "reseed",
    "resume",
    "run",
    "sql",
    "sweeps",
    "verify",
]

_MODULES = {
    "DEFAULT_DATABASE": "sweep.results.opening",
    "Sweep": "sweep.results.sweep",
    "SweepError": "sweep.errors",
    "database_url": "sweep.results.opening",
    "explain": "sweep.results.retraining",
    "finalists": "sweep.results.retraining",
    "import_sweep": "sweep.results.importing",
    "load": "sweep.results.opening",
    "rescue": "sweep.results.retraining",
    "reseed": "sweep.results.retraining",
    "sql": "sweep.results.querying",
    "sweeps": "sweep.results.opening",
}
"""The module of each public name that is not defined here, which is imported when the name is first used."""


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


def verify(
    file: str | Path,
    *,
    sha256: str | None = None,
    share: float = 0.05,
    trials: int | Sequence[int] = (),
    seed: int | None = None,
    data: str | Path | None = None,
    code: str | Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verification:
    """Check a file that `Sweep.pack` has written: whether it is whole, agrees with itself, and is trained to the same.

    Args:
        file: the pack.
        sha256: the SHA-256 that it must have.
        share: share of the trials that are trained again, at least two of them; 0 for none.
        trials: numbers of those trials, in place of a random share.
        seed: seed of the random choice; by default another one each time, which nobody could know before.
        data: folder of the files of the data sets; by default SWEEP_DATA.
        code: folder with the code of a trainer of the sweep's own, which runs only where it is given.
        progress: called with (epochs done, all epochs) of the trials that are trained again.

    Raises:
        SweepError: when the file is not a pack.
    """
    from sweep.arguments import folder_or_file, number, text, whole, wholes
    from sweep.errors import Argument, UsageError
    from sweep.pack.verifying import Options, verify

    if not 0 <= number(share, "share") <= 1:
        raise UsageError(Argument("share"), f" takes a number from 0 to 1, not {share}")
    options = Options(
        sha256=None if sha256 is None else text(sha256, "sha256"),
        share=number(share, "share"),
        trials=tuple(wholes(trials, "trials")),
        seed=None if seed is None else whole(seed, "seed"),
        data=None if data is None else folder_or_file(data, "data"),
        code=None if code is None else folder_or_file(code, "code"),
    )
    return verify(folder_or_file(file, "file"), options, progress)


if not TYPE_CHECKING:  # a type checker would let any name pass

    def __getattr__(name: str) -> Any:
        """Import what is defined elsewhere when it is first used."""
        if name not in _MODULES:
            raise AttributeError(f"module 'sweep' has no attribute '{name}'")
        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        """Return the public names."""
        return sorted(__all__)
