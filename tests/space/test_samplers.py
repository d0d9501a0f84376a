"""Where trials lie: pure functions of the seed, the trial and the name, uniform and independent.

The statistical tests have fixed seeds; a right sampler would fail each comparison for one seed in a million.
"""

import csv
import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from sweep.errors import ExperimentError
from sweep.records import Parameter, Seeds
from sweep.space.distributions import Choice, Integer, Uniform, draw, parameters, parse_tree
from sweep.space.samplers.base import listed_pick, random_pick, random_point, read_list, trial_seeds

FALSE_ALARM = 1e-6
Z = stats.norm.isf(FALSE_ALARM / 2)
N = 4000

law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**63 - 1)
trials = st.integers(0, 10_000_000)
names = st.text(min_size=1, max_size=30)


# The stream of random numbers


@pytest.mark.parametrize(
    ("seed", "trial", "name", "point"),
    [
        (0, 0, "training.optimizer.learning_rate", 0.18176049763664515),
        (0, 1, "training.optimizer.learning_rate", 0.7383436307651772),
        (1, 0, "training.optimizer.learning_rate", 0.3229824013585486),
        (0, 0, "network.hidden[0]", 0.8612854723918985),
        (0, 99, "network.hidden[1]", 0.7916124016887842),
        (2**63 - 1, 9_999_999, "network.activation.alpha", 0.6580647296946447),
        (42, 7, "größe", 0.5124956140363927),
    ],
)
def test_the_stream_never_changes(seed, trial, name, point):
    """Anyone's earlier sweeps can be drawn again only as long as these numbers stay."""
    assert random_point(seed, trial, name) == point


@pytest.mark.parametrize(
    ("seed", "trial", "expected"),
    [
        (0, 0, Seeds(9164820102406579837, 626203384802707806, 5799112242180594507)),
        (0, 1, Seeds(4672261150458408420, 391746927714845610, 6650901266632642183)),
        (2**63 - 1, 9_999_999, Seeds(6046134352649175975, 7213489182725096154, 2792868533584522919)),
    ],
)
def test_the_seeds_of_a_trial_never_change(seed, trial, expected):
    assert trial_seeds(seed, trial) == expected


@given(seeds, trials, names)
@law
def test_a_point_is_a_float_of_53_random_bits_below_1(seed, trial, name):
    point = random_point(seed, trial, name)
    assert type(point) is float
    assert 0 <= point < 1
    assert (point * 2**53).is_integer()
    assert point == random_point(seed, trial, name)


@given(seeds, trials)
@law
def test_seeds_are_python_integers_in_their_range(seed, trial):
    found = trial_seeds(seed, trial)
    for value in (found.weights, found.shuffling, found.dropout):
        assert type(value) is int
        assert 0 <= value < 2**63
    assert len({found.weights, found.shuffling, found.dropout}) == 3
    assert found == trial_seeds(seed, trial)


STREAMS = {
    "trials": lambda i: random_point(0, i, "network.hidden[0]"),
    "trials of another parameter": lambda i: random_point(0, i, "network.hidden[1]"),
    "trials of another seed": lambda i: random_point(1, i, "network.hidden[0]"),
    "seeds": lambda i: random_point(i, 0, "network.hidden[0]"),
    "names": lambda i: random_point(0, 0, f"network.hidden[{i}]"),
    "weights": lambda i: trial_seeds(0, i).weights / 2**63,
    "shuffling": lambda i: trial_seeds(0, i).shuffling / 2**63,
    "dropout": lambda i: trial_seeds(0, i).dropout / 2**63,
}


@pytest.fixture(scope="module")
def streams():
    """N values in [0, 1) along each of the arguments."""
    return {name: np.array([at(i) for i in range(N)]) for name, at in STREAMS.items()}


