"""Tables of configurations: rows of a CSV file that fit the space, and the answer to every other file."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.errors import ExperimentError
from sweep.records import Parameter
from sweep.space.distributions import Choice, Integer, Uniform
from sweep.space.names import parameters
from sweep.space.samplers.random import random_pick
from sweep.space.samplers.table import read_table, table_pick
from sweep.space.trees import draw
from tests.space.examples import SEARCHED, law

LISTED = [Parameter("network.hidden[0]", "hidden[0]"), Parameter("training.learning_rate", "learning_rate")]


@pytest.fixture
def listed(tmp_path):
    """A function that reads a list from the text of a file."""

    def read(text, parameters=LISTED, encoding="utf-8"):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return read_table(path, parameters)

    return read


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("hidden[0],learning_rate\n10,0.1\n20,0.2\n", "utf-8"),
        ("hidden[0],learning_rate\r\n10,0.1\r\n20,0.2", "utf-8"),
        ("hidden[0],learning_rate\n10,0.1\n20,0.2\n", "utf-8-sig"),
        ('"hidden[0]","learning_rate"\n"10",0.1\n\n20,"0.2"\n\n', "utf-8"),
        (' hidden[0], "learning_rate"\n10,0.1\n20,0.2\n', "utf-8"),
        ("hidden[0];learning_rate\n10;0,1\n20;0,2\n", "utf-8-sig"),
        ("hidden[0]\tlearning_rate\n10\t0.1\n20\t0.2\n", "utf-8"),
        ("sep=;\nhidden[0];learning_rate\r\n10;0.1\r\n20;0.2\r\n", "utf-8"),
    ],
)
def test_a_row_is_a_configuration(listed, text, encoding):
    rows = listed(text, encoding=encoding)
    assert rows == [{"hidden[0]": "10", "learning_rate": "0.1"}, {"hidden[0]": "20", "learning_rate": "0.2"}]


def test_columns_that_are_not_searched_are_ignored(listed):
    rows = listed("trial,status,hidden[0],network.activation,learning_rate\n0,completed,10,relu,0.1\n")
    pick = table_pick(rows[0], LISTED, "row 1")
    assert pick("network.hidden[0]", Integer(1, 10), 0) == 10
    assert pick("training.learning_rate", Uniform(0, 1), 0) == 0.1


def test_a_column_may_have_the_full_name_which_comes_first(listed):
    rows = listed("network.hidden[0],hidden[0],training.learning_rate\n10,99, 0.1 \n")
    pick = table_pick(rows[0], LISTED, "row 1")
    assert pick("network.hidden[0]", Integer(1, 99), 0) == 10
    assert pick("training.learning_rate", Uniform(0, 1), 0) == 0.1


def test_blanks_around_a_value_are_ignored(listed):
    parameter = Parameter("network.activation", "activation", categorical=True)
    (row,) = listed("number,activation\n1, relu \n", [parameter])
    assert table_pick(row, [parameter], "row 1")("network.activation", Choice(("relu", "tanh")), 0) == "relu"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " lists no configurations; give a header and at least one row"),
        ("hidden[0],learning_rate\n", " lists no configurations; give a header and at least one row"),
        (
            "hidden[0]\n10\n",
            " has no column 'learning_rate'; add one, or fix training.learning_rate in the experiment",
        ),
        (
            "hidden[0],learning_rate, hidden[0]\n10,0.1,20\n",
            " has more than one column 'hidden[0]' (columns 1 and 3); keep one of them",
        ),
        ("sep=;\nhidden[0];learning_rate\n10;0.1\n20\n", ", line 4 does not have as many cells as the header"),
        ("hidden[0],learning_rate\n10,0.1\n20\n", ", line 3 does not have as many cells as the header"),
        ("hidden[0],learning_rate\n10,0.1,5\n", ", line 2 does not have as many cells as the header"),
        ("hidden[0],learning_rate\n\n10,0.1\n\n20\n", ", line 5 does not have as many cells as the header"),
        ('a,hidden[0],learning_rate\n"x\ny",10,0.1\nz,20\n', ", line 4 does not have as many cells as the header"),
    ],
)
def test_an_unusable_list_is_refused(listed, tmp_path, text, message):
    with pytest.raises(ExperimentError) as caught:
        listed(text)
    assert str(caught.value) == f"{tmp_path / 'list.csv'}{message}"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hidden[0],learning_rate\n\xff,\xfe\n", id="not UTF-8"),
        pytest.param(b"hidden[0],learning_rate\n" + b"1" * (csv.field_size_limit() + 1) + b",1\n", id="a huge cell"),
    ],
)
def test_what_is_no_csv_is_refused(listed, content):
    with pytest.raises(ExperimentError, match=r"list\.csv' cannot be read as a CSV file: "):
        listed(content)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ExperimentError, match="cannot be read as a CSV file"):
            read_table(path, LISTED)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            {"hidden[0]": "7"},
            "list.csv, row 3: hidden[0] = '7' does not fit network.hidden[0]: 7 is not one of 10, 20, … 90",
        ),
        (
            {"network.hidden[0]": "95"},
            "list.csv, row 3: network.hidden[0] = '95' does not fit network.hidden[0]: 95 is not one of 10, 20, … 90",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_answered_with_its_place(cells, message):
    with pytest.raises(ExperimentError) as caught:
        table_pick(cells, LISTED, "list.csv, row 3")("network.hidden[0]", Integer(10, 90, 10), 0)
    assert str(caught.value) == message


@pytest.mark.parametrize("cell", ["", "many"])
def test_a_cell_without_a_number_does_not_fit(cell):
    with pytest.raises(ExperimentError, match=rf"row 1: hidden\[0\] = '{cell}' does not fit network\.hidden\[0\]: "):
        table_pick({"hidden[0]": cell}, LISTED, "row 1")("network.hidden[0]", Integer(1, 9), 0)


@pytest.fixture(scope="module")
def listed_folder(tmp_path_factory):
    """A folder for one list after the other."""
    return tmp_path_factory.mktemp("lists")


@given(st.integers(0, 1000))
@law
def test_written_draws_are_listed_again_as_they_were(listed_folder, seed):
    """Cells of parameters that a trial does not have are empty, and stay unread."""
    searched = parameters(SEARCHED)
    configurations, path = [], listed_folder / "draws.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [parameter.short_name for parameter in searched])
        writer.writeheader()
        for trial in range(3):
            drawn = {}
            configurations.append((draw(SEARCHED, random_pick(seed, trial), drawn), drawn))
            writer.writerow({p.short_name: drawn.get(p.name, "") for p in searched})
    for row, (configuration, drawn) in zip(read_table(path, searched), configurations, strict=True):
        again = {}
        assert draw(SEARCHED, table_pick(row, searched, "row"), again) == configuration
        assert again == drawn


def test_a_thousands_comma_is_not_a_decimal_comma(listed):
    (row,) = listed('hidden[0],learning_rate\n"1,000",0.1\n')
    with pytest.raises(ExperimentError, match="'1,000' does not fit"):
        table_pick(row, LISTED, "row 1")("network.hidden[0]", Integer(1, 9999), 0)
