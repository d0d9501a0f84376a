import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweep.data import Normalization, fit, open_dataset, prepare

KINDS = ["none", "min_max", "z_score"]
DTYPES = [np.uint8, np.int16, np.int64, np.float32, np.float64]


def normalize(normalization, x, dtype=np.float64):
    out = np.full(x.shape, np.nan, dtype)
    with np.errstate(all="raise", under="ignore"):
        normalization.apply(x, out)
    return out


def reference(kind, over, x_train, x):
    """The textbook formulas in extended precision."""
    train, x = x_train.astype(np.longdouble), x.astype(np.longdouble)
    axis = None if over == "all" else 0
    if kind == "none":
        return x
    if kind == "min_max":
        shift, spread = train.min(axis), train.max(axis) - train.min(axis)
    else:
        shift, spread = train.mean(axis), train.std(axis)
    constant = train.min(axis) == train.max(axis)
    return np.where(constant, 0, (x - shift) / np.where(constant, 1, spread))


def sample(dtype, rows=50, features=7, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        top = min(np.iinfo(dtype).max, 10**6)
        return rng.integers(0, top, (rows, features), dtype, endpoint=True)
    return (rng.normal(size=(rows, features)) * 10.0 ** rng.integers(-3, 4, features)).astype(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over", ["all", "feature"])
@pytest.mark.parametrize("stored", DTYPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_the_textbook_in_extended_precision(kind, over, stored, dtype):
    x_train, x_test = sample(stored), sample(stored, rows=20, seed=1)
    normalization = fit(kind, over, x_train, dtype)
    eps = np.finfo(dtype).eps
    for x in (x_train, x_test):
        expected = reference(kind, over, x_train, x)
        scale = np.abs(expected).max() + np.abs(reference(kind, over, x_train, 0 * x)).max()
        np.testing.assert_allclose(normalize(normalization, x, dtype), expected, rtol=8 * eps, atol=4 * eps * scale)


FEATURES = st.integers(1, 5)
TABLES = FEATURES.flatmap(
    lambda features: st.integers(1, 30).flatmap(
        lambda rows: st.one_of(
            arrays(np.uint8, (rows, features)),
            arrays(np.int64, (rows, features), elements=st.integers(-(2**40), 2**40)),
            arrays(np.float64, (rows, features), elements=st.floats(-1e300, 1e300)),
            arrays(np.float32, (rows, features), elements=st.floats(-(2.0**120), 2.0**120, width=32)),
        )
    )
)


@given(TABLES, st.sampled_from(["all", "feature"]), st.sampled_from([np.float32, np.float64]))
def test_min_max_maps_the_training_part_onto_the_unit_interval(x, over, dtype):
    y = normalize(fit("min_max", over, x, dtype), x, dtype)
    tolerance = 2 * np.finfo(dtype).eps
    assert y.min() >= 0
    assert y.max() <= 1 + tolerance
    low, high = (x.min(), x.max()) if over == "all" else (x.min(axis=0), x.max(axis=0))
    spread = np.broadcast_to(np.subtract(high, low, dtype=np.float64), x.shape[1])
    varied = spread >= np.finfo(np.float64).tiny
    tops = np.broadcast_to(y.max() if over == "all" else y.max(axis=0), x.shape[1])
    np.testing.assert_allclose(tops, varied, atol=tolerance)


@given(TABLES, st.sampled_from(["all", "feature"]))
def test_z_score_gives_the_training_part_mean_0_and_deviation_1(x, over):
    y = normalize(fit("z_score", over, x, np.float64), x).astype(np.longdouble)
    axis = None if over == "all" else 0
    size = np.abs(x).max(axis=axis).astype(np.float64)
    spread = np.subtract(x.max(axis=axis), x.min(axis=axis), dtype=np.float64)
    # Values near 1e9 that differ by 1 have a mean that is known to 1e9 times the precision of float64.
    known = (spread > 1e-290) & (size < 1e6 * spread)
    assert (abs(y.mean(axis)) <= np.where(known | (spread == 0), 1e-8, np.inf)).all()
    assert (abs(y.std(axis) - (spread > 0)) <= np.where(known | (spread == 0), 1e-8, np.inf)).all()


@pytest.mark.parametrize("kind", ["min_max", "z_score"])
@pytest.mark.parametrize("stored", DTYPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_feature_becomes_zero_in_every_part(kind, stored, dtype):
    x_train, x_test = sample(stored), sample(stored, rows=20, seed=1)
    x_train[:, 3] = 0
    x_train[:, 5] = 17
    normalization = fit(kind, "feature", x_train, dtype)
    for x in (x_train, x_test):
        y = normalize(normalization, x, dtype)
        assert not y[:, [3, 5]].any()
        assert y[:, [0, 1, 2, 4, 6]].any(axis=0).all()


@pytest.mark.parametrize("value", [0.1, 1e300, 5e-324, -1e-310])
@pytest.mark.parametrize("kind", ["min_max", "z_score"])
@pytest.mark.parametrize("over", ["all", "feature"])
def test_constant_data_become_zero_though_their_mean_is_rounded(value, kind, over):
    x = np.full((1000, 3), value)
    assert not normalize(fit(kind, over, x, np.float64), x).any()


def test_a_stray_pixel_in_the_test_part_stays_harmless():
    x_train = np.zeros((10, 2), np.uint8)
    x_train[::2, 0] = 255
    y = normalize(fit("z_score", "feature", x_train, np.float32), np.array([[0, 255]], np.uint8), np.float32)
    assert y.tolist() == [[-1, 0]]


@pytest.mark.parametrize("kind", ["min_max", "z_score"])
@pytest.mark.parametrize("stored", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_article_adds_1e_7_to_every_divisor(kind, stored, dtype):
    x_train, x_test = sample(stored), sample(stored, rows=20, seed=1)
    x_train[:, 3] = 0
    exact = x_train.astype(float)
    shift, spread = (exact.min(0), np.ptp(exact, 0)) if kind == "min_max" else (exact.mean(0), exact.std(0))
    normalization = fit(kind, "feature", x_train, dtype, "article")
    for x in (x_train, x_test):
        expected = (x.astype(float) - shift) / (spread + 1e-7)
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(normalize(normalization, x, dtype), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kind", ["min_max", "z_score"])
def test_by_the_article_a_stray_pixel_becomes_as_large_as_it_says(kind):
    x_train = np.zeros((10, 2), np.uint8)
    x_train[::2, 0] = 255
    normalization = fit(kind, "feature", x_train, np.float32, "article")
    assert normalize(normalization, x_train, np.float32)[:, 1].tolist() == [0] * 10
    stray = normalize(normalization, np.array([[0, 255]], np.uint8), np.float32)
    assert stray[0, 1] == pytest.approx(2.55e9, rel=1e-6)


def test_constant_features_become_zero_unless_the_article_is_asked_for():
    x = sample(np.uint8)
    x[:, 3] = 17
    plain, stated = (fit("z_score", "feature", x, np.float32, *given) for given in [(), ("zero",)])
    np.testing.assert_array_equal(plain.scale, stated.scale)
    assert plain.scale[3] == 0


def test_a_single_row_is_constant():
    x = np.array([[1.0, 2.0]])
    assert normalize(fit("z_score", "feature", x, np.float64), x).tolist() == [[0, 0]]
    assert normalize(fit("z_score", "all", x, np.float64), x).tolist() == [[-1, 1]]


def test_z_score_uses_the_population_deviation():
    x = np.array([[1.0], [3.0]])
    assert normalize(fit("z_score", "feature", x, np.float64), x).tolist() == [[-1], [1]]


@pytest.mark.parametrize(("offset", "stored"), [(1e6, np.float32), (1e9, np.float64), (2**30, np.int64)])
@pytest.mark.parametrize("kind", ["min_max", "z_score"])
@pytest.mark.parametrize("over", ["all", "feature"])
def test_a_mean_far_above_the_deviation_costs_no_precision(offset, stored, kind, over):
    noise = np.random.default_rng(0).integers(-8, 9, (500, 3))
    x = (noise + offset).astype(stored)
    y = normalize(fit(kind, over, x, np.float32), x, np.float32)
    np.testing.assert_allclose(y, reference(kind, over, noise, noise).astype(float), atol=5e-7)


@pytest.mark.parametrize("kind", ["min_max", "z_score"])
@pytest.mark.parametrize("over", ["all", "feature"])
@pytest.mark.parametrize("size", [1e-290, 1e-40, 1e39, 1e300])
def test_data_beyond_float32_are_normalized_in_float32(kind, over, size):
    shape = np.random.default_rng(0).normal(size=(300, 4)) + 1
    y = normalize(fit(kind, over, shape * size, np.float32), shape * size, np.float32)
    np.testing.assert_allclose(y, reference(kind, over, shape, shape).astype(float), atol=1e-6)


@pytest.mark.parametrize("size", [1e-37, 1e38])
@pytest.mark.parametrize("kind", ["min_max", "z_score"])
def test_float32_data_at_the_ends_of_its_range_do_not_overflow(size, kind):
    x = (np.random.default_rng(0).uniform(-3, 3, (300, 4)) * size).astype(np.float32)
    y = normalize(fit(kind, "feature", x, np.float32), x, np.float32)
    np.testing.assert_allclose(y, reference(kind, "feature", x, x).astype(float), atol=1e-6)


def test_an_outlier_of_1e300_does_not_overflow_the_variance():
    x = np.zeros((1000, 1))
    x[0] = 1e300
    y = normalize(fit("z_score", "feature", x, np.float64), x)
    assert y[0, 0] == pytest.approx(np.sqrt(999), rel=1e-12)


@pytest.mark.parametrize("kind", ["min_max", "z_score"])
def test_a_spread_whose_inverse_would_overflow_counts_as_constant(kind):
    x = np.array([[0.0, 0.0], [1e-310, 1.0]])
    y = normalize(fit(kind, "feature", x, np.float64), x)
    assert not y[:, 0].any()
    assert y[1, 1] == 1


def test_a_spread_beyond_float64_is_refused(refused):
    with refused("-1.5e+308 to 1.5e+308"):
        fit("min_max", "all", np.array([[-1.5e308], [1.5e308]]), np.float64)


def test_images_are_normalized_in_float32_by_one_multiplication():
    x = np.arange(256, dtype=np.uint8).reshape(16, 16)
    normalization = fit("min_max", "all", x, np.float32)
    assert normalization.shift is None
    assert normalization.scale.dtype == np.float32
    y = normalize(normalization, x, np.float32)
    assert y.max() == 1
    np.testing.assert_allclose(y, x / 255, rtol=2e-7)
    assert fit("z_score", "feature", x, np.float32).scale.dtype == np.float32
    assert fit("z_score", "feature", x, np.float64).scale.dtype == np.float64


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", [np.uint8, np.float64])
def test_a_strided_view_is_written_without_touching_its_neighbors(kind, stored):
    x = sample(stored, rows=3000)
    normalization = fit(kind, "feature", x, np.float32)
    buffer = np.full((3000, 8), 7, np.float32)
    normalization.apply(x, buffer[:, :-1])
    assert (buffer[:, -1] == 7).all()
    np.testing.assert_array_equal(buffer[:, :-1], normalize(normalization, x, np.float32))
    assert np.isfinite(buffer).all()


@pytest.mark.parametrize("stored", [np.uint8, np.float64])
@pytest.mark.parametrize("rows", [1, 1169, 1170, 1171, 2341])
def test_rows_are_normalized_alike_in_any_company(stored, rows):
    x = sample(stored, rows=3000)
    normalization = fit("z_score", "feature", x, np.float32)
    whole = normalize(normalization, x, np.float32)
    np.testing.assert_array_equal(normalize(normalization, x[:rows], np.float32), whole[:rows])
    np.testing.assert_array_equal(normalize(normalization, x[-rows:], np.float32), whole[-rows:])
    assert normalize(normalization, x[:0], np.float32).shape == (0, 7)


def test_rows_wider_than_a_block_are_normalized():
    x = np.random.default_rng(0).normal(5, 2, (4, 20000))
    y = normalize(fit("z_score", "all", x, np.float32), x, np.float32)
    np.testing.assert_allclose(y, (x - x.mean()) / x.std(), atol=1e-6)


def test_statistics_do_not_copy_the_data():
    import tracemalloc

    x = np.random.default_rng(0).integers(0, 256, (20000, 200), np.uint8)
    tracemalloc.start()
    try:
        for kind in KINDS:
            for over in ("all", "feature"):
                fit(kind, over, x, np.float32)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < x.nbytes / 10


@pytest.mark.parametrize(("kind", "stored"), [("min_max", np.uint8), ("z_score", np.uint8), ("z_score", float)])
def test_applying_allocates_nothing_but_a_block(kind, stored):
    import tracemalloc

    x = sample(stored, rows=20000)
    normalization = fit(kind, "feature", x, np.float32)
    out = np.empty(x.shape, np.float32)
    tracemalloc.start()
    try:
        normalization.apply(x, out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000


def test_only_the_training_part_counts():
    x_train = np.array([[0.0], [10.0]])
    y = normalize(fit("min_max", "all", x_train, np.float64), np.array([[20.0], [-10.0]]))
    assert y.tolist() == [[2], [-1]]


def test_memory_maps_are_normalized(tmp_path):
    dataset = open_dataset(prepare("digits"))
    y = normalize(fit("z_score", "feature", dataset.train.x, np.float32), dataset.train.x, np.float32)
    varied = dataset.train.x.min(axis=0) != dataset.train.x.max(axis=0)
    assert 0 < varied.sum() < 64
    np.testing.assert_allclose(y.mean(axis=0, dtype=float), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(axis=0, dtype=float), varied, atol=1e-6)


def test_mnist_has_its_well_known_mean_and_deviation(mnist_folder):
    dataset = open_dataset(prepare("mnist", folder=mnist_folder))
    normalization = fit("z_score", "all", dataset.train.x, np.float32)
    assert normalization.shift is not None
    assert float(normalization.shift) / 255 == pytest.approx(0.1307, abs=5e-5)
    assert 1 / float(normalization.scale) / 255 == pytest.approx(0.3081, abs=5e-5)


def test_a_shift_of_none_and_of_zero_are_the_same():
    x = sample(np.uint8)
    scale = np.array(1 / 255, np.float32)
    with_zero = Normalization(np.zeros((), np.float32), scale)
    np.testing.assert_array_equal(
        normalize(Normalization(None, scale), x, np.float32), normalize(with_zero, x, np.float32)
    )


def test_unknown_names_are_answered_with_the_valid_ones(refused):
    with refused("'minmax'", "did you mean 'min_max'?"):
        fit("minmax", "all", np.ones((2, 2)), np.float32)
    with refused("'features'", "did you mean 'feature'?"):
        fit("min_max", "features", np.ones((2, 2)), np.float32)
    with refused("'articel'", "did you mean 'article'?"):
        fit("min_max", "feature", np.ones((2, 2)), np.float32, "articel")