@pytest.mark.parametrize("stream", STREAMS)
def test_points_are_uniform(streams, stream):
    points = streams[stream]
    assert stats.kstest(points, "uniform").pvalue > FALSE_ALARM
    assert len(set(points)) == N


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("lag", [1, 2])
def test_successive_points_are_independent(streams, stream, lag):
    assert_independent(streams[stream][:-lag], streams[stream][lag:])


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(STREAMS, 2)))
def test_points_of_different_parameters_seeds_and_uses_are_independent(streams, one, other):
    # Two of them meet once, in trial 0 of seed 0.
    assert np.count_nonzero(streams[one] == streams[other]) <= 1
    assert_independent(streams[one], streams[other])


def assert_independent(one, other):
    """Compare the correlation with 0, and the counts in 8 × 8 squares with each other."""
    assert abs(np.corrcoef(one, other)[0, 1]) * math.sqrt(len(one)) < Z
    squares = np.histogram2d(one, other, bins=8, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(squares.ravel()).pvalue > FALSE_ALARM


@pytest.mark.parametrize("use", ["weights", "shuffling", "dropout"])
def test_all_63_bits_of_a_seed_are_random(use):
    values = [getattr(trial_seeds(0, trial), use) for trial in range(1000)]
    ones = np.array([sum(value >> bit & 1 for value in values) for bit in range(63)])
    assert (np.abs(ones - 500) < stats.norm.isf(FALSE_ALARM / 126) * math.sqrt(250)).all()


# Draws

EXPERIMENT = parse_tree(
    {
        "network": {
            "hidden": [{"int": [10, 29]}, {"int": [10, 90], "step": 20}],
            "activation": {"choice": ["relu", {"kind": "leaky_relu", "alpha": {"uniform": [0.1, 0.4]}}, "tanh"]},
        },
        "training": {
            "learning_rate": {"log_uniform": [0.005, 0.5]},
            "batch_size": {"int": [1, 4], "log": True},
            "momentum": {"uniform": [-1, 2]},
        },
    }
)


def drawn_at(tree, seed, trial):
    """Return the drawn values of one trial."""
    drawn = {}
    draw(tree, random_pick(seed, trial), drawn)
    return drawn


@pytest.fixture(scope="module")
def sweep():
    """The drawn values of N trials."""
    return [drawn_at(EXPERIMENT, 0, trial) for trial in range(N)]


def column(sweep, name):
    return [drawn[name] for drawn in sweep if name in drawn]


@given(seeds, st.permutations(range(10)))
@law
def test_a_trial_is_the_same_alone_and_in_any_order_and_in_a_longer_sweep(seed, order):
    in_a_row = [drawn_at(EXPERIMENT, seed, trial) for trial in range(30)]
    for trial in order:
        assert drawn_at(EXPERIMENT, seed, trial) == in_a_row[trial]
    assert len({drawn["training.momentum"] for drawn in in_a_row}) == 30


@given(seeds, trials, st.permutations(["network", "training", "more"]))
@law
def test_a_further_parameter_and_another_order_leave_the_others_as_they_were(seed, trial, order):
    sections = {
        "network": {**EXPERIMENT["network"], "hidden": [*EXPERIMENT["network"]["hidden"], Integer(1, 9)]},
        "training": {"dropout": Uniform(0, 1), **EXPERIMENT["training"]},
        "more": {"learning_rate": Uniform(0, 1)},
    }
    before = drawn_at(EXPERIMENT, seed, trial)
    after = drawn_at({section: sections[section] for section in order}, seed, trial)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"network.hidden[2]", "training.dropout", "more.learning_rate"}


def test_values_are_python_scalars(sweep):
    types = {name: {type(value) for value in column(sweep, name)} for name in sweep[0].keys() | sweep[1].keys()}
    assert types == {
        "network.hidden[0]": {int},
        "network.hidden[1]": {int},
        "network.activation": {str},
        "network.activation.alpha": {float},
        "training.learning_rate": {float},
        "training.batch_size": {int},
        "training.momentum": {float},
    }


