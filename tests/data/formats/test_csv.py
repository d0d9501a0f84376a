import gzip

import numpy as np
import pytest

IRIS = "length,width,species\n" + "".join(f"{i}.5,{i},{'xyz'[i % 3]}\n" for i in range(20))


def rows(dataset):
    """Every row of both parts with its class name, sorted."""
    x = np.concatenate([dataset.train.x, dataset.test.x]).tolist()
    t = np.concatenate([dataset.train.t, dataset.test.t])
    return sorted((*row, dataset.class_names[index]) for row, index in zip(x, t, strict=True))


def test_each_row_keeps_its_label_and_lands_in_one_part(load_csv):
    dataset = load_csv(IRIS)
    assert rows(dataset) == [(i + 0.5, float(i), "xyz"[i % 3]) for i in range(20)]
    assert (len(dataset.train.x), len(dataset.test.x)) == (15, 5)
    assert dataset.class_names == ("x", "y", "z")
    assert dataset.shape == (2,)
    assert dataset.name == "iris"
    assert dataset.train.x.dtype == np.float64
    assert dataset.test.t.dtype == np.int64


def test_the_split_is_random_and_repeats_with_its_seed(load_csv, tmp_path):
    first = load_csv(IRIS)
    assert sorted(first.test.x[:, 1]) != list(range(5))
    assert sorted(first.test.x[:, 1]) != list(range(15, 20))
    again = load_csv(IRIS, name="again.csv")
    np.testing.assert_array_equal(first.test.x, again.test.x)
    other = load_csv(IRIS, split_seed=1)
    assert sorted(other.test.x[:, 1]) != sorted(first.test.x[:, 1])
    assert first.sha256 == again.sha256 != other.sha256


@pytest.mark.parametrize(("fraction", "held_out"), [(0.05, 1), (0.5, 10), (0.51, 11), (0.95, 19)])
def test_the_test_fraction_is_rounded_up(load_csv, fraction, held_out):
    assert len(load_csv(IRIS, test_fraction=fraction).test.x) == held_out


@pytest.mark.parametrize(
    ("cells", "dtype"),
    [
        (("0", "255"), np.uint8),
        (("0", "256"), np.int64),
        (("-1", "255"), np.int64),
        (("0", "0.5"), np.float64),
        (("0", "1e3"), np.float64),
        (("9223372036854775807", "1"), np.int64),
        (("9223372036854775808", "1"), np.float64),
        (("99999999999999999999999", "1"), np.float64),
        (("True", "False"), np.uint8),
    ],
)
def test_the_smallest_exact_dtype_is_chosen(load_csv, cells, dtype):
    dataset = load_csv("a,species\n" + "".join(f"{cell},{label}\n" for cell in cells for label in "xyx"))
    assert dataset.train.x.dtype == dtype
    column = np.concatenate([dataset.train.x, dataset.test.x])[:, 0]
    expected = np.array([{"True": 1.0, "False": 0.0}[cell] if cell.isalpha() else float(cell) for cell in cells])
    np.testing.assert_array_equal(np.unique(column).astype(float), np.sort(expected))


def test_whole_and_broken_columns_together_are_float64(load_csv):
    dataset = load_csv("a,b,c,species\n1,0.5,True,x\n2,1.5,False,y\n3,2.5,True,x\n")
    assert dataset.train.x.dtype == np.float64
    assert rows(dataset) == [(1.0, 0.5, 1.0, "x"), (2.0, 1.5, 0.0, "y"), (3.0, 2.5, 1.0, "x")]


def test_numeric_labels_are_ordered_as_numbers(load_csv):
    dataset = load_csv("a,digit\n" + "".join(f"{i},{i}\n" for i in range(12)), label="digit")
    assert dataset.class_names == tuple(map(str, range(12)))
    np.testing.assert_array_equal(dataset.train.x[:, 0], dataset.train.t)


def test_words_that_often_mean_missing_are_good_classes(load_csv):
    dataset = load_csv("a,species\n1,None\n2,NA\n3,nan\n4,null\n")
    assert dataset.class_names == ("NA", "None", "nan", "null")


def test_spreadsheet_habits_are_forgiven(load_csv):
    text = '\ufeffspecies, a , "b, or c"\r\ncat , 1, 2\r\n"cat", 3, 4\r\n\r\n dog, 5, 6\r\n'
    dataset = load_csv(text)
    assert rows(dataset) == [(1, 2, "cat"), (3, 4, "cat"), (5, 6, "dog")]


def test_compressed_tables_are_read(load_csv):
    assert rows(load_csv(gzip.compress(IRIS.encode()), name="iris.csv.gz")) == rows(load_csv(IRIS))


