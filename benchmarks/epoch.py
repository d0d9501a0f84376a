"""Time one epoch of MNIST, training and both evaluations, beside PyTorch and scikit-learn.

Every round runs the three in turn in one process with one thread each; the table shows medians of their CPU times and
of the ratios within a round. Needs PyTorch, which sweep itself does not; `make bench-epoch` installs it in an
environment of its own. The data is MNIST from SWEEP_DATA where it is, else random numbers of its shape.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from sweep.configuration import Configuration
from sweep.data import Dataset, fit, open_dataset, prepare
from sweep.errors import DataError
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.loop import Settings, Trainer

SHAPES: list[tuple[list[int], int]] = [([93, 42], 60), ([93, 42], 10), ([100, 50], 100), ([20, 30], 30)]
LEARNING_RATE = 0.05


def mnist() -> Dataset:
    """Return MNIST, or random data of its shape."""
    try:
        return open_dataset(prepare("mnist"))
    except DataError:
        rng = np.random.default_rng(0)
        x = rng.integers(0, 256, (70_000, 784), np.uint8)
        t = rng.integers(0, 10, 70_000)
        names = tuple(map(str, range(10)))
        return Dataset("random", x[:60_000], t[:60_000], x[60_000:], t[60_000:], names, (1, 28, 28), "")


def sweep_epoch(dataset: Dataset, hidden: list[int], batch_size: int) -> Callable[[], float]:
    """Return a function that trains an epoch with sweep and returns the test accuracy."""
    configuration = Configuration.model_validate(
        {
            "data": {"dataset": "mnist", "normalization": "min_max"},
            "network": {"hidden": hidden, "activation": {"kind": "leaky_relu", "alpha": 0.1}},
            "training": {
                "epochs": 1,
                "batch_size": batch_size,
                "optimizer": {"kind": "sgd", "learning_rate": LEARNING_RATE},
            },
        }
    )
    dtype = np.dtype("float32")
    settings = Settings(
        configuration.build_network(10),
        configuration.build_optimiser(),
        fit("min_max", "all", dataset.x_train, dtype),
        Batching(batch_size),
        1,
        dtype,
        Seeds(0, 0, 0),
    )
    trainer = Trainer(dataset, settings)
    rng = np.random.default_rng(0)

    def epoch() -> float:
        steps = trainer.run_epoch(1, rng.permutation(len(dataset.x_train)))
        return trainer.evaluate(1, steps)[3]

    return epoch


def torch_epoch(dataset: Dataset, hidden: list[int], batch_size: int) -> Callable[[], float]:
    """Return a function that trains an epoch with PyTorch (nn + SGD) and returns the test accuracy."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    widths = [784, *hidden]
    layers: list[Any] = []
    for fan_in, units in zip(widths, hidden, strict=False):
        layers += [nn.Linear(fan_in, units), nn.LeakyReLU(0.1)]
    model = nn.Sequential(*layers, nn.Linear(widths[-1], 10))
    optimiser = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    loss_function = nn.CrossEntropyLoss()
    parts = {
        part: (torch.tensor(np.array(x), dtype=torch.float32) / 255, torch.tensor(np.array(t)))
        for part, x, t in (
            ("train", dataset.x_train, dataset.t_train),
            ("test", dataset.x_test, dataset.t_test),
        )
    }

    def evaluate(x: Any, t: Any) -> tuple[float, float]:
        loss, hits = 0.0, 0
        with torch.no_grad():
            for xs, ts in zip(x.split(1000), t.split(1000), strict=True):
                logits = model(xs)
                loss += float(loss_function(logits, ts)) * len(ts)
                hits += int((logits.argmax(1) == ts).sum())
        return loss / len(t), hits / len(t)

    def epoch() -> float:
        x, t = parts["train"]
        for rows in torch.randperm(len(x)).split(batch_size):
            optimiser.zero_grad()
            loss_function(model(x[rows]), t[rows]).backward()
            optimiser.step()
        evaluate(x, t)
        return evaluate(*parts["test"])[1]

    return epoch


def sklearn_epoch(dataset: Dataset, hidden: list[int], batch_size: int) -> Callable[[], float]:
    """Return a function that trains an epoch with MLPClassifier, scores twice and returns the test accuracy."""
    from sklearn.neural_network import MLPClassifier

    x_train = np.asarray(dataset.x_train, np.float32) / np.float32(255)
    x_test = np.asarray(dataset.x_test, np.float32) / np.float32(255)
    # One epoch a call: warm_start goes on from the weights that are there.
    model = MLPClassifier(
        tuple(hidden),
        solver="sgd",
        momentum=0,
        alpha=0,
        batch_size=batch_size,
        learning_rate_init=LEARNING_RATE,
        max_iter=1,
        warm_start=True,
    )

    def epoch() -> float:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that one iteration has not converged
            model.fit(x_train, dataset.t_train)
        model.score(x_train, dataset.t_train)
        return float(model.score(x_test, dataset.t_test))

    return epoch


RIVALS = {"sweep": sweep_epoch, "PyTorch": torch_epoch, "scikit-learn": sklearn_epoch}


def measure(dataset: Dataset, hidden: list[int], batch_size: int, rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each round for each rival; one epoch each warms up."""
    epochs = {name: make(dataset, hidden, batch_size) for name, make in RIVALS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for round_ in range(rounds + 1):
        for name, epoch in epochs.items():
            start = time.process_time()
            epoch()
            if round_:
                seconds[name].append(time.process_time() - start)
    return seconds


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    dataset = mnist()
    print(f"one epoch on {dataset.name} ({len(dataset.x_train)} + {len(dataset.x_test)} rows), CPU seconds\n")
    print("| hidden, batch | " + " | ".join(RIVALS) + " | sweep / PyTorch | sweep / scikit-learn |")
    print("|---" * (len(RIVALS) + 3) + "|")
    for hidden, batch_size in SHAPES:
        seconds = measure(dataset, hidden, batch_size, rounds)
        ours = np.array(seconds["sweep"])
        medians = [f"{np.median(seconds[name]):.3f}" for name in RIVALS]
        ratios = [f"{np.median(ours / np.array(seconds[name])):.2f}" for name in ("PyTorch", "scikit-learn")]
        print(f"| {hidden} b{batch_size} | " + " | ".join(medians + ratios) + " |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
