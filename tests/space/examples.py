"""Trees with distributions of every kind, which tests of the space share."""

import tomllib

from hypothesis import HealthCheck, settings

from sweep.space.trees import parse_tree

law = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

EXAMPLE = tomllib.loads("""
[data]
dataset = "digits"
[network]
hidden = [{ int = [10, 99] }, 20, { int = [5, 9] }]
[network.activation]
choice = ["relu", { kind = "leaky_relu", alpha.uniform = [0.0, 0.4] }, { kind = "elu", alpha.log_uniform = [1, 2] }]
[training]
optimizer = { kind = "sgd", learning_rate = { log_uniform = [0.005, 0.5] } }
dropout = [[{ uniform = [0, 1] }]]
batch_size = { choice = [16, 32] }
""")

SEARCHED = parse_tree(
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
