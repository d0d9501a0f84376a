"""Errors: one sentence of text and hints, in words of Python."""

import inspect
import pickle

import pytest

import sweep
from sweep.errors import MOST_LISTED, Argument, Call, SweepError, UsageError, suggest
from sweep.store import Store


def test_a_sentence_of_text_and_hints():
    error = UsageError(Argument("workers"), " must be at least 1; go on with: ", Call("resume", "digits"))
    assert str(error) == "workers must be at least 1; go on with: sweep.resume('digits')"
    assert error.worded(lambda hint: type(hint).__name__) == "Argument must be at least 1; go on with: Call"


def test_text_alone_is_itself():
    assert str(SweepError("the disk is full")) == "the disk is full"
    assert str(SweepError()) == ""


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Argument("timeout"), "timeout"),
        (Argument("backend", "dask"), 'backend="dask"'),
        (Argument("overrides", "epochs=9"), 'overrides=["epochs=9"]'),
        (Call("run"), "sweep.run(...)"),
        (Call("resume"), "sweep.resume()"),
        (Call("show", "a", "3"), "sweep.load('a').trial(3)"),
        (Call("show", trial="3"), "sweep.load().trial(3)"),
    ],
)
def test_hints_in_words_of_python(hint, words):
    assert str(hint) == words


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Call("run"), "sweep.run(...)"),
        (Call("resume"), "sweep.resume(db='my.db')"),
        (Call("resume", "a"), "sweep.resume('a', db='my.db')"),
        (Call("show", "a", "3"), "sweep.load('a', db='my.db').trial(3)"),
        (Call("explain", "a", "3", (("seeds", 5),)), "sweep.explain(3, name='a', seeds=5, db='my.db')"),
        (Call("doctor"), "sweep.checks.doctor.examine('my.db')"),
        (Call("fetch", "mnist"), "sweep.data.fetching.fetch('mnist', folder)"),
    ],
)
def test_calls_name_the_database(hint, words):
    error = SweepError("go on with: ", hint)
    error.database = "my.db"
    assert str(error) == f"go on with: {words}"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_public_function_names_the_database_that_it_was_given(tmp_path):
    path = str(tmp_path / "mine.db")
    Store(path, create=True).close()
    for call in (sweep.resume, sweep.extend, sweep.finalists, sweep.load):
        with pytest.raises(SweepError, match="no sweep") as caught:
            call(name="nosuch", db=path)
        assert caught.value.database == path
    assert inspect.signature(sweep.resume).parameters["db"].default is None


def test_an_error_keeps_its_hints_from_process_to_process():
    error = pickle.loads(pickle.dumps(SweepError("try fewer ", Argument("workers"))))
    assert error.args == ("try fewer ", Argument("workers"))


def test_of_many_names_only_the_nearest_are_listed():
    few, many = ([f"s{number:04}" for number in range(count)] for count in (MOST_LISTED, 1000))
    assert suggest("nosuch", few) == f"choose from {', '.join(few)}"
    words = suggest("xyzw7", [*many, "x7"]).removeprefix("choose from ")
    assert words.startswith("x7, s")
    assert words.endswith(" and 991 more") and len(words) < 100
    assert suggest("s00011", many) == "did you mean 's0011'?"
