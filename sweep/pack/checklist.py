"""A reproducibility checklist, filled in with what a sweep's database knows.

Its items are those of the Machine Learning Reproducibility Checklist, version 2.0 (Pineau et al., JMLR 22, 2021,
"Improving Reproducibility in Machine Learning Research"), which concern data, code and experimental results. What a
database cannot know is left to the author.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from sqlalchemy import select

from sweep.errors import counted
from sweep.experiment.parameters import parameters_of, read_table, trainer_of
from sweep.experiment.parents import parent_of
from sweep.records import Parameter, SweepRecord
from sweep.store import Store
from sweep.store.schema import trials

_COLUMNS = (
    "number",
    "repeat",
    "status",
    "seconds",
    "best_value",
    "best_epoch",
    "tie_value",
    "last_epoch",
    "ranked_epochs",
)


@dataclass(frozen=True, slots=True)
class _Row:
    """What the checklist asks of a trial."""

    number: int
    repeat: int
    status: str
    seconds: float | None
    best_value: float | None
    best_epoch: int | None
    tie_value: float | None
    last_epoch: int | None
    ranked_epochs: int | None

    @property
    def is_ranked(self) -> bool:
        return (self.status == "completed" or self.ranked_epochs is not None) and self.best_value is not None


def checklist(store: Store, record: SweepRecord) -> str:
    """Return the checklist of a sweep in Markdown: a fact where there is one, else an open question.

    Args:
        store: a database.
        record: its sweep.
    """
    with store.database.reading() as connection:
        query = select(*(trials.c[name] for name in _COLUMNS)).where(trials.c.sweep_id == record.id)
        rows = [_Row(*row) for row in connection.execute(query.order_by(trials.c.number))]
    parts = {
        "Hyperparameters": _hyperparameters(record, rows),
        "Runs and seeds": _runs(record, rows),
        "Measure and results": _results(record, rows),
        "Time and machine": _machine(record, rows),
        "Data": _data(record),
        "Code": _code(record),
    }
    lines = [
        f"# Reproducibility checklist of {record.name}",
        "",
        *([f"{record.description}", ""] if record.description else []),
        "Filled in from the tables of this pack, after the Machine Learning Reproducibility Checklist, version 2.0. "
        "What is not ticked is for the author.",
    ]
    for title, items in parts.items():
        lines += ["", f"## {title}", "", *items]
    return "\n".join(lines) + "\n"


def _known(item: str, fact: str) -> str:
    return f"- [x] {item}: {fact}"


def _open(question: str) -> str:
    return f"- [ ] {question}"


def _hyperparameters(record: SweepRecord, rows: Sequence[_Row]) -> Iterator[str]:
    searched = parameters_of(record)
    yield _known("Range of each hyperparameter", "as below" if searched else "none is searched")
    yield from (f"  - `{each.name}`: {_range(each)}" for each in searched)
    yield _known("How they were chosen", f"{_sampler(record)}, seed {record.seed}")
    objective = record.objective
    best = f"the {'largest' if objective.is_max else 'smallest'} {objective.metric} at the {objective.epoch} epoch"
    if record.repeats > 1:
        best += f", as the mean over {record.repeats} trainings of a configuration"
    elif objective.tie_break:
        best += f"; of equal ones, the smallest {objective.tie_break}"
    yield _known("How the best configuration was selected", best)
    if objective.metric.startswith("test_"):
        yield _open(
            f"The best is selected by {objective.metric}, so its value is too good as an estimate for new data. What "
            "was done about that?"
        )
    yield _known("All hyperparameters of each run", "the column `configuration` of the pack's trials.csv")
    yield _open("Why these ranges?")


def _range(parameter: Parameter) -> str:
    if parameter.options:
        return "one of " + ", ".join(json.dumps(option, ensure_ascii=False) for option in parameter.options)
    if parameter.low is None or parameter.high is None:
        return "as in experiment.toml"
    scale = ", uniform in its logarithm" if parameter.log else ""
    if parameter.step != 1:
        scale = f" in steps of {parameter.step}"
    return f"from {parameter.low!r} to {parameter.high!r}{scale}"


def _sampler(record: SweepRecord) -> str:
    parent = parent_of(record)
    if parent:
        return f"made from trials of the sweep {parent}"
    sampler = read_table(record.experiment, record.name, record.overrides).get("sampler", "random")
    kind = sampler.get("kind", "random") if isinstance(sampler, dict) else sampler
    return f"sampler {kind}"


def _runs(record: SweepRecord, rows: Sequence[_Row]) -> Iterator[str]:
    statuses = Counter(row.status for row in rows)
    each = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
    configurations = len({row.number - row.repeat for row in rows})
    yield _known("Number of configurations", str(configurations))
    yield _known("Exact number of trainings", f"{len(rows)} ({each}), {record.repeats} of each configuration")
    lost = [str(row.number) for row in rows if row.status == "failed"]
    if lost:
        yield _open(f"Why did {counted(len(lost), 'trial')} fail ({', '.join(lost[:10])})?")
    epochs = [row.last_epoch for row in rows if row.last_epoch is not None]
    if epochs:
        yield _known("Epochs", f"{sum(epochs)} in all, at most {max(epochs)} in a training")
    yield _known("Seeds", "the columns `seed_weights`, `seed_shuffling` and `seed_dropout` of the pack's trials.csv")
    if "stopping" in read_table(record.experiment, record.name, record.overrides):
        yield _known("Early stopping", "each decision with its reason is in the pack's decisions.csv")
    if record.overrides:
        yield _known("Values changed on the command line", ", ".join(f"`{change}`" for change in record.overrides))


def _results(record: SweepRecord, rows: Sequence[_Row]) -> Iterator[str]:
    objective = record.objective
    yield _known("Measure", f"{objective.metric}, {objective.direction}, at the {objective.epoch} epoch of a training")
    ranked = [row for row in rows if row.is_ranked]
    if not ranked:
        yield _open("No training was completed, so there is no result.")
        return
    if record.repeats > 1:
        yield from _repeated(record, rows)
        return
    sign = -1 if objective.is_max else 1
    best = min(ranked, key=lambda row: (sign * _value(row), row.tie_value is None, row.tie_value or 0.0, row.number))
    yield _known("Best value", f"{best.best_value!r}, of trial {best.number}, epoch {best.best_epoch}")
    values = sorted(map(_value, ranked))
    middle = len(values) // 2
    median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    yield _known("Over all ranked trainings", f"median {median!r}, from {values[0]!r} to {values[-1]!r}")
    yield _open(
        "Each configuration was trained once, so nothing is known here of the variation between seeds. Were the best "
        "trained again with other seeds?"
    )


def _value(row: _Row) -> float:
    return row.best_value if row.best_value is not None else float("nan")


def _repeated(record: SweepRecord, rows: Sequence[_Row]) -> Iterator[str]:
    """Yield the mean and the standard deviation of the best configuration all of whose trainings were completed."""
    of_each: dict[int, list[_Row]] = {}
    for row in rows:
        of_each.setdefault(row.number - row.repeat, []).append(row)
    whole = {first: [*map(_value, each)] for first, each in of_each.items() if all(row.is_ranked for row in each)}
    if not whole:
        yield _open("No configuration has all its trainings completed, so there is no mean.")
        return
    sign = -1 if record.objective.is_max else 1
    first, values = min(whole.items(), key=lambda item: (sign * fmean(item[1]), item[0]))
    deviation = stdev(values) if len(values) > 1 else 0.0
    yield _known(
        "Best configuration, mean and standard deviation between seeds",
        f"{fmean(values)!r} ± {deviation!r} over {len(values)} trainings, trials {first} to {first + len(values) - 1}",
    )
    lost = sum(1 for each in of_each.values() if not all(row.is_ranked for row in each))
    if lost:
        yield _known("Configurations without a mean, as a training of theirs did not complete", str(lost))


def _machine(record: SweepRecord, rows: Sequence[_Row]) -> Iterator[str]:
    seconds = [row.seconds for row in rows if row.seconds is not None]
    if seconds:
        fact = f"{fmean(seconds):.3g} s of wall time with one BLAS thread, {sum(seconds):.4g} s for all"
        yield _known("Average run time of a training", fact)
    found = record.environment
    yield _known("Machine", ", ".join(found[key] for key in ("cpu", "system") if key in found) or "unknown")
    yield _known("BLAS kernel", found.get("blas", "unknown"))
    yield _open("Memory, number of machines, energy, and what was tried before and is not in this sweep?")


def _data(record: SweepRecord) -> Iterator[str]:
    if not record.datasets:
        yield _open("The trainer reads its data by itself: which are they, and what are their hashes?")
    for entry in record.datasets:
        options = {name: value for name, value in entry.items() if name != "sha256"}
        yield _known("Data set", f"`{_plain(options)}`, SHA-256 of its files {entry.get('sha256')}")
    yield _open("Where can the data be had, under which license, and was anything excluded from them?")
    if record.datasets:
        yield _known(
            "Preprocessing and split", "the table `data` of the pack's experiment.toml and of each configuration"
        )


def _plain(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _code(record: SweepRecord) -> Iterator[str]:
    found = record.environment
    yield _known(
        "Versions", _listed(f"{key} {found[key]}" for key in ("sweep", "python", "numpy", "scipy") if key in found)
    )
    trainer = trainer_of(record)
    if trainer is None:
        yield _known("Training code", "the networks of sweep, described by the pack's experiment.toml")
        yield _known(
            "How to train it again",
            "`sweep run experiment.toml` with the pack's file, or a part of it by `sweep verify` with the pack",
        )
        return
    digest = found.get("trainer")
    yield _known("Training code", f"`{_plain(trainer)}`, SHA-256 {digest}" if digest else f"`{_plain(trainer)}`")
    yield _open("Which versions of other packages does the training code need, and where can it be had?")


def _listed(items: Iterable[str]) -> str:
    return ", ".join(items) or "unknown"
