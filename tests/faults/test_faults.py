"""Workers and parents killed at random moments: the table is that of an undisturbed sweep, bit for bit."""

import os
import random
import signal
import time
from typing import NamedTuple

import pytest

import sweep
from sweep.checks import doctor
from tests.engine_here import training_here
from tests.fault_tools import (
    PATIENCE_SECONDS,
    assert_same,
    assert_whole,
    figures,
    options,
    running,
    wait_until,
    worker_of,
)

EPOCHS = ["training.epochs=80", "training.batch_size={int=[20,40],step=10}", "training.checkpoint_every=10"]
ORPHAN_SECONDS = 5


class Stress(NamedTuple):
    """A sweep of so many trials, and how often something of it is killed."""

    trials: int
    kills: int

    @property
    def overrides(self):
        return [f"trials={self.trials}", *EPOCHS]

    @property
    def command(self):
        return ["run", "digits-quickstart", "--workers", "2", "--quiet", *options(self.overrides)]


@pytest.fixture(scope="module", params=[Stress(12, 4), pytest.param(Stress(40, 20), marks=pytest.mark.slow)], ids=str)
def stress(request):
    return request.param


@pytest.fixture(scope="module")
def undisturbed(stress, tmp_path_factory):
    """The figures of the sweep when nothing disturbs it."""
    database = str(tmp_path_factory.mktemp("undisturbed") / "sweeps.db")
    with pytest.MonkeyPatch.context() as patch, training_here():
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        sweep.run("digits-quickstart", overrides=stress.overrides, db=database)
    return figures(db=database)


def test_workers_killed_at_random_moments_cost_no_bit(stress, undisturbed, command):
    rng, killed = random.Random(4), 0
    process = command(*stress.command)
    while killed < stress.kills and process.process.poll() is None:
        # A trial whose worker has died three times has failed: tested elsewhere.
        candidates = [row for row in running() if row.crashes < 2]
        if candidates:
            try:
                os.kill(worker_of(rng.choice(candidates)), signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                continue
        time.sleep(rng.uniform(0, 0.5))
    code, _, errors = process.end()

    assert code == 0, errors
    assert killed == stress.kills
    assert_same(figures(), undisturbed)
    trials = sweep.load().trials()
    crashes = [sweep.load().trial(number).crashes for number in trials["trial"]]
    assert 1 <= sum(crashes) <= stress.kills  # some were between two trials, or had just ended theirs
    assert trials["attempt"].tolist() == [1 + each for each in crashes]
    assert_whole(sweep.load())
    assert not process.left()


def ended():
    """Return how many trials have ended."""
    results = sweep.load()
    return sum(results.store.progress(results.record.id).counts.get(status, 0) for status in ("completed", "diverged"))


def test_parents_killed_at_random_moments_cost_no_bit_and_leave_no_orphan(stress, undisturbed, command):
    rng, orphans = random.Random(5), []
    process = command(*stress.command)
    wait_until(running)
    for number in range(stress.kills):
        # By how far the sweep is, not by the clock: on a fast machine it would end before the last kill.
        wait_until(lambda due=stress.trials * number // (stress.kills + 1): ended() >= due)
        time.sleep(rng.uniform(0, 0.5))
        process.process.kill()
        process.process.communicate(timeout=PATIENCE_SECONDS)  # as long as orphans live
        orphans.append((process, time.monotonic()))
        process = command("resume", "--workers", "2", "--quiet")  # at once: the orphans may still be there
    code, _, errors = process.end()
    for orphan, killed in orphans:
        wait_until(lambda orphan=orphan: not orphan.left(), max(0.1, killed + ORPHAN_SECONDS - time.monotonic()))

    assert code == 0, errors
    assert len(orphans) == stress.kills
    assert_same(figures(), undisturbed)
    assert_whole(sweep.load())
    report = doctor.examine(os.environ["SWEEP_DB"])
    assert (report.damages, report.notes) == ([], [])
