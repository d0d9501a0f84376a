"""Training with clipped gradients and a warm-up: beside PyTorch's, from a file, and when a gradient is not finite."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sweep.experiment.file import parse
from sweep.experiment.sections import Configuration
from sweep.nn.optimizers import momentum, sgd
from sweep.nn.penalties import Penalty
from sweep.nn.schedules import step, warmup
from sweep.nn.transformations import clip_by_norm
from sweep.training.divergence import Diverged
from sweep.training.loop import NetworkTrainer, train
from sweep.training.networks import build_optimizer, build_schedule
from tests.experiment.test_sections import changed, sentence
from tests.training.training_setup import blobs, network, settings

CLIP_NORM, L2 = 0.5, 0.02


def losses_of_pytorch(dataset, given, rates, name, options):
    """Train a tanh perceptron by PyTorch with the rate of each step; return the loss of each mini-batch."""
    torch = pytest.importorskip("torch")
    made = [p for p in NetworkTrainer(dataset, given).params if p is not None]
    weights = [torch.tensor(p[:, :-1].copy(), requires_grad=True) for p in made]
    biases = [torch.tensor(p[:, -1].copy(), requires_grad=True) for p in made]
    optimizer = getattr(torch.optim, name)([*weights, *biases], lr=1.0, **options)
    x = dataset.train.x.astype(float)
    x, t = torch.tensor((x - x.min()) / (x.max() - x.min())), torch.tensor(dataset.train.t)
    rng, size = np.random.default_rng(given.seeds.shuffling), given.batching.batch_size
    orders = [rng.permutation(len(t)) for _ in range(given.epochs)]
    batches = [torch.tensor(order[start : start + size]) for order in orders for start in range(0, len(t), size)]
    found, shortened = [], 0
    for rows, rate in zip(batches[: len(rates)], rates, strict=True):
        z = x[rows]
        for W, b in list(zip(weights, biases, strict=True))[:-1]:
            z = torch.tanh(z @ W.T + b)
        loss = torch.nn.functional.cross_entropy(z @ weights[-1].T + biases[-1], t[rows])
        optimizer.zero_grad()
        (loss + L2 / 2 * sum((W**2).sum() for W in weights)).backward()
        total = float(torch.nn.utils.clip_grad_norm_([*weights, *biases], math.inf))
        torch.nn.utils.clip_grad_norm_([*weights, *biases], CLIP_NORM * (1 + 1e-6 / total))
        shortened += total > CLIP_NORM
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        found.append(loss.item())
    assert 0.1 < shortened / len(rates) < 0.9
    return found


@pytest.mark.parametrize(
    ("ours", "name", "options"), [(sgd, "SGD", {}), (momentum, "SGD", {"momentum": 0.9})], ids=["sgd", "momentum"]
)
def test_the_steps_are_those_of_pytorch(ours, name, options):
    """Seven mini-batches an epoch, the last one shorter; the 4th epoch is cut short, the rate falls from the 3rd on."""
    dataset, iterations = blobs(), 24
    values = {"learning_rate": 0.5, **options}
    given = settings(dataset, optimizer=clip_by_norm(ours(**values), CLIP_NORM), batch_size=8, epochs=4)
    given = replace(given, penalty=Penalty(l2=L2), schedule=warmup(1.5, step(2, 0.5)), iterations=iterations)
    rates = [0.5 * min(1, k / 10.5) * (0.5 if k > 14 else 1) for k in range(1, iterations + 1)]
    if options:  # PyTorch multiplies the velocity, not the gradient, by the rate: equal only while the rate stays
        given, rates = replace(given, schedule=warmup(0.01)), [0.5] * iterations
    trainer = NetworkTrainer(dataset, given)
    found = [loss for _ in trainer.epochs() for loss in trainer.batch_losses]
    np.testing.assert_allclose(found, losses_of_pytorch(dataset, given, rates, name, options), rtol=1e-11)


def test_a_norm_that_is_never_reached_changes_nothing():
    dataset = blobs()
    plain = settings(dataset, optimizer=momentum(0.1))
    clipped = replace(plain, optimizer=clip_by_norm(momentum(0.1), 1e9))
    assert [e.metrics for e in train(dataset, plain)] == [e.metrics for e in train(dataset, clipped)]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_gradient_that_is_not_finite_is_a_divergence(value):
    dataset, net = blobs(), network()
    steps, layer = iter(range(99)), net.layers["hidden[1]"]
    bad = {10, 14}  # the third step of the second epoch, and the same step when the epoch is run again, checked

    def backward(*given):
        dx, gradient = layer.backward(*given)
        gradient = gradient.left @ gradient.right.T
        gradient[0, 0] = value if next(steps) in bad else gradient[0, 0]
        return dx, gradient

    layers = {**net.layers, "hidden[1]": layer._replace(backward=backward)}
    given = settings(dataset, net._replace(layers=layers), optimizer=clip_by_norm(sgd(), 1e-3), batch_size=8)
    with pytest.raises(Diverged) as caught:
        list(train(dataset, given))
    found = caught.value.divergence
    assert (found.epoch, found.place) == (2, "hidden[1]/backward")


def test_clipping_and_a_warm_up_in_a_configuration():
    made = Configuration.model_validate(changed(training__clip_norm=2, training__schedule="warmup"))
    params = np.zeros(4)
    build_optimizer(made).update(params, np.full(4, 5.0), None)
    np.testing.assert_allclose(params, -0.1)
    schedule = {"kind": "warmup", "epochs": 4, "then": {"kind": "step", "every": 2, "factor": 0.5}}
    made = Configuration.model_validate(changed(training__schedule=schedule))
    assert [build_schedule(made)(epoch, 9) for epoch in range(1, 6)] == [0.25, 0.5, 0.375, 0.5, 0.25]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"training__clip_norm": 0}, "training.clip_norm is 0, but must be greater than 0"),
        ({"training__clip_norm": "1"}, "training.clip_norm is '1', but must be a number"),
        (
            {"training__schedule": {"kind": "warmup", "epochs": 0.0}},
            "training.schedule.epochs is 0.0, but must be greater than 0",
        ),
        (
            {"training__schedule": {"kind": "warmup", "then": "warmup"}},
            "training.schedule.then is of the unknown kind 'warmup'; choose from constant, cosine, decay, step",
        ),
        (
            {"training__schedule": {"kind": "warmup", "then": {"kind": "step", "every": 0}}},
            "training.schedule.then.every is 0, but must be greater than or equal to 1",
        ),
    ],
)
def test_mistakes(values, expected):
    assert sentence(changed(**values)) == expected


FILE = """
name = "mine"
trials = 2
[data]
dataset = "digits"
[network]
hidden = []
[training]
epochs = 3
batch_size = 10
optimizer = { kind = "sgd", learning_rate = { uniform = [0.1, 0.2] } }
"""


def test_distributions_can_stand_there_and_other_parameters_keep_their_draws():
    plain = parse(FILE, "mine").trials()
    changes = [
        "training.clip_norm={log_uniform=[0.1, 10]}",
        'training.schedule={kind="warmup", epochs={uniform=[0.5, 2]}, then={kind="step", every={int=[1, 5]}}}',
    ]
    searched = parse(FILE, "mine", changes).trials()
    names = ["training.clip_norm", "training.schedule.epochs", "training.schedule.then.every"]
    for old, new in zip(plain, searched, strict=True):
        assert new.parameters.keys() == {*old.parameters, *names}
        assert old.parameters.items() <= new.parameters.items()
        assert not {"clip_norm", "schedule"} & old.configuration["training"].keys()
