"""Tests of importing tables that sweep has exported: every bit comes back."""

import pytest

from sweep.checks.doctor import examine
from sweep.errors import SweepError, UsageError
from sweep.results.importing import import_sweep
from sweep.results.importing.found import range_of
from sweep.results.importing.writing import path_name, paths_of
from sweep.results.sweep import Sweep
from sweep.store import Store
from tests.hand_made import METRIC, draw, end, end_all_ways

HEAD = "trial,status,attempt,m,epoch,epochs,seconds,error,x"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("tables") / "sweeps.db"), create=True)
    end_all_ways(store, draw(store))
    yield Sweep(store, store.sweep())
    store.close()


def exported(results, folder):
    results.export(folder / "trials.csv")
    results.export(folder / "epochs.csv", table="epochs")
    return folder / "trials.csv", folder / "epochs.csv"


def test_the_same_leaderboard_comes_back(original, tmp_path):
    trials, epochs = exported(original, tmp_path)
    imported, notes = import_sweep(trials, epochs=epochs, direction="min", db=tmp_path / "imported.db")
    assert imported.best(None).to_csv() == original.best(None).to_csv()
    assert imported.diverged().to_csv() == original.diverged().to_csv()
    assert imported.epochs().equals(original.epochs().query("trial < 6"))
    assert imported.objective == original.objective
    assert notes[0] == "2 trials had not ended: 2 are left out"
    assert "which can matter in: style, mixed; a .json file of" in notes[1]
    assert examine(str(tmp_path / "imported.db")).damages == []


def test_without_epochs_there_is_the_one_that_stands_for_each(original, tmp_path):
    trials, _ = exported(original, tmp_path)
    imported, notes = import_sweep(trials, direction="min", name="alone", db=tmp_path / "imported.db")
    assert imported.best(None)[METRIC].tolist() == original.best(None)[METRIC].tolist()
    assert "only the epoch that stands for each trial" in notes[1]
    assert "--epochs FILE" in notes[1]
    assert len(imported.epochs()) == 5
    assert examine(str(tmp_path / "imported.db")).damages == []


def test_the_direction_of_an_unknown_metric_must_be_said(original, tmp_path):
    trials, _ = exported(original, tmp_path)
    with pytest.raises(UsageError, match=r"whether more or less of .* is better is not known"):
        import_sweep(trials, db=tmp_path / "imported.db")


def test_a_table_of_parquet_is_read(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [
        [0, "completed", 1, 0.1 + 0.2, 2, 3, 1.5, None, True],
        [1, "failed", 1, None, None, None, None, "no", False],
    ]
    columns = {name: [row[place] for row in rows] for place, name in enumerate(HEAD.split(","))}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    imported, _ = import_sweep(tmp_path / "t.parquet", direction="max", db=tmp_path / "imported.db")
    assert imported.best()[["trial", "m", "epoch", "x"]].to_numpy().tolist() == [[0, 0.1 + 0.2, 2, True]]
    assert imported.trial(1).error == "no"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no column 'trial'"),
        ("a,b\n1,2\n", "has no column 'trial'"),
        ("trial,epoch,seconds,m\n0,1,0.1,2\n", "no column 'status'; if it holds epochs, give .* with epochs"),
        (f"{HEAD}\n0,lost,1,0.5,1,1,1.0,,2\n", "trial 0 has lost in the column 'status', which is none of"),
        (f"{HEAD}\n0,completed\n", "different numbers of values"),
        (HEAD.replace(",m", "") + "\n", "has no metric"),
        (f"{HEAD}\n0,queued,0,,,,,,2\n", "has no trial that has ended"),
        (f"{HEAD}\n0,completed,1,0.5,one,1,1.0,,2\n", "t.csv"),
    ],
)
def test_another_table_is_one_sentence(tmp_path, content, sentence):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(SweepError, match=sentence):
        import_sweep(tmp_path / "t.csv", direction="max", db=tmp_path / "imported.db")


ROW = {
    **{"trial": "0", "status": "completed", "attempt": "1", "m": "0.5", "epoch": "1", "epochs": "1", "seconds": "1.0"},
    **{"diverged_epoch": "", "diverged_kind": "", "error": "", "x": "2"},
}
EPOCH = {"trial": "0", "epoch": "1", "seconds": "0.1", "m": "0.5"}


def written(path, *rows):
    """Write rows as a table, and return its path."""
    path.write_text("\n".join(",".join(row) for row in ([*rows[0]], *(row.values() for row in rows))) + "\n")
    return path


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("trial", "-1", "a whole number from 0 to 2147483647"),
        ("trial", "2147483648", "a whole number from 0 to 2147483647"),
        ("trial", "", "a whole number from 0"),
        ("attempt", "x", "a whole number"),
        ("m", "", "by which trials are ranked"),
        ("m", "1e400", "a finite number"),
        ("m", "nan", "a finite number"),
        ("m", "9" * 400, "a finite number"),
        ("epoch", "2.5", "a whole number"),
        ("epoch", "-3", "a whole number"),
        ("epoch", "99999999999", "a whole number from 0 to 2147483647"),
        ("seconds", "-1", "a finite number of at least 0"),
        ("seconds", "inf", "a finite number"),
        ("diverged_epoch", "1", "but is completed, not diverged"),
        ("diverged_kind", "odd", "which is none of overflow, invalid, divide"),
        ("x", "9" * 400, "where integers go up to"),
    ],
)
def test_a_value_that_cannot_be_is_named(tmp_path, column, value, problem):
    path = written(tmp_path / "t.csv", ROW | {column: value})
    with pytest.raises(UsageError, match=problem) as caught:
        import_sweep(path, direction="max", db=tmp_path / "imported.db")
    called = "row 1" if column == "trial" else "trial 0"
    assert f"{path}: {called} has " in str(caught.value) and f"in the column '{column}'" in str(caught.value)
    assert len(str(caught.value)) < 250 + len(str(path))
    assert not (tmp_path / "imported.db").exists()


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("trial", "7", "row 2 has 7 in the column 'trial', which is no trial of"),
        ("epoch", "1", "trial 0 has 1 in two rows of the column 'epoch'"),
        ("epoch", "-1", "trial 0 has -1 in the column 'epoch'"),
        ("epoch", "2.5", "trial 0 has 2.5 in the column 'epoch'"),
        ("epoch", "2147483648", "trial 0 has 2147483648 in the column 'epoch'"),
        ("seconds", "-1", "epoch 2 of trial 0 has -1.0 in the column 'seconds'"),
        ("m", "inf", "epoch 2 of trial 0 has inf in the column 'm'"),
    ],
)
def test_an_epoch_that_cannot_be_is_named(tmp_path, column, value, problem):
    trials = written(tmp_path / "t.csv", ROW)
    epochs = written(tmp_path / "e.csv", EPOCH, EPOCH | {"epoch": "2"} | {column: value})
    with pytest.raises(SweepError) as caught:
        import_sweep(trials, epochs=epochs, direction="max", db=tmp_path / "imported.db")
    assert f"{epochs}: {problem}" in str(caught.value)


