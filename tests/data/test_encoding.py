import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.data.encoding import MOST_LEVELS, Column, Encoding, fit, fit_transform
from sweep.data.tables import Dialect

FILE = Path("pets.csv")
PETS = pd.DataFrame(
    {
        "kind": ["dog", "cat", None, "dog", "owl", "cat"],
        "age": [3.0, np.nan, 5.0, 9.0, np.nan, 1.0],
        "legs": [4, 4, 2, 4, 2, 3],
    }
)
TRAINING = np.array([0, 1, 2, 3])


def encoded(frame=PETS, rows=TRAINING):
    return fit_transform(FILE, frame, np.asarray(rows), Dialect())


def test_by_hand():
    encoding, x = encoded()
    assert encoding.features == ("kind=cat", "kind=dog", "kind is missing", "age", "age is missing", "legs")
    assert x.tolist() == [
        [0, 1, 0, 3, 0, 4],
        [1, 0, 0, 5, 1, 4],  # the median of 3, 5 and 9 fills the gap
        [0, 0, 1, 5, 0, 2],
        [0, 1, 0, 9, 0, 4],
        [0, 0, 0, 5, 1, 2],  # the owl is not in the training part
        [1, 0, 0, 1, 0, 3],
    ]


def test_it_agrees_with_scikit_learns_own_transformers():
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "color": rng.choice(["red", "green", "blue", "rare"], 200, p=[0.4, 0.3, 0.29, 0.01]),
            "size": np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200)),
        }
    )
    rows = np.arange(120)
    theirs = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["color"]),
        (SimpleImputer(strategy="median", add_indicator=True), ["size"]),
    ).fit(frame.iloc[rows])
    np.testing.assert_array_equal(encoded(frame, rows)[1], theirs.transform(frame))


def test_only_the_training_part_is_learned_from():
    changed = PETS.copy()
    changed.loc[4:, "kind"] = "eel"
    changed.loc[4:, "age"] = 1000.0
    assert fit(FILE, changed, TRAINING) == fit(FILE, PETS, TRAINING)


def test_a_gap_of_a_column_without_gaps_in_the_training_part_gets_the_median_and_no_mark():
    frame = pd.DataFrame({"age": [1.0, 2.0, 6.0, np.nan], "kind": ["a", "b", "a", ""]})
    encoding, x = encoded(frame, [0, 1, 2])
    assert encoding.features == ("age", "kind=a", "kind=b")
    assert x[3].tolist() == [2, 0, 0]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "bb", "ä", "x y", ""]),
            st.one_of(st.none(), st.floats(-1e6, 1e6)),
            st.integers(0, 300),
        ),
        min_size=3,
        max_size=20,
    )
)
def test_what_is_kept_as_json_encodes_the_same(rows):
    frame = pd.DataFrame([("a", 0.5, 1), *rows], columns=["text", "float", "int"])
    encoding, x = encoded(frame, np.arange(len(frame) - 1))
    again = Encoding.from_json(encoding.to_json())
    assert again == encoding
    np.testing.assert_array_equal(again.transform(frame), x)
    assert again.transform(frame).dtype == x.dtype
    assert len(again.features) == x.shape[1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"columns": 5}', '{"columns": [{"levels": null, "x": 1}]}'])
def test_other_json_is_not_an_encoding(text):
    with pytest.raises((ValueError, TypeError, KeyError)):
        Encoding.from_json(text)


