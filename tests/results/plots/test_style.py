"""Tests of the words that all charts share."""

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from sweep.results.plots.style import draw_titles, fits, shorten
from tests.results.plots.plot_setup import assert_legible


@pytest.mark.parametrize(
    ("name", "letters", "expected"),
    [
        ("short", 5, "short"),
        ("longer", 5, "lo…er"),
        ("a_very_long_name_indeed", 11, "a_ver…ndeed"),
        ("abcdefgh", 6, "abc…gh"),
        (" on\ttwo \n lines ", 20, "on two lines"),
    ],
)
def test_long_names_lose_their_middle(name, letters, expected):
    assert shorten(name, letters) == expected
    assert len(expected) <= letters


def test_words_fit_while_neighbors_stay_apart():
    assert fits(["abcd", "efgh"], 9)
    assert not fits(["abcd", "efgh"], 8.9)
    assert fits(["a\nlong", "one\nb"], 9)
    assert fits(["alone"], 1)


@pytest.mark.parametrize("width", [3.0, 7.0])
def test_a_heading_of_any_length_stays_within_the_figure(width):
    figure = Figure(figsize=(width, 4), layout="constrained")
    figure.subplots()
    draw_titles(figure, "MANY-WORDS " * 12 + "and" * 40, "2 facts")
    assert_legible(figure)


def test_a_heading_is_broken_between_words_and_its_dollar_signs_are_letters():
    figure = Figure(figsize=(3, 4))
    draw_titles(figure, "a sweep of $ $ trials many-hyphened-words", "2 facts")
    (heading,) = figure.findobj(lambda artist: isinstance(artist, Text) and "facts" in artist.get_text())
    assert heading.get_text() == "a sweep of $ $ trials\nmany-hyphened-words: 2 facts"
    assert not heading.get_parse_math()


@pytest.mark.parametrize(("place", "message"), [((0.99, 0.9), "cut off"), ((0.11, 0.5), "on each other")])
def test_what_cannot_be_read_is_found(place, message):
    figure = Figure(figsize=(3, 3))
    figure.text(0.1, 0.5, "first")
    figure.text(*place, "second")
    with pytest.raises(AssertionError, match=message):
        assert_legible(figure)
