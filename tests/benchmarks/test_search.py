"""Even points and guesses on a toy table, where it is known which are better, and small sweeps."""

import pytest

from benchmarks import search, searching
from sweep.space.distributions import Choice


def toy():
    def value(row):
        return -abs(row["x"] - 0.6) - (row["kind"] == "a")

    tree = {"x": Choice(tuple(step / 20 for step in range(21))), "kind": Choice(("a", "b"))}
    return searching.Problem("HPOBench", "toy", tree, value, 0.0)


def test_a_right_guess_is_better_than_none_and_a_wrong_one_worse(monkeypatch):
    monkeypatch.setattr(search, "COUNTS", (8,))
    (row,) = search._prior_table([toy()], 40).rows.values()
    assert row["right guess"].value <= 1


def test_even_points_have_a_row_for_each_number(monkeypatch):
    monkeypatch.setattr(search, "COUNTS", (4, 8))
    table = search._even_table([toy()], 10)
    assert list(table.rows) == ["4 points", "8 points"]
    assert all(cell.value >= 0 for row in table.rows.values() for cell in row.values())


@pytest.mark.parametrize("best", [True, False])
def test_a_guess_names_the_place_of_each_number(best):
    problem = toy()
    guess = search._extreme(problem, best)
    guessed = search._guessed(problem, guess)
    assert guessed.tree["x"].likely == round(guess["x"] * 20)
    assert guessed.tree["kind"] == problem.tree["kind"]
    assert guessed.value({"x": 12, "kind": "b"}) == 0
    assert (problem.value(guess) == 0) == best
