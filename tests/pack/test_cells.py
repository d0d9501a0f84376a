"""Cells: what is written is read again, exactly; what holds no value of its kind is refused."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, LargeBinary, Text

from sweep.pack.cells import csv_line, kind_of, read_cell, write_cell
from sweep.store.schema import epochs, sweeps, trials

FINITE = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | st.integers() | FINITE | st.text()
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
VALUES = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "real": FINITE,
    "text": st.text(st.characters(exclude_categories=["Cs"])),
    "time": st.datetimes(timezones=st.just(UTC)),
    "bytes": st.binary(min_size=1),
}


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_that_is_written_is_read_again(kind):
    @given(VALUES[kind])
    def check(value):
        again = read_cell(kind, write_cell(kind, value))
        assert (again, type(again)) == (value, type(value)) and str(again) == str(value)

    check()


@given(JSON.filter(lambda value: value is not None))
def test_json_is_read_again_with_its_order_and_types(value):
    assert json.dumps(read_cell("json", write_cell("json", value))) == json.dumps(value)


def test_a_missing_value_is_an_empty_cell_and_empty_text_is_not():
    assert write_cell("real", None) == "" and read_cell("real", "") is None
    assert write_cell("text", "") == '""' and read_cell("text", '""') == ""
    assert read_cell("text", write_cell("text", '"quoted')) == '"quoted'


def test_a_time_without_a_zone_is_in_utc():
    assert write_cell("time", datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("kind", "cell", "words"),
    [
        ("integer", "1.5", "'1.5' is not a whole number"),
        ("integer", "9" * 5_000, "is not a whole number"),
        ("real", "nan", "'nan' is not a number"),
        ("real", "1e999", "'1e999' is not a number"),
        ("real", "x", "'x' is not a number"),
        ("text", '"1', "is not text"),
        ("text", '"a" 1', "is not text"),
        ("time", "yesterday", "is not a time in UTC as of ISO 8601"),
        ("json", "{", "'{' is not JSON"),
        ("json", "[" * 100_000, "is not JSON"),
        ("bytes", "?", "is not bytes in Base64"),
    ],
)
def test_a_cell_of_another_kind_is_refused(kind, cell, words):
    with pytest.raises(ValueError, match=words) as caught:
        read_cell(kind, cell)
    assert len(str(caught.value)) < 100


@given(st.lists(st.lists(st.text(st.sampled_from('a ,"\n\r;é')), min_size=2, max_size=2)))
def test_lines_are_read_again_by_any_reader_of_csv(rows):
    text = "".join(map(csv_line, rows))
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows


def test_kinds_follow_from_the_types_of_the_schema():
    found = {name: kind_of(trials.c[name]) for name in ("id", "seconds", "error", "started", "configuration", "status")}
    assert found == {
        "id": "integer",
        "seconds": "real",
        "error": "text",
        "started": "time",
        "configuration": "json",
        "status": "text",
    }
    assert kind_of(epochs.c.trial_id) == "integer" and kind_of(sweeps.c.seed) == "integer"
    assert kind_of(Column("correct", LargeBinary)) == "bytes" and kind_of(Column("note", Text)) == "text"
