"""A program that trains a linear classifier on digits; `command.toml` searches its options."""

import argparse
import json
import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split


def main() -> None:
    """Train as many epochs as are asked for; print the metrics of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--l2", type=float, required=True)
    options = parser.parse_args()
    x, t = load_digits(return_X_y=True)
    x_train, x_test, t_train, t_test = train_test_split(x / 16, t, random_state=0)
    model = SGDClassifier(
        "log_loss",
        alpha=options.l2,
        learning_rate="constant",
        eta0=options.learning_rate,
        random_state=int(os.environ.get("SWEEP_SEED", "0")),
    )
    for _ in range(int(os.environ.get("SWEEP_EPOCHS", "10"))):
        model.partial_fit(x_train, t_train, classes=np.unique(t))
        print(json.dumps({"accuracy": model.score(x_test, t_test), "train_accuracy": model.score(x_train, t_train)}))


if __name__ == "__main__":
    main()
