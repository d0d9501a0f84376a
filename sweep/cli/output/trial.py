"""One trial in the terminal: how it ended, its configuration, its epochs, its log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sweep.cli.output.tables import console, print_frame, printable
from sweep.display.words import weights_of
from sweep.errors import SweepError
from sweep.experiment.imported import source_of
from sweep.results.format import format_value

if TYPE_CHECKING:
    from sweep.metrics import Objective
    from sweep.records import TrialRecord
    from sweep.results.sweep import Sweep


def print_trial(results: Sweep, number: int) -> None:
    """Print all that is known of one trial."""
    trial, out = results.trial(number), console()
    out.print(f"[bold]{results.name}/{number}[/bold]  {trial.status}, attempt {trial.attempt}")
    for line in (*_ending(trial, results.objective), *_decisions(results, trial)):
        out.print(Text(line))
    if results.repeats > 1:
        out.print(Text(_repeats(results, number)))
    for line in _marks(results, number):
        out.print(Text(printable(line)))
    if source_of(results.record) is None:  # those of another program are unknown
        seeds = trial.seeds
        out.print(f"seeds: weights {seeds.weights}, shuffling {seeds.shuffling}, dropout {seeds.dropout}")
    for line in _network(trial):
        out.print(Text(line))
    for line in _configuration(trial.configuration):
        out.print(Text(line))
    print_frame(results.epochs(number).drop(columns="trial"), "Epochs", "sweep export --epochs")


def print_json(results: Sweep, number: int) -> None:
    """Print all that is known of one trial as one JSON object, with its epochs as a list of objects."""
    from sweep.results.format import json_text, render

    trial = results.trial(number)
    known = {"sweep": results.name, "trial": trial.number, **asdict(trial)}
    known["decisions"] = [asdict(each) for each in results.store.decisions(results.record.id, number)]
    known["tags"] = list(results.store.tags(results.record.id).get(number, ()))
    known["notes"] = [asdict(each) for each in results.store.notes(results.record.id) if each.trial == number]
    known["epochs"] = json.loads(render(results.epochs(number).drop(columns="trial"), "json"))
    print(json.dumps(known, ensure_ascii=False, allow_nan=False, indent=2, default=json_text))


def print_log(results: Sweep, number: int) -> None:
    """Print the end of what the command of a trial has written, besides its epochs.

    Raises:
        SweepError: when no log is kept.
    """
    log = results.trial(number).log
    if not log:
        raise SweepError(
            f"no log of {results.name}/{number} is kept; only a trial that a command trains has one, of what it writes "
            "besides its epochs"
        )
    print(log, end="" if log.endswith("\n") else "\n")


def _marks(results: Sweep, number: int) -> Iterator[str]:
    """Yield the tags of a trial, and what was noted on it."""
    if tags := results.store.tags(results.record.id).get(number):
        yield f"tags: {', '.join(tags)}"
    for note in results.store.notes(results.record.id):
        if note.trial == number:
            yield f"note of {format_value('written', note.written)}: {note.text}"


def _configuration(configuration: Mapping[str, Any]) -> Iterator[str]:
    for section, values in configuration.items():
        if isinstance(values, Mapping):
            yield from (f"{section}.{key} = {json.dumps(value)}" for key, value in values.items())
        else:
            yield f"{section} = {json.dumps(values)}"


def _network(trial: TrialRecord) -> Iterator[str]:
    """Yield what is known of the size of a trial's network, and how often it was drawn again for it."""
    if trial.network_parameters is not None:
        operations = trial.multiplications
        more = "" if operations is None else f", {operations:,} multiplications a sample"
        yield f"network: {trial.network_parameters:,} parameters{more}"
    if trial.redraws:
        times = "once" if trial.redraws == 1 else f"{trial.redraws:,} times"
        yield f"drawn again {times}, since what was drawn before was outside of [limits]"


def _repeats(results: Sweep, number: int) -> str:
    """Return a line with all trainings of a trial's configuration."""
    parts = []
    for sibling in results.siblings(number):
        other = results.trial(sibling)
        value = "" if other.best_value is None else f" {format_value(results.objective.metric, other.best_value)}"
        parts.append(f"{sibling} {other.status}{value}")
    return f"repeats of this configuration, {results.objective.metric}: {', '.join(parts)}"


def _ending(trial: TrialRecord, objective: Objective) -> list[str]:
    """Return the lines that say how a trial ended."""
    lines = []
    if trial.best_value is not None:
        lines.append(_value(trial, objective))
    if trial.ranked_epochs:
        lines.append(
            f"ranks by its first {trial.ranked_epochs} epochs, since the training to {trial.planned_epochs} epochs is "
            "not completed"
        )
    if at := trial.divergence:
        lines.append(f"diverged in epoch {at.epoch}, step {at.step}: {at.kind} in {at.place}")
    if trial.finding:
        lines.append(trial.finding)
    if trial.error:
        word = {"failed": "failed", "pruned": "pruned"}.get(trial.status, "warning")
        lines += [f"{word}: {trial.error}", *(trial.traceback or "").splitlines()]
    if trial.log:
        lines.append("a log is kept; print it with --log")
    if trial.weights:
        lines.append(f"{weights_of(trial.weights.epoch)} are kept: {trial.weights.file}")
    if trial.seconds and not trial.owner:
        lines.append(f"trained for {trial.seconds:.1f} s by another program")
    elif trial.seconds is not None and trial.owner:
        lines.append(f"trained for {trial.seconds:.1f} s by {trial.owner}")
    return lines


def _decisions(results: Sweep, trial: TrialRecord) -> Iterator[str]:
    """Yield what stopping rules have decided about a trial, and where it pauses."""
    for each in results.store.decisions(results.record.id, trial.number):
        target = "to its end" if each.target_epochs is None else f"to epoch {each.target_epochs}"
        done = {"stop": "stopped", "audit": "stopped, but trained to its end for the audit"}
        words = done.get(each.decision, f"went on {target}")
        yield f"rule '{each.rule}' after epoch {each.epoch}: {words}, since {each.reason}"
    if trial.exempt == "continued":
        yield "it was asked to go on, and no stopping rule ends it"
    if trial.target_epochs is not None and trial.status in ("queued", "running", "paused"):
        yield f"pauses after epoch {trial.target_epochs} until a stopping rule decides whether it goes on"
    if trial.taken_from:
        yield f"its training was taken over from {trial.taken_from}"
    if trial.forked_from:
        parent, _, epoch = trial.forked_from.rpartition("@")
        yield f"it forks from {parent} after epoch {epoch}, up to which its epochs are those of that trial"


def _value(trial: TrialRecord, objective: Objective) -> str:
    """Return the value that a trial is ranked by, and the tie-break at the same epoch."""
    shown = format_value(objective.metric, trial.best_value)
    line = f"{objective.epoch} {_spoken(objective.metric)} {shown} at epoch {trial.best_epoch}"
    if objective.tie_break is None or trial.tie_value is None:
        return line
    return f"{line}, {_spoken(objective.tie_break)} there {format_value(objective.tie_break, trial.tie_value)}"


def _spoken(name: str) -> str:
    """Return the name of a metric as text; a user's own stays as it is."""
    from sweep.metrics import metric

    return name.replace("_", " ") if metric(name).part else name
