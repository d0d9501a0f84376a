"""Training a trial again: the bits of every kind of trial are the same, and whatever is not as it was is found."""

import gc
import math
import shutil
import sqlite3
from dataclasses import replace

import pandas as pd
import pytest
from threadpoolctl import threadpool_info

import sweep
from sweep.errors import StoreError, SweepError
from sweep.metrics import NATIVE_METRICS
from sweep.store.correctness import pack
from sweep.system.arithmetic import ARITHMETIC, CHANGES
from sweep.system.environment import environment
from sweep.training.loop import NetworkTrainer
from tests.engine_here import training_here
from tests.small_experiments import CNN

WIDE = """
name = "wide"
trials = 1
[data]
dataset = "digits"
[network]
hidden = [300, 100]
[training]
iterations = 40
batch_size = 50
shuffle = "with_replacement"
optimizer = { kind = "sgd", learning_rate = 0.1 }
"""
LATE = """
name = "late"
trials = 1
[data]
dataset = "digits"
normalization = "min_max"
[network]
hidden = []
output = "identity"
[training]
epochs = 9
batch_size = 50
loss = "mean_squared_error"
optimizer = { kind = "sgd", learning_rate = 1.2 }
record_batches = true
"""
TRIALS = ["cnn/0", "cnn/1", "wide/0", "late/0"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A database with three sweeps: batch normalization and dropout, iterations, and a divergence."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        for name, text in (("cnn", CNN), ("wide", WIDE), ("late", LATE)):
            (folder / f"{name}.toml").write_text(text)
            with training_here():
                sweep.run(folder / f"{name}.toml", db=str(folder / "sweeps.db")).store.close()
    gc.collect()  # closes what workers of this process had open, which deletes the log that would be copied
    return folder


@pytest.fixture(autouse=True)
def database(trained, tmp_path):
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return tmp_path / "sweeps.db"


@pytest.fixture
def change(database):
    """Change the database behind our back."""

    def execute(statement, *values):
        connection = sqlite3.connect(database)
        with connection:
            assert connection.execute(statement, values).rowcount > 0
        connection.close()

    return execute


def replay(trial, **options):
    name, number = trial.split("/")
    return sweep.load(name).replay(int(number), **options)


OF = "trial_id = (SELECT t.id FROM trials t JOIN sweeps s ON s.id = t.sweep_id WHERE s.name = '{}' AND number = {})"
CNN_0, LATE_0 = OF.format("cnn", 0), OF.format("late", 0)


def row_of(condition):
    return condition.replace("trial_id", "id", 1)


class TestTheSame:
    @pytest.mark.parametrize("trial", TRIALS)
    def test_a_trial_trained_again_has_the_same_bits(self, trial):
        played = replay(trial)
        name, number = trial.split("/")
        results = sweep.load(name)
        assert played.different == []
        assert played.is_finished
        assert played.changes.empty
        figures = ["epoch", *NATIVE_METRICS]
        pd.testing.assert_frame_equal(
            played.now.frame[figures], results.epochs(int(number))[figures], check_exact=True, check_dtype=False
        )
        assert list(played.now.losses.values()) == results.batches(int(number))["loss"].tolist()

    def test_the_trials_are_what_they_are_to_be(self):
        assert len(replay("cnn/0").now.losses) == 3 * math.ceil(1347 / 64)
        assert [epoch.number for epoch in replay("wide/0").now.epochs] == [0, 1, 2]  # 40 steps are 1.5 epochs
        late = replay("late/0").now
        assert len(late.epochs) == late.divergence.epoch >= 2
        assert max(late.losses) == (late.divergence.epoch, late.divergence.step - 1)

    def test_nothing_is_written(self, database):
        def content():
            connection = sqlite3.connect(database)
            lines = [*connection.iterdump()]
            connection.close()
            return lines

        before, files = content(), sorted(database.parent.rglob("*.npz"))
        replay("cnn/0")
        assert content() == before
        assert sorted(database.parent.rglob("*.npz")) == files

    def test_blas_has_one_thread_while_it_is_trained_and_as_many_as_before_afterwards(self):
        def threads():
            return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

        seen, before = [], threads()
        replay("wide/0", progress=lambda done, total: seen.append((done, total, threads())))
        assert seen == [(epoch, 2, {1}) for epoch in (0, 1, 2)]
        assert threads() == before

    def test_a_continued_trial_is_as_one_that_was_trained_at_once(self):
        with training_here():
            sweep.extend([1], epochs=5, name="cnn")
        played = replay("cnn/1")
        assert len(played.stored.epochs) == len(played.now.epochs) == 6
        assert played.different == []

    def test_times_do_not_count(self, change):
        change("UPDATE epochs SET seconds = 12345")
        assert replay("cnn/0").different == []

    def test_the_sign_of_zero_does_not_count_since_sqlite_does_not_keep_it(self, change):
        played = replay("late/0")
        loss = min(played.now.losses)
        change(f"UPDATE batches SET loss = -0.0 WHERE {LATE_0} AND epoch = ? AND step = ?", *loss)
        stored = replay("late/0").stored
        assert math.copysign(1, stored.losses[loss]) == 1
        now = replace(played.now, losses=played.now.losses | {loss: -0.0})
        assert replace(played, stored=stored, now=now).different == []


class TestDifferent:
    @pytest.mark.parametrize("metric", NATIVE_METRICS)
    def test_one_changed_bit_is_found(self, change, metric):
        right = sweep.load("cnn").epochs(0)[metric].tolist()[2]
        wrong = math.nextafter(right, 2)
        change(f"UPDATE epochs SET {metric} = ? WHERE {CNN_0} AND epoch = 2", wrong)
        played = replay("cnn/0")
        assert played.different == [2]
        table = played.beside(2).set_index("figure")
        assert [*table.index] == [*NATIVE_METRICS]
        assert table.loc[metric].tolist() == [repr(wrong), repr(right)]
        others = table.drop(metric)
        assert (others["stored"] == others["now"]).all()
        assert replay("cnn/1").different == []

    def test_the_first_changed_loss_of_a_mini_batch_is_found(self, change):
        losses = sweep.load("cnn").batches(0).query("epoch == 3")["loss"].tolist()
        wrong = [math.nextafter(loss, 9) for loss in losses]
        for step in (9, 7):
            change(f"UPDATE batches SET loss = ? WHERE {CNN_0} AND epoch = 3 AND step = ?", wrong[step - 1], step)
        played = replay("cnn/0")
        assert played.different == [3]
        row = ["loss of mini-batch 7", repr(wrong[6]), repr(losses[6])]
        assert played.beside(3)[len(NATIVE_METRICS) :].to_numpy().tolist() == [row]

    def test_another_example_that_is_right_is_found(self, change):
        results = sweep.load("cnn")
        best, (right,) = results.trial(0).best_epoch, results.store.correctness(results.record.id, [0]).values()
        change(f"UPDATE trials SET correct = ? WHERE {row_of(CNN_0)}", pack(right[::-1]))
        played = replay("cnn/0")
        assert played.different == [best]
        assert played.largest_difference == (right != right[::-1]).mean()
        figure, stored, now = played.beside(best).iloc[-1]
        assert figure == "correct examples"
        assert [each.partition(",")[0] for each in (stored, now)] == [f"{right.sum()} of 450 right"] * 2
        assert stored != now
        change(f"UPDATE trials SET correct = ? WHERE {row_of(CNN_0)}", pack(right[1:]))
        assert replay("cnn/0").largest_difference == math.inf
        change(f"UPDATE trials SET correct = NULL WHERE {row_of(CNN_0)}")
        assert replay("cnn/0").different == []

    @pytest.mark.parametrize("gone", [[0], [1], [3], [1, 2], [0, 1, 2, 3]], ids=str)
    def test_missing_epochs_are_found(self, change, gone):
        right = sweep.load("cnn").epochs(0)[[*NATIVE_METRICS]].to_numpy().tolist()[gone[0]]
        change(f"DELETE FROM epochs WHERE {CNN_0} AND epoch IN ({', '.join(map(str, gone))})")
        played = replay("cnn/0")
        assert played.different == gone
        table = played.beside(gone[0]).set_index("figure").loc[[*NATIVE_METRICS]]
        assert table.to_numpy().tolist() == [["missing", repr(figure)] for figure in right]

    def test_a_missing_loss_is_found(self, change):
        change(f"DELETE FROM batches WHERE {CNN_0} AND epoch = 2 AND step = 5")
        played = replay("cnn/0")
        assert played.different == [2]
        assert played.beside(2).iloc[-1].tolist()[:2] == ["loss of mini-batch 5", "missing"]

    def test_an_epoch_too_many_is_found(self, change):
        change(f"UPDATE epochs SET epoch = 7 WHERE {CNN_0} AND epoch = 3")
        played = replay("cnn/0")
        assert played.different == [3, 7]
        assert (played.beside(7)["now"] == "missing").all()

    @pytest.mark.parametrize(
        ("column", "wrong"), [("epoch", "1"), ("step", "99"), ("place", "output/update"), ("kind", "divide")]
    )
    def test_another_divergence_is_found(self, change, column, wrong):
        divergence = replay("late/0").now.divergence
        change(f"UPDATE trials SET diverged_{column} = ? WHERE {row_of(LATE_0)}", wrong)
        played = replay("late/0")
        assert played.now.divergence == divergence
        assert played.different == sorted({played.stored.divergence.epoch, divergence.epoch})
        stored, now = played.beside(divergence.epoch).set_index("figure").loc["divergence"]
        assert now == f"{divergence.kind} in {divergence.place}, step {divergence.step}"
        assert stored == ("missing" if column == "epoch" else now.replace(str(getattr(divergence, column)), wrong))

    @pytest.mark.parametrize("change_to", ["status = 'completed'", "diverged_epoch = NULL"])
    def test_a_divergence_that_the_database_does_not_know_is_found(self, change, change_to):
        change(f"UPDATE trials SET {change_to} WHERE {row_of(LATE_0)}")
        played = replay("late/0")
        epoch = played.now.divergence.epoch
        assert played.different == [epoch]
        assert played.beside(epoch).set_index("figure").loc["divergence", "stored"] == "missing"

    def test_a_divergence_that_did_not_happen_is_found(self, change):
        change(
            "UPDATE trials SET status = 'diverged', diverged_epoch = 3, diverged_step = 4, diverged_place = 'loss', "
            f"diverged_kind = 'invalid' WHERE {row_of(CNN_0)}"
        )
        played = replay("cnn/0")
        assert played.different == [3]
        assert played.beside(3).iloc[-1].tolist() == ["divergence", "invalid in loss, step 4", "missing"]

    def test_another_length_is_found(self, change):
        change(
            f"UPDATE trials SET configuration = json_set(configuration, '$.training.epochs', 4) WHERE {row_of(CNN_0)}"
        )
        assert replay("cnn/0").different == [4]

    def test_what_is_no_number_is_damage(self, change):
        change(f"UPDATE epochs SET test_loss = 'x' WHERE {CNN_0} AND epoch = 1")
        with pytest.raises(StoreError, match=r"damaged values .*'x'.*; look into it with: sweep\.checks\.doctor"):
            replay("cnn/0")

    def test_the_environment_is_compared(self, change):
        now = environment()
        change("UPDATE sweeps SET environment = json_set(environment, '$.numpy', '1.0', '$.disk', 'round')")
        change("UPDATE sweeps SET environment = json_remove(environment, '$.cpu')")
        changes = replay("cnn/0").changes
        assert [*changes.columns] == ["what", "then", "now"]
        rows = [["cpu", "", now["cpu"]], ["disk", "round", ""], ["numpy", "1.0", now["numpy"]]]
        assert sorted(changes.to_numpy().tolist()) == rows


class TestOlderArithmetic:
    """Sweeps without a version of the arithmetic, begun with version 1."""

    @pytest.fixture(autouse=True)
    def older(self, change):
        change("UPDATE sweeps SET environment = json_remove(environment, '$.arithmetic')")

    def test_what_moves_the_bits_of_a_trial_is_named(self, change):
        change(f"UPDATE epochs SET test_loss = test_loss * (1 + 1e-6) WHERE {CNN_0} AND epoch = 2")
        played = replay("cnn/0")
        assert (played.arithmetic, played.different) == (1, [2])
        assert played.moved == (CHANGES[2]["adam"], CHANGES[2]["batch_norm"])
        assert played.largest_difference == played.difference_in(2) == pytest.approx(1e-6, rel=1e-3)
        assert played.changes.to_numpy().tolist() == [["arithmetic", "1", str(ARITHMETIC)]]

    def test_a_trial_that_the_arithmetic_does_not_move_is_as_ever(self):
        played = replay("wide/0")
        assert (played.moved, played.different, played.largest_difference) == ((), [], 0)
        assert played.changes.empty

    @pytest.mark.parametrize(
        "statement", ["DELETE FROM epochs WHERE {} AND epoch = 3", "UPDATE epochs SET epoch = 9 WHERE {} AND epoch = 3"]
    )
    def test_a_missing_figure_is_no_matter_of_last_bits(self, change, statement):
        change(statement.format(CNN_0))
        assert replay("cnn/0").largest_difference == math.inf

    def test_another_divergence_is_no_matter_of_last_bits(self, change):
        change(f"UPDATE trials SET diverged_step = diverged_step + 1 WHERE {row_of(LATE_0)}")
        assert replay("late/0").largest_difference == math.inf


@pytest.fixture
def trained_epochs(monkeypatch):
    """The epochs that are trained from now on."""
    numbers, real = [], NetworkTrainer.run_epoch

    def run_epoch(trainer, number, order):
        numbers.append(number)
        return real(trainer, number, order)

    monkeypatch.setattr(NetworkTrainer, "run_epoch", run_epoch)
    return numbers


class TestUnfinished:
    @pytest.mark.parametrize("status", ["interrupted", "failed", "queued", "running", "pruned"])
    def test_a_trial_is_compared_as_far_as_it_has_epochs(self, change, trained_epochs, status):
        change(f"DELETE FROM epochs WHERE {CNN_0} AND epoch > 2")
        change(f"DELETE FROM batches WHERE {CNN_0} AND epoch > 2")
        change(f"UPDATE trials SET status = ?, last_epoch = 2 WHERE {row_of(CNN_0)}", status)
        seen = []
        played = replay("cnn/0", progress=lambda done, total: seen.append((done, total)))
        assert played.different == []
        assert not played.is_finished
        assert trained_epochs == [1, 2]
        assert seen == [(0, 2), (1, 2), (2, 2)]
        assert len(played.now.epochs) == 3

    def test_what_a_running_trial_has_written_in_the_meantime_is_left_for_later(self, change):
        change(f"UPDATE trials SET status = 'running', last_epoch = 1 WHERE {row_of(CNN_0)}")
        played = replay("cnn/0")
        assert played.different == []
        assert [epoch.number for epoch in played.stored.epochs] == [0, 1]

    def test_its_missing_epochs_are_found(self, change):
        change(f"DELETE FROM epochs WHERE {CNN_0} AND epoch = 3")
        change(f"UPDATE trials SET status = 'interrupted' WHERE {row_of(CNN_0)}")
        assert replay("cnn/0").different == [3]

    @pytest.mark.parametrize("status", ["queued", "failed", "interrupted"])
    def test_a_trial_without_epochs_is_answered_with_a_sentence(self, change, trained_epochs, status):
        change(f"DELETE FROM epochs WHERE {CNN_0}")
        change(f"UPDATE trials SET status = ?, last_epoch = NULL WHERE {row_of(CNN_0)}", status)
        with pytest.raises(
            SweepError, match=f"^cnn/0 is {status} and has no epochs yet; .*: sweep\\.resume\\('cnn'\\)$"
        ):
            replay("cnn/0")
        assert trained_epochs == []


class TestRefused:
    def test_a_trial_that_is_not_there(self):
        with pytest.raises(SweepError, match=r"there is no trial 2 in .*, which has trials 0 to 1"):
            replay("cnn/2")

    @pytest.mark.parametrize(
        "damage",
        [
            "'$.training.batch_size', 'many'",
            "'$.data.dataset', 'mnist'",
            "'$.network.layers[0].kernel', 50, '$.network.layers[0].padding', 0",
        ],
    )
    def test_a_damaged_configuration(self, change, damage):
        change(f"UPDATE trials SET configuration = json_set(configuration, {damage}) WHERE {row_of(CNN_0)}")
        with pytest.raises(SweepError, match=r"^the configuration of cnn/0 is damaged; .* sweep\.checks\.doctor"):
            replay("cnn/0")

    def test_other_data(self, change):
        change('UPDATE sweeps SET datasets = replace(datasets, \'"sha256": "\', \'"sha256": "0\')')
        with pytest.raises(SweepError, match="the data set digits is not the one"):
            replay("cnn/0")
