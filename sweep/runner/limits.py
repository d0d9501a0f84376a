"""Limits of configurations: which draws are outside of them."""

from __future__ import annotations

from collections.abc import Callable

from sweep.data import Dataset
from sweep.errors import ExperimentError
from sweep.experiment.experiment import Experiment
from sweep.experiment.sections.limits import NetworkLimits
from sweep.observer import Observer
from sweep.records import Trial
from sweep.runner.prepare import network_size
from sweep.training.memory import training_bytes

MOST_REDRAWS = 1_000
"""Draws of one configuration after which its limits count as out of reach."""
WORDS = {"parameters": "{:,} network parameters", "megabytes": "{:,.4g} megabytes"}
"""Name of a limit -> what is limited, with its value."""


class LimitCheck:
    """Tells which draws of an experiment are outside of its limits, and counts them."""

    def __init__(self, experiment: Experiment, dataset_of: Callable[[Trial], Dataset]) -> None:
        given = experiment.header.limits.given() if isinstance(experiment.header.limits, NetworkLimits) else {}
        self._limits: dict[str, float] = {name: given[name] for name in WORDS if name in given}
        self._is_listed = not experiment.sampler.can_redraw
        self._dataset_of = dataset_of
        self._smallest: dict[str, float] = {}
        self._redrawn: set[int] = set()
        self._draws = 0

    def is_outside(self, trial: Trial) -> bool:
        """Tell whether another configuration must be drawn in place of that of a trial.

        Raises:
            ExperimentError: when it has been drawn too often already, or is not a draw but listed.
        """
        if not self._limits:
            return False
        values = self._values(trial)
        exceeded = [name for name, most in self._limits.items() if values[name] > most]
        if not exceeded:
            return False
        if self._is_listed:
            raise ExperimentError(_listed(trial, exceeded[0], values, self._limits))
        smallest = values if trial.redraws == 0 else self._smallest
        self._smallest = {name: min(smallest[name], value) for name, value in values.items()}
        if trial.redraws == MOST_REDRAWS:
            raise ExperimentError(self._out_of_reach(trial))
        self._redrawn.add(trial.number)
        self._draws += 1
        return True

    def tell(self, trials: int, observer: Observer) -> None:
        """Tell the observer how many of the configurations were drawn again."""
        if self._redrawn:
            times = f", {self._draws:,} times in all," if self._draws > len(self._redrawn) else ""
            observer.note(
                f"drew {len(self._redrawn):,} of {trials:,} configurations again{times} since they were outside of "
                f"[limits]"
            )

    def _values(self, trial: Trial) -> dict[str, float]:
        """Return what is limited, of the configuration of a trial."""
        dataset = self._dataset_of(trial)
        configuration, size = network_size(trial, dataset)
        values: dict[str, float] = {"parameters": size.parameters}
        if "megabytes" in self._limits:
            values["megabytes"] = training_bytes(configuration, size, len(dataset.train.x)) / 1e6
        return values

    def _out_of_reach(self, trial: Trial) -> str:
        missed = [name for name, most in self._limits.items() if self._smallest[name] > most]
        drawn = f"trial {trial.number}: none of {MOST_REDRAWS + 1:,} draws is within"
        if not missed:
            return f"{drawn} all limits at once ({_shown(self._limits)}); raise one of them, or search smaller networks"
        smallest = WORDS[missed[0]].format(self._smallest[missed[0]])
        limit = _shown({missed[0]: self._limits[missed[0]]})
        return f"{drawn} {limit}: the smallest has {smallest}; raise the limit, or search smaller networks"


def _listed(trial: Trial, limit: str, values: dict[str, float], limits: dict[str, float]) -> str:
    return (
        f"trial {trial.number} has {WORDS[limit].format(values[limit])}, more than {_shown({limit: limits[limit]})}; "
        "a listed configuration is not replaced by a draw, so leave it out, or raise the limit"
    )


def _shown(limits: dict[str, float]) -> str:
    return " and ".join(f"limits.{name} = {most}" for name, most in limits.items())
