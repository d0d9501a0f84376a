"""Tests of texts that a spreadsheet would run: an apostrophe stands before them, and comes off again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.space.formulas import protected, unprotected


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1"]
)
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    assert protected(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "relu", "a=b", "'quoted'", "日本", "0.5", "<b>"])
def test_other_texts_stay(text):
    assert protected(text) == unprotected(text) == text


@given(st.text(alphabet="'=+-@\t\r\n＝a1 "))
def test_no_text_is_lost(text):
    assert unprotected(protected(text)) == text
