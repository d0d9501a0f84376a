"""Experiments whose trials are the rows of a CSV file."""

import csv

import pytest

from sweep.errors import ExperimentError
from sweep.experiment.file import load, parse
from tests.experiment.toys import REMOVED, refusal, toy

ROW = {"hidden[0]": "5", "alpha": "0.25", "batch_size": "20", "learning_rate": "0.5"}
HEAD = ",".join(ROW).encode() + b"\n"


def listing(folder, rows=None, raw=None, **changes):
    """The toy experiment with the list sampler on a CSV of `rows`, or of the bytes `raw`."""
    path = folder / "rows.csv"
    if raw is not None:
        path.write_bytes(raw)
    elif rows is not None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    experiment = folder / "toy.toml"
    changes = {"sampler": {"kind": "list", "file": "rows.csv"}, "trials": REMOVED, **changes}
    experiment.write_text(toy(**changes), encoding="utf-8")
    return load(experiment)


class TestList:
    def test_each_row_is_a_trial(self, tmp_path):
        trials = listing(tmp_path, [ROW, {**ROW, "alpha": "0.1", "hidden[0]": "9"}]).trials()
        assert [trial.parameters for trial in trials] == [
            {
                "network.hidden[0]": hidden,
                "network.activation.alpha": alpha,
                "training.batch_size": 20,
                "training.optimizer.learning_rate": 0.5,
            }
            for hidden, alpha in [(5, 0.25), (9, 0.1)]
        ]
        assert trials[1].configuration["network"]["activation"]["alpha"] == 0.1

    def test_full_names_and_further_columns_will_do(self, tmp_path):
        row = {"status": "completed", "network.hidden[0]": "5", "training.batch_size": "20"}
        row |= {"network.activation.alpha": "0.25", "training.optimizer.learning_rate": " 0.5 "}
        assert listing(tmp_path, [row]).trials() == listing(tmp_path, [ROW]).trials()

    def test_a_byte_order_mark_and_line_ends_of_windows_will_do(self, tmp_path):
        text = "\ufeff" + ",".join(ROW) + "\r\n" + ",".join(ROW.values()) + "\r\n"
        assert listing(tmp_path, raw=text.encode()).trials() == listing(tmp_path, [ROW]).trials()

    def test_trials_takes_the_first_rows(self, tmp_path):
        rows = [{**ROW, "hidden[0]": str(n)} for n in (4, 5, 6)]
        trials = listing(tmp_path, rows, trials=2).trials()
        assert [trial.parameters["network.hidden[0]"] for trial in trials] == [4, 5]

    def test_draws_written_to_a_file_are_drawn_again(self, tmp_path):
        trials = parse(toy(trials=9), "toy.toml").trials()
        rows = [{name: str(value) for name, value in trial.parameters.items()} for trial in trials]
        again = listing(tmp_path, rows).trials()
        assert [trial.parameters for trial in again] == [trial.parameters for trial in trials]
        assert [trial.configuration for trial in again] == [trial.configuration for trial in trials]

    @pytest.mark.parametrize(
        ("rows", "parts"),
        [
            ([{**ROW, "alpha": "0.5"}], ["alpha", "0.5", "0.4"]),
            ([{**ROW, "alpha": "x"}], ["alpha", "'x'"]),
            ([{**ROW, "alpha": ""}], ["alpha"]),
            ([{**ROW, "alpha": "nan"}], ["alpha", "nan"]),
            ([{**ROW, "alpha": "1e999"}], ["alpha", "1e999"]),
            ([{**ROW, "batch_size": "25"}], ["batch_size", "25"]),
            ([{**ROW, "batch_size": "20.5"}], ["batch_size", "20.5"]),
            ([{**ROW, "batch_size": "9" * 5000}], ["batch_size"]),
            ([ROW, {**ROW, "hidden[0]": "10"}], ["row 2", "hidden[0]", "10", "9"]),
            ([{key: value for key, value in ROW.items() if key != "alpha"}], ["alpha", "column"]),
        ],
    )
    def test_a_row_that_does_not_fit_is_named(self, tmp_path, rows, parts):
        with pytest.raises(ExperimentError) as caught:
            listing(tmp_path, rows).trials()
        assert caught.value.exit_code == 2
        assert "rows.csv" in str(caught.value)
        assert "\n" not in str(caught.value)
        for part in parts:
            assert part in str(caught.value)

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\n\n",
            b"alpha\n",
            HEAD,
            HEAD + b"5,0.1,20\n",
            HEAD + b"5,0.1,20,0.5,7\n",
            b"\xff\xfe\x00",
            b"a\0b\n1\n",
            b'"' + b"x" * 200_000,
        ],
        ids=lambda raw: raw[:12],
    )
    def test_a_file_that_is_no_such_list_is_refused(self, tmp_path, raw):
        with pytest.raises(ExperimentError) as caught:
            listing(tmp_path, raw=raw).trials()
        assert "rows.csv" in str(caught.value)

    @pytest.mark.parametrize("file", ["nope.csv", ".", "", "rows.csv/x", "x" * 300, "a\0b", "/"])
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, file):
        with pytest.raises(ExperimentError) as caught:
            listing(tmp_path, [ROW], sampler={"kind": "list", "file": file}).trials()
        assert caught.value.exit_code == 2
        assert "Errno" not in str(caught.value)

    def test_the_rows_of_a_list_decide(self, tmp_path):
        first = listing(tmp_path, [ROW])
        before = (first.fingerprint, first.trials())
        second = listing(tmp_path, [{**ROW, "alpha": "0.3"}])
        assert second.trials() != before[1]
        assert second.fingerprint != before[0]

    def test_the_kind_has_the_fingerprint_that_it_had_by_its_first_name(self, tmp_path):
        first, second = (
            listing(tmp_path, [ROW], sampler={"kind": kind, "file": "rows.csv"}) for kind in ("list", "table")
        )
        assert first.fingerprint == second.fingerprint
        assert first.trials() == second.trials()

    def test_a_file_must_be_named(self):
        assert refusal(toy(sampler="list")) == "toy.toml: sampler.file is missing"
