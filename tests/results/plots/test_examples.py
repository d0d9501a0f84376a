"""Tests of the pictures of examples: what lies in the images, the bars and the words."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from sklearn.datasets import load_digits

from sweep.results.plots import example, gallery
from sweep.results.plots.style import BLUE, GOLD, PALE_BLUE, RED
from tests.results.plots.plot_setup import assert_legible, tick_words

LONG = "a very long name of a class that goes on"


def digits(count):
    """Return the first images of scikit-learn's digits, (count, 1, 8, 8) from 0 to 16, and their names."""
    data = load_digits()
    return data.images[:count, None], [str(digit) for digit in data.target[:count]]


def picture(axes):
    (image,) = axes.get_images()
    return image.get_array()


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def bars(axes):
    """Return the values and the colors of the bars, from the top down."""
    return [bar.get_width() for bar in axes.patches], [to_hex(bar.get_facecolor()) for bar in axes.patches]


def test_each_example_is_drawn_below_its_true_and_predicted_class():
    images, names = digits(7)
    figure = gallery(images, names, names[::-1], title="digits/12")
    assert titles(figure) == ["0 → 6", "1 → 5", "2 → 4", "3 → 3", "4 → 2", "5 → 1", "6 → 0"]
    for axes, image in zip(figure.axes, images, strict=True):
        np.testing.assert_allclose(picture(axes), image[0] / 16)
        assert axes.get_images()[0].get_clim() == (0, 1)
    assert figure.get_suptitle() == "digits/12: true → predicted"
    assert [axes.get_subplotspec().colspan.start for axes in figure.axes] == [0, 1, 2, 3, 4, 0, 1]
    assert_legible(figure)


def test_of_more_than_twenty_five_examples_the_title_counts_all():
    images, names = digits(40)
    figure = gallery(images, names, names)
    assert len(figure.axes) == 25
    assert figure.get_suptitle() == "true → predicted, the first 25 of 40"


@pytest.mark.parametrize("images", [[], np.zeros((0, 1, 8, 8)), np.zeros((0, 5))])
def test_without_an_example_the_figure_says_that_nothing_was_misclassified(images):
    figure = gallery(images, [], [], title="digits/12")
    assert figure.get_suptitle() == "digits/12: nothing was misclassified"
    assert_legible(figure)


def test_bytes_are_drawn_as_they_are():
    images = np.array([[[[0, 51]]], [[[102, 153]]]], dtype=np.uint8)
    figure = gallery(images, "ab", "ba")
    np.testing.assert_allclose([picture(axes) for axes in figure.axes], [[[0, 0.2]], [[0.4, 0.6]]])


def test_other_numbers_are_scaled_over_the_whole_set():
    images = np.linspace(-3, 5, 4 * 30).reshape(30, 1, 2, 2)
    figure = gallery(images, ["a"] * 30, ["b"] * 30)
    np.testing.assert_allclose([picture(axes) for axes in figure.axes], (images[:25, 0] + 3) / 8)


def test_three_channels_are_red_green_and_blue():
    images = np.zeros((2, 3, 2, 4), dtype=np.uint8)
    images[0, 0], images[1, 2] = 255, 51
    figure = gallery(images, "ab", "ba")
    np.testing.assert_allclose(picture(figure.axes[0]), np.broadcast_to([1, 0, 0], (2, 4, 3)))
    np.testing.assert_allclose(picture(figure.axes[1]), np.broadcast_to([0, 0, 0.2], (2, 4, 3)))


@pytest.mark.parametrize("images", [np.zeros((2, 1, 2, 2)), np.full((2, 3, 2, 2), 7), np.zeros((2, 1, 2, 2), bool)])
def test_images_of_one_number_only_can_be_drawn(images):
    figure = gallery(images, "ab", "ba")
    figure.draw_without_rendering()
    assert all(np.isfinite(picture(axes)).all() for axes in figure.axes)


