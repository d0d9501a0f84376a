"""Tests of what the dashboard refuses: other machines' pages, and every change."""

import http.client
import json
import threading
from contextlib import contextmanager

import pytest

from sweep.dashboard import server
from sweep.errors import StoreError, SweepError, UsageError
from tests.hand_made import begin, draw, end

CONSTANT = """
name = "constant"
trainer = "mine:train"
trials = 3
epochs = 1
[parameters]
[objective]
metric = "m"
direction = "max"
"""


@contextmanager
def serving(store):
    """Serve the dashboard; yield a function (method, path, host) -> (status, text)."""
    with server.dashboard(store, 0) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()

        def ask(path, method="GET", host=None):
            connection = http.client.HTTPConnection("127.0.0.1", served.server_port)
            headers = {} if host is None else {"Host": host}
            connection.request(method, path, body="{}", headers={"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, text

        yield ask
        served.shutdown()
        thread.join()


def test_it_answers_this_machine_and_changes_nothing(store, record):
    with serving(store) as ask:
        assert ask("/dashboard")[0] == 200
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost@evil.example", ""):
            assert ask("/api/studies", host=host)[0] == 403
        for host in ("localhost:8080", "127.0.0.1", "LOCALHOST"):
            assert ask("/api/studies", host=host)[0] == 200
        before = store.names()
        for method, path in [
            ("DELETE", f"/api/studies/{record.id}"),
            ("POST", "/api/studies"),
            ("POST", f"/api/studies/{record.id}/rename"),
            ("PUT", f"/api/studies/{record.id}/note"),
            ("PATCH", "/api/studies"),
        ]:
            status, text = ask(path, method)
            assert (status, "only shows sweeps" in json.loads(text)["reason"]) == (403, True)
        assert store.names() == before


def test_its_answers_are_right(store, record):
    with serving(store) as ask:
        detail = json.loads(ask(f"/api/studies/{record.id}?after=0")[1])
        assert [trial["state"] for trial in detail["trials"]].count("Complete") == 3
        assert detail["best_trials"][0]["values"] == [0.25]
        assert ask("/api/studies/99")[0] == 404
        assert ask(f"/csv/{record.id}")[0] == 200


@pytest.mark.parametrize("completed", [0, 1, 3])
def test_without_searched_parameters_there_are_no_importances(store, completed):
    record = draw(store, CONSTANT)
    for number in range(completed):
        end(store, record, number, [0.5])
    if not completed:
        begin(store, record, 0)
    with serving(store) as ask:
        assert ask(f"/api/studies/{record.id}/param_importances") == (200, '{"param_importances": [[]]}')
        assert ask(f"/api/studies/{record.id}?after=0")[0] == 200


def test_a_port_that_is_taken_is_one_sentence(store):
    with server.dashboard(store, 0) as first:
        port = first.server_port
        with (
            pytest.raises(SweepError, match=f"another program listens on port {port}; choose"),
            server.dashboard(store, port),
        ):
            pass
        assert first.server_address[0] == "127.0.0.1"
        assert server.address(first, 3) == f"http://127.0.0.1:{port}/dashboard/studies/3"


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_there_is_not_is_refused(store, port):
    with pytest.raises(UsageError, match="from 0 to 65535"), server.dashboard(store, port):
        pass


def test_a_database_that_is_gone_is_one_sentence(store, record, tmp_path):
    with serving(store) as ask:
        assert ask("/api/studies")[0] == 200
        (tmp_path / "sweeps.db").rename(tmp_path / "other.db")
        status, said = ask("/api/studies")
        assert (status, "has been moved away or deleted" in json.loads(said)["reason"]) == (503, True)
        (tmp_path / "other.db").rename(tmp_path / "sweeps.db")
        assert ask("/api/studies")[0] == 200


def test_a_database_that_cannot_be_read_is_said_once(store, monkeypatch, caplog):
    def away():
        raise StoreError("the database cannot be read: connection refused")

    with serving(store) as ask:
        monkeypatch.setattr(store.database, "reading", away)
        for _ in range(2):
            status, text = ask("/api/studies")
            assert (status, json.loads(text)["reason"]) == (503, "the database cannot be read: connection refused")
    assert caplog.messages == ["the database cannot be read: connection refused"]
