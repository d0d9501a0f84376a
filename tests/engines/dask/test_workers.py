"""Checking the workers of a cluster: what the observer is told, and what ends the sweep."""

import pytest

from sweep.engines.dask import node
from sweep.engines.dask.node import NodeError, NodeInfo
from sweep.engines.dask.workers import WorkerCheck
from sweep.errors import Argument, SweepError
from sweep.store import Store
from sweep.system.environment import environment
from sweep.trial.worker import Assignment
from tests.engines.dask.fakes import FakeClient

ASSIGNMENT = Assignment("sqlite:///a.db", 1, "s", 0, {})

pytest.importorskip("distributed")


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def notes():
    return []


@pytest.fixture
def check(client, notes, tmp_path):
    return WorkerCheck(client, Store(str(tmp_path / "a.db"), create=True), notes.append)


def describe(check, client, info):
    check.describe_new({"tcp://a:1"}, ASSIGNMENT)
    client.submitted[-1].then(info)


def test_each_worker_describes_itself_once(check, client):
    check.describe_new({"tcp://a:1", "tcp://b:1"}, ASSIGNMENT)
    check.describe_new({"tcp://b:1", "tcp://c:1"}, ASSIGNMENT)
    assert sorted(task.worker for task in client.of(node.describe)) == ["tcp://a:1", "tcp://b:1", "tcp://c:1"]
    assert client.submitted[0].arguments[0] == ASSIGNMENT.database


def test_a_worker_like_this_machine_is_not_mentioned(check, client, notes):
    describe(check, client, NodeInfo("a", environment(), sees_results=False))
    assert notes == []


def test_other_versions_are_mentioned_once(check, client, notes):
    info = NodeInfo("a", environment() | {"numpy": "1.0"}, sees_results=True)
    describe(check, client, info)
    client.submitted[-1].then(info)
    (note,) = notes
    assert "a is not like this machine" in note
    assert "-> 1.0" in note


def test_a_temporary_error_is_mentioned(check, notes):
    check.handle_error(NodeError("a", ("the disk is full",), is_temporary=True))
    assert notes == ["warning: a: the disk is full; it tries again"]


def test_an_error_for_good_ends_the_sweep_and_keeps_its_hints(check):
    with pytest.raises(SweepError, match=r"^a: name another db$") as caught:
        check.handle_error(NodeError("a", ("name another ", Argument("db")), is_temporary=False))
    assert Argument("db") in caught.value.args


def test_an_exception_of_a_worker_ends_the_sweep_with_a_sentence(check):
    with pytest.raises(SweepError, match=r"cannot train \(ModuleNotFoundError: no sweep\)"):
        check.handle_error(ModuleNotFoundError("no\nsweep"))


def test_a_cluster_without_workers_and_one_whose_workers_hang_are_told_apart(check, notes):
    check.note_lack(0)
    check.note_lack(2)
    check.note_lack(2)
    assert [note.partition(";")[0] for note in notes] == [
        "the scheduler has no workers",
        "the scheduler has no worker that answers",
    ]
