"""Twins: trials made from those of another sweep, which fork from them bit for bit."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sweep
from sweep.checks import doctor
from sweep.errors import ExperimentError, SweepError
from sweep.experiment.parents import parent_of
from sweep.runner.resume import resume
from sweep.runner.twins import Twin, add_twins, further_seeds
from sweep.training import checkpoint
from sweep.trial import worker
from sweep.trial.origins import Origin
from tests.runner.diverging import cached, casualty, late

pytestmark = pytest.mark.usefixtures("here")

LABELS = {"parent": "toy/0", "change": "none"}


def figures(results, trial):
    return results.epochs(trial).drop(columns=["trial", "seconds"])


def losses(results, trial):
    return results.batches(trial).drop(columns="trial")


def twin_of(results, number, *, fork=True, seeds=None, **training):
    """A twin of a trial with other values in its section `training`, and the cached folders."""
    folders = cached(results)
    row = results.trial(number)
    configuration = {**row.configuration, "training": {**row.configuration["training"], **training}}
    point = casualty(results, number).fork if fork else None
    return Twin(number, configuration, seeds or row.seeds, {**LABELS, "parent": f"toy/{number}"}, fork=point), folders


def train(results, *twins, folders):
    record = add_twins(results.record, "toy.twins", twins, results.store, folders)
    resume(record.name, results.store, sweep.engines.RunOptions())
    return sweep.load("toy.twins")


def test_a_fork_without_a_change_goes_on_and_diverges_as_its_parent_did(toy):
    for place, number in enumerate(late(toy)):
        same, folders = twin_of(toy, number)
        twins = train(toy, same, folders=folders)
        assert figures(twins, place).equals(figures(toy, number))
        assert losses(twins, place).equals(losses(toy, number))
        assert twins.trial(place).divergence == toy.trial(number).divergence
        assert twins.trial(place).best_value == toy.trial(number).best_value
        assert (twins.correctness(place) == toy.correctness(number)).all()


def test_a_fork_has_the_epochs_of_its_parent_and_then_its_own(toy):
    number = late(toy)[0]
    before = toy.trial(number).divergence.epoch - 1
    half = {"kind": "momentum", "learning_rate": 0.05, "momentum": 0.5}
    twin, folders = twin_of(toy, number, optimizer=half)
    twins = train(toy, twin, folders=folders)
    row, epochs = twins.trial(0), figures(twins, 0)
    assert row.status == "completed"
    assert row.forked_from == str(Origin("toy", number, before))
    assert epochs[: before + 1].equals(figures(toy, number)[: before + 1])
    assert len(epochs) == 9
    assert twins.correctness(0).mean() == row.best_value
    assert twins.trials()["learning_rate"][0] == 0.05
    assert twins.best()["parent"][0] == f"toy/{number}"


def test_a_fork_whose_checkpoint_is_lost_trains_its_parent_again_with_the_same_bits(toy):
    number = late(toy)[0]
    twin, folders = twin_of(toy, number, dtype="float64")
    record = add_twins(toy.record, "toy.twins", [twin, twin], toy.store, folders)
    Path(toy.store.folder, toy.store.trial(record.id, 1).checkpoint.file).unlink()
    resume("toy.twins", toy.store, sweep.engines.RunOptions())
    twins = sweep.load("toy.twins")
    assert figures(twins, 1).equals(figures(twins, 0))
    assert losses(twins, 1).equals(losses(twins, 0))
    assert twins.trial(1).divergence == twins.trial(0).divergence


def test_a_fork_is_replayed_as_its_parent_and_then_as_itself(toy):
    number = late(toy)[0]
    twin, folders = twin_of(toy, number, seeds=further_seeds(toy.record, number), clip_norm=0.5)
    twins = train(toy, twin, folders=folders)
    played = twins.replay(0)
    assert played.different == []
    assert [epoch.number for epoch in played.now.epochs] == list(range(len(twins.epochs(0))))
    assert len(played.now.losses) == len(twins.batches(0))
    report = doctor.examine(os.environ["SWEEP_DB"])
    assert (report.damages, report.notes) == ([], [])


def test_a_fork_that_is_stopped_goes_on_with_the_same_bits(toy, monkeypatch):
    number = late(toy)[-1]
    twin, folders = twin_of(toy, number, clip_norm=0.5, checkpoint_every=1)
    whole = figures(train(toy, twin, folders=folders), 0)
    add_twins(toy.record, "toy.twins", [twin], toy.store, folders)
    stops = iter([True])
    monkeypatch.setattr(worker, "is_stopped", lambda run: next(stops, False))
    resume("toy.twins", toy.store, sweep.engines.RunOptions())
    twins = sweep.load("toy.twins")
    assert twins.trial(1).attempt == 3  # the first is what it has from its parent
    assert figures(twins, 1).equals(whole)


def test_the_state_of_a_fork_has_the_type_and_the_seeds_of_the_twin(toy):
    number = late(toy)[0]
    kept = casualty(toy, number).fork.snapshot
    other, folders = twin_of(toy, number, dtype="float64", seeds=further_seeds(toy.record, number))
    same, _ = twin_of(toy, number)
    record = add_twins(toy.record, "toy.twins", [other, same], toy.store, folders)
    states = [
        checkpoint.read(Path(toy.store.folder, toy.store.trial(record.id, place).checkpoint.file)) for place in (0, 1)
    ]
    assert {array.dtype for array in states[0].arrays.values()} == {np.dtype("float64")}
    assert all((array == kept.arrays[name]).all() for name, array in states[0].arrays.items())
    assert states[0].state["generators"]["shuffling"] != kept.state["generators"]["shuffling"]
    assert states[1].state == kept.state


def test_twins_with_other_seeds_begin_at_the_start(toy):
    twin, folders = twin_of(toy, 0, fork=False, seeds=further_seeds(toy.record, 0))
    twins = train(toy, twin, replace(twin, seeds=toy.trial(0).seeds), folders=folders)
    assert twins.trial(0).forked_from is None
    assert not figures(twins, 0).equals(figures(toy, 0))
    assert figures(twins, 1).equals(figures(toy, 0))


def test_further_twins_join_a_sweep_but_not_one_of_another_kind(toy):
    twin, folders = twin_of(toy, late(toy)[0])
    train(toy, twin, folders=folders)
    assert len(train(toy, twin, folders=folders).trials()) == 2
    assert parent_of(sweep.load("toy.twins").record) == "toy"
    assert parent_of(toy.record) is None
    with pytest.raises(
        SweepError, match="toy is a sweep already, and not one of twins of toy; give another name with twins"
    ):
        add_twins(toy.record, "toy", [twin], toy.store, folders)
    with pytest.raises(SweepError, match="has all trials that its sampler, 'given', lists"):
        sweep.enlarge(10, name="toy.twins")
    with pytest.raises(ExperimentError, match="so it draws none"):
        sweep.load("toy.twins").experiment.trials()


@pytest.mark.parametrize("is_new", [True, False])
def test_what_another_process_adds_meanwhile_is_not_added_again(toy, is_new, monkeypatch):
    numbers = late(toy)[:2]
    (same, folders), (other, _) = (twin_of(toy, number) for number in numbers)
    begin = replace(same, labels={**same.labels, "change": "begin"})
    if not is_new:
        add_twins(toy.record, "toy.twins", [begin], toy.store, folders)
    there = sweep.load("toy", db=toy.store.database.path).store
    add, adding = type(toy.store).add_twins, [True]

    def add_late(store, *args):
        if adding:
            adding.clear()
            add_twins(toy.record, "toy.twins", [same], there, folders, once=tuple(LABELS))
        return add(store, *args)

    monkeypatch.setattr(toy.store, "add_twins", lambda *args: add_late(toy.store, *args))
    record = add_twins(toy.record, "toy.twins", [same, other], toy.store, folders, once=tuple(LABELS))
    again = add_twins(toy.record, "toy.twins", [other, same], there, folders, once=tuple(LABELS))
    there.close()
    expected = [*([] if is_new else [f"toy/{numbers[0]} begin"]), *(f"toy/{number} none" for number in numbers)]
    found = toy.store.parameters(record.id)
    assert [f"{own['parent']} {own['change']}" for _, own in sorted(found.items())] == expected
    assert again.trials == record.trials == len(expected)
    files = [toy.store.trial(record.id, place).checkpoint.file for place in range(len(expected))]
    kept = {path.name for path in Path(toy.store.folder, files[0]).parent.iterdir()}
    assert kept == {Path(file).name for file in files}
    assert doctor.examine(os.environ["SWEEP_DB"]).damages == []


def test_a_twin_that_forks_is_not_taken_over_as_if_it_had_begun_so(toy, tmp_path):
    number = late(toy)[0]
    rate = toy.trials()["learning_rate"][number]
    half = {"kind": "momentum", "learning_rate": rate, "momentum": 0.5}
    twin, folders = twin_of(toy, number, optimizer=half, batch_size=30)
    train(toy, twin, folders=folders)
    file = tmp_path / "toy.toml"
    changes = ["name=again", "training.batch_size=30", 'start_from="toy.twins"']
    again = sweep.run(file, overrides=changes)
    assert again.trial(number).configuration == sweep.load("toy.twins").trial(0).configuration
    assert again.trial(number).taken_from is None


def test_an_origin_is_written_and_read():
    origin = Origin("mnist-widths", 12, 7)
    assert str(origin) == "mnist-widths/12@7"
    assert Origin.read(str(origin)) == origin
    for text in ("", "mnist-widths/12", "12@7", "a/b@7", "a/1@"):
        with pytest.raises(SweepError, match="is not of the form NAME/TRIAL@EPOCH"):
            Origin.read(text)


def test_a_parent_that_is_not_reached_on_this_machine_is_told(toy):
    number = late(toy)[0]
    twin, folders = twin_of(toy, number)
    point = twin.fork
    beyond = replace(point.snapshot, epoch=point.snapshot.epoch + 1)
    further = replace(point, snapshot=beyond, epochs=[*point.epochs, replace(point.epochs[-1], number=beyond.epoch)])
    record = add_twins(toy.record, "toy.twins", [replace(twin, fork=further)], toy.store, folders)
    Path(toy.store.folder, toy.store.trial(record.id, 0).checkpoint.file).unlink()
    resume("toy.twins", toy.store, sweep.engines.RunOptions())
    row = sweep.load("toy.twins").trial(0)
    assert row.status == "failed"
    assert f"after epoch {beyond.epoch}, but that reaches only" in row.error


def test_a_twin_whose_parent_is_gone_is_not_continued_but_left_as_it_is(toy):
    number = late(toy)[0]
    half = {"kind": "momentum", "learning_rate": 0.05, "momentum": 0.5}
    twin, folders = twin_of(toy, number, optimizer=half)
    before = train(toy, twin, folders=folders).trials()
    with closing(sqlite3.connect(os.environ["SWEEP_DB"])) as connection, connection:
        connection.execute("UPDATE sweeps SET name = 'other' WHERE name = 'toy'")
    with pytest.raises(SweepError, match=f"the trial that it forks from, toy/{number}@.*, is not there: "):
        sweep.extend([0], epochs=10, name="toy.twins")
    assert sweep.load("toy.twins").trials().equals(before)


def test_the_frames_of_twins_have_their_labels(toy):
    twin, folders = twin_of(toy, late(toy)[0], fork=False)
    twins = train(toy, twin, folders=folders)
    assert [each.name for each in twins.parameters][:2] == ["parent", "change"]
    assert twins.trials()[["parent", "change"]].iloc[0].to_dict() == twin.labels
