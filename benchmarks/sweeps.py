"""Whole sweeps: what a second worker brings, what others need for the same, and where the time goes."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import pandas as pd

import sweep
from benchmarks.data import load
from benchmarks.measurement import Cell, Table, Target, in_turn, installed, median_ratio, progress, timed_command
from sweep.experiment.file import load as load_experiment
from sweep.results.sweep import Sweep


class Size(NamedTuple):
    """How much is measured."""

    trials: int
    epochs: int
    samples: int | None
    """Of the training part; None for all."""
    rounds: int
    long_trials: int
    """Of the sweep that is looked into."""
    whole_trials: int
    """Of the one whose trials are trained as long as the experiment says."""


FULL = Size(trials=24, epochs=3, samples=None, rounds=3, long_trials=100, whole_trials=8)
QUICK = Size(trials=6, epochs=1, samples=6000, rounds=1, long_trials=8, whole_trials=2)

EXPERIMENT = "mnist-widths"
WORKERS = 2
OVERRIDES = ["learning_rate={log_uniform=[0.005,0.1]}"]
"""Slow enough for no trial to diverge: all have the same work then."""

SWEEPS_NOTE = (
    "Seconds of wall time of a whole command, start-up included, for {trials} trials of {epochs} epochs of the "
    f"experiment {EXPERIMENT} on {{data}}, medians of {{rounds}} rounds in turn. All train the same configurations, "
    "none of which diverges. Optuna: ask and tell, random search, JournalStorage, two processes, eager PyTorch with "
    "one thread, both parts evaluated after each epoch. scikit-learn: RandomizedSearchCV(n_jobs=2) of MLPClassifier "
    "with the ReLU, run once; it evaluates a trial once, and by its accuracy alone. The floor is the seconds of all "
    "epochs, divided by the workers. Best accuracies: {best}."
)
TIME_NOTE = (
    "One sweep of {trials} trials of {epochs} epochs with two workers: shares of workers × wall time. Training: the "
    "stored seconds of all epochs, evaluation included. Start and end: from the command's start to each worker's "
    "first claim of a trial, and from the last trial's end to the command's. Between: from each worker's first claim "
    "to its last trial's end, without training: dispatch, store, making networks. Waiting: from the end of a "
    "worker's last trial until the other has ended its own. Outside training is the sum of start, end and between. "
    "With {shipped} epochs, as the experiment has it, start and end take as long as here; training and between are "
    "those of another sweep of {whole} trials of {shipped} epochs, times {trials} ÷ {whole}."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Time sweeps."""
    prepare(folder, size.samples)
    yield _side_by_side(size, folder, _work(size, folder))
    yield _where_time_goes(size, folder)


def prepare(folder: Path, samples: int | None) -> None:
    """Write the data set that sweep trains on into the folder."""
    dataset = load("mnist", samples)
    arrays = {f"{array}_{name}": getattr(dataset.parts[name], array) for name in ("train", "test") for array in "xt"}
    np.savez(folder / "data.npz", allow_pickle=False, **arrays)


def _work(size: Size, folder: Path) -> Path:
    """Write what the others shall train into a file, the configurations being those that sweep draws."""
    drawn = load_experiment(EXPERIMENT, [*OVERRIDES, f"trials={size.trials}"])
    names = {parameter.name: parameter.short_name for parameter in drawn.parameters}
    configurations = [{names[name]: value for name, value in t.parameters.items()} for t in drawn.trials()]
    work = {"configurations": configurations, "samples": size.samples, "epochs": size.epochs, "processes": WORKERS}
    file = folder / "work.json"
    file.write_text(json.dumps(work))
    return file


def command(folder: Path, database: Path, trials: int, epochs: int, workers: int) -> list[str]:
    """Return the command that runs a sweep on the data set in the folder."""
    dataset = f'dataset={{kind="npz",file="{(folder / "data.npz").absolute()}"}}'
    changes = [part for change in (*OVERRIDES, dataset, f"epochs={epochs}") for part in ("--set", change)]
    options = ["--trials", str(trials), "--workers", str(workers), "--db", str(database), "--quiet"]
    return ["sweep", "run", EXPERIMENT, *changes, *options]


class Outcome(NamedTuple):
    """What a search took and gave."""

    seconds: float
    completed: int
    best: float
    floor: float | None = None
    """Seconds that all epochs took, divided by the workers; None where that is not known."""


def _sweep(folder: Path, trials: int, epochs: int, workers: int) -> tuple[Sweep, Outcome]:
    """Run a sweep; return its results."""
    path = folder / f"{uuid4().hex}.db"
    seconds, _ = timed_command(*command(folder, path, trials, epochs, workers))
    results = sweep.load(db=str(path))
    ranked = results.best(trials)
    floor = results.epochs()["seconds"].sum() / workers
    return results, Outcome(seconds, len(ranked), ranked["test_accuracy"].max(), floor)


def _peer(module: str, work: Path) -> Outcome:
    seconds, printed = timed_command(f"benchmarks.peers.{module}", str(work))
    return Outcome(seconds, *json.loads(printed.splitlines()[-1]))


# Side by side


ONE, TWO, OPTUNA, SCIKIT_LEARN = "sweep, 1 worker", f"sweep, {WORKERS} workers", "Optuna and PyTorch", "scikit-learn"


