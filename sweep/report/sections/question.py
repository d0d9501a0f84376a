"""What was asked: the search space as a table, what is ranked by, and how the trials were drawn."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.errors import counted
from sweep.experiment.parameters import trainer_of
from sweep.records import Parameter
from sweep.report.content import Section, Table, pairs
from sweep.report.source import Source
from sweep.results.format import format_value


def section(source: Source) -> Section:
    """Return the question."""
    return Section("question", "What was asked", tables=(_space(source), pairs("How", [*_how(source)])))


def _space(source: Source) -> Table:
    rows = [(each.short_name, _values(each), _scale(each), each.name) for each in source.results.searched]
    note = "" if rows else "No parameter is searched."
    columns = ("parameter", "values", "drawn", "full name")
    return Table("What is searched", columns, tuple(rows), (False,) * 4, note=note)


def _values(parameter: Parameter) -> str:
    if parameter.options:
        return ", ".join(format_value(parameter.short_name, option) for option in parameter.options)
    if parameter.low is None or parameter.high is None:
        return "as in the file"
    ends = " to ".join(format_value("", end) for end in (parameter.low, parameter.high))
    return ends if parameter.step == 1 else f"{ends} in steps of {parameter.step}"


def _scale(parameter: Parameter) -> str:
    if parameter.options or parameter.categorical:
        return "one of them"
    return "uniform in its logarithm" if parameter.log else "uniform"


def _how(source: Source) -> Iterator[tuple[str, str]]:
    record, objective = source.record, source.objective
    more = "more" if objective.is_max else "less"
    yield "ranked by", f"{objective.metric}, {more} is better, each trial at its {objective.epoch} epoch"
    trials = counted(source.progress.total, "trial")
    if record.repeats > 1:
        trials += f": {record.repeats} trainings of each configuration"
    yield "trials", trials
    yield "epochs", str(record.epochs)
    yield "drawn by", _sampler(source)
    if "stopping" in source.table:
        yield "early stopping", _kind(source.table["stopping"])
    trainer = trainer_of(record)
    if trainer is not None:
        yield "trained by", ", ".join(f"{key} {value}" for key, value in trainer.items() if key != "deterministic")
    for entry in record.datasets:
        yield "data set", _kind(entry.get("dataset", ""))
    if record.ended is not None:
        yield "ended", record.ended


def _sampler(source: Source) -> str:
    if source.parent is not None:
        return f"made from trials of the sweep {source.parent}"
    return f"the sampler {_kind(source.table.get('sampler', 'random'))}, seed {source.record.seed}"


def _kind(value: object) -> str:
    return str(value.get("kind", value)) if isinstance(value, dict) else str(value)