def test_long_names_are_shortened_in_the_middle_and_all_pairs_stand_on_two_lines():
    figure = gallery(digits(3)[0], [LONG, "$a$", "MAGNETIC_RESONANCE"], ["$x$_$y$", LONG, "2"])
    assert titles(figure)[0] == "a very lon…at goes on\n→ $x$_$y$"
    assert titles(figure)[1] == "$a$\n→ a very lo…t goes on"
    assert titles(figure)[2] == "MAGNETIC_RESONANCE\n→ 2"
    assert not any(axes.title.get_parse_math() for axes in figure.axes)
    assert_legible(figure)


def test_a_long_title_is_broken():
    images, names = digits(1)
    figure = gallery(images, names, names, title="a sweep-of-a-very-long-name with many more words/12, best epoch 50")
    assert figure.get_suptitle().count("\n") == 1
    assert "sweep-of-a-very-long-name" in figure.get_suptitle()
    assert_legible(figure)


def test_few_features_are_bars_to_one_scale():
    features = np.array([[1.0, -2.0, 0.5], [4.0, 0.0, 3.0]])
    figure = gallery(features, "ab", "ba")
    heights = [[bar.get_height() for bar in axes.patches] for axes in figure.axes]
    np.testing.assert_array_equal(heights, features)
    for axes in figure.axes:
        assert axes.get_ylim() == pytest.approx((-2.3, 4.3))
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("feature", "value")
    assert_legible(figure)


def test_bars_stand_on_zero():
    (axes,) = gallery(np.array([[5.0, 6.0]]), "a", "b").axes
    assert axes.get_ylim() == pytest.approx((-0.3, 6.3))


def test_many_features_are_a_line():
    features = np.random.default_rng(0).normal(size=(3, 41))
    figure = gallery(features, "abc", "bca")
    for axes, row in zip(figure.axes, features, strict=True):
        np.testing.assert_array_equal(axes.get_lines()[0].get_xydata(), np.column_stack([np.arange(41), row]))
        assert not axes.patches
    assert_legible(figure)


@pytest.mark.parametrize("shape", [(2, 4, 4), (2, 2, 4, 4), (2, 1)])
def test_examples_of_any_other_shape_are_charts_of_all_their_numbers(shape):
    figure = gallery(np.ones(shape), "ab", "ba")
    assert len(figure.axes[0].patches) == np.prod(shape[1:])


def test_the_classes_stand_in_the_order_of_their_probability_and_the_true_one_has_the_star():
    images, _ = digits(4)
    figure = example(images[3], ["cat", "dog", "$x$ y $", "owl"], [0.2, 0.05, 0.6, 0.15], "dog", title="pets/3")
    left, right = figure.axes
    np.testing.assert_allclose(picture(left), images[3, 0] / images[3].max())
    assert bars(right) == ([0.6, 0.2, 0.15, 0.05], [RED, PALE_BLUE, PALE_BLUE, GOLD])
    assert tick_words(right.yaxis) == [r"\$x\$ y \$", "cat", "owl", "dog"]
    assert [text.get_text() for text in right.texts] == ["60.0\u00a0%", "20.0\u00a0%", "15.0\u00a0%", "5.0\u00a0%"]
    (star,) = right.get_lines()
    assert (star.get_marker(), star.get_color()) == ("*", GOLD)
    np.testing.assert_allclose(star.get_xydata(), [[0.05, 3]])
    assert right.get_ylim()[0] > right.get_ylim()[1]
    assert figure.get_suptitle() == "pets/3: true class dog, predicted $x$ y $ (60.0\u00a0%)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["true class", "predicted, wrongly"]
    assert right.get_xlabel() == "probability"
    assert_legible(figure)


def test_the_predicted_class_is_blue_where_it_is_the_true_one():
    figure = example(np.zeros((3, 4, 4)), ["cat", "dog"], [0.1, 0.9], "dog")
    assert bars(figure.axes[1]) == ([0.9, 0.1], [BLUE, PALE_BLUE])
    np.testing.assert_allclose(figure.axes[1].get_lines()[0].get_xydata(), [[0.9, 0]])
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["true class", "predicted, rightly"]
    assert to_hex(legend.get_patches()[0].get_facecolor()) == BLUE


