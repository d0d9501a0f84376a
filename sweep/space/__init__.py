"""The search space: distributions, trees, names of parameters, and samplers.

`uniform`, `log_uniform`, `integer` and `choice` make the distributions of parameters that are given from Python.
"""

from sweep.space.distributions import choice, integer, log_uniform, uniform

__all__ = ["choice", "integer", "log_uniform", "uniform"]
