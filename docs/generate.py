"""Write the reference pages from the code when the documentation is built; mkdocs calls `on_files`.

Nothing of these pages is kept in a file, so they cannot disagree with the code. `python docs/generate.py PAGE` prints
one of them.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

LINES = {"Args:": "Arguments", "Raises:": "Raises", "Returns:": "Returns", "Yields:": "Yields"}
"""Headings in a docstring -> headings on the page."""


def cell(text: object) -> str:
    """Return a text as the content of a cell of a Markdown table; code between backticks stays as it is."""
    parts = re.split(r"(`[^`]*`)", " ".join(str(text).split()))
    return "".join(part if part.startswith("`") else part.replace("|", "\\|").replace("<", "&lt;") for part in parts)


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    heads = [*heads]
    lines = [heads, ["---"] * len(heads), *([*map(cell, row)] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def code(value: object) -> str:
    """Return a value as code; nothing for nothing."""
    return f"`{value}`" if str(value) else ""


def first_paragraph(thing: object) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


# ---- the commands -------------------------------------------------------------------------------------------------


def commands() -> str:
    """Return the page of all commands, in the groups of `sweep --help`."""
    import typer

    from sweep.cli.entry import app

    root: Any = typer.main.get_command(app)
    groups: dict[str, list[Any]] = {}
    for name, command in root.commands.items():
        if not command.hidden:
            groups.setdefault(command.rich_help_panel or "More", []).append((f"sweep {name}", command))
    parts = ["# Commands", " ".join(inspect.cleandoc(root.help or "").split("\n\n")[0].split()), COMMANDS_HEAD]
    for group, members in groups.items():
        parts += [f"## {group}", *(command_page(name, command) for name, command in members)]
    return "\n\n".join(parts) + "\n"


COMMANDS_HEAD = """\
A NAME is the newest sweep where it is left out; a TRIAL is `12` (of the newest sweep) or `mnist-widths/12`. Tables go
to standard output, and messages to standard error. Exit codes: 0 success; 1 failure, also of all trials of a sweep; 2 a
wrong command or experiment file; 130 Ctrl-C, 143 SIGTERM, 129 a closed terminal, with all state saved."""


def command_page(name: str, command: Any) -> str:
    """Return the section of a command, with those of the commands in it."""
    context = command.context_class(command, info_name=name)
    parts = [f"### {name}", re.sub(r"\n(?!\n)", " ", plain(command.help or "")).replace("\n ", "\n\n")]
    if subcommands := getattr(command, "commands", None):
        return "\n\n".join([*parts, *(command_page(f"{name} {key}", each) for key, each in subcommands.items())])
    usage = " ".join(command.collect_usage_pieces(context))
    parts.append(f"```text\n{name} {usage}\n```")
    rows = [parameter_row(each, context) for each in command.params if not getattr(each, "hidden", False)]
    if rows:
        parts.append(table(["", "", "default"], rows))
    if command.epilog:
        parts.append(command.epilog)
    return "\n\n".join(parts)


def parameter_row(parameter: Any, context: Any) -> list[str]:
    """Return the row of an argument or an option: how it is written, what it is for, its default."""
    is_option = parameter.param_type_name == "option"
    names = ", ".join([*parameter.opts, *parameter.secondary_opts]) if is_option else ""
    is_flag = getattr(parameter, "is_flag", False)
    value = "" if is_flag else (parameter.metavar or value_name(parameter, context))
    default = parameter.get_default(context)
    shown = "" if default in (None, False, True, [], (), "") or callable(default) else code(default)
    return [code(f"{names} {value}".strip()), plain(parameter.help or ""), shown]


def value_name(parameter: Any, context: Any) -> str:
    """Return what stands for the value of an argument or an option."""
    if parameter.param_type_name == "argument":
        return f"{parameter.name}".upper()
    return str(parameter.display_type(context)).strip("<>[]").upper().replace("INT", "N").replace("STR", "TEXT")


def plain(text: str) -> str:
    """Return a help text without the marks of a terminal's colors."""
    return re.sub(r"\[/?(?:bold|dim|italic|cyan|green|red|yellow)\]", "", inspect.cleandoc(text)).replace("\b", "")


# ---- the experiment file ------------------------------------------------------------------------------------------


