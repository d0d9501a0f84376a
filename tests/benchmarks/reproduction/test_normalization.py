"""What is told of the kinds of normalization."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.reproduction.exports import Results
from benchmarks.reproduction.figures import rendered
from benchmarks.reproduction.pages.normalization import (
    ARTICLE,
    KINDS,
    NAME,
    Normalization,
    beside,
    by_factor,
    pairwise,
    search,
    shares,
    verdict,
)

TRIALS = 80


def trials(lost_of="z_score over all", constant=""):
    """A search in which one kind diverges at high learning rates."""
    generator = np.random.default_rng(0)
    kinds = np.array(KINDS)[np.arange(TRIALS) % 4]
    rates = np.exp(generator.uniform(np.log(0.005), np.log(0.5), TRIALS))
    lost = (kinds == lost_of) & (rates > 0.05)
    inner = ["feature" + constant if "feature" in kind else "all" for kind in kinds]
    return pd.DataFrame(
        {
            "trial": range(TRIALS),
            "status": np.where(lost, "diverged", "completed"),
            "test_accuracy": 0.97 + 0.015 * generator.random(TRIALS),
            "test_loss": 0.1,
            "epoch": 1,
            "diverged_epoch": np.where(lost, 1, np.nan),
            "diverged_place": np.where(lost, "output/forward", None),
            "normalization": [f"{kind.split()[0]}(over={over})" for kind, over in zip(kinds, inner, strict=True)],
            "learning_rate": rates,
            "batch_size": generator.integers(2, 11, TRIALS) * 10,
            "alpha": generator.uniform(0, 0.3, TRIALS),
        }
    )


@pytest.fixture
def results(tmp_path):
    """Exports of the search, without that of the article's way."""
    trials().to_csv(tmp_path / f"{NAME}.csv", index=False)
    pd.DataFrame({"trial": [0], "epoch": [1]}).to_parquet(tmp_path / f"{NAME}.parquet")
    (tmp_path / f"{NAME}.json").write_text(json.dumps({}))
    columns = ["column", "compared with", "weight", "low", "high"]
    pd.DataFrame([["learning_rate", "", 2.0, 1.0, 3.0]], columns=columns).to_csv(tmp_path / "law.csv", index=False)
    return Results(tmp_path)


def page(results):
    """The page without the circumstances of the sweeps."""
    return rendered("mnist-normalization.md", {"name": NAME, "abouts": {}, **Normalization().content(results)})


def test_the_kind_that_diverges_is_told(results):
    found = search(results, NAME)
    said = verdict(found, pairwise(found), by_factor(found))
    assert said.startswith("The largest share is that of z_score over all")
    assert said.endswith("As to which of the four diverges most, z_score over all diverges most often.")
    lost = shares(found).set_index("normalization")["diverged"]
    assert lost["z_score over all"] == found["lost"].sum() > 5


def test_kinds_that_diverge_alike_are_not_told(results):
    found = search(results, NAME).assign(lost=np.arange(TRIALS) % 16 < 4)
    said = verdict(found, pairwise(found), by_factor(found))
    assert said.endswith(" cannot be told.")


def test_the_page_is_there_without_the_way_of_the_article(results):
    assert "**Cut short:**" in page(results)


def test_the_way_of_the_article_is_put_beside_trial_by_trial(results):
    other = trials(lost_of="z_score over feature", constant=", constant=article")
    other.to_csv(results.folder / f"{ARTICLE}.csv", index=False)
    ours, article = search(results, NAME), search(results, ARTICLE)
    rows = beside(ours, article)["rows"].set_index("normalization")
    assert rows.loc["z_score over feature", "only as in the article"] == article["lost"].sum()
    assert rows.loc["min_max over feature", "McNemar"] == "1.000"
    assert "**Cut short:**" not in page(results)
    with pytest.raises(ValueError, match="not the same values"):
        beside(ours, article.assign(alpha=0.5))
