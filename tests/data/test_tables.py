import gzip

import pytest

from sweep.data import open_dataset, prepare
from sweep.data.tables import Dialect, read_table

ROWS = [("4,5", "1", "x"), ("3", "2,25", "y"), ("0,5", "7", "x")]


@pytest.fixture
def read(tmp_path):
    """Write a file and read it as a table with the columns a and art."""

    def read(text, name="a.csv", dialect=Dialect(), text_columns=("art",)):
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(content)
        return read_table(tmp_path / name, ["art"], text_columns, dialect)

    return read


def written(separator, decimal, head="a{0}b{0}art"):
    lines = [separator.join(row).replace(",", decimal) if separator != "," else "" for row in ROWS]
    return "\n".join([head.format(separator), *lines]) + "\n"


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("decimal", [",", "."])
@pytest.mark.parametrize("start", ["", "\ufeff", "\n\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_dialect_is_found(read, separator, decimal, start, pack):
    text = (start + written(separator, decimal)).encode()
    frame, dialect = read(pack(text), "a.csv" if pack is bytes else "a.csv.gz")
    assert dialect == (separator, decimal, 0)
    assert frame.to_dict("list") == {"a": [4.5, 3.0, 0.5], "b": [1.0, 2.25, 7.0], "art": ["x", "y", "x"]}


def test_commas_need_nothing(read):
    frame, dialect = read("a,b;c,art\n1,2,x\n")
    assert dialect == (",", ".", 0)
    assert list(frame) == ["a", "b;c", "art"]


@pytest.mark.parametrize("line", ["sep=;", "\ufeffsep=;", '"sep=;"', "sep=;\r"])
def test_the_first_line_of_a_spreadsheet_may_tell(read, line):
    frame, dialect = read(f"{line}\n{written(';', ',')}")
    assert dialect == (";", ",", 1)
    assert list(frame) == ["a", "b", "art"]
    assert len(frame) == 3


def test_what_is_stated_is_not_looked_for(read):
    frame, _ = read("a;b,art\n1;2,x\n", dialect=Dialect(",", "."))
    assert list(frame) == ["a;b", "art"]
    frame, dialect = read("a  art\n1,5  x\n", dialect=Dialect(" ", ","))
    assert dialect == (" ", ",", 0)
    assert frame.to_dict("list") == {"a": [1.5], "art": ["x"]}


def test_names_are_stripped_and_texts_kept_as_written(read):
    frame, _ = read(" a , art \n 1, 007 \n")
    assert frame.to_dict("list") == {"a": [1], "art": ["007 "]}


def test_a_point_anywhere_is_a_decimal_point(read):
    assert read("a;art\n1,5;x\n1.5;y\n").dialect.decimal == "."


@pytest.mark.parametrize("text", ["a,a,art\n1,2,x\n", "a, a,art\n1,2,x\n", "a,art,art \n1,x,x\n", "art;b;art\nx;1;x\n"])
def test_two_columns_of_one_name_are_refused(read, refused, text):
    with refused("more than one column", "(columns ", " and "):
        read(text)


def test_a_file_with_semicolons_and_commas_is_a_data_set(tmp_path):
    lines = [f"{i},5;1,{i % 3};{'xy'[i % 2]}" for i in range(20)]
    (tmp_path / "a.csv").write_text("\n".join(["a;b;art", *lines]))
    dataset = open_dataset(prepare("csv", file=tmp_path / "a.csv", label="art"))
    assert dataset.train.x.shape == (15, 2)
    assert set(dataset.train.x[:, 0] % 1) == {0.5}
    assert dataset.class_names == ("x", "y")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["is empty", "header row"]),
        ("\n\n", ["is empty", "header row"]),
        ("a,b,art\n", ["a header but no rows"]),
        ("1,2,x\n3,4,y\n", ["'1' where a name should be", "put the names of the columns above it"]),
        ("# a, b, c\na,b,art\n1,2,x\n", ["'# a'", "a comment; remove it"]),
        ("a,b,art\n0,1,2,x\n1,3,4,y\n", ["first line", "separators at the ends of the rows"]),
    ],
)
def test_a_first_line_that_is_not_a_header_is_named(tmp_path, refused, text, parts):
    (tmp_path / "a.csv").write_text(text)
    with refused(tmp_path / "a.csv", *parts):
        prepare("csv", file=tmp_path / "a.csv", label="art")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["01067", "1067", "99999"], ("01067", "1067", "99999")),
        (["1.1", "1.10", "1.2"], ("1.1", "1.10", "1.2")),
        (["1_0", "1_1", "2_0", "10"], ("10", "1_0", "1_1", "2_0")),
    ],
)
def test_labels_that_are_written_differently_are_different_classes(tmp_path, labels, names):
    rows = [f"{i},{labels[i % len(labels)]}" for i in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["a,art", *rows]))
    assert (
        open_dataset(prepare("csv", file=tmp_path / "a.csv", label="art", task="classification")).class_names == names
    )


def test_separators_at_the_ends_of_rows_move_no_cell(read):
    assert read("a,b,art\n1,2,x,\n3,4,y,\n").frame.to_numpy().tolist() == [[1, 2, "x"], [3, 4, "y"]]
