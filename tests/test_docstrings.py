"""The examples in docstrings give what they say."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
FILES = [path for package in ("sweep", "benchmarks") for path in (HERE / package).rglob("*.py")]
EXAMPLE = re.compile(r"^ *>>> (?!.*doctest: \+SKIP)", re.MULTILINE)
MODULES = sorted(
    ".".join(path.relative_to(HERE).with_suffix("").parts) for path in FILES if EXAMPLE.search(path.read_text("utf-8"))
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
