"""Every command and snippet of the README and the documentation does what it is there for, page by page."""

import re
import shutil
import sqlite3
import sys
from contextlib import closing
from functools import cache

import pytest
import typer

from sweep.cli.entry import app
from sweep.experiment.file import load
from sweep.training.figures import LONGEST_NAME, RESERVED
from tests.docs.pages import PAGES, ROOT, blocks, commands
from tests.engine_here import training_here

ONLY_PARSED = (
    *("sweep run mnist", "sweep dashboard", "--watch", "--backend dask", "--retry-failed", "sweep verify"),
    *("--mlflow", "--tensorboard", "--optuna", "sweep import"),
    *("--kind parallel", "--kind interaction", "--kind efficiency", "--kind effect"),
)
"""Beginnings or parts of commands whose options alone are checked here: they need minutes, servers or data sets,
or are charts that have tests of their own."""
OTHERS = {
    "python3",
    ".venv/bin/pip",
    "source",
    "pip",
    "sudo",
    "dask",
    "export",
    "SWEEP_DATA=/data",
    "make",
    ".venv/bin/sweep",
}
"""First words of commands that are not ours."""
SHORT = 3
"""Epochs of each `sweep run`, so that a page takes a second; twice as many where a rule stops trials early."""
STARTED = {"train.py"}
"""Files that a command of sweep starts."""


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """A folder with the finished sweep that most pages speak of, in results/."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "results").mkdir()
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.chdir(folder)
        patch.setenv("SWEEP_CACHE", str(folder / "cache"))
        patch.setenv("SWEEP_DB", str(folder / "results" / "sweeps.db"))
        import sweep

        sweep.run("digits-quickstart", overrides=[f"epochs={SHORT}"])
    return folder


@pytest.fixture
def folder(library, tmp_path, monkeypatch):
    """An empty folder with a copy of that sweep, which is the current one."""
    shutil.copytree(library / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_DB", str(tmp_path / "results" / "sweeps.db"))
    monkeypatch.setenv("SWEEP_CACHE", str(library / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    before = {*sys.modules}
    with training_here():
        yield tmp_path
    for name in {*sys.modules} - before:
        if name in {"mine", "net"}:
            del sys.modules[name]


@cache
def root():
    """Return all commands."""
    return typer.main.get_command(app)


def parse(words):
    """Check the options of a command without running it."""
    command = root()
    while hasattr(command, "commands"):
        context = command.context_class(command, info_name="sweep")
        name, command, words = command.resolve_command(context, words)
    with command.make_context(name, list(words)):
        pass


def run_command(words, answer):
    """Run a command of ours in this process, or check that another one is known."""
    line = " ".join(words)
    if words[0] != "sweep":
        assert words[0] in OTHERS, line
        return
    parse(words[1:])
    if not any(part in line for part in ONLY_PARSED):
        short = ["--set", f"epochs={2 * SHORT if '--stop' in words else SHORT}"] if words[1] == "run" else []
        code, _, err = answer(*words[1:], *short)
        assert code == 0, f"{line}: {err}"


def run_query(text):
    """Run the queries of a block for a database, which find something."""
    with closing(sqlite3.connect("file:results/sweeps.db?mode=ro", uri=True)) as connection:
        assert connection.execute(text.rstrip().rstrip(";")).fetchall()


def run_block(block, folder, answer):
    """Write a block to its file if it has one, and run it."""
    if block.title:
        (folder / block.title).write_text(block.text, encoding="utf-8")
    if block.language == "sh":
        for words in commands(block.text):
            run_command(words, answer)
    elif block.language == "sql":
        run_query(block.text)
    elif block.language == "python" and block.title not in STARTED:
        text = block.text.replace("trials=8, ", "trials=4, ")
        exec(compile(text, block.title or "block", "exec"), {"__name__": "__main__"})
    elif block.language == "toml":
        file = folder / "block.toml"
        file.write_text(block.text, encoding="utf-8")
        assert load(file).trials


WITH_CODE = [page for page in PAGES if any(block.language != "text" for block in blocks(page))]
LONG = ("README.md", "docs/howto/what-matters.md", "docs/howto/stop-early.md")
"""Pages that take seconds; most of their commands stand on others, too."""


def names(pages):
    """Return the pages by their names, those that take long marked as such."""
    found = {str(page.relative_to(ROOT)): page for page in pages}
    return [pytest.param(page, id=name, marks=[pytest.mark.slow] * (name in LONG)) for name, page in found.items()]


def test_every_command_has_options_that_there_are():
    found = [
        words for page in PAGES for block in blocks(page) if block.language == "sh" for words in commands(block.text)
    ]
    ours = [words[1:] for words in found if words[0] == "sweep"]
    assert len(ours) > 100
    for words in ours:
        parse(words)


def test_commands_at_a_glance_are_all_that_there_are():
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    names = [name for name, command in root().commands.items() if not command.hidden]
    assert [name for name in names if not re.search(rf"sweep {name}\b", page)] == []


def test_the_names_that_no_metric_may_have_are_listed():
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    listed = page.partition("metrics may have any name")[2].partition("a trial that reports one of these")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == RESERVED and f"up to {LONGEST_NAME}\n" in listed


def test_what_the_pages_link_to_is_there():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "experiments").glob("*.md")]
    found = [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#:]+)[)#]", page.read_text(encoding="utf-8"))
    ]
    assert len(found) > 100
    assert [(str(page), each) for page, each in found if not (page.parent / each).exists()] == []


@pytest.mark.parametrize("page", names(WITH_CODE))
def test_the_page_does_what_it_says(page, folder, answer):
    if page.parent == ROOT:  # the README begins with nothing
        shutil.rmtree(folder / "results")
    for block in blocks(page):
        run_block(block, folder, answer)


def test_every_block_says_what_it_is():
    for page in PAGES:
        opened = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)[::2]
        languages = {each.split()[0] if each else "" for each in opened}
        assert languages <= {"sh", "python", "toml", "sql", "text"}, page


@pytest.mark.parametrize("page", ["README", "docs/tutorial"])
def test_the_page_in_japanese_has_the_same_commands(page):
    english, japanese = (blocks(ROOT / f"{page}{suffix}") for suffix in (".md", ".ja.md"))

    def without_comments(each):
        return each.language, each.title, re.sub(r" *#.*", "", each.text)

    assert list(map(without_comments, japanese)) == list(map(without_comments, english))
