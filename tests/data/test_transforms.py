import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.data import data_entry, data_options, find_digest, open_dataset, options_key, prepare
from sweep.data.transforms import deskew

GRAY = (1, 28, 28)


def bar(slope, thickness, row, column, *, brightness=200.0, height=12):
    """An image of a smooth slanted bar, (1, 784): each row is `slope` pixels to the right of the one above."""
    y, x = np.mgrid[:28, :28].astype(float)
    along = (np.abs(y - row) <= height / 2) * np.exp(-(((x - column - slope * (y - row)) / thickness) ** 2))
    return (brightness * along).reshape(1, -1)


def moments(image):
    """Center of mass, mu_xy and mu_yy, term by term from the definition."""
    y, x = np.mgrid[:28, :28]
    mass = image.reshape(28, 28).astype(float) / image.sum(dtype=float)
    row, column = (mass * y).sum(), (mass * x).sum()
    return row, column, (mass * (y - row) * (x - column)).sum(), (mass * (y - row) ** 2).sum()


BARS = st.builds(bar, st.floats(-0.7, 0.7), st.floats(1.5, 2.5), st.floats(12, 15), st.floats(12, 15))


@given(BARS)
def test_a_slanted_bar_comes_out_upright_and_in_the_middle(image):
    row, column, mu_xy, mu_yy = moments(deskew(image, GRAY))
    assert abs(mu_xy / mu_yy) < 0.02  # interpolation between two rows leaves alpha / 4 of mu_xy at most
    assert (row, column) == (pytest.approx(14, abs=0.1), pytest.approx(14, abs=0.1))


@given(BARS)
def test_doing_it_again_changes_next_to_nothing(image):
    once = deskew(image.astype(np.uint8), GRAY)
    assert np.abs(deskew(once, GRAY).astype(int) - once).max() <= 8


def test_a_value_worked_by_hand():
    # Center (2, 2); mu_yy = (120 + 120)/360 = 2/3 and mu_xy = (120·½ + 120·½)/360 = 1/3, so alpha = ½: the row above
    # the middle moves half a pixel to the right, that below it to the left, each between two pixels.
    image = np.array([[0, 0, 0, 0, 0], [0, 60, 60, 0, 0], [0, 0, 120, 0, 0], [0, 0, 60, 60, 0], [0, 0, 0, 0, 0]])
    upright = [[0, 0, 0, 0, 0], [0, 30, 60, 30, 0], [0, 0, 120, 0, 0], [0, 30, 60, 30, 0], [0, 0, 0, 0, 0]]
    for dtype in (np.uint8, np.int64, np.float32, np.float64):
        found = deskew(image.reshape(1, -1).astype(dtype), (1, 5, 5))
        assert found.dtype == dtype
        assert found.reshape(5, 5).tolist() == upright


def test_integers_are_rounded_to_the_nearest():
    image = np.zeros((1, 5, 5), np.uint8)
    image[0, 1, 1], image[0, 1, 2], image[0, 2, 2], image[0, 3, 2], image[0, 3, 3] = 61, 61, 122, 61, 61
    found = deskew(image.reshape(1, -1), (1, 5, 5)).reshape(5, 5)
    assert found[1].tolist() == [0, 30, 61, 30, 0]  # 30.5, to the even one


def test_blank_images_stay_and_flat_ones_are_not_sheared():
    blank, flat = np.zeros((1, 784), np.uint8), np.zeros((28, 28), np.uint8)
    flat[14, 10:19] = 255
    images = np.concatenate([blank, flat.reshape(1, -1), blank])
    np.testing.assert_array_equal(deskew(images, GRAY), images)
    assert deskew(images[:0], GRAY).shape == (0, 784)


def test_all_channels_get_the_shear_of_their_mean():
    red, blue = bar(0.5, 2, 14, 14), bar(-0.2, 2, 14, 14)
    both = deskew(np.concatenate([red, blue], axis=1), (2, 28, 28)).reshape(2, 28, 28)
    mean = deskew((red + blue) / 2, GRAY).reshape(28, 28)
    np.testing.assert_allclose(both.mean(axis=0), mean, atol=1e-9)
    same = deskew(np.concatenate([red, red, red], axis=1), (3, 28, 28)).reshape(3, 784)
    np.testing.assert_allclose(same, np.repeat(deskew(red, GRAY), 3, axis=0), atol=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_images_of_any_size_of_numbers_are_made_upright(scale):
    image = bar(0.5, 2, 14, 14, brightness=1.0)
    np.testing.assert_allclose(deskew(image * scale, GRAY) / scale, deskew(image, GRAY), atol=1e-12)


def test_each_image_is_made_upright_alike_in_any_company():
    images = np.concatenate([bar(slope, 2, 14, 14) for slope in np.linspace(-0.5, 0.5, 7)]).astype(np.uint8)
    many = np.tile(images, (300, 1))
    np.testing.assert_array_equal(deskew(many, GRAY), np.tile(deskew(images, GRAY), (300, 1)))


class TestCache:
    def test_the_transformed_data_set_is_one_of_its_own(self, small_mnist):
        plain = prepare("mnist", folder=small_mnist)
        upright = prepare("mnist", folder=small_mnist, transform="deskew")
        assert plain != upright
        before, after = open_dataset(plain), open_dataset(upright)
        assert before.sha256 != after.sha256
        assert (find_digest(before.sha256), find_digest(after.sha256)) == (plain, upright)
        for name, part in before.parts.items():
            np.testing.assert_array_equal(after.parts[name].x, deskew(part.x, GRAY))
            np.testing.assert_array_equal(after.parts[name].t, part.t)
            assert after.parts[name].x.dtype == np.uint8
        assert prepare("mnist", folder=small_mnist) == plain
        assert prepare("mnist", folder=small_mnist, transform="none") == plain

    def test_the_validation_part_is_transformed_too(self):
        plain = open_dataset(prepare("digits", validation=0.1))
        upright = open_dataset(prepare("digits", validation=0.1, transform="deskew"))
        for name, part in plain.parts.items():
            np.testing.assert_array_equal(upright.parts[name].x, deskew(part.x, (1, 8, 8)))

    def test_the_default_is_left_out_of_keys(self):
        section = {"dataset": "mnist", "transform": "none"}
        assert data_options(section) == data_options({"dataset": "mnist"})
        assert data_entry(section) == {"dataset": "mnist"}
        upright = data_options({"dataset": "mnist", "transform": "deskew"})
        assert upright == {"kind": "mnist", "transform": "deskew"}
        assert options_key(upright) != options_key(data_options(section))
        assert data_options(data_entry({"dataset": "mnist", "transform": "deskew"})) == upright


def test_what_is_not_an_image_is_refused(tmp_path, refused):
    (tmp_path / "a.csv").write_text("a,b,y\n" + "".join(f"{i},{i * i},{i % 2}\n" for i in range(8)))
    with refused('data.transform = "deskew" is for images', "rows of 2 features"):
        prepare("csv", file=str(tmp_path / "a.csv"), label="y", transform="deskew")


def test_pixels_below_zero_are_refused(tmp_path, refused):
    x = np.zeros((4, 5, 5))
    x[2, 1, 1] = -0.5
    np.savez(tmp_path / "own.npz", x_train=x, t_train=[0, 1, 0, 1], x_test=x, t_test=[0, 1, 0, 1])
    with refused("a pixel of -0.5", "background of 0"):
        prepare("npz", file=str(tmp_path / "own.npz"), transform="deskew")


def test_another_transform_is_refused(refused):
    with refused("no transform 'descew'", "did you mean 'deskew'?"):
        prepare("digits", transform="descew")
