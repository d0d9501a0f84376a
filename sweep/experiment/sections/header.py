"""The keys at the top of an experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sweep.errors import ExperimentError
from sweep.experiment.parameters import NAME_PATTERN, OWN_SECTIONS, SECTIONS
from sweep.experiment.sections.base import Kind, Section
from sweep.experiment.sections.limits import Limits, NetworkLimits
from sweep.experiment.sections.objective import ObjectiveSection
from sweep.experiment.sections.registry import Registered
from sweep.experiment.sections.stopping import StoppingRules
from sweep.experiment.sections.trainer import TrainerSection
from sweep.nn.bounds import Count
from sweep.space import samplers
from sweep.space.samplers.base import MOST_TRIALS


def check_total(trials: int, repeats: int, source: str) -> None:
    """Check that a sweep has not too many trainings.

    Raises:
        ExperimentError: when it has.
    """
    if (total := trials * repeats) > MOST_TRIALS:
        made = f"trials = {trials}" + (f" with repeats = {repeats} makes {total} trainings" if repeats > 1 else "")
        raise ExperimentError(
            f"{source}: {made}, which are all drawn and held in memory before the first is trained; make it at most "
            f"{MOST_TRIALS}, and more in further sweeps with other seeds"
        )


class Header(Section):
    """The keys that every experiment file has."""

    name: Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
    description: str = ""
    trials: Annotated[int, Field(ge=1)] | None = None
    """Number of configurations; None for as many as the sampler has."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    sampler: Annotated[Kind, Registered(samplers.KINDS), Field(validate_default=True)] = "random"  # type: ignore[assignment]
    repeats: Annotated[int, Field(ge=1)] = 1
    """Trainings of each configuration, each with seeds of its own."""
    start_from: str | None = None
    """An earlier sweep, what it has trained of these trials being taken over."""
    objective: ObjectiveSection = ObjectiveSection()
    stopping: StoppingRules = ()
    limits: Limits = Limits()

    sections: ClassVar[tuple[str, ...]] = ()
    """The keys whose tables can be searched."""

    def tables(self) -> dict[str, Any]:
        """Return the tables that can be searched, as the file has them."""
        return {name: getattr(self, name) for name in self.sections if getattr(self, name) is not None}

    def trainer_table(self) -> dict[str, Any] | None:
        """Return the trainer's table, written out; None for our networks."""
        return None

    def planned_epochs(self) -> int:
        """Return the epochs of each trial; 0 where the configuration tells."""
        return 0


class NativeHeader(Header):
    """The keys of a file that trains our networks."""

    limits: NetworkLimits = NetworkLimits()
    data: dict[str, Any]
    network: dict[str, Any]
    training: dict[str, Any]

    sections: ClassVar[tuple[str, ...]] = SECTIONS
    hints: ClassVar[Mapping[str, str]] = {
        "epochs": "did you mean 'training.epochs'?",
        "parameters": "it goes with a trainer of one's own instead of network and training",
    }


class OwnHeader(Header):
    """The keys of a file with a trainer of the user's own."""

    trainer: TrainerSection
    epochs: Count
    """The most epochs that the trainer is asked for."""
    data: dict[str, Any] | None = None
    parameters: dict[str, Any]
    objective: ObjectiveSection

    sections: ClassVar[tuple[str, ...]] = OWN_SECTIONS
    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("network", "training"), "it goes with our networks; a trainer of one's own has its values in [parameters]"
    )

    def trainer_table(self) -> dict[str, Any]:
        """Return the trainer's table, written out."""
        table: dict[str, Any] = self.trainer.model_dump()
        return table

    def planned_epochs(self) -> int:
        """Return the epochs of each trial."""
        return self.epochs
