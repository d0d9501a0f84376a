"""The documentation builds without a warning, needs no network, and its reference names all that there is."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location

import pytest
import typer

from sweep import __all__ as public
from sweep.cli.entry import app
from sweep.experiment.sections.training import Training
from sweep.nn.layers import LAYERS
from sweep.space import samplers
from sweep.store.schema import metadata
from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built pages, by their addresses."""
    if find_spec("mkdocs") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("mkdocs is not installed; `make test` does so")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {str(page.relative_to(folder).parent): page.read_text() for page in folder.rglob("index.html")}


def test_there_is_a_page_for_each_file(site):
    pages = {str(path.relative_to(ROOT / "docs").with_suffix("")) for path in (ROOT / "docs").rglob("*.md")}
    assert pages - {"index"} <= site.keys()


def test_nothing_is_fetched(site):
    fetched = re.compile(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=[\"']?(?:https?:)?//[^\"' >]*")
    assert [match for page in site.values() for match in fetched.findall(page)] == []


def test_no_picture_fetches_a_font():
    pictures = [*(ROOT / "docs" / "images").glob("*.svg")]
    assert pictures
    for picture in pictures:
        assert not re.search(r"url\(.?http|@import|@font-face|<script", picture.read_text())


@pytest.fixture(scope="module")
def generate():
    """The module that writes the reference."""
    spec = spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_of_commands_has_every_option(generate):
    page = generate.commands()
    commands = [*typer.main.get_command(app).commands.items()]
    while commands:
        name, command = commands.pop()
        commands += [(f"{name} {below}", each) for below, each in getattr(command, "commands", {}).items()]
        section = re.search(rf"^### sweep {name}\n(.*?)(?=^###? |\Z)", page, re.MULTILINE | re.DOTALL)[1]
        for option in command.params:
            if not getattr(option, "hidden", False) and option.param_type_name == "option":
                assert option.opts[0] in section
    assert "| `--format TABLE|CSV|JSON|MARKDOWN` | " in page


def test_the_reference_of_the_file_has_every_key_and_kind(generate):
    page = generate.file_format()
    names = [*Training.model_fields, *LAYERS, *samplers.KINDS]
    assert [name for name in names if f"| `{name}` |" not in page] == []
    assert "| `leaky_relu` | `alpha = 0.01` |" in page
    assert "| `validation` | a number at least 0, below 1 | `0.0` | Fraction of the training part" in page


def test_the_reference_of_python_has_every_public_function(generate):
    page = generate.python()
    assert [name for name in public if name.islower() and f"### {name}\n" not in page] == []
    assert "### leaderboard" in page or "### best" in page


def test_the_reference_of_the_database_has_every_column_with_its_comment(generate):
    page = generate.database()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == sum(len(table.columns) for table in metadata.sorted_tables)
    assert "| `test_accuracy` | double | fraction in [0, 1] |" in rows
    assert 'CREATE VIEW "leaderboard"' in page
