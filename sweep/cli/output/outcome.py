"""How the trials of a sweep ended, in words: failures, warnings, trials that were stopped early, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sweep.cli.hints import named_database, sentence
from sweep.errors import Call, SweepError, counted

if TYPE_CHECKING:
    import pandas as pd

    from sweep.records import Progress, Status
    from sweep.results.sweep import Sweep
    from sweep.results.trials import SweepTrials


def problems(name: str, trials: pd.DataFrame, has_earlier: bool = True) -> list[str]:
    """Return a line on the trials that failed, one on the warnings, and one if no trial completed.

    A divergence is a result: it is what was to be found out, and so a sweep may consist of nothing else. A failure is
    not, and a command has done nothing if all its trials failed.

    Args:
        name: the sweep's.
        trials: rows of `Sweep.trials`, those that a command has trained.
        has_earlier: whether an earlier, shorter training that a trial still ranks by is a result of the command.

    Raises:
        SweepError: when all have failed.
    """
    failed = trials[trials["status"] == "failed"]
    is_result = trials["status"] == "completed"
    if has_earlier:
        is_result |= trials["ranked_epochs"].notna()
    if len(failed) and len(failed) == len(trials) and not is_result.any():
        raise _all_failed(name, failed)
    lines = []
    if len(failed):
        lines.append(f"{len(failed)} failed, {_first(failed)}")
    warned = trials[trials["status"].isin(("completed", "diverged")) & trials["error"].notna()]
    if len(warned):
        lines.append(f"warning in {counted(len(warned), 'trial')}, {_first(warned)}")
    counts = trials["status"].value_counts()
    if len(trials) and not is_result.any():
        lines.append(f"no trial completed: {', '.join(f'{count} {status}' for status, count in counts.items())}")
    return lines


def twin_problems(name: str, numbers: Sequence[int], results: SweepTrials) -> list[str]:
    """Return the lines of `problems` on some trials of the sweep of a sweep's twins.

    Args:
        name: that of the twins' sweep.
        numbers: those of the trials.
        results: any sweep in the same database.

    Raises:
        SweepError: when all have failed.
    """
    if not numbers:
        return []
    store = results.store
    rows = store.trials(store.sweep(name).id, results.objective)
    return problems(name, rows[rows["trial"].isin(numbers)])


def _all_failed(name: str, failed: pd.DataFrame) -> SweepError:
    first = failed.iloc[0]
    if len(failed) == 1:
        words = f"trial {first['trial']} of {name} has failed{_reason(first['error'])}"
    else:
        words = f"all {len(failed)} trials of {name} have failed, {_first(failed)}"
    return SweepError(f"{words}; see more with: ", Call("show", name, str(first["trial"])))


def _first(trials: pd.DataFrame) -> str:
    first = trials.iloc[0]
    return f"{'the first of them ' if len(trials) > 1 else ''}trial {first['trial']}: {first['error']}"


def stopped_early(name: str, trials: pd.DataFrame) -> list[str]:
    """Return a line on the trials that a stopping rule has ended, which no table ranks, if there are any."""
    pruned = trials[trials["status"] == "pruned"]
    if pruned.empty:
        return []
    verb = "was" if len(pruned) == 1 else "were"
    after = pruned["epochs"].fillna(0).astype(int).value_counts().sort_index()
    shown = ", ".join(f"{count} after epoch {epoch}" for epoch, count in after.items())
    see = f"see why: sweep leaderboard {name} --pruned{named_database()}"
    return [f"{counted(len(pruned), 'trial')} {verb} stopped early (pruned) and not ranked: {shown}; {see}"]


def never_learned(trials: pd.DataFrame) -> list[str]:
    """Return a line on the ended trials that never learned and one on those that collapsed, with the causes."""
    if "finding" not in trials:
        return []
    from sweep.records import ENDED
    from sweep.training.findings import totals

    return totals(trials.loc[trials["status"].isin(ENDED), "finding"].dropna())


def trained_elsewhere(name: str, counts: Mapping[Status, int]) -> list[str]:
    """Say how many trials another process still trains, which the tables above leave out."""
    running = counts.get("running", 0)
    if not running:
        return []
    are = "is" if running == 1 else "are"
    return [
        f"{counted(running, 'trial')} of {name} {are} still being trained by another process; "
        f"look at all of them once it has ended: sweep leaderboard {name}"
    ]


def ended_by_budget(results: Sweep, counts: Mapping[Status, int], go_on: Call | None = None) -> list[str]:
    """Return lines on why no more trials were started, if that was for a budget, and on those that have paused.

    Args:
        results: of the sweep.
        counts: its trials by status.
        go_on: the call that goes on; by default the sweep is resumed.
    """
    reason = results.store.sweep(results.name).ended
    go_on, lines = go_on or Call("resume", results.name), []
    if reason is not None:
        lines.append(sentence(SweepError(f"no more trials were started: {reason}; go on with: ", go_on)))
    if counts.get("paused") and not counts.get("running"):
        paused = counted(counts["paused"], "trial")
        message = f"{paused} paused until a stopping rule has decided which go on; that is done by: "
        lines.append(sentence(SweepError(message, go_on)))
    return lines


def rank_lines(table: pd.DataFrame, *, with_ranks: bool = True) -> list[str]:
    """Return lines on the ranks of a table that cannot be told apart, and on what is damaged of what tells that.

    Args:
        table: of the best trials.
        with_ranks: whether the first of these is wanted.
    """
    lines = [line] if with_ranks and (line := table.attrs.get("ranks")) else []
    if damaged := table.attrs.get("damaged"):
        numbers = ", ".join(map(str, damaged))
        which = f"trial {numbers} has" if len(damaged) == 1 else f"trials {numbers} have"
        message = f"which examples {which} right is damaged in the database; look into it with: "
        lines.append(sentence(SweepError(message, Call("doctor"))))
    return lines


def nothing_to_rank(progress: Progress) -> str:
    """Return what is said in place of a ranking without rows."""
    if progress.counts.get("completed") or progress.ranked_by_earlier:
        return "Trials: none"
    return "no trial has completed yet"


def kept_weights(results: Sweep) -> list[str]:
    """Return a line on how much room the kept weights take, most of what a sweep writes, if there are any."""
    folder = results.folder / "weights"
    sizes = [file.stat().st_size for file in folder.iterdir()] if folder.is_dir() else []
    return [f"weights: {counted(len(sizes), 'file')}, {sum(sizes) / 1e6:.1f} MB, in {folder}"] if sizes else []


def next_steps(results: Sweep) -> list[str]:
    """Return lines with commands that show more of a sweep, above all of its best trial."""
    name, best = results.name, results.best_trials(1)
    shown = best[0] if best else _some_trial(results)
    db = named_database()
    commands = [f"leaderboard {name}", f"show {name}/{shown}", f"export {name} -o trials.csv"]
    lines = ["more:  " + "    ".join(f"sweep {command}{db}" for command in commands)]
    if best:
        commands = [f"analyze {name}", f"finalists {name}"]
        lines.append(f"what matters, and is the winner real:  {'    '.join(f'sweep {each}{db}' for each in commands)}")
    if not (diverged := results.diverged(1)).empty:
        number = int(diverged["trial"].iloc[0])
        commands = [f"trace {name}/{number}", f"rescue {name} --all", f"analyze {name} --divergence"]
        lines.append("why they diverged, what would have saved them, and where that happens:")
        lines.append("       " + "    ".join(f"sweep {command}{db}" for command in commands))
    if best and (trial := results.trial(best[0])).weights and "network" in trial.configuration:
        lines.append(f"       sweep predict {name}/{best[0]}{db}")
    return lines


def _some_trial(results: Sweep) -> int:
    """Return the number of a trial that tells most where none completed."""
    diverged = results.diverged(1)
    return 0 if diverged.empty else int(diverged["trial"].iloc[0])


def counts_lines(results: Sweep, progress: Progress) -> list[str]:
    """Return lines with the number of trials by status, how to see why some failed, and what else is behind a rank."""
    counts = progress.counts
    lines = [f"{results.name}: " + ", ".join(f"{count} {status}" for status, count in counts.items())]
    failed = _failed(results) if counts.get("failed") else None
    if failed is not None and len(failed):
        number, error = failed["trial"].iloc[0], failed["error"].iloc[0]
        hint = SweepError(
            f"trial {number} failed{_reason(error)}; see more with: ", Call("show", results.name, str(number))
        )
        lines.append(sentence(hint))
    lines += ended_by_budget(results, counts) or _interrupted(results, counts)
    if progress.ranked_by_earlier:
        lines.append(f"{progress.ranked_by_earlier} ranked by an ended training, since a longer one is not completed")
    return lines


def _reason(error: object) -> str:
    """Return why a trial failed behind a colon; nothing where that was not stored, as of imported ones."""
    return f": {error}" if isinstance(error, str) else ""


def _interrupted(results: Sweep, counts: Mapping[Status, int]) -> list[str]:
    """Return a line on how to go on where a sweep was interrupted and is not running."""
    if not counts.get("interrupted") or counts.get("running"):
        return []
    words = f"{results.name} was interrupted, and no trial is trained now; go on with: "
    return [sentence(SweepError(words, Call("resume", results.name)))]


def _failed(results: Sweep) -> pd.DataFrame:
    """Return a row of one failed trial, of which there may be none any more while a sweep is running."""
    from sweep.store.frames import Selection

    return results.store.trials(results.record.id, results.objective, Selection("failed", 1))
