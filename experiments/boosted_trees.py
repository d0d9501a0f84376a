"""A training function for gradient boosting; `boosted-trees.toml` searches its parameters."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

TREES = 10
"""Trees that are added in an epoch."""


def train(config, trial):
    """Yield the error on the test part after every ten trees."""
    train, test = trial.data["train"], trial.data["test"]
    model = HistGradientBoostingRegressor(**config, warm_start=True, early_stopping=False, random_state=trial.seed)
    for epoch in range(1, trial.epochs + 1):
        model.set_params(max_iter=TREES * epoch)
        model.fit(train.x, train.t)
        yield {"rmse": np.sqrt(np.mean((model.predict(test.x) - test.t) ** 2)), "r2": model.score(test.x, test.t)}
