"""Tests of the commands that keep house: list, rename, remove, note, tag and archive."""

import csv
import io
import json
import re
import sqlite3
import sys

import pytest

import sweep
from tests.cli.conftest import NAME
from tests.cli.test_help import modules_of


@pytest.fixture
def house(cli, copy_of_shelf):
    """Call a command with a copy of the shelf's database."""

    def call(*arguments):
        return cli(*arguments, "--db", copy_of_shelf)

    call.load = lambda name=NAME: sweep.load(name, db=copy_of_shelf)
    return call


class Terminal(io.StringIO):
    """Standard input at which somebody sits."""

    def isatty(self):
        return True


class TestList:
    """Each sweep with what has come of it."""

    def test_it_needs_no_pandas(self, shelf):
        out, modules = modules_of("list", env=shelf.environment)
        assert NAME in out
        assert {"pandas", "numpy", "scipy", "matplotlib"} & modules == set()

    def test_a_table_shows_the_age_and_files_the_time(self, house):
        table = house("list").out
        assert re.search(r"^ *sweep +age +trials +completed .*metric +best +status *$", table, re.MULTILINE)
        assert re.search(rf"^ *{NAME} +(now|\d+ minutes?) +8 .* completed *$", table, re.MULTILINE)
        rows = json.loads(house("list", "--format", "json").out)
        assert [(row["sweep"], row["status"], row["tags"], row["notes"]) for row in rows] == [
            (NAME, "completed", "", 0),
            ("tiny", "completed", "", 0),
        ]

    def test_it_shows_tags_and_counts_notes(self, house):
        house("tag", NAME, "good", "fast")
        house("note", f"{NAME}/3", "look again")
        assert re.search(rf"^ *{NAME} .* completed +fast, good +1 *$", house("list").out, re.MULTILINE)
        (row,) = csv.DictReader(io.StringIO(house("list", "--tag", "good", "--format", "csv").out))
        assert (row["sweep"], row["tags"]) == (NAME, "fast, good")
        assert house("list", "--tag", "goo").out == "Sweeps: none\n"

    def test_n_are_the_newest(self, house):
        rows = json.loads(house("list", "-n", "1", "--format", "json").out)
        assert [row["sweep"] for row in rows] == [NAME]
        assert len(json.loads(house("list", "-n", "9", "--format", "json").out)) == 2
        assert house("list", "-n", "0").sentence(2) == "Error: -n takes a number from 1 on, not 0"

    def test_python_has_the_same(self, house, copy_of_shelf):
        frame = sweep.sweeps(copy_of_shelf)
        rows = list(csv.DictReader(io.StringIO(house("list", "--format", "csv").out)))
        assert list(frame.columns) == list(rows[0])
        assert frame["sweep"].tolist() == [row["sweep"] for row in rows]
        assert frame["best"].tolist() == [float(row["best"]) for row in rows]


def test_of_many_sweeps_the_nearest_are_named_and_the_list(house, copy_of_shelf):
    with sqlite3.connect(copy_of_shelf) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(sweeps)") if row[1] not in ("id", "name")]
        copied = ", ".join(columns)
        for number in range(40):
            connection.execute(
                f"INSERT INTO sweeps (name, {copied}) SELECT ?, {copied} FROM sweeps LIMIT 1", [f"s{number:02}"]
            )
    connection.close()
    error = house("leaderboard", "nosuch").sentence(1)
    assert error.count(", ") == 9
    assert error.endswith(f" and 32 more; see all with: sweep list --db {copy_of_shelf}")
    assert house("leaderboard", "s077").sentence(1).endswith("did you mean 's07'?")


class TestRename:
    """The new name is the one that counts."""

    def test_the_sweep_has_its_new_name(self, house):
        before = house.load().trials()
        answer = house("rename", NAME, "first")
        assert (answer.code, answer.out, answer.err) == (0, "", f"{NAME} is first now\n")
        assert house.load("first").trials().equals(before)
        assert house.load("first").experiment.name == "first"
        assert "there is no sweep" in house("show", f"{NAME}/0").sentence(1)

    @pytest.mark.parametrize(("new", "code", "words"), [("tiny", 1, "already"), ("a/b", 2, "up to 100 letters")])
    def test_a_name_that_cannot_be_given(self, house, new, code, words):
        assert words in house("rename", NAME, new).sentence(code)

    def test_a_sweep_that_is_not_there(self, house):
        assert f"did you mean '{NAME}'?" in house("rename", "digits-quikstart", "x").sentence(1)


