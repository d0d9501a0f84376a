"""The floor of a step counts each product once, and the times of its layers add up."""

import numpy as np
import pytest

from benchmarks.data import load
from benchmarks.floor import forward_floor, step_floor
from benchmarks.layer_times import REST, UPDATE, layer_times, profile_table
from benchmarks.training import trainer
from sweep.experiment.file import load as load_experiment
from sweep.nn.network import chain

SAMPLES = 8


@pytest.fixture(scope="module", params=["digits-cnn", "digits-quickstart"])
def network(request):
    configuration = load_experiment(request.param).trials()[0].configuration
    return trainer(configuration, load("digits", 100))


def multiplications(products):
    """Return the multiplications of matrix products, of which each array may hold several."""
    return sum(out.size * left.shape[-1] for left, _, out in products)


def test_the_forward_pass_has_as_many_multiplications_as_the_layers_count(network):
    products = forward_floor(network, SAMPLES).products
    counted = chain(network.settings.network.layers).size(network.evaluation.shape).multiplications
    biases = sum(out.size for _, _, out in products)  # a column of each matrix, which the layers do not count
    assert multiplications(products) == counted * SAMPLES + biases


def test_a_step_has_three_products_for_each_layer_but_the_lowest_which_has_two(network):
    forward = forward_floor(network, SAMPLES).products
    lowest = forward[0][0]
    step = multiplications(step_floor(network, SAMPLES).products)
    twice = 2 * multiplications(forward)
    assert any(lowest is params for params in network.params)
    assert twice < step < 3 * multiplications(forward)


def test_products_and_copies_can_be_done_again_and_again(network):
    floor = step_floor(network, SAMPLES)
    for _ in range(2):
        floor.run()
    left, right, out = floor.products[0]
    assert np.array_equal(out, left @ right)
    assert all(np.array_equal(to, source) for to, source in floor.copies)


def test_a_copy_is_made_of_what_no_product_writes(network):
    shapes = [out.shape for out, _ in step_floor(network, SAMPLES).copies]
    has_state = not network.settings.optimizer.takes_products
    assert shapes[0] == (65, SAMPLES)
    assert shapes.count(network.state.vector.shape) == (2 if has_state else 0)  # with AdaGrad's sums of squares


def test_the_times_of_the_layers_add_up(network):
    spent = layer_times(network, np.arange(100))
    assert {UPDATE, REST, "loss", "output, forward", "output, backward"} <= set(spent)
    assert min(spent.values()) >= 0
    shares = profile_table("a step", spent)
    assert sum(cell.value for cell in shares.cells) == pytest.approx(100)
    assert [cell.value for cell in shares.cells] == sorted((cell.value for cell in shares.cells), reverse=True)
