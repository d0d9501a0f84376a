"""Sweeps on a real Dask cluster and PostgreSQL server: crashed trials are trained again, and nothing twice."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import sweep
from sweep.cli.entry import main
from sweep.engines.dask.client import check_address
from sweep.errors import UsageError
from sweep.store import Store
from tests.engine_here import training_here
from tests.fault_tools import (
    PATIENCE_SECONDS,
    Command,
    assert_same,
    assert_whole,
    figures,
    options,
    running,
    wait_until,
    widths_experiment,
    worker_of,
)
from tests.postgres_server import PASSWORD, QUOTED
from tests.runner.test_growth import write as rounds
from tests.runner.test_rungs import assert_same as assert_same_table
from tests.runner.test_rungs import table

SWEEP = ["trials=3", "training.epochs=130", "training.batch_size={int=[20,40],step=10}"]
SILENCE_SECONDS = "3"


class Cluster:
    """A Dask scheduler with two workers, each a process with a nanny and a cache of data sets of its own."""

    def __init__(self, folder, faulty_workers):
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._own = {
            "SWEEP_SILENCE": SILENCE_SECONDS,
            "SWEEP_RESULTS": str(folder / "results"),
            "PYTHONPATH": faulty_workers,
        }
        self.start_scheduler()
        self.caches = [folder / f"cache-{number}" for number in (0, 1)]
        self.workers = []
        self.start_workers()

    def _start(self, *arguments, log, **environment):
        """Start a command of Dask; what it prints goes to a file, so that it can be read and never blocks."""
        log = self._folder / f"{log}.log"
        runs_on = ("bash", "-c", f'exec "$@" >>{log} 2>&1', "logged")
        return Command(*arguments, module="dask", before=runs_on, **{**self._own, **environment})

    def start_scheduler(self):
        self.scheduler = self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"), log="scheduler"
        )
        wait_until(self._answers)

    def _answers(self):
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self.port)) == 0

    def start_workers(self):
        """Start both workers, and wait for them: a sweep may be over before the second one is there."""
        before = self.logs().count("Registered to")
        self.workers = [
            self._start(
                *("worker", self.address, "--nthreads", "1", "--no-dashboard", "--death-timeout", "20"),
                *("--local-directory", str(self._folder / f"space-{number}")),
                log=f"worker-{number}",
                SWEEP_CACHE=str(cache),
            )
            for number, cache in enumerate(self.caches)
        ]
        wait_until(lambda: self.logs().count("Registered to") == before + len(self.workers))

    def close(self):
        for each in [*self.workers, self.scheduler]:
            each.clear()

    def logs(self):
        return "".join(path.read_text() for path in self._folder.glob("*.log"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, faulty_workers):
    patch = pytest.MonkeyPatch()
    patch.delenv("SWEEP_DATA", raising=False)
    made = Cluster(tmp_path_factory.mktemp("cluster"), faulty_workers)
    yield made
    made.close()
    patch.undo()


@pytest.fixture
def url(postgres, cluster, monkeypatch):
    """An empty database, which commands and this process take by default."""
    made = postgres.create_database()
    monkeypatch.setenv("SWEEP_DB", made)
    monkeypatch.setenv("SWEEP_SILENCE", SILENCE_SECONDS)
    monkeypatch.setenv("SWEEP_RESULTS", str(cluster._folder / "results"))
    return made


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The figures of the sweep as this process gives them, in a SQLite file."""
    database = str(tmp_path_factory.mktemp("undisturbed") / "sweeps.db")
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.run("digits-quickstart", overrides=SWEEP, db=database)
    return figures(db=database)


@pytest.fixture
def start(command, cluster, url, request):
    """Start a sweep on the cluster, under the name of the test."""

    def begin(*arguments):
        return command(*arguments, "--backend", "dask", "--scheduler", cluster.address)

    return begin


RUN = ["run", "digits-quickstart", "--quiet", *options(SWEEP)]


def assert_done(process, undisturbed):
    code, _, errors = process.end()
    assert code == 0, errors
    assert "Traceback" not in errors
    assert_whole(sweep.load())
    assert_same(figures(), undisturbed)


def test_a_cluster_gives_the_bits_of_one_process_and_logs_no_password(start, undisturbed, cluster):
    assert_done(start(*RUN), undisturbed)
    assert sweep.load().trials()["attempt"].eq(1).all()
    owners = {worker_of(sweep.load().trial(number)) for number in range(3)}
    assert len(owners) == 2  # both took part
    logs = cluster.logs()
    assert "distributed" in logs
    assert PASSWORD not in logs
    assert QUOTED not in logs


