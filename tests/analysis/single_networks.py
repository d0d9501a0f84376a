"""Networks trained one by one with `sweep.nn`, beside which the batched training is held."""

import numpy as np

from sweep.nn.initializers import INITIALIZERS
from sweep.nn.layer import Call
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.losses import LOSSES, loss_work, positions
from sweep.nn.network import chain, perceptron
from sweep.nn.optimizers import dense, momentum, sgd
from sweep.nn.regression import REGRESSION_LOSSES

DOUBLE = np.dtype(np.float64)
OUTPUTS = {"cross_entropy": "softmax", "mean_squared_error": "identity"}


def first_weights(problem, std):
    """The first weights of a network whose normal weights have a standard deviation."""
    weights = [each.copy() for each in problem.weights]
    for each in weights if std is not None else ():
        each[:, :-1] *= std
    return weights


def single_losses(problem, kind, steps, *, learning_rate, std=None, alpha=None, speed=None):
    """Return the loss of one network before each step, trained with sgd, or with momentum where there is a speed."""
    values = {} if alpha is None else {"alpha": alpha}
    zeros = INITIALIZERS["zeros"]()
    hidden = [len(each) for each in problem.weights[:-1]]
    layers = perceptron(hidden, lambda: ACTIVATIONS[kind](**values), kind, zeros, zeros, len(problem.weights[-1]))
    net, shape, samples = chain(layers), (len(problem.inputs) - 1,), problem.samples
    params, state = net.init(np.random.default_rng(0), shape, DOUBLE)
    learned = [each for each in params if each is not None]
    for each, first in zip(learned, first_weights(problem, std), strict=True):
        each[...] = first
    loss, targets = loss_of(problem)
    optimizer = sgd(learning_rate) if speed is None else momentum(learning_rate, speed)
    states = [None if each is None else optimizer.init(each) for each in params]
    work, loss_arrays = net.work(shape, samples, DOUBLE), loss_work(len(problem.weights[-1]), samples, DOUBLE)
    found = []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            y, state, cache = net.forward(params, state, problem.inputs, work, Call(train=True))
            value, dy = loss(y[:-1], targets, loss_arrays)
            found.append(value)
            _, gradients = net.backward(params, cache, dy, work, False)
            for index, gradient in enumerate(gradients):
                if gradient is not None:
                    step(optimizer, params[index], gradient, states[index])
    return np.array(found)


def step(optimizer, params, gradient, state):
    """Change the parameters of one layer."""
    if not optimizer.takes_products:
        product, gradient = gradient, np.empty_like(params)
        dense(product, gradient)
    optimizer.update(params, gradient, state, 1.0, None)


def loss_of(problem):
    """Return the loss of `sweep.nn`, and the targets as it takes them."""
    if len(problem.weights[-1]) == 1:
        return REGRESSION_LOSSES["mean_squared_error"], problem.targets[0]
    labels = problem.targets if problem.loss == "cross_entropy" else problem.targets.argmax(0)
    return LOSSES[problem.loss][OUTPUTS[problem.loss]], positions(labels, problem.samples)
