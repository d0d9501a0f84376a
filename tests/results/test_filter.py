"""Tests of the conditions that select trials."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweep.errors import UsageError
from sweep.records import Parameter
from sweep.results.filter import matching

PARAMETERS = [
    Parameter("network.hidden[0]", "hidden[0]"),
    Parameter("network.activation", "activation", categorical=True),
    Parameter("network.activation.alpha", "alpha"),
    Parameter("training.batch_size", "batch_size", categorical=True),
    Parameter("training.optimizer.nesterov", "nesterov", categorical=True),
    Parameter("training.optimizer.momentum", "momentum"),
]


def trials():
    return pd.DataFrame(
        {
            "trial": [0, 1, 2, 3],
            "status": ["completed", "completed", "diverged", "completed"],
            "epoch": pd.array([5, 7, None, 9], dtype="Int64"),
            "test_accuracy": [0.9, 0.8, np.nan, 0.95],
            "hidden[0]": [10, 20, 30, 40],
            "activation": ["relu", "leaky_relu", "leaky_relu", None],
            "alpha": [np.nan, 0.1, 0.3, np.nan],
            "batch_size": [16, "all", 32, None],
            "nesterov": pd.array([True, False, None, True], dtype="boolean"),
        },
        index=[7, 3, 5, 1],
    )


def selected(condition):
    frame = trials()
    return frame["trial"][matching(frame, condition, PARAMETERS)].tolist()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("alpha < 0.2", [1]),
        ("alpha = 0.1", [1]),
        ("batch_size = 'all' and alpha=0.1", [1]),
        ("alpha <= 0.1", [1]),
        ("alpha >= 0.3", [2]),
        ("alpha > -1", [1, 2]),
        ("alpha > +0.1", [2]),
        ("0.2 > alpha", [1]),
        ("0.05 < alpha < 0.2", [1]),
        ("10 < hidden[0] <= 30 > 25", [1, 2]),
        ("network.hidden[0] == 40", [3]),
        ("network.activation.alpha == 0.3", [2]),
        ('activation == "relu"', [0]),
        ("activation != 'relu'", [1, 2]),
        ("activation < 'm'", [1, 2]),
        ("trial == 0 or trial == 3", [0, 3]),
        ("trial > 0 and trial < 3", [1, 2]),
        # and binds tighter than or, not tighter than and
        ("trial == 0 or trial == 1 and trial == 2", [0]),
        ("(trial == 0 or trial == 1) and trial < 1", [0]),
        ("not trial == 0 and trial < 2", [1]),
        ("not (trial == 0 or trial == 1)", [2, 3]),
        ("epoch > 5", [1, 3]),
        ("epoch > hidden[0]", []),
        ("trial < epoch", [0, 1, 3]),
        ("nesterov == True", [0, 3]),
        ("nesterov == False", [1]),
        ("nesterov == true", [0, 3]),
        ("nesterov == false", [1]),
        ("nesterov == 1", [0, 3]),
        ("status == 'completed' and test_accuracy > 0.85", [0, 3]),
        ("1 < 2", [0, 1, 2, 3]),
        ("  trial == 2 ", [2]),
    ],
)
def test_a_condition_selects_the_trials_it_describes(condition, expected):
    assert selected(condition) == expected


def test_the_answer_stands_on_the_index_of_the_frame():
    rows = matching(trials(), "trial == 2", PARAMETERS)
    assert rows.dtype == bool
    assert rows.to_dict() == {7: False, 3: False, 5: True, 1: False}


@pytest.mark.parametrize("comparison", ["==", "!=", "<", "<=", ">", ">="])
@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("alpha", "0.1", {0, 3}),
        ("epoch", "7", {2}),
        ("activation", "'relu'", {3}),
        ("nesterov", "True", {2}),
        ("alpha", "alpha", {0, 3}),
    ],
)
def test_no_comparison_selects_a_missing_value(comparison, name, value, missing):
    assert not missing & set(selected(f"{name} {comparison} {value}"))
    assert missing <= set(selected(f"not ({name} {comparison} {value})"))


def test_values_of_several_types_are_compared_with_their_own_kind_and_differ_from_the_other():
    assert selected("batch_size > 16") == [2]
    assert selected('batch_size == "all"') == [1]
    assert selected('batch_size != "all"') == [0, 2]
    assert selected("batch_size != 16") == [1, 2]


def test_a_parameter_that_no_trial_has_yet_selects_nothing():
    assert selected("momentum > 0 or training.optimizer.momentum <= 0") == []


def test_an_empty_frame_gives_an_empty_answer():
    assert len(matching(trials()[:0], "alpha < 0.1 and activation == 'relu'", PARAMETERS)) == 0


def test_the_frame_is_left_as_it_was():
    frame = trials()
    matching(frame, "alpha < 0.1 or nesterov != True", PARAMETERS)
    pd.testing.assert_frame_equal(frame, trials())


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("aplha < 0.1", "there is no 'aplha' here .* did you mean 'alpha'"),
        ("network.hiden[0] < 3", "did you mean 'network.hidden\\[0\\]'"),
        ("hidden[1] < 3", "did you mean 'hidden\\[0\\]'"),
        ("activation == relu", "no 'relu' here \\(text is written in quotes, \"relu\"\\)"),
        ("activation == 3", "3 is a number and activation is text"),
        ("alpha < 'x'", "alpha is a number and 'x' is text"),
        ("'x' > alpha", "alpha is a number and 'x' is text"),
        ("nesterov == 'yes'", "nesterov is a number and 'yes' is text"),
        ("nesterov == 'True'", "nesterov is not text; write true without quotes"),
        ("alph == 1", "did you mean 'alpha'"),
        ("alpha == activation", "alpha is a number and activation is text"),
        ("alpha", "'alpha' alone is not a comparison"),
        ("not network.activation.alpha", "'network.activation.alpha' alone is not a comparison"),
        ("True", "a value alone is not a comparison"),
        ("alpha + 1 < 2", "arithmetic cannot be compared"),
        ("-alpha < 2", "arithmetic cannot be compared"),
        ("(alpha < 1) & (trial < 2)", "& or | joins is not a comparison"),
        ("abs(alpha) < 1", "a call cannot be compared"),
        ("__import__('os').system('true')", "a call is not a comparison"),
        ("alpha.__class__ < 1", "there is no 'alpha.__class__' here"),
        ("(alpha < 1) == True", "a condition cannot be compared"),
        ("alpha in (1, 2)", "'in' and 'is'"),
        ("alpha is not 1", "'in' and 'is'"),
        ("lambda: 1", "such an expression is not a comparison"),
        ("[alpha for alpha in (1,)] == 1", "such an expression cannot be compared"),
        ("(alpha := 1) < 2", "such an expression cannot be compared"),
        ("hidden[alpha] < 3", "such an expression cannot be compared"),
        ("hidden[True] < 3", "there is no 'hidden\\[True\\]'"),
        ("f'{alpha}' == 'x'", "such an expression cannot be compared"),
        ("alpha == None", "a value alone cannot be compared"),
        ("alpha == 1j", "a value alone cannot be compared"),
        ("activation == b'relu'", "a value alone cannot be compared"),
        ("alpha <", "write it such as"),
        ("alpha < 1; trial < 2", "write it such as"),
        ("alpha < 1\ntrial < 2", "write it such as"),
        ("alpha\0 < 1", "alpha.x00 < 1"),
        ("\ud800 < 1", "characters that are not text"),
        ("alpha < 1" + "0" * 400, "too large"),
        ("alpha < 1" + "0" * 5000, "5,009 characters"),
        ("(" * 300, "nested"),
        ("not " * 995 + "1 < 2", "nested too deeply"),
    ],
)
def test_a_mistake_is_answered_with_one_clear_sentence(condition, words):
    with pytest.raises(UsageError, match=words) as caught:
        selected(condition)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    str(caught.value).encode()


def test_pythons_comments_on_odd_spellings_are_kept_from_the_user():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert selected(r'activation == "\d" or trial == 1or trial == 2') == [1, 2]
    assert not shown


TOKENS = [
    *("alpha", "hidden[0]", "activation", "batch_size", "nesterov", "network", ".", "[", "]", "(", ")", "0.1", "-3"),
    *("'relu'", "==", "!=", "<", "<=", "=", ":=", "and", "or", "not", "in", "is", "if", "else", "lambda", "x", ":"),
    *(",", "+", "*", "**", "~", "{", "}", "f'{", "'", '"""', "\\", "\0", "1e999", "await", "yield", "None", "True"),
    *("10" * 60, "\n", "\t", "#", "@", "…", "𝛼", "\ud800", "`", "0x", "1_0", "1or"),
]


