"""Errors: one sentence of text and hints, in words of Python."""

import pickle

import pytest

from sweep.errors import Argument, Call, SweepError, UsageError


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


def test_an_error_keeps_its_hints_from_process_to_process():
    error = pickle.loads(pickle.dumps(SweepError("try fewer ", Argument("workers"))))
    assert error.args == ("try fewer ", Argument("workers"))
