"""The experiment file of the search that follows finished sweeps: changed where their results say so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.analysis.following import KEEP, Plan, plan
from sweep.analysis.narrowing import FEWEST, FEWEST_BEST
from sweep.errors import Call, ExperimentError, SweepError, UsageError, counted
from sweep.experiment.file import parse
from sweep.experiment.imported import refuse_imported
from sweep.experiment.parameters import is_native, parse_sections, read_table
from sweep.experiment.rewriting import differences, rewritten
from sweep.experiment.toml import read_toml, write_toml
from sweep.records import ENDED
from sweep.results.sweep import Sweep
from sweep.runner.growth import result_of
from sweep.space.samplers.adaptive import Adaptive, Result
from sweep.space.samplers.screen import Screen
from sweep.space.samplers.screened import explores
from sweep.system.files import check_place, write_whole

EXPLORE = 0.15
"""The probability of a draw from the whole ranges."""
LONGEST_NAME = 100

Reason = tuple[tuple[str | int, ...], str]


@dataclass(frozen=True, slots=True)
class Following:
    """A file for the next search, as it was written."""

    name: str
    """Name of the next sweep."""
    file: Path
    reasons: Sequence[str]
    """What changes and why: the comments in the file, in its order."""
    notes: Sequence[str]
    """What to know besides, a sentence each."""


def write_following(sweeps: Sequence[Sweep], file: Path) -> Following:
    """Write the experiment file of the search that follows some sweeps, and the model that it is screened by.

    Args:
        sweeps: of one database, with the same objective, the newest last; its file is the one that is changed.
        file: a new file; the model, where there is one, is written beside it.

    Raises:
        SweepError: when too few trials have ended, or a file cannot be written.
        UsageError: when the sweeps cannot be compared, or the next one could not run there.
    """
    last = sweeps[-1]
    refuse_imported(last.record)
    _check(sweeps, file)
    results = ended_results(sweeps)
    _check_results(last, results)
    record = last.record
    table = read_table(record.experiment, last.name, record.overrides)
    seed = max(sweep.record.seed for sweep in sweeps) + 1
    independent = independent_numbers(sweeps)
    made = plan(
        table, lambda each: parse_sections(each, last.name), results, last.objective, seed, is_valid, independent
    )
    screen = file.with_suffix(".screen.json")
    new, header = _with_header(made, last, seed, len(results), screen.name)
    reasons = [*_overridden(last, table, new), *header, *_space_reasons(made, last)]
    reasons.sort(key=lambda reason: _place(new, reason[0]))
    text = rewritten(record.experiment, new, reasons)
    parse(text, str(file))
    if made.screen:
        write_whole(screen, made.screen.text().encode())
    write_whole(file, text.encode())
    return Following(new["name"], file, [sentence for _, sentence in reasons], _notes(made, sweeps, results, file))


def _check(sweeps: Sequence[Sweep], file: Path) -> None:
    first, last = sweeps[0], sweeps[-1]
    check_place(file)
    if file.exists():
        raise UsageError(f"{file} exists; name another file, so that nothing that you wrote is lost")
    for sweep in sweeps[:-1]:
        if sweep.objective != last.objective:
            raise UsageError(
                f"{sweep.name} is ranked by {sweep.objective.metric} and {last.name} by {last.objective.metric}; name "
                "sweeps with the same objective"
            )
        if sweep.record.epochs != last.record.epochs:
            raise UsageError(
                f"{sweep.name} has {counted(sweep.record.epochs, 'epoch')} and {last.name} {last.record.epochs}, so "
                "their results cannot be compared; name sweeps that are alike"
            )
    if len({sweep.name for sweep in sweeps}) < len(sweeps):
        raise UsageError(f"{first.name} is named twice; name each sweep once")
    folder = last.record.experiment_folder
    is_elsewhere = folder is not None and Path(folder).resolve() != file.parent.resolve()
    if is_elsewhere and not is_native(read_table(last.record.experiment, last.name, last.record.overrides)):
        raise UsageError(
            f"the trainer of {last.name} is in {folder}; write the file there: {Path(str(folder)) / file.name}"
        )


def ended_results(sweeps: Sequence[Sweep]) -> list[Result]:
    """Return how all configurations have done that have ended, numbered on from one sweep to the next."""
    found: list[Result] = []
    first = 0
    for sweep in sweeps:
        identity, repeats = sweep.record.id, sweep.repeats
        competitors, drawn = sweep.store.competitors(identity), sweep.store.parameters(identity)
        for number in range(len(competitors) // repeats):
            same = competitors[number * repeats : (number + 1) * repeats]
            if all(each.status in ENDED for each in same):
                found.append(result_of(first + number, drawn[number * repeats], same))
        first += len(competitors) // repeats
    return found


def independent_numbers(sweeps: Sequence[Sweep]) -> set[int]:
    """Return the numbers, as of `ended_results`, of the configurations that no model has drawn."""
    found: set[int] = set()
    first = 0
    for sweep in sweeps:
        sampler, seed = sweep.experiment.sampler, sweep.record.seed
        drawn = len(sweep.store.competitors(sweep.record.id)) // sweep.repeats
        if isinstance(sampler, Screen):
            found |= {first + number for number in range(drawn) if explores(seed, number, sampler.explore)}
        elif not isinstance(sampler, Adaptive):
            found |= set(range(first, first + drawn))
        first += drawn
    return found


def _check_results(last: Sweep, results: Sequence[Result]) -> None:
    if len(results) < FEWEST:
        ended = counted(len(results), "configuration")
        message = f"{ended} of {last.name} ended, and at least {FEWEST} are needed to tell what is better; "
        if _unended([last], results):
            raise SweepError(message, "finish it first: ", Call("resume", last.name))
        raise SweepError(message, f"extend it to {FEWEST} or more first")
    known = [result for result in results if result.value is not None]
    if len(known) < FEWEST_BEST:
        raise SweepError(
            f"{len(results) - len(known)} of the {len(results)} configurations of {last.name} diverged or failed, so "
            "there is nothing to compare; lower the learning rates, or see why: ",
            Call("show", last.name, "0"),
        )


def is_valid(table: Mapping[str, Any]) -> bool:
    """Tell whether tables are those of an experiment, whatever its sampler reads."""
    try:
        parse(write_toml({**table, "sampler": "random", "trials": table.get("trials", 1)}), "the next experiment")
    except ExperimentError:
        return False
    return True


def _with_header(made: Plan, last: Sweep, seed: int, results: int, screen: str) -> tuple[dict[str, Any], list[Reason]]:
    """Return the tables of the file with the keys at its top, and the reasons for these."""
    new = deepcopy(made.table)
    new["name"] = _next_name(last)
    new["seed"] = seed
    reasons: list[Reason] = [
        (("name",), f"the sweep after {last.name}; each changed line has its reason above it"),
        (("seed",), "another seed, so that the draws are new"),
    ]
    if new.get("trials") is None:
        new["trials"] = results
        reasons.append((("trials",), f"as many as {last.name} had"))
    old = new.get("sampler", "random")
    if made.screen:
        new["sampler"] = {"kind": "screen", "file": screen, "explore": EXPLORE}
        reasons.append((("sampler",), _screened(made)))
    elif old not in ("random", {"kind": "random"}):
        new["sampler"] = "random"
        reasons.append((("sampler",), f"plain draws, as {_unexplained(made)}"))
    return new, reasons


def _screened(made: Plan) -> str:
    drawn = (
        f"{_percent(1 - EXPLORE)} of the draws lie in the best {_percent(KEEP)} of the space by a model of the results"
    )
    left_out = f"the model explains {_percent(made.explained)} of the variance of trials left out"
    return f"{drawn}, {_percent(EXPLORE)} come from all of it; {left_out}"


def _unexplained(made: Plan) -> str:
    return f"a model of the results explains {_percent(max(made.explained, 0.0))} of the variance of trials left out"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _next_name(last: Sweep) -> str:
    """Return the first free name of NAME-2, NAME-3, and so on; that after NAME-2 is NAME-3."""
    taken = set(last.store.names())
    base, number = last.name, 2
    if (match := re.fullmatch(r"(.+)-(\d{1,6})", last.name)) and match[1] in taken:
        base, number = match[1], int(match[2]) + 1
    while (name := f"{base[: LONGEST_NAME - len(str(number)) - 1]}-{number}") in taken:
        number += 1
    return name


def _overridden(last: Sweep, table: Mapping[str, Any], new: Mapping[str, Any]) -> list[Reason]:
    """Return reasons for the values in which the trials differ from the text of their file."""
    text = read_toml(last.record.experiment.removeprefix("\ufeff"))
    changed = [path for path, _ in differences(text, table)]
    others = [path for path in changed if path[0] not in ("name", "seed", "sampler") and _is_there(new, path)]
    return [(path, f"{_dotted(path)}: as it was changed for {last.name}") for path in others]


def _is_there(table: Any, path: Sequence[str | int]) -> bool:
    """Tell whether a path leads to a value: not where a distribution has become one value."""
    return len(_place(table, path)) == len(path)


def _dotted(path: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _space_reasons(made: Plan, last: Sweep) -> list[Reason]:
    short = {parameter.name: parameter.short_name for parameter in last.parameters}
    return [(change.path, f"{short.get(change.name, change.name)}: {change.reason}") for change in made.changes]


def _place(table: Any, path: Sequence[str | int]) -> tuple[int, ...]:
    """Return what sorts paths in the order of the file."""
    found = []
    for step in path:
        if isinstance(table, Mapping):
            keys = list(table)
            if step not in table:
                break
            found.append(keys.index(str(step)))
        elif isinstance(table, list) and isinstance(step, int) and step < len(table):
            found.append(step)
        else:
            break
        table = table[step]
    return tuple(found)


def _unended(sweeps: Sequence[Sweep], results: Sequence[Result]) -> int:
    drawn = sum(len(sweep.store.competitors(sweep.record.id)) // sweep.repeats for sweep in sweeps)
    return drawn - len(results)


def _notes(made: Plan, sweeps: Sequence[Sweep], results: Sequence[Result], file: Path) -> list[str]:
    notes = []
    if unended := _unended(sweeps, results):
        notes.append(
            f"{counted(unended, 'configuration')} had not ended and {'was' if unended == 1 else 'were'} left out"
        )
    folder = sweeps[-1].record.experiment_folder
    dataset = made.table.get("data", {}).get("dataset")
    if isinstance(dataset, Mapping) and folder and Path(folder).resolve() != file.parent.resolve():
        notes.append(f"relative paths of data were those from {folder}; from now on they are those from {file.parent}")
    if not made.screen:
        notes.append(f"draws are plain, as {_unexplained(made)}")
    if not any(change.kind != "noted" for change in made.changes):
        notes.append("no range is changed: what the best trials have in common may be chance")
    return notes