def test_a_worker_killed_in_the_middle_costs_its_trial_one_attempt(start, undisturbed):
    process = start(*RUN)
    killed = wait_until(running)[0]
    os.kill(worker_of(killed), signal.SIGKILL)
    assert_done(process, undisturbed)
    attempts = sweep.load().trials().set_index("trial")["attempt"]
    assert attempts[killed.number] == 2
    assert sweep.load().trial(killed.number).crashes == 1
    assert attempts.sum() <= 5  # the others were left alone, but for one that may have been with the scheduler


def test_a_trial_that_crashes_every_worker_fails_alone(start, tmp_path):
    code, _, errors = start("run", widths_experiment(tmp_path, [120, 118, 121, 122, 123]), "-q").end()
    assert code == 0, errors
    trials = sweep.load().trials().set_index("hidden[0]")
    assert trials["status"].to_dict() == {118: "failed", **dict.fromkeys((120, 121, 122, 123), "completed")}
    assert trials.loc[118, "error"].startswith("its worker process has died 3 times")


def test_a_frozen_worker_is_overtaken_and_its_writes_are_refused(start, undisturbed):
    process = start(*RUN)
    frozen = wait_until(running)[0]
    os.kill(worker_of(frozen), signal.SIGSTOP)
    try:
        overtaken = wait_until(
            lambda: (
                [row for row in running() if row.number == frozen.number and row.attempt > 1]
                or sweep.load().trial(frozen.number).status == "completed"
            )
        )
    finally:
        os.kill(worker_of(frozen), signal.SIGCONT)
    assert overtaken
    assert_done(process, undisturbed)
    assert sweep.load().trial(frozen.number).attempt >= 2


def test_the_database_may_be_restarted_in_the_middle(start, undisturbed, postgres):
    process = start(*RUN)
    wait_until(running)
    postgres.restart("immediate")
    assert_done(process, undisturbed)


def test_ctrl_c_stops_within_three_seconds_and_the_sweep_goes_on(start, undisturbed):
    process = start(*RUN)
    wait_until(running)
    began = time.monotonic()
    process.process.send_signal(signal.SIGINT)
    code, _, errors = process.end()
    assert time.monotonic() - began < 3
    assert code == 130, errors
    assert "sweep resume digits-quickstart" in errors
    assert "Traceback" not in errors
    assert "interrupted" in set(sweep.load().trials()["status"])
    assert_done(start("resume", "--quiet"), undisturbed)


def test_the_parent_may_be_killed_and_the_sweep_goes_on(start, undisturbed):
    process = start(*RUN)
    wait_until(running)
    process.process.kill()
    process.process.communicate(timeout=PATIENCE_SECONDS)
    process = start("resume", "--quiet")
    process.process.wait(PATIENCE_SECONDS)
    wait_until(lambda: not running())  # a worker of the cluster ends what it had begun, and may be the last to do so
    assert_done(process, undisturbed)


def test_data_that_nodes_lack_is_sent_to_each_of_them_once(start, tmp_path, cluster):
    rng = np.random.default_rng(3)
    x, t = rng.random((200, 6)), rng.integers(0, 3, 200)
    np.savez(tmp_path / "own.npz", x_train=x[:150], t_train=t[:150], x_test=x[150:], t_test=t[150:])
    data = "data.dataset={kind='npz', file='own.npz'}"
    process = start("run", "digits-quickstart", *options(["trials=30", "epochs=20", data]), "--data", str(tmp_path))
    code, _, errors = process.end()
    assert code == 0, errors
    assert_whole(sweep.load())
    for cache in cluster.caches:
        assert len(list(cache.glob("own-*"))) == 1
        assert not list(cache.glob(".*"))


def test_a_scheduler_that_dies_ends_the_sweep_with_a_sentence_and_it_goes_on(start, undisturbed, cluster):
    process = start(*RUN)
    wait_until(running)
    cluster.scheduler.clear()
    code, _, errors = process.end()
    assert code == 1
    assert f"Error: the scheduler {cluster.address} is gone" in errors
    assert "sweep resume" in errors
    assert "Traceback" not in errors

    for worker in cluster.workers:
        worker.clear()
    cluster.start_scheduler()
    cluster.start_workers()
    assert_done(start("resume", "--quiet"), undisturbed)


