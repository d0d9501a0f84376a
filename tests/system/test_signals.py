"""Signals that wait, and processes that start without getting them."""

import os
import signal
import subprocess
import sys

import pytest

from sweep.system.signals import ENDING, deferred, handled


@pytest.mark.parametrize("number", ENDING)
def test_one_that_comes_meanwhile_is_handled_afterwards(number):
    seen = []
    with handled(lambda number, frame: seen.append(number)):
        with deferred():
            os.kill(os.getpid(), number)
            signal.raise_signal(number)
            assert seen == []
        assert seen == [number]


def test_one_that_comes_before_an_error_is_handled_too():
    seen = []
    with handled(lambda number, frame: seen.append(number)), pytest.raises(OSError, match="an error"), deferred():
        os.kill(os.getpid(), signal.SIGINT)
        raise OSError("an error")
    assert seen == [signal.SIGINT]


def test_a_process_that_is_started_meanwhile_begins_with_them_blocked():
    program = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))"
    with deferred():
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == f"{sorted(ENDING)}\n"
    assert not {*ENDING} & signal.pthread_sigmask(signal.SIG_BLOCK, ())
