"""TOML as it is written, which is read back as it was."""

import datetime
import re
import tomllib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweep.experiment.toml import read_toml, write_toml
from tests.experiment.toys import CONDITIONAL, OWN, TOY

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def types(tree):
    """The tree with types in place of values: 1, 1.0 and True are equal."""
    if isinstance(tree, dict):
        return {key: types(value) for key, value in tree.items()}
    return [types(value) for value in tree] if isinstance(tree, list) else type(tree)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=4))
@example({"": {"": {}}, "a.b": [[]], "x\x7f": '\x7f\u2028\\"', "n": -0.0})
@example(TOY)
@example(CONDITIONAL)
@example(OWN)
def test_what_is_written_is_read_back(tree):
    read = tomllib.loads(write_toml(tree))
    assert read == tree
    assert types(read) == types(tree)


def test_a_number_that_is_not_one_is_written():
    assert np.isnan(tomllib.loads(write_toml({"x": float("nan")}))["x"])


def test_tuples_and_values_of_numpy_are_written_as_what_they_hold():
    tree = {"a": (1, 2), "b": np.float64(0.5), "c": np.float32(0.25), "d": np.int64(3), "e": np.bool_(True)}
    read = tomllib.loads(write_toml({**tree, "f": np.array([[1, 2]]), "g": {"h": np.str_("x")}}))
    assert read == {"a": [1, 2], "b": 0.5, "c": 0.25, "d": 3, "e": True, "f": [[1, 2]], "g": {"h": "x"}}


def test_plain_values_come_first_and_each_table_is_a_section():
    assert write_toml({"b": {"c": {"d e": []}}, "a": 1}) == 'a = 1\n\n[b]\nc = { "d e" = [] }\n'


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"a": {"b": [1, None]}}, "a.b[1] must be text, a number, true or false, a list or a table, not None"),
        ({"a": {"b": {1, 2}}}, "a.b must be text, a number, true or false, a list or a table, not {1, 2}"),
        ({"a": np.complex128(1j)}, "a must be text, a number, true or false, a list or a table, not np.complex128(1j)"),
        ({"a": {"b": {3: 4}}}, "a.b.3: keys must be text, not 3"),
        ({"a": "\ud800"}, "a contains half a surrogate pair, which is not text"),
    ],
)
def test_what_toml_has_no_form_for_is_refused(tree, sentence):
    with pytest.raises(ValueError) as caught:
        write_toml(tree)
    assert str(caught.value) == sentence


def test_dates_are_refused():
    with pytest.raises(ValueError, match=r"^day must be text"):
        write_toml({"day": datetime.date(1979, 5, 27)})


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a = '学'\r\n学習率 = 1", "学習率"),
        ("lr学 = 1", "lr学"),
        ("[a.表]", "表"),
        ("[a表]", "a表"),
        ("x = '学'\ny = { größe-2 = 1 }", "größe-2"),
    ],
)
def test_a_key_that_needs_quotes_is_told(text, key):
    with pytest.raises(ValueError, match=f'; a key with other letters than .* needs quotes: "{key}" \\(at line'):
        read_toml(text)


@pytest.mark.parametrize("text", ["a = 学", "a＝1", "a = ", "a b = 1", "x = [1"])
def test_other_mistakes_are_told_as_the_parser_tells_them(text):
    with pytest.raises(tomllib.TOMLDecodeError) as plain:
        tomllib.loads(text)
    with pytest.raises(ValueError, match=re.escape(str(plain.value)) + "$"):
        read_toml(text)
