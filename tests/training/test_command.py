"""Users' own programs: how they are called, what their output means, and that nothing of them is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sweep.engines import shutdown
from sweep.training import command
from sweep.training.command import LOG_BYTES, CommandTrainer
from sweep.training.divergence import Diverged
from sweep.training.trainer import TrainingError
from tests.training.own_trainers import setup_of

ROOT = Path(__file__).parents[2]


def trainer_of(program, tmp_path, parameters=None, arguments="", **options):
    """A trainer of a Python program."""
    (tmp_path / "program.py").write_text(program)
    table = {"kind": "command", "run": f"python program.py {arguments}"}
    return CommandTrainer(setup_of(tmp_path, parameters, table, **options))


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    return pytest.fail("waited too long")


def test_each_json_object_on_a_line_is_an_epoch_and_all_else_is_the_log(tmp_path):
    program = """
import json, os, sys
config = json.load(open(os.environ["SWEEP_CONFIG"]))
print("hello", config["lr"], os.environ["SWEEP_TRIAL"], os.environ["SWEEP_EPOCHS"])
print("3.5"); print('["a"]'); print('{"not json')
for epoch in (1, 2):
    print(json.dumps({"epoch": epoch, "rmse": config["lr"] / epoch}))
    print("trouble", file=sys.stderr)
sys.stdout.flush()
sys.stdout.buffer.write(b'\\xef\\xbb\\xbf{"rmse": 4}\\n')
sys.stdout.flush()
print(int(os.environ["SWEEP_SEED"]) < 2**32, os.getcwd())
"""
    trainer = trainer_of(program, tmp_path, {"lr": 0.5})
    found = [(epoch.number, epoch.metrics) for epoch in trainer.epochs()]
    assert found == [(1, {"rmse": 0.5}), (2, {"rmse": 0.25}), (3, {"rmse": 4.0})]
    for line in ("hello 0.5 3 5", "3.5", '["a"]', '{"not json', "trouble", f"True {tmp_path}"):
        assert line in trainer.log.splitlines()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("import sys; print('no such file', file=sys.stderr); sys.exit(1)", "ended with exit code 1: no such file"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
        ("import os; os.kill(os.getpid(), 11)", "was killed by SIGSEGV"),
        ("print('{\"rmse\": 1}', flush=True); raise SystemExit(4)", "ended with exit code 4"),
        ("print('nothing')", "printed no metrics"),
        ('print(\'{"rmse": "low"}\')', "'low' for 'rmse', which must be a number"),
    ],
)
def test_a_program_that_fails_is_answered_with_a_sentence(program, words, tmp_path):
    with pytest.raises(TrainingError) as caught:
        list(trainer_of(program, tmp_path).epochs())
    assert words in str(caught.value)


def test_a_program_that_is_not_there_is_named(tmp_path):
    trainer = CommandTrainer(setup_of(tmp_path, trainer={"kind": "command", "run": "no-such-program --x"}))
    with pytest.raises(TrainingError, match="exit code 127: no-such-program cannot be run: No such file"):
        list(trainer.epochs())


def test_nan_is_a_divergence_at_the_metric(tmp_path):
    trainer = trainer_of("print('{\"rmse\": 1}'); print('{\"rmse\": NaN}')", tmp_path)
    with pytest.raises(Diverged) as caught:
        list(trainer.epochs())
    found = caught.value.divergence
    assert (found.epoch, found.place, found.kind) == (2, "rmse", "invalid")


def test_the_log_keeps_the_end_of_what_is_printed(tmp_path):
    program = "for i in range(20000): print('line', i)\nprint('{\"rmse\": 1}')"
    trainer = trainer_of(program, tmp_path)
    list(trainer.epochs())
    lines = trainer.log.splitlines()
    assert lines[-1] == "line 19999"
    assert LOG_BYTES - 100 < len(trainer.log) <= LOG_BYTES
    assert lines[0].startswith("line ")


FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(15, 1); time.sleep(600)"])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
print('{"rmse": 1}', flush=True)
"""


