"""The law of divergence on the page of the article's search."""

from types import SimpleNamespace

import pandas as pd

from benchmarks.reproduction.__main__ import RESULTS
from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.pages.widths import SEARCHES, Widths, law_of, searches_in
from sweep.experiment.file import load

COMMITTED = Results(RESULTS / "reference" / "mnist-widths")
PARAMETERS = load("mnist-widths").parameters


def test_the_law_on_the_page_is_that_of_its_searches():
    law = law_of(searches_in(COMMITTED), PARAMETERS)
    pd.testing.assert_frame_equal(law, COMMITTED.table("law"))
    assert law["parameter"][0] == "learning_rate"


def test_searches_exported_before_count_with_those_of_the_database(tmp_path):
    trials = COMMITTED.trials("mnist-widths")
    trials[:50].to_csv(tmp_path / f"{SEARCHES[0]}.csv", index=False)
    trials[50:].to_csv(tmp_path / f"{SEARCHES[2]}.csv", index=False)
    Widths().add({SEARCHES[2]: SimpleNamespace(parameters=PARAMETERS)}, tmp_path, None)
    law = law_of({"mnist-widths": trials}, PARAMETERS)
    pd.testing.assert_frame_equal(Results(tmp_path).table("law"), law)
    assert not law.equals(law_of({"half": trials[50:]}, PARAMETERS))
