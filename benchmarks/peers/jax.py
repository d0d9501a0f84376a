"""JAX: a perceptron whose whole epoch is one compiled scan."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.data import load
from benchmarks.measurement import Tasks

EVALUATION_SAMPLES = 1000


def epoch_tasks(alpha: float, learning_rate: float, hidden: list[int], batch_size: int, samples: int | None) -> Tasks:
    """Return an epoch in two parts, and their compilation; the samples must fill whole batches."""
    import jax
    import jax.numpy as jnp

    dataset = load("mnist", samples)
    train_part, test_part = (
        (jnp.asarray(np.asarray(x, np.float32) / np.float32(255)), jnp.asarray(t, jnp.int32))
        for x, t in ((part.x, part.t) for part in (dataset.train, dataset.test))
    )
    params = initial(hidden)
    rng = np.random.default_rng(0)
    compiled: dict[str, Any] = {}

    def train_on(params: Any, x: Any, t: Any, order: Any) -> Any:
        def step(params: Any, rows: Any) -> tuple[Any, Any]:
            loss, gradient = jax.value_and_grad(mean_loss)(params, x[rows], t[rows], alpha)
            return jax.tree.map(lambda p, g: p - learning_rate * g, params, gradient), loss

        return jax.lax.scan(step, params, order)

    def evaluate_on(params: Any, x: Any, t: Any) -> Any:
        def block(_: None, part: Any) -> tuple[None, Any]:
            outputs = logits(params, part[0], alpha)
            return None, (cross_entropy(outputs, part[1]), (outputs.argmax(1) == part[1]).mean())

        length = min(EVALUATION_SAMPLES, len(t))
        _, (losses, accuracies) = jax.lax.scan(block, None, (x.reshape(-1, length, x.shape[1]), t.reshape(-1, length)))
        return losses.mean(), accuracies.mean()

    def order() -> Any:
        return rng.permutation(len(train_part[0])).astype(np.int32).reshape(-1, batch_size)

    def compile_() -> None:
        # The data are arguments: as constants they would be folded into the program.
        compiled["train"] = jax.jit(train_on, donate_argnums=0).lower(params, *train_part, order()).compile()
        for name, part in (("train part", train_part), ("test part", test_part)):
            compiled[name] = jax.jit(evaluate_on).lower(params, *part).compile()

    def train() -> None:
        nonlocal params
        params, losses = compiled["train"](params, *train_part, order())
        losses.block_until_ready()

    def evaluate() -> float:
        figures = compiled["train part"](params, *train_part), compiled["test part"](params, *test_part)
        return [[float(figure) for figure in part] for part in figures][1][1]

    return {"compile": compile_, "train": train, "evaluate": evaluate}


def initial(hidden: list[int]) -> list[tuple[Any, Any]]:
    """Return (weights, biases) of each layer, from He et al.'s normal distribution."""
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    widths = [784, *hidden, 10]
    return [
        (jnp.asarray(rng.normal(0, np.sqrt(2 / fan_in), (fan_in, units)), jnp.float32), jnp.zeros(units))
        for fan_in, units in pairwise(widths)
    ]


def logits(params: Any, x: Any, alpha: float) -> Any:
    """Return what the perceptron gives, shape (samples, classes)."""
    import jax

    for weights, biases in params[:-1]:
        x = jax.nn.leaky_relu(x @ weights + biases, alpha)
    weights, biases = params[-1]
    return x @ weights + biases


def cross_entropy(outputs: Any, t: Any) -> Any:
    """Return the mean loss of logits."""
    import jax
    import jax.numpy as jnp

    return -jnp.take_along_axis(jax.nn.log_softmax(outputs), t[:, None], 1).mean()


def mean_loss(params: Any, x: Any, t: Any, alpha: float) -> Any:
    """Return the mean loss of a mini-batch."""
    return cross_entropy(logits(params, x, alpha), t)
