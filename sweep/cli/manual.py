"""What the help shows: the commands in groups, an example of each, and how switches look."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from sweep.errors import suggest


class Entry(NamedTuple):
    """A command in the help."""

    name: str
    """As it is typed, such as `leaderboard`."""
    example: str
    """A call without `sweep`, such as `leaderboard --worst -n 5`."""
    meaning: str
    """What the example does, in one clause."""


GROUPS: dict[str, tuple[Entry, ...]] = {
    "Search": (
        Entry("run", "run digits-quickstart --trials 20", "draw 20 configurations, train and rank them"),
        Entry("resume", "resume", "finish the newest sweep where it was interrupted"),
        Entry("extend", "extend mnist-widths --trials 200", "draw and train as many as there are 200 of"),
        Entry("continue", "continue --best 5 --epochs 100", "train the five best trials for more epochs"),
        Entry("init", "init mine.toml", "write a commented experiment file to begin with"),
        Entry("schema", "schema -o sweep.schema.json", "write the schema by which editors check experiment files"),
        Entry("next", "next -o next.toml", "write the file of the search that follows the newest sweep"),
    ),
    "Look at results": (
        Entry("leaderboard", "leaderboard --worst -n 5", "the five worst of the trials that ran to their end"),
        Entry("list", "list", "all sweeps of the database, the newest first"),
        Entry("show", "show mnist-widths/12", "one trial: its configuration, its seeds and its epochs"),
        Entry("plot", "plot --kind curves -o curves.png", "the learning curves of all trials"),
        Entry("dashboard", "dashboard --port 8081", "all sweeps in the browser, also while they run"),
        Entry("predict", "predict 12", "what a trained network classifies correctly, and what it confuses"),
    ),
    "Understand": (
        Entry("review", "review", "what may be wrong with the newest search, and what to do next"),
        Entry("analyze", "analyze mnist-widths", "which hyperparameters are worth tuning, and which are dangerous"),
        Entry("compare", "compare random sobol", "which of two searches finds better trials"),
        Entry("diff", "diff 3 17", "what differs between two trials"),
        Entry(
            "finalists",
            "finalists -n 3 --seeds 10",
            "train the three best again, with ten fresh seeds each",
        ),
        Entry("explain", "explain 12", "what each hyperparameter of a trial brings, step by step"),
        Entry("stopping", "stopping mnist-widths", "what each rule that ends trials early would have saved"),
        Entry("trace", "trace 12", "what grew before a trial diverged, array by array and step by step"),
        Entry("rescue", "rescue 12", "what would have saved a trial that diverged"),
        Entry("map", "map digits-trainability", "where a tiny network converges, and where it blows up"),
    ),
    "Share": (
        Entry("report", "report -o report.html", "question, answer, tables and charts in one file to send"),
        Entry("export", "export -o trials.csv", "all trials for other programs"),
        Entry("import", "import study.db", "read a study of Optuna's as a sweep"),
        Entry(
            "sql",
            'sql "SELECT sweep, trial, value FROM leaderboard WHERE rank <= 3"',
            "the three best trials of each sweep",
        ),
        Entry("pack", "pack -o digits.zip", "all of a sweep in one file"),
        Entry("verify", "verify digits.zip", "whether a pack is whole, and its trials train again to the same bits"),
    ),
    "Keep house": (
        Entry("tag", "tag mnist-widths/12 good", "find the trial again with --where \"tag = 'good'\""),
        Entry("note", "note mnist-widths/12 'try more epochs'", "remember something about a trial"),
        Entry("rename", "rename mnist-widths mnist-first", "give a sweep another name, with its weights and charts"),
        Entry("remove", "remove mnist-first", "delete a sweep with its weights and charts, once you have said yes"),
        Entry("archive", "archive digits.zip", "put the newest sweep into one file"),
    ),
    "Check": (
        Entry("data", "data show digits -o digits.png", "what is in a data set, with a picture"),
        Entry("replay", "replay 12 --check", "train a trial again and compare every bit"),
        Entry("doctor", "doctor", "whether the database is intact"),
        Entry("backup", "backup copy.db", "copy the database, also while a sweep is running"),
        Entry("gradcheck", "gradcheck digits-cnn", "compare the gradients of a network with differences of its loss"),
    ),
}
"""The groups of commands, in the order of the help."""


class _Plain:
    """Leaves the type of a switch out of the help, and says of a wrong choice which one may be meant."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Return the arguments that are left; an error about a choice gets a suggestion."""
        try:
            left: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        except Exception as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = suggested(message)  # type: ignore[attr-defined]
            raise
        return left

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the arguments and options, with that of the help."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            if isinstance(parameter, TyperOption) and parameter.is_flag:
                parameter.metavar = ""
        return parameters


def suggested(message: str) -> str:
    """Return a message on a wrong choice with the closest one, or all, in our words; any other as it is.

    >>> suggested("Value error, 'jsn' is not one of 'csv', 'json'.")
    "'jsn' is not one of them; did you mean 'json'?"
    """
    message = message.removeprefix("Value error, ")
    match = re.fullmatch(r"(('?).*\2) is not one of ('.*')\.?", message)
    if match is None:
        return message
    hint = suggest(match[1].strip("'"), re.findall(r"'([^']*)'", match[3]))
    return f"{match[1]} is not one of them; {hint}" if hint.startswith("did") else f"{match[1]} is wrong; {hint}"


class Command(_Plain, TyperCommand):
    """A command whose help says nothing of the type of a switch."""


class Group(_Plain, TyperGroup):
    """A group of commands whose help says nothing of the type of a switch."""


def arrange(app: typer.Typer) -> None:
    """Sort the commands of an application as in `GROUPS`, and give each its group and its example."""
    order = {entry.name: (place, group, entry) for place, (group, entry) in enumerate(_entries())}
    for command in _commands(app):
        if not issubclass(command.cls or TyperCommand, Command):
            command.cls = Command
    shown: list[Any] = [*app.registered_commands, *app.registered_groups]
    for command in shown:
        if found := order.get(_name(command)):
            _, command.rich_help_panel, entry = found
            command.epilog = f"Example: `sweep {entry.example}` — {entry.meaning}"
    app.registered_commands.sort(key=lambda command: order.get(_name(command), (len(order),))[0])


def _entries() -> Iterable[tuple[str, Entry]]:
    return ((group, entry) for group, entries in GROUPS.items() for entry in entries)


def _commands(app: typer.Typer) -> Iterable[typer.models.CommandInfo]:
    yield from app.registered_commands
    for group in app.registered_groups:
        if group.typer_instance:
            yield from _commands(group.typer_instance)


def _name(command: Any) -> str:
    """Return a command as it is typed."""
    return str(command.name or command.callback.__name__.replace("_", "-"))
