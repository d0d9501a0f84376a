"""Owners of trials: a process is told by its number and its start, and a dead one is known whatever is left of it."""

import os
import socket
import subprocess
import sys
import time

import psutil
import pytest

from sweep.errors import UsageError
from sweep.system.processes import is_alive, is_lost, owner, process_of

HOST = socket.gethostname()


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def name(process, later=0.0):
    return f"{process}@{psutil.Process(process).create_time() + later:.2f}"


def test_this_process_is_alive_and_known_by_its_number():
    assert is_alive(owner())
    assert is_alive(owner(os.getppid()))
    assert process_of(owner()) == (HOST, os.getpid())
    assert process_of("") == ("", 0)


def test_a_process_that_has_ended_is_gone_even_before_it_is_reaped(child):
    named = f"{HOST}:{name(child.pid)}"
    assert is_alive(named)
    child.kill()
    deadline = time.monotonic() + 10
    while is_alive(named) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE  # nobody has asked for its exit code yet
    assert not is_alive(named)
    child.wait()
    assert not is_alive(named)


def test_a_number_that_is_used_again_is_another_process(child):
    assert not is_alive(f"{HOST}:{name(child.pid, later=-3600)}")


def test_a_worker_without_its_parent_is_as_good_as_gone(child):
    assert is_alive(f"{HOST}:{name(os.getpid())}:{name(child.pid)}")
    assert not is_alive(f"{HOST}:{name(os.getpid())}:{name(child.pid, later=9)}")


def test_of_another_host_only_its_silence_tells():
    assert is_alive("another-host:1@5.00")
    assert not is_lost("another-host:1@5.00", silent_seconds=119)
    assert is_lost("another-host:1@5.00", silent_seconds=121)


def test_a_frozen_process_of_this_host_is_lost_too_and_a_dead_one_at_once(monkeypatch):
    monkeypatch.setenv("SWEEP_SILENCE", "10")
    assert not is_lost(owner(), 9)
    assert is_lost(owner(), 11)
    assert is_lost("", 0)


@pytest.mark.parametrize("given", ["0", "-1", "x", "nan", "inf"])
def test_a_limit_that_is_none_is_a_wrong_command(monkeypatch, given):
    monkeypatch.setenv("SWEEP_SILENCE", given)
    with pytest.raises(UsageError, match=f"SWEEP_SILENCE takes a positive number of seconds, not '{given}'"):
        is_lost(owner(), 0)


@pytest.mark.parametrize(
    "damaged", ["", HOST, f"{HOST}:", f"{HOST}:x", f"{HOST}:1@x", f"{HOST}:-1", f"{HOST}:{10**30}"]
)
def test_what_names_no_process_is_nobody(damaged):
    assert not is_alive(damaged)
