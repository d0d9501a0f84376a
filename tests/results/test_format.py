"""Tests of frames as text."""

import csv
import io
import json
import math
import re
import time
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.errors import UsageError
from sweep.results.format import FORMATS, format_value, render


def table():
    return pd.DataFrame(
        {
            "rank": [1, 2],
            "test_accuracy": [0.97, np.nan],
            "epoch": pd.array([12, None], dtype="Int64"),
            "learning_rate": [0.1 + 0.2, 1e-5],
            "nesterov": pd.array([True, None], dtype="boolean"),
            "batch_size": [16, "all"],
            "error": [None, "cannot | open\nthe file"],
        },
        index=[5, 9],
    )


def test_csv_has_numbers_in_full_whole_numbers_as_such_and_nothing_for_what_is_missing():
    assert render(table(), "csv") == (
        "rank,test_accuracy,epoch,learning_rate,nesterov,batch_size,error\n"
        "1,0.97,12,0.30000000000000004,true,16,\n"
        '2,,,1e-05,,all,"cannot | open\nthe file"\n'
    )


def test_json_has_a_record_on_each_line_and_null_for_what_is_missing():
    text = render(table(), "json")
    assert json.loads(text) == [
        {
            "rank": 1,
            "test_accuracy": 0.97,
            "epoch": 12,
            "learning_rate": 0.30000000000000004,
            "nesterov": True,
            "batch_size": 16,
            "error": None,
        },
        {
            "rank": 2,
            "test_accuracy": None,
            "epoch": None,
            "learning_rate": 1e-05,
            "nesterov": None,
            "batch_size": "all",
            "error": "cannot | open\nthe file",
        },
    ]
    assert [line[:9] for line in text.splitlines()] == ["[", '{"rank": ', '{"rank": ', "]"]


def test_markdown_is_a_github_table_with_numbers_on_the_right():
    assert render(table(), "markdown").splitlines() == [
        "| rank | test_accuracy | epoch | learning_rate | nesterov | batch_size | error                   |",
        "| ---: | ------------: | ----: | ------------: | -------: | ---------- | ----------------------- |",
        "|    1 |        0.9700 |    12 |           0.3 |     true | 16         |                         |",
        "|    2 |               |       |         1e-05 |          | all        | cannot \\| open the file |",
    ]


def test_a_markdown_cell_cannot_be_broken_by_its_text():
    frame = pd.DataFrame({"a|b": ["x\\|y", "p\\", "one\r\ntwo\rthree"]})
    rows = render(frame, "markdown").splitlines()
    assert [row.strip("| ") for row in rows] == ["a\\|b", "-" * 13, "x\\\\\\|y", "p\\\\", "one two three"]
    # GitHub ends a cell at every | that no backslash takes.
    assert all(re.sub(r"\\.", "", row).count("|") == 2 for row in rows)


@pytest.mark.parametrize("format", FORMATS)
def test_letters_of_all_languages_stay_legible(format):
    assert "Gewöhnung 学習" in render(pd.DataFrame({"error": ["Gewöhnung 学習"]}), format)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_is_null_in_json_and_inf_in_csv(value):
    frame = pd.DataFrame({"loss": [value]})
    assert json.loads(render(frame, "json")) == [{"loss": None}]
    assert float(render(frame, "csv").split()[1]) == value


def test_numpy_values_within_objects_are_written_as_numbers():
    frame = pd.DataFrame({"value": pd.Series([np.int64(3), np.float64(0.5), np.bool_(True), np.nan], dtype=object)})
    assert [record["value"] for record in json.loads(render(frame, "json"))] == [3, 0.5, True, None]
    assert render(frame, "csv") == 'value\n3\n0.5\ntrue\n""\n'


@pytest.mark.parametrize(
    ("format", "expected"), [("csv", "a,b\n"), ("json", "[]\n"), ("markdown", "| a   | b   |\n| --- | --- |\n")]
)
def test_an_empty_frame_has_its_head(format, expected):
    assert render(pd.DataFrame({"a": [], "b": []}, dtype=object), format) == expected


@pytest.mark.parametrize("format", FORMATS)
def test_the_frame_is_left_as_it_was(format):
    frame = table()
    render(frame, format)
    pd.testing.assert_frame_equal(frame, table())


def test_an_unknown_format_is_answered_with_the_closest_one():
    with pytest.raises(UsageError, match="no format 'markdwon': did you mean 'markdown'"):
        render(table(), "markdwon")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1)
FRAMES = st.lists(
    st.tuples(st.floats(allow_infinity=False), st.integers(-(2**63), 2**63 - 1) | st.none(), TEXT | st.none()),
    min_size=1,
)