@pytest.mark.parametrize(
    ("name", "values", "weights"),
    [
        ("network.hidden[0]", list(range(10, 30)), [1] * 20),
        ("network.hidden[1]", [10, 30, 50, 70, 90], [1] * 5),
        ("network.activation", ["relu", "leaky_relu", "tanh"], [1] * 3),
        ("training.batch_size", [1, 2, 3, 4], [math.log((k + 0.5) / (k - 0.5)) for k in (1, 2, 3, 4)]),
    ],
)
def test_discrete_values_are_drawn_as_often_as_they_should(sweep, name, values, weights):
    """The ends of a range as often as its middle: rounding to integers would draw them half as often."""
    counts = Counter(column(sweep, name))
    assert counts.keys() <= set(values)
    expected = np.array(weights) / sum(weights) * N
    assert stats.chisquare([counts[value] for value in values], expected).pvalue > FALSE_ALARM


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("training.learning_rate", stats.loguniform(0.005, 0.5)),
        ("training.momentum", stats.uniform(-1, 3)),
        ("network.activation.alpha", stats.uniform(0.1, 0.3)),  # among the trials that have it
    ],
)
def test_continuous_values_follow_their_distribution(sweep, name, distribution):
    values = column(sweep, name)
    low, high = distribution.support()
    assert low <= min(values)
    assert max(values) <= high
    assert stats.kstest(values, distribution.cdf).pvalue > FALSE_ALARM


def test_a_conditional_parameter_is_there_exactly_where_its_option_is(sweep):
    for drawn in sweep:
        assert ("network.activation.alpha" in drawn) == (drawn["network.activation"] == "leaky_relu")


@pytest.mark.parametrize(
    ("options", "distribution"),
    [
        ([{"uniform": [0, 1]}, {"uniform": [1, 2]}], stats.uniform(0, 2)),
        ([{"choice": [{"uniform": [0, 1]}, {"uniform": [1, 2]}]}], stats.uniform(0, 2)),
    ],
    ids=["distributions", "choices of distributions"],
)
def test_a_choice_between_distributions_draws_from_all_of_each(options, distribution):
    tree = parse_tree({"x": {"choice": options}})
    values = [drawn_at(tree, 0, trial)["x"] for trial in range(N)]
    assert stats.kstest(values, distribution.cdf).pvalue > FALSE_ALARM


# Lists of configurations

LISTED = [Parameter("network.hidden[0]", "hidden[0]"), Parameter("training.learning_rate", "learning_rate")]


@pytest.fixture
def listed(tmp_path):
    """A function that reads a list from the text of a file."""

    def read(text, parameters=LISTED, encoding="utf-8"):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return read_list(path, parameters)

    return read


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("hidden[0],learning_rate\n10,0.1\n20,0.2\n", "utf-8"),
        ("hidden[0],learning_rate\r\n10,0.1\r\n20,0.2", "utf-8"),
        ("hidden[0],learning_rate\n10,0.1\n20,0.2\n", "utf-8-sig"),
        ('"hidden[0]","learning_rate"\n"10",0.1\n\n20,"0.2"\n\n', "utf-8"),
    ],
)
def test_a_row_is_a_configuration(listed, text, encoding):
    rows = listed(text, encoding=encoding)
    assert rows == [{"hidden[0]": "10", "learning_rate": "0.1"}, {"hidden[0]": "20", "learning_rate": "0.2"}]


def test_columns_that_are_not_searched_are_ignored(listed):
    rows = listed("trial,status,hidden[0],network.activation,learning_rate\n0,completed,10,relu,0.1\n")
    pick = listed_pick(rows[0], LISTED, "row 1")
    assert pick("network.hidden[0]", Integer(1, 10), 0) == 10
    assert pick("training.learning_rate", Uniform(0, 1), 0) == 0.1


def test_a_column_may_have_the_full_name_which_comes_first(listed):
    rows = listed("network.hidden[0],hidden[0],training.learning_rate\n10,99, 0.1 \n")
    pick = listed_pick(rows[0], LISTED, "row 1")
    assert pick("network.hidden[0]", Integer(1, 99), 0) == 10
    assert pick("training.learning_rate", Uniform(0, 1), 0) == 0.1


