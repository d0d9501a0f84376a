"""Tests of the commands that check what is stored: replay."""

import math
import platform
import re
import sqlite3

import pytest

import sweep
from sweep.metrics import NATIVE_METRICS
from sweep.system.environment import environment

NAME = "digits-quickstart"
OF_TRIAL = "trial_id = (SELECT t.id FROM trials t JOIN sweeps s ON s.id = t.sweep_id WHERE s.name = ? AND number = ?)"


@pytest.fixture
def results(workplace):
    return sweep.load(NAME)


@pytest.fixture
def completed(results):
    return int(results.best(1)["trial"].item())


@pytest.fixture
def diverged(results):
    return int(results.diverged(1)["trial"].item())


@pytest.fixture
def change(copy_of_shelf):
    """Change the copy of the database behind our back."""

    def execute(statement, *values):
        connection = sqlite3.connect(copy_of_shelf)
        with connection:
            assert connection.execute(statement, values).rowcount > 0
        connection.close()

    return execute


@pytest.fixture
def replay(cli, copy_of_shelf):
    """Replay a trial of the copy."""
    return lambda *arguments: cli("replay", *arguments, "--db", copy_of_shelf)


def cells(out):
    """The rows of the tables in the output."""
    return [line.split() for line in out.splitlines() if line.strip()]