def test_halved_rounds_give_the_table_of_one_process_though_a_worker_is_killed(start, tmp_path):
    file = rounds(tmp_path)
    overrides = ["epochs=160", "trials=12", "stopping={kind='halving', first=40}"]
    with training_here():
        here = sweep.run(file, overrides=overrides, db=tmp_path / "here.db")
    process = start("run", str(file), "--quiet", *options(overrides))
    os.kill(worker_of(wait_until(lambda: running("rounds"))[0]), signal.SIGKILL)
    code, _, errors = process.end()
    assert code == 0, errors
    assert_same_table(table(sweep.load()), table(here))


def test_a_trial_that_hangs_is_stopped(start, tmp_path):
    """The last that uses the cluster: one of its workers hangs for good."""
    code, _, errors = start("run", widths_experiment(tmp_path, [113, 120, 121]), "-q", "--timeout", "3").end()
    assert code == 0, errors
    trials = sweep.load().trials().set_index("hidden[0]")
    assert trials.loc[113, "error"] == "stopped, because it took longer than 3 s"
    assert trials.loc[[120, 121], "status"].eq("completed").all()


class TestRefusals:
    def test_no_scheduler_is_a_sentence_and_nothing_is_stored(self, command, url):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = command(*RUN, "--backend", "dask", "--scheduler", f"tcp://127.0.0.1:{port}")
        code, _, errors = process.end()
        assert code == 1
        assert f"Error: there is no Dask scheduler at tcp://127.0.0.1:{port}" in errors
        assert "Traceback" not in errors
        assert Store(url).sweeps().empty

    @pytest.mark.parametrize("address", ["", "x", "tcp://", "tcp://host", "http://host:1", "tcp://host:x", "host:8786"])
    def test_an_address_of_no_scheduler(self, tmp_path, address):
        store = Store(str(tmp_path / "a.db"), create=True)
        with pytest.raises(UsageError, match=r"^scheduler takes an address such as tcp://192\.168\.0\.5:8786"):
            check_address(address, store)

    def test_a_file_cannot_be_shared_with_other_machines(self, tmp_path):
        store = Store(str(tmp_path / "a.db"), create=True)
        with pytest.raises(UsageError, match=r"SQLite file cannot be shared between machines.*db=\"postgresql"):
            check_address("tcp://192.0.2.7:8786", store)
        check_address("tcp://127.0.0.1:8786", store)  # all of its workers are here

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--backend", "dask"], "--backend dask needs the address"),
            (["--scheduler", "tcp://127.0.0.1:1"], "--scheduler goes with --backend dask"),
            (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"], "--workers does not go with"),
        ],
    )
    def test_options_that_do_not_go_together(self, monkeypatch, capsys, arguments, words):
        monkeypatch.setattr(sys, "argv", ["sweep", "run", "digits-quickstart", *arguments])
        with pytest.raises(SystemExit, match="2"):
            main()
        assert words in capsys.readouterr().err
        assert not Path(os.environ["SWEEP_DB"]).exists()


OWN = """
name = "own"
trainer = {{ {trainer}, deterministic = true }}
trials = 3
epochs = 4
repeats = 2

[parameters]
rate = {{ uniform = [0.1, 0.9] }}

[objective]
metric = "distance"
direction = "min"
"""


@pytest.mark.parametrize(
    "trainer",
    ['kind = "function", function = "cluster_module:train"', 'kind = "command", run = "python program.py {{rate}}"'],
)
def test_a_users_own_trainer_gives_the_same_on_the_cluster_and_here(trainer, url, cluster, tmp_path):
    (tmp_path / "cluster_module.py").write_text(
        "def train(config, trial):\n"
        "    for epoch in range(1, trial.epochs + 1):\n"
        "        trial.save({'epoch': epoch})\n"
        "        yield {'distance': config['rate'] ** epoch, 'draw': trial.rng.random()}\n"
    )
    (tmp_path / "program.py").write_text(
        "import json, os, sys\n"
        "for epoch in range(1, 5):\n"
        "    print(json.dumps({'distance': float(sys.argv[1]) ** epoch, 'draw': int(os.environ['SWEEP_SEED'])}))\n"
    )
    path = tmp_path / "own.toml"
    path.write_text(OWN.format(trainer=trainer.replace("{{", "{").replace("}}", "}")))
    there = sweep.run(path, scheduler=cluster.address)
    with training_here():
        here = sweep.run(path, db=str(tmp_path / "here.db"))
    both = [each.epochs().drop(columns="seconds") for each in (there, here)]
    np.testing.assert_array_equal(*both)
    assert len(both[0]) == 3 * 2 * 4
    assert there.best(3).drop(columns="seconds").equals(here.best(3).drop(columns="seconds"))
