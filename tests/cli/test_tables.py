"""Tests of the commands that show results: list, leaderboard and show."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

import sweep
from sweep.metrics import NATIVE_METRICS

NAME = "digits-quickstart"


def from_csv(text):
    head, *rows = csv.reader(io.StringIO(text))
    return head, rows


def same(cell, value):
    """Whether a cell of a CSV file stands for a value, to the last bit."""
    return cell == "" if value is None else type(value)(cell) == value


@pytest.fixture
def results(workplace):
    return sweep.load()


class TestList:
    def test_the_newest_sweep_comes_first(self, cli):
        head, rows = from_csv(cli("list", "--format", "csv").out)
        assert head[:3] == ["sweep", "created", "trials"]
        assert [row[0] for row in rows] == [NAME, "tiny"]
        table = [dict(zip(head, row, strict=True)) for row in rows]
        assert [row["trials"] for row in table] == ["8", "1"]
        for row in table:
            assert int(row["completed"]) + int(row.get("diverged") or 0) == int(row["trials"])
            assert row["metric"] == "test_accuracy"
            assert 0 < float(row["best"]) < 1

    def test_every_format_names_every_sweep(self, cli):
        for format in ("table", "csv", "json", "markdown"):
            answer = cli("list", "--format", format)
            assert answer.code == 0
            assert NAME in answer.out
            assert "tiny" in answer.out
            assert answer.err == ""

    def test_times_say_of_which_zone_they_are(self, shelf, monkeypatch):
        def created(*options):
            return re.findall(r"\d{4}-\d\d-\d\d[T ][\d:]+ ?[A-Z]+", shelf.spawn("list", *options).out)

        monkeypatch.setenv("TZ", "America/New_York")

        local, written = created("--format", "markdown"), created("--format", "csv")
        assert len(local) == 2
        for here, utc in zip(local, written, strict=True):
            there = datetime.fromisoformat(utc)
            assert there.tzinfo == UTC
            assert f"{there.astimezone(ZoneInfo('America/New_York')):%Y-%m-%d %H:%M %Z}" == here

    def test_a_database_may_be_given_as_a_url(self, cli, shelf, monkeypatch):
        monkeypatch.delenv("SWEEP_DB")
        assert NAME in cli("list", "--db", f"sqlite:///{shelf.database}").out
        assert NAME in cli("list", "--db", shelf.database).out

    def test_a_database_without_sweeps_is_said_to_hold_none(self, cli, workplace):
        cli("run", "mnist-overflow", "--data", "nowhere", "--db", "new.db")
        if (workplace / "new.db").exists():
            answer = cli("list", "--db", "new.db")
            assert "sweeps" in (answer.out + answer.err).lower().replace("new.db", "")
            assert "trials" not in answer.out.lower()


LEADERBOARDS = [
    ([], lambda s: s.best(10)),
    (["-n", "3"], lambda s: s.best(3)),
    (["-n", "1000000"], lambda s: s.best(1000000)),
    (["--worst"], lambda s: s.worst(10)),
    (["--worst", "-n", "2"], lambda s: s.worst(2)),
    (["--diverged"], lambda s: s.diverged()),
    (["--diverged", "-n", "1"], lambda s: s.diverged(1)),
    *[(["--by", metric], lambda s, metric=metric: s.best(10, metric)) for metric in NATIVE_METRICS],
    (["--worst", "--by", "train_loss", "-n", "4"], lambda s: s.worst(4, "train_loss")),
    (["--where", "alpha < 0.3 and batch_size >= 20"], lambda s: s.best(where="alpha < 0.3 and batch_size >= 20")),
    (["--where", "network.activation.alpha < 0.3"], lambda s: s.best(where="alpha < 0.3")),
    (["--where", "hidden[0] > 1000"], lambda s: s.best(0 + 10, where="hidden[0] > 1000")),
    (["--diverged", "--where", "learning_rate > 0"], lambda s: s.diverged()),
]


class TestLeaderboard:
    @pytest.mark.parametrize(("options", "frame"), LEADERBOARDS, ids=[" ".join(options) for options, _ in LEADERBOARDS])
    def test_csv_and_json_hold_the_frame_to_the_last_bit(self, cli, results, plain, options, frame):
        expected = frame(results)
        answer = cli("leaderboard", *options, "--format", "csv")
        assert (answer.code, answer.err) == (0, "")
        head, rows = from_csv(answer.out)
        assert head == [*expected.columns]
        assert len(rows) == len(expected)
        for row, values in zip(rows, plain(expected), strict=True):
            assert all(map(same, row, values))
        answer = cli("leaderboard", *options, "--format", "json")
        assert json.loads(answer.out) == [dict(zip(head, values, strict=True)) for values in plain(expected)]

    def test_the_best_comes_first_and_all_that_completed_come(self, cli, results):
        completed = results.trials().query("status == 'completed'")
        head, rows = from_csv(cli("leaderboard", "--format", "csv").out)
        accuracies = [float(row[head.index("test_accuracy")]) for row in rows]
        assert accuracies == sorted(completed["test_accuracy"], reverse=True)
        assert [row[0] for row in rows] == [str(rank + 1) for rank in range(len(completed))]

    def test_a_condition_selects(self, cli, results):
        trials = results.trials().query("status == 'completed' and batch_size >= 30")
        head, rows = from_csv(cli("leaderboard", "--where", "batch_size >= 30", "--format", "csv").out)
        assert {int(row[head.index("trial")]) for row in rows} == {*trials["trial"]}
        assert 0 < len(rows) < 8

    def test_diverged_ones_come_with_where_and_what(self, cli, results):
        trials = results.trials().query("status == 'diverged'")
        assert len(trials)
        head, rows = from_csv(cli("leaderboard", "--diverged", "--format", "csv").out)
        assert head[:5] == ["trial", "epoch", "step", "place", "kind"]
        assert [int(row[0]) for row in rows] == [*trials["trial"]]
        for row in rows:
            assert row[4] in ("overflow", "invalid", "divide")
            assert row[3]

    def test_the_table_says_what_is_not_in_it_on_standard_error(self, cli, results):
        answer = cli("leaderboard")
        counts = results.trials()["status"].value_counts()
        assert f"{counts['completed']} completed" in answer.err
        assert f"{counts['diverged']} diverged" in answer.err
        assert "diverged" not in answer.out

    def test_the_table_shows_every_row_and_column_on_one_line(self, cli, results):
        out = cli("leaderboard").out
        expected = results.best()
        (head,) = [line.split() for line in out.splitlines() if "rank" in line]
        assert head == [*expected.columns]
        rows = [line.split() for line in out.splitlines() if re.match(r"\s*\d", line)]
        assert [int(row[1]) for row in rows] == [*expected["trial"]]

    def test_markdown_is_a_table_for_github(self, cli, results):
        head, rule, *rows = cli("leaderboard", "--format", "markdown").out.splitlines()
        assert [cell.strip() for cell in head.strip("|").split("|")] == [*results.best().columns]
        assert re.fullmatch(r"(\| -+:? )+\|", rule)
        assert len(rows) == len(results.best())

    def test_an_empty_table_says_so(self, cli):
        answer = cli("leaderboard", "--where", "alpha > 2")
        assert answer.code == 0
        assert "none" in answer.out
        assert cli("leaderboard", "--where", "alpha > 2", "--format", "json").out == "[]\n"
        assert len(cli("leaderboard", "--where", "alpha > 2", "--format", "csv").out.splitlines()) == 1

    def test_another_sweep_is_shown_by_its_name(self, cli):
        _, rows = from_csv(cli("leaderboard", "tiny", "--format", "csv").out)
        assert len(rows) == 1


class TestShow:
    def test_a_completed_trial_is_shown_whole(self, cli, results):
        number = int(results.best(1)["trial"][0])
        answer = cli("show", number)
        assert (answer.code, answer.err) == (0, "")
        trial = results.trial(number)
        assert answer.out.startswith(f"{NAME}/{number}  completed")
        assert f"{trial.best_value:.4f}" in answer.out
        for use in ("weights", "shuffling", "dropout"):
            assert f"{use} {getattr(trial.seeds, use)}" in answer.out
        given = dict(re.findall(r"^(\w+\.\w+) = (.+?)\s*$", answer.out, re.MULTILINE))
        for section, values in trial.configuration.items():
            for key, value in values.items():
                assert json.loads(given[f"{section}.{key}"]) == value
        rows = [line.split() for line in answer.out.splitlines() if re.match(r"\s+\d", line)]
        assert [int(row[0]) for row in rows] == [*results.epochs(number)["epoch"]] == [0, 1, 2]

    def test_a_diverged_trial_says_where(self, cli, results):
        number = int(results.diverged(1)["trial"][0])
        trial = results.trial(number)
        out = cli("show", number).out
        assert f"{NAME}/{number}  diverged" in out
        assert f"epoch {trial.divergence.epoch}, step {trial.divergence.step}" in out
        assert trial.divergence.place in out
        assert trial.divergence.kind in out

    def test_a_trial_of_another_sweep_is_named_with_it(self, cli):
        assert cli("show", "tiny/0").out.startswith("tiny/0  ")
        assert cli("show", f"{NAME}/0").out == cli("show", "0").out

    @pytest.mark.parametrize("trial", ["x", "", "1.5", "-1", "tiny/", "tiny/x", "1e3", "0x1", "1 2", " "])
    def test_what_is_no_trial_is_a_wrong_command(self, cli, trial):
        answer = cli("show", trial)
        assert answer.code == 2
        assert answer.out == ""

    @pytest.mark.parametrize("trial", ["8", "99", "tiny/1"])
    def test_a_trial_that_is_not_there_is_answered_with_those_that_are(self, cli, trial):
        assert ("0 to 0" if "tiny" in trial else "0 to 7") in cli("show", trial).sentence(1)

    @pytest.mark.parametrize("trial", [2**31, 2**63, 10**20, "9" * 5000])
    def test_a_number_that_no_trial_can_have_is_answered_with_a_sentence(self, cli, trial):
        answer = cli("show", trial)
        assert answer.sentence(answer.code or 1)

    def test_a_trial_of_an_unknown_sweep_is_answered_with_the_closest(self, cli):
        assert "did you mean 'tiny'?" in cli("show", "tinny/0").sentence(1)
        cli("show", "tiny/0/0").sentence(1)