class TestNewRows:
    def test_they_are_encoded_as_the_first_ones(self):
        encoding, x = encoded()
        np.testing.assert_array_equal(encoding.transform(PETS), x)

    def test_other_columns_are_left_out_in_any_order(self):
        encoding, x = encoded()
        shuffled = PETS.assign(name="Rex")[["name", "legs", "kind", "age"]]
        np.testing.assert_array_equal(encoding.transform(shuffled), x)

    def test_they_are_read_from_a_file(self, tmp_path):
        encoding, x = encoded()
        PETS.to_csv(tmp_path / "new.csv", index=False)
        np.testing.assert_array_equal(encoding.transform(tmp_path / "new.csv"), x)
        PETS.to_csv(tmp_path / "other.csv", index=False, sep=";", decimal=",")
        np.testing.assert_array_equal(encoding.transform(str(tmp_path / "other.csv")), x)

    def test_levels_that_look_like_numbers_are_texts(self, tmp_path):
        encoding, _ = encoded(pd.DataFrame({"zip": ["01067", "x1", "y2", "z3"]}))
        (tmp_path / "new.csv").write_text("zip,name\n01067,a\n1067,b\n")
        assert encoding.transform(tmp_path / "new.csv").tolist() == [[1, 0, 0, 0], [0, 0, 0, 0]]

    def test_the_dtype_is_that_of_the_data_set_unless_it_would_lose_digits(self):
        encoding, x = encoded(pd.DataFrame({"a": [0, 255, 3, 4]}))
        assert x.dtype == np.uint8
        for value, dtype in ((7, np.uint8), (7.0, np.uint8), (7.5, np.float64), (-1, np.float64), (256, np.float64)):
            new = encoding.transform(pd.DataFrame({"a": [value]}))
            assert (new.dtype, new.tolist()) == (dtype, [[value]])

    @pytest.mark.parametrize(
        ("frame", "parts"),
        [
            (PETS.drop(columns=["age", "legs"]), ["the table has no column 'age', 'legs'"]),
            (PETS[:0], ["has no rows"]),
            (PETS.assign(legs="many"), ["column 'legs' holds 'many' in data row 1"]),
            (PETS.assign(age=np.inf), ["column 'age' holds 'inf' in data row 1"]),
            (pd.concat([PETS, PETS[["age"]]], axis=1), ["more than one column 'age'"]),
        ],
    )
    def test_what_cannot_be_encoded_is_refused(self, refused, frame, parts):
        with refused(*parts):
            encoded()[0].transform(frame)

    def test_the_file_is_named(self, refused, tmp_path):
        (tmp_path / "new.csv").write_text("kind,legs\ndog,4\n")
        with refused(tmp_path / "new.csv", "no column 'age'"):
            encoded()[0].transform(tmp_path / "new.csv")


class TestColumns:
    @pytest.mark.parametrize("empty", ["", None, "  ", np.nan])
    def test_an_empty_column_is_refused_by_name(self, refused, empty):
        with refused("pets.csv: column 'tail' is empty", "`drop`"):
            encoded(PETS.assign(tail=empty))

    def test_a_column_that_is_empty_in_the_training_part_is_refused_by_name(self, refused):
        with refused("column 'tail' is empty in every row of the training part"):
            encoded(PETS.assign(tail=["", "", "", "", "long", "short"]))
        with refused("column 'tail' is empty in every row of the training part"):
            encoded(PETS.assign(tail=["NA", "NA", "", None, "1", "2"]))

    @pytest.mark.parametrize("constant", [7, 0.5, "same"])
    def test_a_constant_column_is_kept(self, constant):
        assert len(encoded(PETS.assign(tail=constant))[0].features) == 7

    def test_too_many_levels_are_refused_by_name(self, refused):
        names = [f"pet {number}" for number in range(MOST_LEVELS + 1)]
        rows = np.arange(len(names))
        assert len(encoded(pd.DataFrame({"name": names[1:]}), rows[1:] - 1)[0].features) == MOST_LEVELS
        with refused("column 'name' has 1001 different texts", "`drop`"):
            encoded(pd.DataFrame({"name": names}), rows)

    def test_words_for_nothing_are_gaps_of_numbers_and_levels_of_texts(self):
        words = ["1", "NA", "?", "3"]
        assert encoded(pd.DataFrame({"a": words}))[1].tolist() == [[1, 0], [2, 1], [2, 1], [3, 0]]
        features = encoded(pd.DataFrame({"a": ["x", "NA", "None", "y"]}))[0].features
        assert features == ("a=NA", "a=None", "a=x", "a=y")

    def test_truth_is_one(self):
        frame = pd.DataFrame({"a": [True, False, True, True], "b": ["True", "FALSE", "", "true"]})
        assert encoded(frame)[1].tolist() == [[1, 1, 0], [0, 0, 0], [1, 1, 1], [1, 1, 0]]

    def test_its_json_is_flat_and_readable(self):
        kept = json.loads(encoded()[0].to_json())
        assert kept["columns"][0] == {"name": "kind", "levels": ["cat", "dog"], "median": None, "marks_gaps": True}
        assert kept["columns"][1] == {"name": "age", "levels": None, "median": 5.0, "marks_gaps": True}
        assert Column("age", median=5.0, marks_gaps=True).features == ("age", "age is missing")
