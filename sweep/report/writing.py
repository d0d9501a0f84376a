"""Writing a report as HTML or as Markdown.

Both are made by a Jinja template in which every value is escaped for its language, so that whatever a sweep, a
parameter or a metric is called, it is shown and does nothing. The page needs no network, and its policy (CSP) allows
nothing but the one style and the one script whose digests it names.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from sweep.errors import UsageError
from sweep.system.files import check_place, write_whole

if TYPE_CHECKING:
    from jinja2 import Environment

    from sweep.report.content import Report, Table
    from sweep.results.sweep import Sweep

SUFFIXES = (".html", ".md")
PUNCTUATION = re.compile(r"(?<![^\W_])_|_(?![^\W_])|[\\`*\[\]<>&|~$]|^[-+=#](?=[-=#\s]|$)|(?<=^\d)[.)](?=\s|$)")
"""What may mean something in Markdown; an underscore within a name does not."""
CODE = re.compile(r"`((?:sweep |--)[^`]+|[\w-]+(?:\.[\w-]+|_\w+|\[\d+\])+)`")
"""What is code in our sentences: commands, options and full names; a metric may be called `anything`."""
MARKED = re.compile(r"`([^`]+)`")


def check_file(file: Path) -> None:
    """Check that a report can be written to a file, before it is made.

    Raises:
        UsageError: when its name ends in something else.
        SweepError: when there is no such folder.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"cannot write '{file}': its name must end in {' or '.join(SUFFIXES)}")
    check_place(file)


def write_report(results: Sweep, file: Path, progress: Callable[[int, int], None]) -> Path:
    """Write the report of a sweep; return the file.

    Raises:
        UsageError: when the name of the file ends in something else than .html or .md.
        SweepError: when it cannot be written.
    """
    from sweep.report.gathering import gather

    check_file(file)
    report = gather(results, progress)
    text = html(report) if file.suffix.lower() == ".html" else markdown(report)
    write_whole(file, text.encode("utf-8", "replace"))
    return file


def html(report: Report) -> str:
    """Return a report as a page."""
    environment = _environment(is_html=True)
    style, script = _part("report.css"), _part("report.js")
    # As JSON in a script; a < would end it.
    told = {"names": report.named, "trials": report.marks}
    marks = json.dumps(told, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return environment.get_template("report.html").render(
        report=report,
        style=Markup(style),
        script=Markup(script),
        marks=Markup(_plain(marks)),
        policy=f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'",
    )


def markdown(report: Report) -> str:
    """Return a report as Markdown, without its charts."""
    text = _environment(is_html=False).get_template("report.md").render(report=report)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _environment(*, is_html: bool) -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    name = "report.html" if is_html else "report.md"
    environment = Environment(
        loader=DictLoader({name: _part(name)}),
        autoescape=is_html,
        undefined=StrictUndefined,
        finalize=_shown if is_html else _shown_as_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"code": _code, "fenced": _fenced, "heading": _heading}
    environment.filters |= {"table": markdown_table, "words": _code_in_markdown}
    return environment


def _part(name: str) -> str:
    return (files("sweep.report") / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _plain(text: str) -> str:
    """Return text without characters that no page may hold."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", " ", text)


def _shown(value: object) -> object:
    return _plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _code(text: str, is_marked: bool = False) -> Markup:
    """Return text in which what stands in backquotes is code: all of it where it `is_marked`, else as `CODE` says."""
    parts = (MARKED if is_marked else CODE).split(_plain(text).replace(" %", "\u00a0%"))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _shown_as_markdown(value: object) -> object:
    return value if isinstance(value, Markup) else in_markdown(str(value))


def in_markdown(text: str) -> str:
    r"""Return text as Markdown that shows it as it is, on one line.

    >>> print(in_markdown("<b> *is* test_accuracy"))
    \<b\> \*is\* test_accuracy
    """
    line = " ".join(_plain(text).split())
    return PUNCTUATION.sub(lambda found: f"\\{found[0]}", line)


def _code_in_markdown(text: str, is_marked: bool = False) -> Markup:
    """Return the same as Markdown."""
    parts = (MARKED if is_marked else CODE).split(" ".join(_plain(text).split()))
    words = (f"`{part}`" if place % 2 else _kept(part) for place, part in enumerate(parts))
    return Markup("".join(words))


def _kept(part: str) -> str:
    """Return escaped text with the spaces at its ends."""
    before = " " if part.startswith(" ") else ""
    after = " " if part.endswith(" ") and part.strip() else ""
    return f"{before}{in_markdown(part)}{after}"


def _heading(level: int) -> Markup:
    return Markup("#") * level


def _fenced(text: str) -> Markup:
    """Return text as a block of code, whatever it holds."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = "\n".join(map(_plain, text.splitlines()))
    return Markup(f"{fence}\n{body}\n{fence}")


def markdown_table(table: Table) -> Markup:
    """Return a table as one of Markdown."""
    rules = ["---:" if is_numeric else "---" for is_numeric in table.numeric]
    rows = [[in_markdown(cell) for cell in row] for row in (table.columns, *table.rows)]
    lines = [rows[0], rules, *rows[1:]]
    return Markup("\n".join(f"| {' | '.join(row)} |" for row in lines))
