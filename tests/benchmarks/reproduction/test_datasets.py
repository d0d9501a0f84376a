"""What is told of the data sets."""

import pandas as pd

from benchmarks.reproduction.__main__ import export_all
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.figures import rendered
from benchmarks.reproduction.pages import datasets
from benchmarks.reproduction.pages.datasets import Datasets, as_read, classes_table


def test_a_page_without_sweeps_is_written_of_what_is_at_hand(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "NAMES", ("digits", "cifar10"))
    page, folder, empty = Datasets(), tmp_path / "page", tmp_path / "empty"
    empty.mkdir()
    export_all(page, folder, tmp_path / "none.db", empty, None, is_training=False)
    content = page.content(Results(folder))
    assert (list(content["facts"]), content["missing"]) == (["digits"], ["cifar10"])
    text = rendered(page.template, {"name": "data-sets", "abouts": {}, **content})
    assert "**Left out:** cifar10 was not at hand." in text
    assert "3 of 64 pixels are the same in all training images" in text
    assert {path.name for path in folder.glob("*.png")} == {"digits.png", "digits-one-class.png"}


def test_facts_are_written_as_they_are_best_read():
    assert [as_read(value) for value in ("60000", 33.318421, "1×28×28", None)] == ["60,000", "33.32", "1×28×28", ""]


def test_each_class_has_its_share():
    facts = pd.DataFrame({"fact": ["samples", "class a", "class b"], "train": ["4", "1", "3"]})
    assert list(classes_table(facts)["share of train"]) == ["25.0 %", "75.0 %"]
