"""What is told of deskewed digits."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.figures import rendered
from benchmarks.reproduction.pages.deskew import Deskew


@pytest.fixture
def results(tmp_path):
    """Exports of one of the two sweeps: deskewing raises the accuracy from about 0.96 to about 0.98."""
    best = [0.960, 0.961, 0.962, 0.980, 0.981, 0.982]
    ways = ["none"] * 3 + ["deskew"] * 3
    trials = pd.DataFrame({"trial": range(6), "status": "completed", "transform": ways, "test_accuracy": best})
    trials.to_csv(tmp_path / "mnist-deskew-widths.csv", index=False)
    epochs = {"trial": np.repeat(range(6), 2), "epoch": [1, 2] * 6, "test_accuracy": np.repeat(best, 2) - 0.001}
    pd.DataFrame(epochs).to_parquet(tmp_path / "mnist-deskew-widths.parquet")
    return Results(tmp_path)


def test_the_difference_has_its_sign_and_the_missing_sweep_is_named(results):
    content = Deskew().content(results)
    assert list(content["differences"]["gain by deskewing"]) == ["+2.00 points"] * 2
    assert set(content["differences"]["verdict"]) == {"better"}
    page = rendered("mnist-deskew.md", {"name": "mnist-deskew", "abouts": {}, **content})
    assert "**Cut short:** mnist-deskew-sigmoid has not been trained yet." in page


def test_a_chart_is_drawn_of_what_is_there(results):
    Deskew().draw(results)
    assert (results.folder / "curves.png").stat().st_size > 1000