def _side_by_side(size: Size, folder: Path, work: Path) -> Table:
    outcomes = _outcomes(size, folder, work)
    seconds = {name: [outcome.seconds for outcome in results] for name, results in outcomes.items()}
    best = ", ".join(f"{name} {results[-1].best:.4f}" for name, results in outcomes.items())
    table = Table("Sweeps", SWEEPS_NOTE.format(**size._asdict(), data=load("mnist").name, best=best))
    for name, each in seconds.items():
        table.add(name, Cell(statistics.median(each), "s"))
    speed_up = median_ratio(seconds[ONE], seconds[TWO])
    floors = {name: [outcome.floor for outcome in outcomes[name] if outcome.floor] for name in (ONE, TWO)}
    for name, each in floors.items():
        table.add(f"{name} ÷ floor", Cell(median_ratio(seconds[name], each)))
    table.add("speed-up by the second worker", Cell(speed_up, target=Target(1.9, at_least=True)))
    if OPTUNA in seconds:
        table.add(f"{TWO} ÷ {OPTUNA}", Cell(median_ratio(seconds[TWO], seconds[OPTUNA]), target=Target(0.45)))
    table.add(f"{TWO} ÷ {SCIKIT_LEARN}", Cell(statistics.median(seconds[TWO]) / seconds[SCIKIT_LEARN][0]))
    return table


def _outcomes(size: Size, folder: Path, work: Path) -> dict[str, list[Outcome]]:
    """Let everybody train the same; see to it that nobody leaves a trial out."""
    calls: dict[str, Callable[[], Outcome]] = {
        ONE: lambda: _sweep(folder, size.trials, size.epochs, 1)[1],
        TWO: lambda: _sweep(folder, size.trials, size.epochs, WORKERS)[1],
    }
    if installed({"Optuna": 0, "PyTorch": 0}).keys() == {"Optuna", "PyTorch"}:
        calls[OPTUNA] = partial(_peer, "optuna", work)
    title = f"sweeps of {size.trials} trials"
    outcomes = in_turn(title, calls, size.rounds, warm_up=False)
    outcomes |= in_turn(title, {SCIKIT_LEARN: partial(_peer, "scikit_learn", work)}, rounds=1)
    for name, results in outcomes.items():
        if {outcome.completed for outcome in results} != {size.trials}:
            raise RuntimeError(f"{name}: not all trials were completed")
    return outcomes


# Where the time goes


def _where_time_goes(size: Size, folder: Path) -> Table:
    shipped = load_experiment(EXPERIMENT).trials()[0].configuration["training"]["epochs"]
    seconds, parts = _parts(folder, size.long_trials, size.epochs)
    _, whole = _parts(folder, size.whole_trials, shipped)
    note = TIME_NOTE.format(trials=size.long_trials, epochs=size.epochs, shipped=shipped, whole=size.whole_trials)
    table = Table("Where the time of a sweep goes", note)
    table.add("wall time", Cell(seconds, "s"))
    for name, spent in parts.items():
        table.add(name, Cell(100 * spent / (seconds * WORKERS), "%"))
    outside = parts["start"] + parts["between"] + parts["end"]
    table.add("outside training", Cell(100 * outside / (seconds * WORKERS), "%"))
    factor = size.long_trials / size.whole_trials
    outside = parts["start"] + whole["between"] * factor + parts["end"]
    share = Cell(100 * outside / (outside + whole["training"] * factor), "%", Target(1))
    table.add(f"outside training with {shipped} epochs", share)
    return table


def _parts(folder: Path, trials: int, epochs: int) -> tuple[float, dict[str, float]]:
    """Run a sweep; return its seconds of wall time, and what those of its workers went to."""
    with progress.status(f"where the time of a sweep of {trials} trials of {epochs} epochs goes"):
        start = time.time()
        results, outcome = _sweep(folder, trials, epochs, WORKERS)
    return outcome.seconds, time_spent(_timed_trials(results), start, start + outcome.seconds)


def _timed_trials(results: Sweep) -> pd.DataFrame:
    """Return owner, start and end (seconds since 1970) and seconds of training of each trial."""
    seconds = results.epochs().groupby("trial")["seconds"].sum()
    rows = [results.trial(number) for number in seconds.index]
    moments = [[getattr(row, name).replace(tzinfo=UTC).timestamp() for name in ("started", "finished")] for row in rows]
    frame = pd.DataFrame(moments, columns=["started", "finished"], index=seconds.index)
    return frame.assign(owner=[str(row.owner) for row in rows], training=seconds)


def time_spent(trials: pd.DataFrame, start: float, end: float) -> dict[str, float]:
    """Return the seconds of all workers by what they went to; they add up to workers × (end − start).

    Args:
        trials: owner, started, finished and training of each trial; moments in seconds since 1970.
        start: when the command was started.
        end: when it was over.
    """
    workers = trials.groupby("owner").agg({"started": "min", "finished": "max", "training": "sum"})
    last = workers["finished"].max()
    return {
        "training": workers["training"].sum(),
        "start": (workers["started"] - start).sum(),
        "between": (workers["finished"] - workers["started"] - workers["training"]).sum(),
        "waiting": (last - workers["finished"]).sum(),
        "end": len(workers) * (end - last),
    }
