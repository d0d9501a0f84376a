"""Trials without an answer: what their leases show."""

import socket
import time

import pytest

from sweep.engines.dask.leases import LeaseCheck, Task
from sweep.store import Lease
from sweep.system.processes import owner
from sweep.trial.worker import Assignment

GONE = f"{socket.gethostname()}:1@5.00"
ELSEWHERE = "another-host:1@5.00"


class FakeStore:
    """Records the calls, each of which has a status of its own."""

    def __init__(self):
        self.calls = []

    def record_crash(self, sweep_id, number, reason, is_lost, *, unclaimed=True, patient=True):
        self.calls.append((number, reason, unclaimed, patient))
        return "queued"

    def fail(self, sweep_id, number, reason, is_lost, *, patient=True):
        assert is_lost("", 0.0)
        self.calls.append((number, reason, patient))
        return "failed"

    def status(self, sweep_id, number):
        return "completed"


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def check(store, monkeypatch):
    monkeypatch.setenv("SWEEP_SILENCE", "10")
    made = LeaseCheck(store, timeout=100.0)
    made._reachable_since = time.monotonic() - 1000
    return made


def task(submitted_seconds_ago=0.0, is_lost=False):
    assignment = Assignment("db", 1, "s", 7, {})
    return Task(assignment, time.monotonic() - submitted_seconds_ago, is_lost=is_lost)


def test_a_running_owner_is_waited_for(check, store):
    lease = Lease(owner(), silent_seconds=9, seconds=99)
    assert not check.is_overdue(task(1000), lease)
    assert check.outcome(task(1000), lease) is None
    assert store.calls == []


def test_a_task_that_nobody_claims_is_overdue_after_the_silence_timeout(check):
    assert not check.is_overdue(task(9), None)
    assert check.is_overdue(task(11), None)


@pytest.mark.parametrize("lease", [Lease(GONE, 0, 0), Lease(ELSEWHERE, silent_seconds=11, seconds=11)])
def test_a_lost_owner_is_recorded_as_a_crash(check, store, lease):
    assert check.is_overdue(task(), lease)
    assert check.outcome(task(), lease) == "queued"
    assert store.calls == [(7, "it has stopped sending heartbeats", False, False)]


def test_silence_counts_only_while_the_store_was_reachable(check):
    silent = Lease(ELSEWHERE, silent_seconds=11, seconds=11)
    assert check.is_overdue(task(), silent)
    check.restart_silence()
    assert not check.is_overdue(task(), silent)


def test_a_trial_that_takes_too_long_fails(check, store):
    lease = Lease(owner(), silent_seconds=0, seconds=101)
    assert check.is_overdue(task(), lease)
    assert check.outcome(task(), lease) == "failed"
    assert store.calls == [(7, "stopped, because it took longer than 100 s", False)]


def test_without_a_timeout_a_trial_may_take_any_time(store):
    assert not LeaseCheck(store, timeout=None).is_overdue(task(), Lease(owner(), silent_seconds=0, seconds=1e9))


def test_a_task_that_dask_gave_up_before_it_was_claimed_is_a_crash(check, store):
    assert check.outcome(task(is_lost=True), None) == "queued"
    assert store.calls == [(7, "the workers that had it are gone", True, False)]


def test_a_trial_that_has_ended_elsewhere_has_its_status(check):
    assert check.outcome(task(), None) == "completed"