def file_format() -> str:
    """Return the page of the experiment file: its sections, and the kinds that can stand in them."""
    from sweep.experiment.sections import data, header, limits, network, objective, training

    parts = [FILE_HEAD]
    for heading, model in (
        ("At the top", header.Header),
        ("At the top, with a trainer of your own", header.OwnHeader),
        ("`[data]`", data.Data),
        ("`[network]`", network.NetworkSection),
        ("`[training]`", training.Training),
        ("`[objective]`", objective.ObjectiveSection),
        ("`[limits]`", limits.NetworkLimits),
    ):
        parts += [f"## {heading}", section_table(model)]
    for heading, where, registry in registries():
        parts += [f"## {heading}", f"For {where}.", kinds_table(registry)]
    return "\n\n".join(parts) + "\n"


FILE_HEAD = """\
# The experiment file

One rule: **wherever a value can stand, a distribution can stand.** A kind without values of its own is a bare string
(`"relu"`), with values a table (`{ kind = "leaky_relu", alpha = 0.1 }`). What each key means is told with examples on
[the page about files](../files.md); this page lists all keys, as the code has them.

## Distributions

| distribution | draws |
|---|---|
| `{ uniform = [low, high] }` | a real number, every one as likely |
| `{ log_uniform = [low, high] }` | a real number above 0, every logarithm as likely |
| `{ int = [low, high], step = 10 }` | an integer, both ends included; `step` is optional, as is `log = true` |
| `{ choice = [a, b, …] }` | one of several values, or tables that may hold distributions themselves |

Beside the first three, `likely = 0.1` or `likely = [0.05, 0.2]` says where you expect good values."""


def section_table(model: Any) -> str:
    """Return the keys of a pydantic model of a section."""
    notes = attribute_notes(model)
    inherited = {} if model.__name__.endswith("Limits") else getattr(model.__mro__[1], "model_fields", {})
    rows = [
        [code(name), type_words(field.annotation, field.metadata), default_word(field), notes.get(name, "")]
        for name, field in model.model_fields.items()
        if name not in inherited or (field is not inherited[name] and name in model.__annotations__)
    ]
    return table(["key", "value", "default", ""], rows)


def default_word(field: Any) -> str:
    """Return the default of a key; "required" where there is none."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ("", (), []):
        return ""
    if hasattr(default, "model_dump"):
        default = getattr(default, "kind", "")
    return code(
        f'"{default}"'
        if isinstance(default, str) and default
        else str(default).lower()
        if isinstance(default, bool)
        else default
    )


def attribute_notes(model: Any) -> dict[str, str]:
    """Return the texts that stand below the attributes of a class and of those that it is made from."""
    notes: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if not owner.__module__.startswith("sweep."):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0].body  # type: ignore[attr-defined]
        for before, after in pairwise(body):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if isinstance(before, ast.AnnAssign) and is_text:
                notes[before.target.id] = " ".join(after.value.value.split())  # type: ignore[attr-defined, union-attr]
    return notes


def type_words(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Return what values a key takes, in words."""
    registered = [each for each in metadata if hasattr(each, "registry")]
    named = [each for each in metadata if hasattr(each, "names")]
    if registered:
        return "a kind: " + ", ".join(code(kind) for kind in sorted(registered[0].registry))
    if named:
        return ", ".join(code(f'"{name}"') for name in named[0].names())
    bounds = {"ge": "at least", "gt": "above", "lt": "below", "le": "at most"}
    limits = [
        f"{word} {bound}"
        for each in metadata
        for key, word in bounds.items()
        if (bound := getattr(each, key, None)) is not None and bound < LARGEST
    ]
    return " ".join([annotation_words(annotation), ", ".join(limits)]).strip()


WORDS = {int: "an integer", float: "a number", str: "a text", bool: "`true` or `false`", dict: "a table"}


LARGEST = 2**31 - 1
"""Bounds from here on are those of the database, and are not told."""


