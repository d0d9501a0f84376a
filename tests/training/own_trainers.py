"""Setups of users' own trainers."""

from sweep.metrics import Objective
from sweep.records import Seeds
from sweep.training.trainer import Setup

RMSE = Objective("rmse", "min", tie_break=None)


def setup_of(tmp_path, parameters=None, trainer=None, *, epochs=5, number=3, objective=RMSE):
    """Return what a trainer is made of."""
    return Setup(
        number=number,
        configuration={"trainer": trainer or {}, "parameters": parameters or {}},
        seeds=Seeds(2**62 + number, 5, 6),
        planned_epochs=epochs,
        objective=objective,
        datasets={},
        experiment_folder=tmp_path,
        files=tmp_path / "results",
        sweep="mine",
    )