def test_a_trial_that_is_listed_twice_is_refused(tmp_path):
    with pytest.raises(SweepError, match="trial 0 is in two rows"):
        import_sweep(written(tmp_path / "t.csv", ROW, ROW), direction="max", db=tmp_path / "imported.db")


def test_a_file_in_another_encoding_or_a_folder_is_one_sentence(tmp_path):
    (tmp_path / "t.csv").write_text("trial,status\n", encoding="utf-16")
    with pytest.raises(SweepError, match="save it as CSV UTF-8"):
        import_sweep(tmp_path / "t.csv", db=tmp_path / "imported.db")
    with pytest.raises(UsageError, match="is a folder; give a database"):
        import_sweep(tmp_path, db=tmp_path / "imported.db")
    with pytest.raises(SweepError, match="'/dev/null' is no file that can be imported"):
        import_sweep("/dev/null", db=tmp_path / "imported.db")


@pytest.mark.parametrize("suffix", [".json", ".parquet", ".csv"])
def test_texts_that_look_like_other_values_are_kept_or_named(tmp_path, suffix):
    text = """
name = "texts"
trainer = "mine:train"
trials = 8
sampler = "grid"
epochs = 1
[parameters]
text = { choice = ["true", "1", "", "a"] }
mixed = { choice = [true, "1"] }
[objective]
metric = "m"
direction = "min"
"""
    store = Store(str(tmp_path / "sweeps.db"), create=True)
    record = draw(store, text, epochs=1)
    for number in range(8):
        end(store, record, number, [0.5])
    original = Sweep(store, record)
    original.export(tmp_path / f"t{suffix}")
    imported, notes = import_sweep(tmp_path / f"t{suffix}", direction="min", db=tmp_path / "imported.db")
    before, after = original.trials()[["text", "mixed"]], imported.trials()[["text", "mixed"]]
    if suffix == ".json":
        assert before.map(repr).equals(after.map(repr)) and len(notes) == 1
    else:
        assert f"a {suffix} file does not tell texts" in notes[1] and "can matter in: text, mixed;" in notes[1]
    store.close()


@pytest.mark.parametrize("content", ["{}", "[1]", "[", '[{"trial": [1]}]', "[" * 100_000])
def test_json_that_is_no_table_is_one_sentence(tmp_path, content):
    (tmp_path / "t.json").write_text(content)
    with pytest.raises(UsageError, match=r"t\.json cannot be read as a table"):
        import_sweep(tmp_path / "t.json", db=tmp_path / "imported.db")


def test_gaps_between_numbers_are_closed_and_said(tmp_path):
    path = written(tmp_path / "t.csv", ROW | {"trial": "3"}, ROW | {"trial": "7"})
    results, notes = import_sweep(path, direction="max", db=tmp_path / "imported.db")
    assert results.record.trials == 2
    assert "trial 3 is 0" in " ".join(notes)


def test_parameters_keep_the_order_of_the_table(tmp_path):
    first, second = ROW | {"b": "", "a": "1"}, ROW | {"trial": "1", "b": "2", "a": "1"}
    results, _ = import_sweep(written(tmp_path / "t.csv", first, second), direction="max", db=tmp_path / "imported.db")
    assert [each.short_name for each in results.searched] == ["x", "b", "a"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 3, 2], {"int": [1, 3]}),
        ([0.5, 2], {"uniform": [0.5, 2.0]}),
        ([0.0, 500.0], {"uniform": [0.0, 500.0]}),
        ([1e-4, 0.5], {"log_uniform": [1e-4, 0.5]}),
        ([True, False, True], {"choice": [True, False]}),
        ([1, "a", 1.5], {"choice": [1, "a", 1.5]}),
        ([2**60, 1], {"choice": [2**60, 1]}),
    ],
)
def test_ranges_are_those_of_the_values(values, expected):
    assert range_of(values) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["hidden[0]", "hidden[1]", "a.b"], ["hidden[0]", "hidden[1]", "a.b"]),
        (["hidden[1]", "a.b"], ["hidden_1", "a_b"]),
        (["a", "a.b"], ["a", "a_b"]),
        (["a b", "a_b", "a.b."], ["a_b", "a_b_2", "a_b_3"]),
        (["choice", "", "日本", "<b>"], ["choice_", "parameter", "日本", "b"]),
    ],
)
def test_names_become_those_of_an_experiment_file(names, expected):
    assert [path_name(path) for path in paths_of(names).values()] == expected