def annotation_words(annotation: Any) -> str:
    """Return a type in words."""
    from typing import Literal, get_args, get_origin

    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and annotation in WORDS:
        return WORDS[annotation]
    if origin is Literal:
        return " or ".join(code(f'"{each}"' if isinstance(each, str) else str(each).lower()) for each in arguments)
    if hasattr(annotation, "__metadata__"):
        return type_words(arguments[0], [*flat(annotation.__metadata__)])
    if origin in (list, tuple):
        return f"a list of: {annotation_words(arguments[0])}"
    if origin is dict:
        return "a table"
    if arguments:
        return " or ".join(annotation_words(each) for each in arguments if each is not type(None))
    kind = getattr(annotation, "model_fields", {}).get("kind")
    return annotation_words(kind.annotation) if kind else "a table" if hasattr(annotation, "model_fields") else "a kind"


def flat(metadata: Iterable[Any]) -> Iterable[Any]:
    """Yield constraints, those of a field one by one."""
    for each in metadata:
        yield from getattr(each, "metadata", ()) or [each]


def registries() -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return the registries of kinds, with their headings and the keys that they are for."""
    from sweep import stopping
    from sweep.nn.initializers import INITIALIZERS
    from sweep.nn.layers import LAYERS
    from sweep.nn.layers.activations import ACTIVATIONS
    from sweep.nn.optimizers import OPTIMIZERS
    from sweep.nn.schedules import SCHEDULES
    from sweep.space import samplers

    layers = {kind: layer for kind, layer in LAYERS.items() if kind not in ACTIVATIONS}
    return [
        ("Samplers", "`sampler`", samplers.KINDS),
        ("Stopping rules", "`stopping`", stopping.KINDS),
        ("Layers", "`network.layers`, besides all activations", layers),
        ("Activations", "`network.activation` and `network.layers`", ACTIVATIONS),
        ("Initializers", "`network.weights` and `network.biases`", INITIALIZERS),
        ("Optimizers", "`training.optimizer`", OPTIMIZERS),
        ("Schedules", "`training.schedule`", SCHEDULES),
    ]


def kinds_table(registry: Mapping[str, Callable[..., Any]]) -> str:
    """Return the kinds of a registry with their values and defaults."""
    rows = []
    for kind, function in sorted(registry.items()):
        parameters = inspect.signature(function).parameters.values()
        values = [value_word(each) for each in parameters if each.name not in ("weights", "biases")]
        rows.append([code(kind), ", ".join(values), first_paragraph(function)])
    return table(["kind", "values", ""], rows)


def value_word(parameter: inspect.Parameter) -> str:
    """Return the name and the default of a value of a kind."""
    if parameter.default in (parameter.empty, None):
        return code(parameter.name)
    default = parameter.default
    shown = str(default).lower() if isinstance(default, bool) else repr(default).replace("'", '"')
    return code(f"{parameter.name} = {shown}")


# ---- Python -------------------------------------------------------------------------------------------------------


def python() -> str:
    """Return the page of the public names, with the methods of `Sweep`."""
    import sweep
    from sweep.results.sweep import Sweep

    functions = [name for name in sweep.__all__ if inspect.isfunction(getattr(sweep, name))]
    parts = ["# Python", inspect.cleandoc(PYTHON_HEAD), "## Functions"]
    parts += [member(f"sweep.{name}", getattr(sweep, name)) for name in functions]
    parts += ["## class `sweep.Sweep`", description(Sweep)]
    members = {name: inspect.getattr_static(Sweep, name) for name in dir(Sweep) if not name.startswith("_")}
    parts += [member(name, value) for name, value in members.items() if hasattr(value, "__doc__")]
    return "\n\n".join(parts) + "\n"


PYTHON_HEAD = """
    All that the commands do is there in Python, as pandas frames, matplotlib figures and plain objects.
    `sweep.load("mnist-widths")` opens a sweep of the database, `sweep.run` begins one. What cannot be done is told by
    `sweep.SweepError`, in one sentence.
