"""Tracing trials that have gone on from the state of another one."""

import pytest

from sweep.checks.trace import trace
from sweep.checks.trace_result import Range
from sweep.errors import SweepError
from sweep.runner.twin_results import members

pytestmark = pytest.mark.usefixtures("here")


def forks(rescued):
    """(number, epoch after which it forks) of each twin that does."""
    return [(each.trial.number, each.fork) for each in members(rescued.record, rescued.store) if each.fork]


def losses(rescued, number, epoch):
    """The stored losses of the mini-batches of an epoch."""
    stored = rescued.store.batches(rescued.record.id, number)
    return stored[stored["epoch"] == epoch]["loss"].tolist()


def test_its_own_steps_are_those_that_were_trained(rescued):
    number, fork = forks(rescued)[0]
    length = len(losses(rescued, number, fork))
    found = trace(rescued.record, number, rescued.store, Range(start=fork * length + 1, steps=length))
    expected = losses(rescued, number, fork + 1)
    assert found.frame["loss"].tolist()[: len(expected)] == expected
    assert found.frame["epoch"].iloc[0] == fork + 1


def test_without_a_range_nothing_of_its_parent_is_shown(rescued):
    diverged = set(rescued.diverged()["trial"])
    number, fork = next(each for each in forks(rescued) if each[0] in diverged)
    found = trace(rescued.record, number, rescued.store, Range())
    assert found.is_as_stored
    assert found.frame["epoch"].min() > fork


def test_the_steps_of_its_parent_are_refused(rescued):
    number, fork = forks(rescued)[0]
    first = fork * len(losses(rescued, number, fork)) + 1
    with pytest.raises(
        SweepError, match=rf"the steps before are those of that trial: trace that, or begin at step {first} "
    ):
        trace(rescued.record, number, rescued.store, Range(start=first - 1))