def family(tmp_path):
    """The processes of a program and its child."""
    numbers = wait_until(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text().split())
    return [int(number) for number in numbers]


def is_gone(number):
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_program_is_stopped_with_its_children_when_it_is_not_needed_any_more(tmp_path):
    trainer = trainer_of(FAMILY + "time.sleep(600)", tmp_path)
    epochs = trainer.epochs()
    next(epochs)
    processes = family(tmp_path)
    epochs.close()
    wait_until(lambda: all(map(is_gone, processes)))


def test_children_that_outlive_their_program_do_not_keep_the_trial_waiting(tmp_path):
    trainer = trainer_of(FAMILY, tmp_path)
    assert len(list(trainer.epochs())) == 1
    wait_until(lambda: all(map(is_gone, family(tmp_path))))


def test_no_more_epochs_are_taken_than_planned(tmp_path):
    program = "import time\nfor i in range(10): print('{\"rmse\": 1}', flush=True)\ntime.sleep(600)"
    assert len(list(trainer_of(program, tmp_path, epochs=2).epochs())) == 2


def test_a_program_is_gone_when_its_worker_is_killed(tmp_path):
    (tmp_path / "program.py").write_text(FAMILY + "time.sleep(600)")
    worker = f"""
from pathlib import Path
from sweep.training.command import CommandTrainer
from tests.training.own_trainers import setup_of
trainer = CommandTrainer(setup_of(Path({str(tmp_path)!r}), trainer={{"run": "python program.py"}}))
for epoch in trainer.epochs(): pass
"""
    process = subprocess.Popen([sys.executable, "-c", worker], cwd=ROOT)
    processes = family(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: all(map(is_gone, processes)))


def test_the_configuration_file_is_gone_afterwards(tmp_path):
    program = "import os; print(os.environ['SWEEP_CONFIG']); print('{\"rmse\": 1}')"
    trainer = trainer_of(program, tmp_path)
    list(trainer.epochs())
    assert not Path(trainer.log.strip()).exists()


def test_values_arrive_as_single_words(tmp_path):
    program = "import json, sys; print(json.dumps({'rmse': 1})); print(json.dumps(sys.argv[1:]))"
    parameters = {"lr": 0.5, "name": "a b; rm -rf $HOME", "nested": {"width": 3}}
    trainer = trainer_of(program, tmp_path, parameters, "--lr={lr} '{name}' {width} {{x}}")
    list(trainer.epochs())
    assert json.loads(trainer.log) == ["--lr=0.5", "a b; rm -rf $HOME", "3", "{x}"]


def test_a_process_that_leaves_the_group_and_holds_the_output_is_not_waited_for(tmp_path):
    program = """
import os, time
if os.fork() == 0:
    os.setsid()
    open("child", "w").write(str(os.getpid()))
    time.sleep(60)
else:
    while not os.path.exists("child") or not open("child").read():
        time.sleep(0.01)
    print('{"rmse": 1}', flush=True)
"""
    found = [epoch.metrics for epoch in trainer_of(program, tmp_path, {"lr": 0.5}).epochs()]
    child = psutil.Process(int((tmp_path / "child").read_text()))  # which is there as long as it sleeps
    child.kill()
    assert found == [{"rmse": 1.0}]


def test_a_program_that_ignores_sigterm_is_killed_before_its_worker_is(tmp_path):
    program = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"rmse": 1}', flush=True)
time.sleep(60)
"""
    before = set(psutil.Process().children(recursive=True))
    epochs = trainer_of(program, tmp_path, {"lr": 0.5}).epochs()
    next(epochs)
    started = set(psutil.Process().children(recursive=True)) - before
    epochs.close()
    assert started
    assert not [each for each in started if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    assert command.STOP_SECONDS + 2 * command.CLOSE_SECONDS < shutdown.GRACE_SECONDS