BAD = {
    "text": ("a,b,species\n1,2,x\n1,3,y\n1,red,x\n", ["column 'b' holds 'red' in data row 3"]),
    "infinite": ("a,species\n1,x\n-inf,y\n", ["column 'a' holds '-inf' in data row 2"]),
    "too large": ("a,species\n1,x\n1e999,y\n", ["column 'a' holds 'inf' in data row 2"]),
    "an empty column": ("a,b,species\n1,,x\n2,,y\n", ["column 'b' is empty", "drop"]),
    "dates": ("a,b,species\n1,2024-01-31,x\n2,2024-02-01,y\n", ["'b' holds dates such as '2024-01-31'", "drop"]),
    "times": ("a,b,species\n1,10:30,x\n2,,y\n3,9:15:01,y\n", ["'b' holds dates such as '10:30'", "drop"]),
    "days": ("a,b,species\n1,31.1.2024 10:30,x\n2,1.2.2024 0:00,y\n", ["'b' holds dates such as '31.1.2024 10:30'"]),
    "months": ('a,b,species\n1,3 May 2024,x\n2,"June 4, 2024",y\n', ["'b' holds dates such as '3 May 2024'"]),
    "percentages": ("a,b,species\n1,5 %,x\n2,7 %,y\n", ["'b' holds '5 %' in data row 1", "most of its values"]),
    "other decimals": ('a,b,species\n1,"1,5",x\n2,"2,5",y\n', ["'b' holds '1,5' in data row 1", "`decimal`"]),
    "the label twice": ("x,label,species,species\n1,1,a,a\n2,2,b,b\n", ["more than one column 'species'"]),
    "a feature twice": ("a, b ,b,species\n1,1,1,a\n2,2,2,b\n", ["more than one column 'b'"]),
    "a comment": ("# by lab 3\na,b,species\n1,2,x\n2,1,y\n", ["the first line '# by lab 3' has one cell"]),
    "short row": ("a,b,species\n1,2,x\n1\n", ["label column 'species' is empty in data row 2"]),
    "long row": ("a,species\n1,x\n1,x,3\n", ["Expected 2 fields", "line 3"]),
    "all rows long": ("a,species\n1,x,3\n1,y,3\n", ["more cells than its first line"]),
    "unlabeled": ("a,species\n1,x\n2,\n3,y\n", ["label column 'species' is empty in data row 2"]),
    "blank label": ("a,species\n1,x\n2,  \n3,y\n", ["label column 'species' is empty in data row 2"]),
    "misspelt label": ("a,specis\n1,x\n2,y\n", ["no column 'species'", "did you mean 'specis'?"]),
    "no such label": ("a,b\n1,x\n2,y\n", ["no column 'species'", "choose from a, b"]),
    "label alone": ("species\nx\ny\n", ["'species' alone"]),
    "header only": ("a,species\n", ["no rows"]),
    "empty file": ("", ["is empty"]),
    "one class": ("a,species\n1,x\n2,x\n", ["one class x"]),
    "row numbers": (",a,species\n0,1,x\n1,2,y\n", ["column 1 has no name"]),
    "binary": (bytes(range(256)) * 4, ["cannot be read as comma-separated"]),
    "Latin-1": ("a,species\n1,é\n2,y\n".encode("latin-1"), ["UTF-8"]),
    "quote left open": ('a,species\n1,"x\n2,y\n', ["cannot be read as comma-separated"]),
}


@pytest.mark.parametrize(("text", "parts"), BAD.values(), ids=BAD)
def test_bad_tables_are_refused(load_csv, refused, tmp_path, text, parts):
    with refused(tmp_path / "iris.csv", *parts):
        load_csv(text)


def test_a_wide_table_is_not_listed_whole(load_csv, refused):
    header = ",".join(f"p{i}" for i in range(784))
    with refused("choose from p", "and 774 more"):
        load_csv(f"{header}\n{','.join(['1'] * 784)}\n")
    with refused("did you mean 'p77'?"):
        load_csv(f"{header}\n{','.join(['1'] * 784)}\n", label="p77x")


def test_a_damaged_gzip_is_refused(load_csv, refused):
    with refused("iris.csv.gz", "cannot be read as comma-separated"):
        load_csv(gzip.compress(IRIS.encode())[:-9], name="iris.csv.gz")


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 1.5, float("nan"), "a half", True, None])
def test_a_test_fraction_out_of_range_is_refused(load_csv, refused, fraction):
    with refused("test_fraction", repr(fraction)):
        load_csv(IRIS, test_fraction=fraction)


@pytest.mark.parametrize("seed", [-1, 0.5, "x"])
def test_a_bad_split_seed_is_refused(load_csv, refused, seed):
    with refused("split_seed", repr(seed)):
        load_csv(IRIS, split_seed=seed)


def test_a_split_without_training_rows_is_refused(load_csv, refused):
    with refused("2 rows", "test_fraction = 0.9", "none for training"):
        load_csv("a,species\n1,x\n2,y\n", test_fraction=0.9)