def test_of_equally_probable_classes_the_first_is_the_predicted_one():
    figure = example(np.zeros((1, 4, 4)), ["cat", "dog", "owl"], [0.2, 0.4, 0.4], "owl")
    assert tick_words(figure.axes[1].yaxis) == ["dog", "owl", "cat"]


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0.0 %"), (0.00099, "<0.1 %"), (0.001, "0.1 %"), (0.5, "50.0 %"), (0.9995, ">99.9 %"), (1.0, "100.0 %")],
)
def test_a_probability_is_never_rounded_to_nothing_or_to_certainty(share, words):
    figure = example(np.zeros((1, 4, 4)), ["cat", "dog"], [share, 1 - share], "cat")
    place = tick_words(figure.axes[1].yaxis).index("cat")
    assert figure.axes[1].texts[place].get_text() == words.replace(" ", "\u00a0")


def test_of_a_hundred_classes_the_twenty_most_probable_are_drawn_and_the_true_one_in_any_case():
    names = [f"class_{number}_with_a_long_name_indeed_$x$_{number}" for number in range(100)]
    probabilities = np.arange(100.0) / 4950
    figure = example(np.zeros((3, 32, 32)), names, probabilities, names[90])
    assert len(bars(figure.axes[1])[0]) == 20
    np.testing.assert_allclose(bars(figure.axes[1])[0], probabilities[:79:-1])
    assert bars(figure.axes[1])[1][9] == GOLD
    figure = example(np.zeros((3, 32, 32)), names, probabilities, names[3])
    np.testing.assert_allclose(bars(figure.axes[1])[0], [*probabilities[:80:-1], probabilities[3]])
    assert bars(figure.axes[1])[1][19] == GOLD
    assert tick_words(figure.axes[1].yaxis)[19].endswith(r"\$x\$_3")
    assert figure.axes[1].get_xlabel() == "probability, 20 of 100 classes"
    assert_legible(figure)


def test_outputs_that_are_no_probabilities_are_drawn_as_they_are():
    figure = example(np.zeros(3), ["cat", "dog", "owl"], [-2.5, 4.0, -0.125], "cat", meaning="output")
    axes = figure.axes[1]
    assert bars(axes)[0] == [4.0, -0.125, -2.5]
    assert [text.get_text() for text in axes.texts] == ["4", "-0.125", "-2.5"]
    assert axes.get_xlim()[0] <= -2.5 < 4.0 < axes.get_xlim()[1]
    assert axes.get_xlabel() == "output"
    assert figure.get_suptitle() == "true class cat, predicted dog (4)"
    assert_legible(figure)


def test_an_example_of_a_table_is_a_chart_of_its_features():
    figure = example(np.array([3.0, 1.0, 2.0]), ["no", "yes"], [0.3, 0.7], "yes")
    assert [bar.get_height() for bar in figure.axes[0].patches] == [3, 1, 2]
    assert figure.axes[0].get_xlabel() == "feature"
    assert_legible(figure)


def test_limits_say_what_is_black_and_white():
    images = np.array([[[[0, 4], [8, 16]]], [[[0, 0], [0, 32]]]], np.uint8)
    drawn = gallery(images, ["a", "b"], ["b", "a"], limits=(0, 16))
    pictures = [axes.images[0].get_array() for axes in drawn.axes if axes.images]
    np.testing.assert_array_equal(pictures[0], [[0, 0.25], [0.5, 1]])
    np.testing.assert_array_equal(pictures[1], [[0, 0], [0, 1]])
    (picture,) = [
        axes.images[0] for axes in example(images[0], ["a", "b"], [1, 0], "a", limits=(0, 32)).axes if axes.images
    ]
    np.testing.assert_array_equal(picture.get_array(), [[0, 0.125], [0.25, 0.5]])