def frame_of(rows):
    frame = pd.DataFrame(rows, columns=["number", "count", "text"]).astype({"number": "float64", "text": object})
    return frame.assign(count=pd.array([row[1] for row in rows], dtype="Int64"))


@settings(max_examples=100, deadline=None)
@given(FRAMES)
def test_every_value_reads_back_from_csv_as_it_was(rows):
    read = list(csv.reader(io.StringIO(render(frame_of(rows), "csv"), newline="")))
    assert read[0] == ["number", "count", "text"]
    for (number, count, text), cells in zip(rows, read[1:], strict=True):
        assert cells[0] == "" if math.isnan(number) else float(cells[0]) == number
        assert cells[1] == ("" if count is None else str(count))
        assert cells[2] == (text or "")


@settings(max_examples=100, deadline=None)
@given(FRAMES)
def test_every_value_reads_back_from_json_as_it_was(rows):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    read = json.loads(render(frame_of(rows), "json"), parse_constant=refuse)
    expected = [(None if math.isnan(number) else number, count, text) for number, count, text in rows]
    assert [tuple(record.values()) for record in read] == expected


def test_carriage_returns_in_a_text_do_not_end_a_row_of_csv():
    text = render(pd.DataFrame({"error": ["one\rtwo\r\nthree"], "trial": [7]}), "csv")
    read = pd.read_csv(io.StringIO(text))
    assert read.to_dict("records") == [{"error": "one\ntwo\nthree", "trial": 7}]


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("test_accuracy", 0.97, "0.9700"),
        ("train_accuracy", 1.0, "1.0000"),
        ("test_accuracy", np.float64(0.97126), "0.9713"),
        ("test_loss", 0.123456, "0.1235"),
        ("learning_rate", 0.05, "0.05"),
        ("learning_rate", 0.0123456, "0.01235"),
        ("learning_rate", 0.0000123456, "1.235e-05"),
        ("seconds", 123.456, "123.5"),
        ("seconds", 9999.6, "10000"),
        ("seconds", 1234567.8, "1234568"),
        ("loss", 1.5e20, "1.5e+20"),
        ("loss", -12345.6, "-12346"),
        ("loss", math.inf, "inf"),
        ("hidden[0]", 50.0, "50"),
        ("hidden[0]", 123456, "123456"),
        ("best_accuracy", 0.9, "0.9000"),
        ("validation_f1", 0.5, "0.5000"),
        ("test_r2", -0.25, "-0.2500"),
        ("test_r2", -123456.7, "-123457"),
        ("test_rmse", 12.34567, "12.35"),
        ("perplexity", 0.5, "0.5"),
        ("trial", np.int64(100000), "100000"),
        ("test_accuracy", 1, "1"),
        ("nesterov", True, "true"),
        ("nesterov", np.bool_(False), "false"),
        ("activation", "leaky_relu", "leaky_relu"),
        ("alpha", None, ""),
        ("alpha", math.nan, ""),
        ("test_accuracy", np.float64("nan"), ""),
        ("epoch", pd.NA, ""),
        ("started", pd.NaT, ""),
    ],
)
def test_a_value_is_shown_as_people_read_it(column, value, shown):
    assert format_value(column, value) == shown


@pytest.fixture
def new_york(monkeypatch):
    """The time zone of New York."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


SUMMER = pd.Timestamp("2026-07-01 03:30:15")


class TestTimes:
    @pytest.mark.parametrize("moment", [SUMMER, SUMMER.tz_localize("UTC"), SUMMER.to_pydatetime()], ids=repr)
    def test_people_read_local_time_with_its_zone(self, new_york, moment):
        assert format_value("created", moment) == "2026-06-30 23:30 EDT"
        assert format_value("created", moment + timedelta(days=180)) == "2026-12-27 22:30 EST"

    def test_markdown_has_local_time_with_its_zone(self, new_york):
        assert "2026-06-30 23:30 EDT" in render(pd.DataFrame({"created": [SUMMER]}), "markdown")

    @pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
    def test_programs_read_utc(self, new_york, zone):
        moment = SUMMER if zone is None else SUMMER.tz_localize("UTC").tz_convert(zone)
        frame = pd.DataFrame({"created": [moment]})
        assert render(frame, "csv") == "created\n2026-07-01T03:30:15Z\n"
        assert json.loads(render(frame, "json")) == [{"created": "2026-07-01T03:30:15Z"}]

    def test_a_missing_time_is_nothing(self):
        frame = pd.DataFrame({"created": pd.Series([SUMMER, pd.NaT])})
        assert render(frame, "csv").splitlines()[2] == '""'
        assert json.loads(render(frame, "json"))[1] == {"created": None}
