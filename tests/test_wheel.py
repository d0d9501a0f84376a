"""The wheel as users install it: complete, and typed for their own type checkers."""

import os
import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
SCRIPT = """
import sweep
results = sweep.run("digits-quickstart", workers=2)
reveal_type(results.name)
sweep.run("digits-quickstart", worker=2)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The built wheel; what builds it is one of the development tools, so that nothing is fetched."""
    if find_spec("hatchling") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("hatchling is not installed; `make test` does so")
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(PROJECT)], check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_the_package_the_experiments_and_the_mark_of_types(wheel):
    names = {*zipfile.ZipFile(wheel).namelist()}
    assert {"sweep/__main__.py", "sweep/py.typed", "sweep/experiments/digits-quickstart.toml"} <= names
    assert {f"sweep/report/templates/report.{kind}" for kind in ("html", "md", "css", "js")} <= names
    assert not [name for name in names if name.startswith("tests/")]


def test_mypy_checks_a_users_script_against_it(wheel, tmp_path):
    venv.create(tmp_path / "environment", with_pip=False)
    (packages,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    (tmp_path / "script.py").write_text(SCRIPT)
    interpreter = tmp_path / "environment" / "bin" / "python"
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "", "--python-executable", str(interpreter), "script.py"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MYPYPATH")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Revealed type is "str"' in checked.stdout.replace("builtins.", ""), checked.stdout + checked.stderr
    assert 'Unexpected keyword argument "worker"' in checked.stdout
