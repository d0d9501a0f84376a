"""A training function for scikit-learn's MLPClassifier; `scikit-learn-mlp.toml` searches its parameters."""

import pickle

import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier


def train(config, trial):
    """Yield the metrics after each pass over the training part; continue from the saved network if there is one."""
    train, test = trial.data["train"], trial.data["test"]
    classes = np.unique(train.t)
    if trial.state:
        network, done = pickle.loads(trial.state["network"]), trial.state["epoch"]
    else:
        done = 0
        network = MLPClassifier(
            (config["hidden"],),
            activation=config["activation"],
            learning_rate_init=config["learning_rate"],
            alpha=config["alpha"],
            batch_size=config["batch_size"],
            random_state=trial.seed,
        )
    for epoch in range(done + 1, trial.epochs + 1):
        network.partial_fit(train.x / 16, train.t, classes=classes)
        probabilities = network.predict_proba(test.x / 16)
        trial.save({"network": pickle.dumps(network), "epoch": epoch})
        yield {
            "test_accuracy": np.mean(probabilities.argmax(axis=1) == test.t),
            "test_loss": log_loss(test.t, probabilities, labels=classes),
        }