def test_blanks_around_a_value_are_ignored(listed):
    parameter = Parameter("network.activation", "activation", categorical=True)
    (row,) = listed("number,activation\n1, relu \n", [parameter])
    assert listed_pick(row, [parameter], "row 1")("network.activation", Choice(("relu", "tanh")), 0) == "relu"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " lists no configurations; give a header and at least one row"),
        ("hidden[0],learning_rate\n", " lists no configurations; give a header and at least one row"),
        (
            "hidden[0]\n10\n",
            " has no column 'learning_rate'; add one, or fix training.learning_rate in the experiment",
        ),
        ("hidden[0],learning_rate\n10,0.1\n20\n", ", line 3 does not have as many cells as the header"),
        ("hidden[0],learning_rate\n10,0.1,5\n", ", line 2 does not have as many cells as the header"),
        ("hidden[0],learning_rate\n\n10,0.1\n\n20\n", ", line 5 does not have as many cells as the header"),
        ('a,hidden[0],learning_rate\n"x\ny",10,0.1\nz,20\n', ", line 4 does not have as many cells as the header"),
    ],
)
def test_an_unusable_list_is_refused(listed, tmp_path, text, message):
    with pytest.raises(ExperimentError) as caught:
        listed(text)
    assert str(caught.value) == f"{tmp_path / 'list.csv'}{message}"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"hidden[0],learning_rate\n\xff,\xfe\n", id="not UTF-8"),
        pytest.param(b"hidden[0],learning_rate\n" + b"1" * (csv.field_size_limit() + 1) + b",1\n", id="a huge cell"),
    ],
)
def test_what_is_no_csv_is_refused(listed, content):
    with pytest.raises(ExperimentError, match=r"list\.csv' cannot be read as a CSV file: "):
        listed(content)


def test_a_list_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ExperimentError, match="cannot be read as a CSV file"):
            read_list(path, LISTED)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            {"hidden[0]": "7"},
            "list.csv, row 3: hidden[0] = '7' does not fit network.hidden[0]: 7 is not one of 10, 20, … 90",
        ),
        (
            {"network.hidden[0]": "95"},
            "list.csv, row 3: network.hidden[0] = '95' does not fit network.hidden[0]: 95 is not one of 10, 20, … 90",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_answered_with_its_place(cells, message):
    with pytest.raises(ExperimentError) as caught:
        listed_pick(cells, LISTED, "list.csv, row 3")("network.hidden[0]", Integer(10, 90, 10), 0)
    assert str(caught.value) == message


@pytest.mark.parametrize("cell", ["", "many"])
def test_a_cell_without_a_number_does_not_fit(cell):
    with pytest.raises(ExperimentError, match=rf"row 1: hidden\[0\] = '{cell}' does not fit network\.hidden\[0\]: "):
        listed_pick({"hidden[0]": cell}, LISTED, "row 1")("network.hidden[0]", Integer(1, 9), 0)


@pytest.fixture(scope="module")
def listed_folder(tmp_path_factory):
    """A folder for one list after the other."""
    return tmp_path_factory.mktemp("lists")


@given(st.integers(0, 1000))
@law
def test_written_draws_are_listed_again_as_they_were(listed_folder, seed):
    """Cells of parameters that a trial does not have are empty, and stay unread."""
    searched = parameters(EXPERIMENT)
    configurations, path = [], listed_folder / "draws.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [parameter.short_name for parameter in searched])
        writer.writeheader()
        for trial in range(3):
            drawn = {}
            configurations.append((draw(EXPERIMENT, random_pick(seed, trial), drawn), drawn))
            writer.writerow({p.short_name: drawn.get(p.name, "") for p in searched})
    for row, (configuration, drawn) in zip(read_list(path, searched), configurations, strict=True):
        again = {}
        assert draw(EXPERIMENT, listed_pick(row, searched, "row"), again) == configuration
        assert again == drawn