@settings(max_examples=120, deadline=None)
@given(st.text() | st.lists(st.sampled_from(TOKENS), max_size=30).map(" ".join))
@example("not " * 999 + "1 < 2")
@example("(" * 199 + "alpha < 1" + ")" * 199)
@example("alpha < 1 and " * 280 + "1 < 2")
@example("x" + "[0]" * 1300 + " < 1")
@example("x" + ".x" * 1900 + " < 1")
def test_no_text_does_anything_but_select_or_complain(condition):
    frame = trials()
    try:
        rows = matching(frame, condition, PARAMETERS)
    except UsageError as error:
        assert "\n" not in str(error)
    else:
        assert rows.index.equals(frame.index)
        assert rows.dtype == bool


class Missing:
    """A value with which no comparison holds, to let Python itself evaluate conditions on missing values."""

    def _never(self, other):
        return False

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _never
    __hash__ = None


NUMBERS = ["alpha", "count", "flag"]
TEXTS = ["color", "shape"]
NUMBER = st.sampled_from([-2, -1, 0, 1, 2, 3, 0.5, -0.5, 1.5])
TEXT = st.sampled_from(["", "a", "b", "ab", "B"])
COMPARISON = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


@st.composite
def comparisons(draw):
    names, values = draw(st.sampled_from([(NUMBERS, NUMBER | st.booleans()), (TEXTS, TEXT)]))
    operand = st.sampled_from(names) | values.map(repr)
    sides = draw(st.lists(operand, min_size=2, max_size=4))
    return sides[0] + "".join(f" {draw(COMPARISON)} {side}" for side in sides[1:])