class TestReplay:
    def test_the_epochs_are_those_of_show(self, cli, completed):
        shown, played = (cli(command, completed) for command in ("show", "replay"))
        assert (played.code, played.err) == (0, "preparing the data set digits\n")
        assert played.out.startswith(f"Epochs of {NAME}/{completed}")
        before, now = ([row[:5] for row in cells(each.out) if row[0] in ("0", "1", "2")] for each in (shown, played))
        assert len(now) == 3
        assert now == before

    def test_a_divergence_is_named(self, cli, results, diverged):
        found = results.trial(diverged).divergence
        words = f"{found.kind} in {found.place}, step {found.step}"
        assert cli("replay", diverged).out.splitlines()[-1] == f"diverged in epoch {found.epoch}: {words}"

    def test_nothing_is_written(self, replay, copy_of_shelf, content, completed):
        before = content(copy_of_shelf)
        replay(completed)
        replay(completed, "--check")
        assert content(copy_of_shelf) == before

    def test_all_trials_are_the_same(self, cli, results):
        for number, status in results.trials()[["trial", "status"]].itertuples(index=False):
            answer = cli("replay", number, "--check")
            assert (answer.code, answer.err) == (0, "preparing the data set digits\n")
            if status == "completed":
                assert answer.out == f"3 epochs of {NAME}/{number} are the same, bit for bit\n"
            else:
                words = rf"\d epochs? of {NAME}/{number} (is|are) the same, bit for bit, and so is the divergence in "
                assert re.fullmatch(words + r"epoch \d: overflow in \S+, step \d+\n", answer.out)
        assert "2 epochs of tiny/0 are the same" in cli("replay", "tiny/0", "--check").out

    @pytest.mark.usefixtures("here")
    def test_the_losses_of_mini_batches_are_counted(self, cli, workplace):
        options = ["--trials", 1, "--set", "epochs=1", "--set", "training.record_batches=true", "--db", "new.db"]
        assert cli("run", NAME, *options, "--set", "batch_size=50", "--quiet").code == 0
        out = cli("replay", 0, "--check", "--db", "new.db").out
        assert out == f"2 epochs of {NAME}/0 are the same, bit for bit, and so are 27 losses of mini-batches\n"

    def test_an_unfinished_trial_is_compared_as_far_as_it_goes(self, replay, change, completed):
        change(f"DELETE FROM epochs WHERE {OF_TRIAL} AND epoch > 0", NAME, completed)
        change(
            f"UPDATE trials SET status = 'interrupted', last_epoch = 0 WHERE {OF_TRIAL.replace('trial_id', 'id', 1)}",
            NAME,
            completed,
        )
        words = f"1 epoch of {NAME}/{completed} is the same, bit for bit; the trial is interrupted, so it has no more\n"
        assert replay(completed, "--check").out == words

    @pytest.mark.parametrize("metric", NATIVE_METRICS)
    def test_a_flipped_bit_is_found_and_doctor_is_advised(self, replay, change, results, completed, metric):
        right = results.epochs(completed)[metric].tolist()[1]
        wrong = math.nextafter(right, 2)
        change(f"UPDATE epochs SET {metric} = ? WHERE {OF_TRIAL} AND epoch = 1", wrong, NAME, completed)
        answer = replay(completed, "--check")
        assert answer.code == 1
        title, head, _, *rows = cells(answer.out)
        assert " ".join(title) == f"Epoch 1 of {NAME}/{completed}"
        assert head == ["figure", "stored", "now"]
        assert {row[0] for row in rows} == {*NATIVE_METRICS}
        assert [row for row in rows if row[1] != row[2]] == [[metric, repr(wrong), repr(right)]]
        line = answer.err.splitlines()[-1]
        assert line.startswith(f"Error: 1 of 3 epochs of {NAME}/{completed} is not the same: epoch 1")
        assert "the environment is the one that the sweep was begun in" in line
        assert "sweep doctor" in line

    def test_a_deleted_epoch_is_found(self, replay, change, completed):
        change(f"DELETE FROM epochs WHERE {OF_TRIAL} AND epoch = 2", NAME, completed)
        answer = replay(completed, "--check")
        assert answer.code == 1
        assert answer.out.count("missing") == 4
        assert "1 of 3 epochs" in answer.err
        assert "is not the same: epoch 2" in answer.err

    def test_another_divergence_is_found(self, replay, change, diverged, results):
        step = results.trial(diverged).divergence.step
        condition = OF_TRIAL.replace("trial_id", "id", 1)
        change(f"UPDATE trials SET diverged_step = diverged_step + 1 WHERE {condition}", NAME, diverged)
        answer = replay(diverged, "--check")
        assert answer.code == 1
        assert re.search(rf"divergence +overflow in \S+, step {step + 1} +overflow in \S+, step {step}\b", answer.out)

    def test_in_another_environment_it_is_shown_beside_the_old_one(self, replay, change, completed):
        change("UPDATE sweeps SET environment = json_set(environment, '$.numpy', '1.0')")
        assert "are the same" in replay(completed, "--check").out
        change(f"DELETE FROM epochs WHERE {OF_TRIAL} AND epoch = 2", NAME, completed)
        answer = replay(completed, "--check")
        assert answer.code == 1
        assert ["numpy", "1.0", environment()["numpy"]] in cells(answer.out)
        assert "doctor" not in answer.err
        assert "no surprise in another environment" in answer.err

    @pytest.mark.usefixtures("here")
    @pytest.mark.parametrize(("factor", "code"), [(1 + 1e-6, 0), (1.01, 1)])
    def test_an_older_arithmetic_is_named_where_bits_differ(self, cli, workplace, factor, code):
        options = ["--trials", 1, "--set", "epochs=1", "--set", "training.optimizer='adam'", "--db", "new.db"]
        assert cli("run", NAME, *options, "--quiet").code == 0
        connection = sqlite3.connect("new.db")
        with connection:
            connection.execute("UPDATE sweeps SET environment = json_remove(environment, '$.arithmetic')")
            connection.execute("UPDATE epochs SET test_loss = test_loss * ? WHERE epoch = 1", (factor,))
        connection.close()
        answer = cli("replay", 0, "--check", "--db", "new.db")
        assert answer.code == code
        said = " ".join((answer.err if code else answer.out).split())
        assert "1 of 2 epochs" in said
        assert "begun with version 1 of sweep's arithmetic, this is version 2" in said
        assert "moves last bits of this network: Adam scales gradients before it squares them" in said
        agree = "all figures agree within 0.0001 relative, the largest difference is 1e-06"
        assert (agree if code == 0 else "differ by more than 0.0001 (by up to 0.01 relative)") in said
        assert "damaged" not in said
        assert "doctor" not in said

    def test_another_kernel_of_blas_gives_other_bits_and_is_named(self, shelf, monkeypatch, completed):
        blas = environment()["blas"]
        if platform.machine() != "x86_64" or "openblas" not in blas:
            pytest.skip("OpenBLAS has these kernels on x86-64")
        old = re.search(r"openblas \S+ (\w+)", blas)[1]
        new = "Nehalem" if old == "Sandybridge" else "Sandybridge"
        monkeypatch.setenv("OPENBLAS_CORETYPE", new)
        answer = shelf.spawn("replay", str(completed), "--check")
        assert answer.code == 1
        assert re.search(rf"[123] of 3 epochs of {NAME}/{completed} (is|are) not the same", answer.err)
        (row,) = [line for line in answer.out.splitlines() if line.startswith("  blas")]
        assert re.findall(r"openblas \S+ (\w+)", row) == [old] * blas.count("openblas") + [new] * blas.count("openblas")

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["8"], 1, "there is no trial 8 in digits-quickstart, which has trials 0 to 7"),
            (["tinny/0"], 1, "did you mean 'tiny'"),
            (["x"], 2, "a trial is a number such as 12"),
        ],
    )
    def test_what_cannot_be_done_is_one_sentence(self, cli, arguments, code, words):
        assert words in cli("replay", *arguments).sentence(code)

    def test_a_trial_without_epochs_is_one_sentence(self, replay, change):
        change("UPDATE trials SET status = 'queued', last_epoch = NULL")
        assert "is queued and has no epochs yet" in replay(3, "--check").sentence(1)

    def test_the_help_says_what_it_does(self, cli):
        out = cli("replay", "--help").out
        for word in ("--check", "--data", "--db", "bit for bit"):
            assert word in out