"""


def member(name: str, thing: Any) -> str:
    """Return the section of a function, a method or a property."""
    thing = getattr(thing, "__func__", thing)
    if isinstance(thing, property) or not callable(thing):
        return f"### {name.rpartition('.')[2]}\n\n{description(thing)}"
    signature = inspect.signature(thing)
    kept = [each for each in signature.parameters.values() if each.name != "self"]
    text = str(signature.replace(parameters=kept)).replace("'", "")
    if len(text) > 100:
        text = "(\n" + "".join(f"    {argument},\n" for argument in arguments_of(kept)) + ")"
    return f"### {name.rpartition('.')[2]}\n\n```text\n{name}{text}\n```\n\n{description(thing)}"


def arguments_of(parameters: list[inspect.Parameter]) -> list[str]:
    """Return the arguments of a signature, one by one, with the star in front of those that need their names."""
    shown, has_star = [], False
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and not has_star:
            shown.append("*")
            has_star = True
        shown.append(str(each).replace("'", ""))
    return shown


def description(thing: object) -> str:
    """Return a docstring as Markdown: its lists of arguments and errors become lists."""
    parts = []
    for block in (inspect.getdoc(thing) or "").split("\n\n"):
        head, _, rest = block.partition("\n")
        if head.strip() in LINES:
            items = re.split(r"\n(?=\S)", textwrap.dedent(rest))
            parts.append(f"**{LINES[head.strip()]}**\n\n" + "\n".join(f"* {listed(item)}" for item in items))
        elif ">>>" in block:
            parts.append(f"```pycon\n{block}\n```")
        else:
            parts.append(block)
    return "\n\n".join(parts)


def listed(item: str) -> str:
    """Return one entry of a list of arguments, its name as code."""
    name, colon, rest = " ".join(item.split()).partition(": ")
    return f"`{name}`: {rest}" if colon and re.fullmatch(r"\w+", name) else " ".join(item.split())


# ---- the database -------------------------------------------------------------------------------------------------


def database() -> str:
    """Return the page of the tables and views, with the comments of the schema."""
    from sweep.store.schema import VERSION, metadata

    parts = [f"# The database\n\nSchema {VERSION}. {DATABASE_HEAD}"]
    for each in metadata.sorted_tables:
        rows = [[code(column.name), str(column.type).lower(), key_words(column)] for column in each.columns]
        parts += [f"## {each.name}", f"{(each.comment or '').capitalize()}.", table(["column", "type", ""], rows)]
    for name, text in views():
        parts += [f"## {name} (view)", f"```sql\n{text.strip()}\n```"]
    return "\n\n".join(parts) + "\n"


DATABASE_HEAD = """The database is a SQLite file, `results/sweeps.db` by default, or PostgreSQL with the same tables.
Each column has a comment, which `.schema` of `sqlite3` shows, too. Read it with anything; leave writing to sweep, since
each trial carries a digest of all that is kept of it."""


def key_words(column: Any) -> str:
    """Return the comment of a column, and what it refers to."""
    refers = [f"row of `{key.column.table.name}`" for key in column.foreign_keys]
    own = ["number of the row"] if column.primary_key and column.name == "id" else []
    return "; ".join([*own, *refers, *([column.comment] if column.comment else [])])


def views() -> list[tuple[str, str]]:
    """Return the views of a new database by name, as SQL."""
    import sqlite3
    import tempfile
    from contextlib import closing

    from sweep.store import Store

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        Store(f"sqlite:///{file}", create=True)
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view' ORDER BY 1").fetchall()


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands,
    "reference/file.md": file_format,
    "reference/python.md": python,
    "reference/database.md": database,
}
"""Path of a page -> what writes it."""


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages, and that of the shipped experiments, to those of the folder; mkdocs calls this."""
    from mkdocs.structure.files import File

    for path, write in PAGES.items():
        files.append(File.generated(config, path, content=write()))
    experiments = Path(__file__).parents[1] / "experiments"
    files.append(File.generated(config, "experiments.md", abs_src_path=str(experiments / "README.md")))
    for figure in experiments.glob("figures/*.png"):
        files.append(File.generated(config, f"figures/{figure.name}", abs_src_path=str(figure)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let links to what a page is generated from lead to that page; mkdocs calls this."""
    up = "../" * page.file.src_uri.count("/")
    for source, generated in SOURCES.items():
        markdown = markdown.replace(f"](../{up}{source}", f"]({up}{generated}")
    return markdown


SOURCES = {
    "experiments/README.md": "experiments.md",
    "sweep/experiment/sections/__init__.py": "reference/file.md",
    "sweep/cli/manual.py": "reference/commands.md",
    "sweep/__init__.py": "reference/python.md",
    "sweep/store/schema.py": "reference/database.md",
}
"""What the pages link to where they are read in the repository -> the page that stands for it in the built ones."""


if __name__ == "__main__":
    print(PAGES[f"reference/{sys.argv[1]}.md"]())
