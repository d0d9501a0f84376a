"""Data sets on their way to nodes: each is sent once to each node, and the trials that need it wait."""

import pytest

from sweep.engines.dask import node, shipping
from sweep.engines.dask.node import MissingData
from sweep.engines.dask.shipping import Transfers
from sweep.trial.worker import Assignment
from tests.engines.dask.fakes import FakeClient

FIRST, SECOND = (Assignment("db", 1, "s", number, {}) for number in (1, 2))


def missing(place="a:/cache", worker="tcp://a:1"):
    return MissingData("/lead/own-1", place, worker)


@pytest.fixture
def client():
    return FakeClient()


@pytest.fixture
def requeued():
    return []


@pytest.fixture
def transfers(client, requeued, monkeypatch):
    monkeypatch.setattr(shipping, "contents", lambda folder: {"x.npy": b"1"})
    return Transfers(client, lambda answer: None, requeued.extend)


def test_trials_of_one_node_share_a_transfer_and_wait_for_it(transfers, client, requeued):
    transfers.send(missing(), FIRST)
    transfers.send(missing(worker="tcp://a:2"), SECOND)
    (task,) = client.submitted
    assert (task.function, task.worker) == (node.receive, "tcp://a:1")
    assert task.arguments == ("/lead/own-1", {"x.npy": b"1"})
    assert transfers
    assert requeued == []
    task.then(None)
    assert requeued == [FIRST, SECOND]
    assert not transfers


def test_each_node_gets_its_own(transfers, client):
    transfers.send(missing(), FIRST)
    transfers.send(missing("b:/cache", "tcp://b:1"), SECOND)
    assert [task.worker for task in client.submitted] == ["tcp://a:1", "tcp://b:1"]


def test_the_trials_of_a_worker_that_has_left_are_requeued_once(transfers, client, requeued):
    transfers.send(missing(), FIRST)
    transfers.check_workers({"tcp://a:1"})
    assert requeued == []
    transfers.check_workers({"tcp://b:1"})
    assert requeued == [FIRST]
    client.submitted[0].then(None)  # its answer comes too late
    assert requeued == [FIRST]


def test_an_error_of_the_node_is_handled(client, monkeypatch):
    monkeypatch.setattr(shipping, "contents", lambda folder: {})
    answers = []
    transfers = Transfers(client, answers.append, lambda trials: None)
    transfers.send(missing(), FIRST)
    client.submitted[0].then("an error")
    assert answers == ["an error"]