class TestRemove:
    """It asks, and then nothing is left."""

    def test_it_says_what_goes_and_asks(self, house, monkeypatch):
        monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
        answer = house("remove", "tiny")
        question = r"Remove tiny \(1 trial\) with 0 files of weights and charts \(0 B\) from .*, for ever\?"
        assert re.search(question, answer.err)
        assert answer.err.endswith("nothing is removed\n")
        assert "tiny" in house("list").out

    def test_yes_removes_it(self, house, monkeypatch):
        monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
        assert house("remove", "tiny").code == 0
        assert "tiny" not in house("list").out
        assert NAME in house("list").out

    def test_without_a_terminal_it_takes_an_option(self, house):
        assert "give --yes" in house("remove", "tiny").sentence(2)
        assert house("remove", "tiny", "--yes").code == 0
        assert "there is no sweep 'tiny'" in house("remove", "tiny", "--yes").sentence(1)

    def test_the_last_one_leaves_a_sound_database(self, house):
        for name in ("tiny", NAME):
            house("remove", name, "-y")
        assert "no sweeps yet" in house("leaderboard").sentence(1)
        assert house("list").out == "Sweeps: none\n"
        assert house("doctor").code == 0

    def test_several_go_at_once(self, house):
        answer = house("remove", "tiny", NAME, "tiny", "-y")
        assert answer.err.startswith(f"removed tiny (1 trial) and {NAME} (8 trials) with ")
        assert house("list").out == "Sweeps: none\n"

    def test_of_several_none_goes_where_one_is_not_there(self, house):
        assert "there is no sweep 'x'" in house("remove", "tiny", "x", "-y").sentence(1)
        assert "tiny" in house("list").out

    def test_twins_are_named_and_go_only_if_asked_for(self, rescued):
        parent = sweep.load("toy", db=rescued.store.database.address)
        with pytest.raises(
            sweep.SweepError, match=r"toy\.rescue was made from trials of toy; remove it, too, with twins"
        ):
            parent.remove()
        assert parent.remove(twins=True) > 0
        assert parent.store.names() == []
        assert list(parent.store.files.iterdir()) == []


class TestMarks:
    """Notes and tags are written and shown."""

    def test_a_note_is_shown_where_it_belongs(self, house):
        assert house("note", NAME, "the first one").err == f"noted on {NAME}\n"
        assert house("note", f"{NAME}/3", "<script>alert(1)</script>\n日本語").code == 0
        assert house("note", "a word on the newest").err == f"noted on {NAME}\n"
        rows = json.loads(house("note", NAME, "--format", "json").out)
        assert [row["trial"] for row in rows] == [None, 3, None]
        assert rows[1]["text"] == "<script>alert(1)</script>\n日本語"
        assert len(json.loads(house("note", f"{NAME}/3", "--format", "json").out)) == 1
        shown = house("show", f"{NAME}/3").out
        assert re.search(r"^note of [\d-]+ [\d:]+ \w+: <script>alert\(1\)</script> 日本語$", shown, re.MULTILINE)
        assert "note of" not in house("show", f"{NAME}/2").out

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (("note", f"{NAME}/99", "x"), 1, "there is no trial 99"),
            (("note", NAME, "  "), 2, "the note is empty"),
            (("note", "digits-quikstart"), 1, f"did you mean '{NAME}'?"),
            (("tag", f"{NAME}/99", "x"), 1, "there is no trial 99"),
            (("tag", NAME, "two words"), 2, "a tag is one word"),
            (("tag", NAME, "a,b"), 2, "a tag is one word"),
            (("tag", NAME, "x" * 101), 2, "a tag is one word"),
            (("tag", "digits-quikstart", "good"), 2, f"did you mean '{NAME}'?"),
            (("tag", "--remove", NAME, "good"), 1, "is not tagged good"),
            (("tag", "--remove", NAME), 2, "say which tags to remove"),
        ],
    )
    def test_a_mistake_is_answered_with_one_sentence(self, house, arguments, code, words):
        assert words in house(*arguments).sentence(code)
        assert house.load().store.tags(house.load().record.id) == {}

    def test_tagged_trials_are_found_again(self, house):
        best = house.load().best(3)["trial"].tolist()
        house("tag", f"{NAME}/{best[1]}", "good", "=cmd|'/c'!A1")
        house("tag", best[2], "good")
        rows = json.loads(house("leaderboard", "--where", "tag = 'good'", "--format", "json").out)
        assert [row["trial"] for row in rows] == best[1:]
        assert rows[0]["tags"] == "=cmd|'/c'!A1, good"
        rows = json.loads(house("leaderboard", "-n", "3", "--format", "json").out)
        assert [row["tags"] for row in rows][:1] == [None]
        assert "tags: =cmd|'/c'!A1, good\n" in house("show", best[1]).out
        assert json.loads(house("tag", "--format", "json").out) == [
            {"name": f"{NAME}/{number}", "tags": rows[place]["tags"]}
            for number, place in sorted(zip(best[1:], (1, 2), strict=True))
        ]
        house("tag", "--remove", f"{NAME}/{best[1]}", "good")
        assert [*house.load().best(where="tag == 'good'")["trial"]] == best[2:]

    def test_without_tags_no_table_has_a_column_of_them(self, house):
        assert "tags" not in house.load().best(3)
        assert "no trial satisfies the condition" in house("leaderboard", "--where", "tag = 'good'").err


def test_an_archive_is_a_pack(house, workplace):
    assert house("archive", "one.zip", NAME).code == 0
    assert house("pack", NAME, "-o", "two.zip").code == 0
    assert (workplace / "one.zip").read_bytes() == (workplace / "two.zip").read_bytes()
