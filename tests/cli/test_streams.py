"""Standard streams that are closed, end early or lack letters; a folder that is gone, files that cannot be opened."""

import multiprocessing
import os
import subprocess
import sys

import pytest

import sweep
from sweep.errors import SweepError
from tests.fault_tools import options

PROGRAM = f"{sys.executable} -m sweep"
RUN = " ".join(["run digits-quickstart --workers 1", *map(repr, options(["trials=1", "epochs=1"]))])


def shell(line, **environment):
    """Run a line of bash; return its exit code and its two streams."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1", **environment}
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment, check=False)
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", pytest.param("-q >&- 2>&-", marks=pytest.mark.slow)])
def test_closed_streams_do_not_stop_a_sweep(closed):
    code, _, errors = shell(f"{PROGRAM} {RUN} {closed}")
    assert code == 0, errors
    assert "Traceback" not in errors
    assert sweep.load().trials()["status"].tolist() == ["completed"]


def test_messages_that_nobody_reads_do_not_stop_a_sweep():
    code, _, errors = shell(f"set -o pipefail; {PROGRAM} {RUN} 2>&1 | true")
    assert code == 0, errors
    assert sweep.load().trials()["status"].tolist() == ["completed"]


@pytest.mark.parametrize("arguments", ["--help", "list", "list --format csv"])
def test_a_pipe_that_ends_early_is_no_error(here, arguments):
    sweep.run("digits-quickstart", overrides=["trials=1", "epochs=1"])
    code, out, errors = shell(f"set -o pipefail; {PROGRAM} {arguments} | head -c 1")
    assert (code, len(out), errors) == (0, 1, "")


def test_letters_that_an_encoding_lacks_are_replaced(here):
    sweep.run("digits-quickstart", overrides=["trials=1", "epochs=1"])
    code, out, errors = shell(f"{PROGRAM} leaderboard", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (code, "Traceback" in errors) == (0, False), errors
    assert "test_accuracy" in out


def test_a_full_output_is_one_sentence(here):
    sweep.run("digits-quickstart", overrides=["trials=1", "epochs=1"])
    code, _, errors = shell(f"{PROGRAM} list > /dev/full")
    assert (code, errors) == (1, "Error: the output cannot be written: No space left on device\n")


def test_a_folder_that_is_gone_is_one_sentence():
    code, _, errors = shell(f"mkdir gone && cd gone && rmdir ../gone && {PROGRAM} list")
    assert code == 1
    assert errors.endswith("Error: the current folder does not exist any more; change to another one\n")


def test_too_few_open_files_are_named():
    code, _, errors = shell(f"ulimit -n 14; {PROGRAM} {RUN} -q")
    assert code == 1
    assert "too many files are open; allow more with `ulimit -n 4096`" in errors
    assert "Traceback" not in errors


def _try_to_run(answers):
    try:
        sweep.run("digits-quickstart", overrides=["trials=1"])
    except SweepError as error:
        answers.put(str(error))


def test_a_daemonic_process_is_refused_before_anything_is_stored():
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_try_to_run, args=(answers,), daemon=True)
    process.start()
    assert answers.get(timeout=60).startswith("this is a daemonic process")
    process.join()
    with pytest.raises(SweepError):
        sweep.load()
