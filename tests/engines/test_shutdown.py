"""Shutting down: gracefully at the first signal, at once at the second."""

import os
import signal
import threading

import pytest

from sweep.engines import shutdown as module
from sweep.engines.shutdown import Shutdown


class Workers:
    """Records what a shutdown asks of the workers."""

    def __init__(self):
        self.calls = []
        self.killed = threading.Event()
        self.shutdown = Shutdown(lambda: self.calls.append("terminate"), self._kill)

    def _kill(self):
        self.calls.append("kill")
        self.killed.set()


@pytest.fixture
def workers():
    return Workers()


@pytest.fixture
def no_timer(monkeypatch):
    """Let the grace period last for ever."""
    monkeypatch.setattr(module, "GRACE_SECONDS", threading.TIMEOUT_MAX)


@pytest.mark.usefixtures("no_timer")
def test_a_request_asks_the_workers_to_end_once(workers):
    assert not workers.shutdown.is_requested
    workers.shutdown.request()
    workers.shutdown.request()
    assert workers.shutdown.is_requested
    assert workers.calls == ["terminate"]


def test_workers_that_do_not_end_are_killed(workers, monkeypatch):
    monkeypatch.setattr(module, "GRACE_SECONDS", 0.01)
    workers.shutdown.request()
    assert workers.killed.wait(60)
    assert workers.calls == ["terminate", "kill"]


def test_killing_does_not_ask(workers):
    workers.shutdown.kill()
    assert workers.shutdown.is_requested
    assert workers.calls == ["kill"]


@pytest.mark.usefixtures("no_timer")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_requests_and_the_second_kills(workers, number, monkeypatch):
    monkeypatch.setattr(module, "REPEAT_SECONDS", 0)
    before = signal.getsignal(number)
    with workers.shutdown.on_signals():
        os.kill(os.getpid(), number)
        assert workers.calls == ["terminate"]
        assert workers.shutdown.signal == number
        os.kill(os.getpid(), signal.SIGTERM)
        assert workers.calls == ["terminate", "kill"]
        assert workers.shutdown.signal == number
    assert signal.getsignal(number) is before


@pytest.mark.usefixtures("no_timer")
def test_a_signal_that_is_sent_twice_is_one(workers):
    """As a closed terminal and its shell send it, or `timeout` to a process and its group."""
    with workers.shutdown.on_signals():
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
    assert workers.calls == ["terminate"]


def test_a_closed_terminal_stays_ignored_where_it_is(workers):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with workers.shutdown.on_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_leave_the_signals_alone(workers):
    seen = []

    def work():
        with workers.shutdown.on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]
