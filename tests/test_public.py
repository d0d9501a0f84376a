"""What `import sweep` gives, and what it costs."""

import inspect
import re
import subprocess
import sys

import pytest

import sweep
from sweep.engines import RunKeywords
from sweep.errors import SweepError
from sweep.results.sweep import Sweep


def test_the_public_names_are_sorted_and_there():
    assert sweep.__all__ == sorted(sweep.__all__)
    assert set(sweep.__all__) <= set(dir(sweep))
    assert all(getattr(sweep, name) for name in sweep.__all__)


def test_the_classes_are_those_of_their_modules():
    assert sweep.Sweep is Sweep
    assert sweep.SweepError is SweepError


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'sweep' has no attribute 'continue_'"):
        sweep.continue_  # noqa: B018


@pytest.mark.parametrize("function", [sweep.run, sweep.resume, sweep.extend, sweep.load])
def test_every_argument_is_described_with_the_function(function):
    described = set(re.findall(r"^ {8}(\w+): \S", function.__doc__, re.MULTILINE)) - {"SweepError"}
    options = RunKeywords.__annotations__.keys() if function is sweep.run else set()
    assert described == inspect.signature(function).parameters.keys() | options


def test_the_import_is_light():
    program = "import sys, sweep; print(*sorted(name for name in sys.modules if name.startswith('sweep')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sweep"]


def test_a_wrong_option_is_a_type_error():
    with pytest.raises(TypeError, match="wokers"):
        sweep.run("digits-quickstart", wokers=2)
