"""Training trials of a sweep again: with one change each, with other seeds, or step by step from a baseline.

The functions are those of `sweep`, the package.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from sweep.results.hints import naming_database
from sweep.results.opening import load

if TYPE_CHECKING:  # heavy imports happen inside the functions, so that `sweep --help` is quick
    from sweep.engines import RunKeywords
    from sweep.results.sweep import Sweep


@naming_database
def explain(
    trial: int,
    *,
    baseline: int | None = None,
    seeds: int = 3,
    order: Literal["greedy", "file"] = "greedy",
    name: str | None = None,
    db: str | Path | None = None,
    **options: Unpack[RunKeywords],
) -> Sweep:
    """Train the way from a baseline to a trial, one parameter a step; return the results of the sweep.

    The trainings are those of a sweep NAME.explain. `Sweep.explanation` tells what each step brings.

    Args:
        trial: its number.
        baseline: number of the trial at which the way begins; by default the middle of each range of the file.
        seeds: trainings of each configuration, with the same seeds for all.
        order: which parameter changes next: the one that improves most ("greedy"), or the next one of the "file".
        name: the sweep of the trial; by default the newest.
        db, options: as of `sweep.run`.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.arguments import count, whole
    from sweep.engines import RunOptions
    from sweep.runner.explain import Task
    from sweep.runner.explain import explain as train

    checked, results = RunOptions.of(options), load(name, db=db)
    begin = None if baseline is None else whole(baseline, "baseline")
    task = Task(whole(trial, "trial"), begin, count(seeds, "seeds"), order)
    train(results.record, task, results.store, checked)
    return results


@naming_database
def finalists(
    n: int = 5, *, seeds: int = 5, name: str | None = None, db: str | Path | None = None, **options: Unpack[RunKeywords]
) -> Sweep:
    """Train the best configurations again with fresh seeds, the same ones for all; return the results of the sweep.

    The trainings are those of a sweep NAME.finalists. `Sweep.finalists` tells what has come of them.

    Args:
        n: how many configurations.
        seeds: how many fresh seeds each of them has in the end, at least.
        name: their sweep; by default the newest.
        db, options: as of `sweep.run`.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.arguments import count, whole
    from sweep.engines import RunOptions
    from sweep.results.finalists import best_configurations
    from sweep.runner.finalists import train_finalists

    checked, number, results = RunOptions.of(options), count(seeds, "seeds"), load(name, db=db)
    train_finalists(results.record, best_configurations(results, whole(n, "n")), number, results.store, checked)
    return results


@naming_database
def rescue(
    trials: int | Sequence[int] = (),
    *,
    name: str | None = None,
    twins: str | None = None,
    times: float = 3.0,
    db: str | Path | None = None,
    **options: Unpack[RunKeywords],
) -> Sweep:
    """Train twins of diverged trials, each with one change, and return the results of the twins' sweep.

    What has come of them is told by `sweep.results.rescue`.

    Args:
        trials: numbers of the trials; by default all that diverged.
        name: their sweep; by default the newest.
        twins: name of the twins' sweep, by default that of the trials with `.rescue` behind it. It may be there
            already; then the twins that are missing are added.
        times: how many times the time of one trial each of them may take.
        db: as of `sweep.run`.
        options: execution options, as of `sweep.run`.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.arguments import number, text, wholes
    from sweep.engines import RunOptions
    from sweep.results.rescue import casualties
    from sweep.results.sweep import Sweep
    from sweep.runner.rescue import rescue as train

    checked = RunOptions.of(options)
    results = load(name, db=db)
    numbers = wholes(trials, "trials") or casualties(results)
    own = f"{results.name}.rescue" if twins is None else text(twins, "twins")
    record = train(results.record, numbers, own, results.store, checked, times=number(times, "times"))
    return Sweep(results.store, record)


@naming_database
def reseed(
    trials: int | Sequence[int] = (),
    *,
    seeds: int = 5,
    name: str | None = None,
    db: str | Path | None = None,
    **options: Unpack[RunKeywords],
) -> Sweep:
    """Train configurations again with other seeds, to see how often each diverges; return the results of the sweep.

    The trainings are those of a sweep of their own, with `.seeds` behind the name. `Sweep.flakiness` tells how often
    each diverged.

    Args:
        trials: numbers of the trials whose configurations are trained; by default those about which it is least certain
            whether they diverge.
        seeds: how many other seeds each of them has in the end, at least.
        name: their sweep; by default the newest.
        db: as of `sweep.run`.
        options: execution options, as of `sweep.run`.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.arguments import count, wholes
    from sweep.engines import RunOptions
    from sweep.results.flakiness import near_boundary
    from sweep.runner.reseed import reseed as train

    checked, number = RunOptions.of(options), count(seeds, "seeds")
    results = load(name, db=db)
    numbers = wholes(trials, "trials") or near_boundary(results)
    train(results.record, numbers, number, f"{results.name}.seeds", results.store, checked)
    return results