CONDITIONS = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        inner.map("not {}".format),
        inner.map("({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
    ),
    max_leaves=8,
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "alpha": NUMBER | st.none(),
            "count": st.integers(-2, 3) | st.none(),
            "flag": st.booleans() | st.none(),
            "color": TEXT | st.none(),
            "shape": TEXT,
        }
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=120, deadline=None)
@given(CONDITIONS, ROWS)
def test_a_condition_means_what_python_means_by_it(condition, rows):
    frame = pd.DataFrame(rows).astype({"alpha": "float64", "count": "Int64", "flag": "boolean"})
    present = [{name: Missing() if value is None else value for name, value in row.items()} for row in rows]
    expected = [bool(eval(condition, {}, row)) for row in present]
    assert matching(frame, condition, []).tolist() == expected


def test_numbers_compare_as_the_floats_they_are():
    frame = pd.DataFrame({"rate": [0.1 + 0.2, 0.3, math.nextafter(0.3, 1), -0.0]})
    assert matching(frame, "rate == 0.3", []).tolist() == [False, True, False, False]
    assert matching(frame, "rate > 0.3", []).tolist() == [True, False, True, False]
    assert matching(frame, "rate == 0", []).tolist() == [False, False, False, True]


def test_an_error_lists_each_name_once():
    with pytest.raises(UsageError) as caught:
        matching(trials(), "zzzzzz < 1", PARAMETERS)
    names = str(caught.value).partition("choose from ")[2].split(", ")
    assert "alpha" in names
    assert len(names) == len(set(names))


def test_true_is_a_column_where_one_has_that_name():
    assert matching(pd.DataFrame({"true": [0.5, 1.0]}), "true < 1", []).tolist() == [True, False]


class TestTags:
    """A trial may have several tags."""

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ("tag = 'good'", [0, 2]),
            ('tag == "fast"', [2]),
            ("'fast' == tag", [2]),
            ("tag != 'good'", [1, 3]),
            ("not tag = 'good' and alpha > 0", [1]),
            ("tag = 'goo'", []),
            ("tag = 'a=b'", [3]),
            ("tag = '<b>' or tag = '日本語'", [3]),
        ],
    )
    def test_a_condition_asks_whether_a_trial_has_one(self, condition, expected):
        frame = trials().assign(tags=["good", None, "fast, good", "<b>, a=b, 日本語"])
        assert frame["trial"][matching(frame, condition, PARAMETERS)].tolist() == expected

    def test_where_nothing_is_tagged_no_trial_has_one(self):
        assert selected("tag = 'good'") == []
        assert selected("tag != 'good'") == [0, 1, 2, 3]

    @pytest.mark.parametrize("condition", ["tag < 'b'", "tag == 3", "tag == alpha", "'a' == tag == 'b'", "tag == tag"])
    def test_they_are_compared_with_one_text_only(self, condition):
        with pytest.raises(UsageError, match="a trial may have several tags"):
            selected(condition)

    def test_a_parameter_of_that_name_comes_first(self):
        frame = trials().assign(tag=["a", "b", "a", "b"])
        assert frame["trial"][matching(frame, "tag = 'b'", PARAMETERS)].tolist() == [1, 3]


@pytest.mark.parametrize(("condition", "found"), [("tag = 'it''s'", 1), ('tag = "it\'s"', 1), ("tag = ''", 0)])
def test_a_doubled_quote_is_one_as_in_sql(condition, found):
    frame = pd.DataFrame({"tags": ["it's", "its"]})
    assert matching(frame, condition, []).sum() == found


def test_two_texts_side_by_side_are_refused():
    with pytest.raises(UsageError, match="two texts stand side by side; a quote within one is doubled"):
        matching(pd.DataFrame({"tags": ["ab"]}), "tag = 'a' 'b'", [])
