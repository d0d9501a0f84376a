"""The environment variables: their defaults, and what a wrong value is answered with."""

import re
from pathlib import Path

import pytest

import sweep
from sweep.errors import UsageError
from sweep.system import variables

FOLDERS = {"SWEEP_DATA": variables.data_folder, "SWEEP_CACHE": variables.cache_folder}
SECONDS = {"SWEEP_PATIENCE": (variables.patience, 600.0), "SWEEP_SILENCE": (variables.silence_timeout, 120.0)}


@pytest.mark.parametrize("given", ["", None])
@pytest.mark.parametrize("variable", FOLDERS)
def test_a_folder_that_is_not_named(monkeypatch, variable, given):
    monkeypatch.delenv(variable, raising=False)
    if given is not None:
        monkeypatch.setenv(variable, given)
    assert FOLDERS[variable]() is None


@pytest.mark.parametrize("variable", FOLDERS)
def test_a_folder_may_lie_in_the_home_folder(monkeypatch, variable):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv(variable, "~/data")
    assert FOLDERS[variable]() == Path("/home/me/data")
    monkeypatch.setenv(variable, "~nobody-of-that-name/data")
    assert FOLDERS[variable]() == Path("~nobody-of-that-name/data")


def test_the_database_and_the_folder_of_results(monkeypatch):
    monkeypatch.delenv("SWEEP_DB")
    assert variables.database() is None
    monkeypatch.setenv("SWEEP_DB", "sqlite:///a.db")
    assert variables.database() == "sqlite:///a.db"
    monkeypatch.delenv("SWEEP_RESULTS", raising=False)
    assert variables.results_folder() == Path("results")
    monkeypatch.setenv("SWEEP_RESULTS", "/shared")
    assert variables.results_folder() == Path("/shared")


@pytest.mark.parametrize("variable", SECONDS)
def test_seconds(monkeypatch, variable):
    read, default = SECONDS[variable]
    monkeypatch.delenv(variable, raising=False)
    assert read() == default
    monkeypatch.setenv(variable, "0.5")
    assert read() == 0.5


@pytest.mark.parametrize("given", ["0", "-1", "x", "nan", "inf"])
@pytest.mark.parametrize("variable", SECONDS)
def test_seconds_are_positive(monkeypatch, variable, given):
    monkeypatch.setenv(variable, given)
    with pytest.raises(UsageError, match=f"{variable} takes a positive number of seconds, not '{given}'"):
        SECONDS[variable][0]()


def test_each_variable_is_described():
    source = Path(variables.__file__).read_text()
    read = set(re.findall(r'"(SWEEP_[A-Z]+)"', source))
    assert read == set(re.findall(r"^(SWEEP_[A-Z]+)  ", variables.__doc__, re.MULTILINE))
    assert len(read) == 6
    assert sweep.DEFAULT_DATABASE == "results/sweeps.db"
