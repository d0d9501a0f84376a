"""An experiment: what is trained, and the trials drawn from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from sweep.experiment.checks import check_configuration
from sweep.experiment.parameters import named_parameters
from sweep.experiment.sections.data import resolve_defaults
from sweep.experiment.sections.header import Header, NativeHeader, check_total
from sweep.experiment.sections.stopping import made_rules
from sweep.metrics import Objective
from sweep.records import Parameter, Scalar, Trial
from sweep.space.distributions import Tree
from sweep.space.samplers.adaptive import Adaptive, Result
from sweep.space.samplers.base import Point, Sampler, Space, trial_seeds
from sweep.space.samplers.random import random_pick
from sweep.space.trees import draw
from sweep.stopping import AnyRule

FORMAT = 4
"""Format of experiment files, by what they mean: in 1, that of the first edition, `data.normalization` of a table has
another default; up to 2, labels that are one number written differently, such as 1.1 and 1.10, were one class; up to 3,
no weights are kept unless the file says which."""
LABELS_AS_WRITTEN = 3
"""The first format in which such labels are different classes."""
WEIGHTS_KEPT = 4
"""The first format in which the weights of the best epoch are kept unless the file says otherwise."""


Shape = tuple[tuple[str, object], ...]
"""Which options were chosen, by name, and of which type the numbers are.

The ends of every range were found right when the file was read, so one check of each shape is enough, but for numbers
that must fit each other, such as a lower and an upper end that are both drawn; these are checked when a trial is
planned.
"""


@dataclass(frozen=True, slots=True)
class History:
    """What an adaptive sampler is told before it draws."""

    results: Sequence[Result]
    """Of the configurations that have ended, in the order in which they are told."""
    told: Sequence[Sequence[int]]
    """Of each drawn configuration, the numbers of the results that were told just before it was drawn."""
    new: Sequence[int]
    """Numbers of the results that were told before no draw yet."""


def _shape(drawn: dict[str, Scalar]) -> Shape:
    return tuple((name, value if isinstance(value, str | bool) else type(value)) for name, value in drawn.items())


IsOutside = Callable[[Trial], bool]
"""Tells whether a draw is outside of limits."""


def never(trial: Trial) -> bool:
    """Return False: no draw is outside of limits."""
    return False


@dataclass(frozen=True)
class Experiment:
    """A checked experiment: every end of a range and every option is valid."""

    header: Header
    sampler: Sampler
    tree: Tree
    """The sections that can be searched, with distributions in their places."""
    objective: Objective
    """How its trials are ranked."""
    default_objective: Objective | None
    """The objective of a file that gives none; None where it must give one."""
    text: str
    """The file, exactly as it was read."""
    overrides: tuple[str, ...] = ()
    """Values that were changed, as KEY=VALUE."""
    path: Path | None = None
    format: int = FORMAT

    @property
    def name(self) -> str:
        """The name of its sweep."""
        return self.header.name

    @property
    def repeats(self) -> int:
        """Number of trainings of each configuration."""
        return self.header.repeats

    @property
    def planned_trials(self) -> int | None:
        """Number of trainings in all; None for as many as the sampler has, or a budget allows."""
        return None if self.header.trials is None else self.header.trials * self.repeats

    @property
    def is_endless(self) -> bool:
        """Whether only a budget ends it, since neither the file nor the sampler says how many trials there are."""
        return self.header.trials is None and self.sampler.needs_trials

    @property
    def is_adaptive(self) -> bool:
        """Whether its sampler learns from results, so that most of its trials are drawn later."""
        return isinstance(self.sampler, Adaptive)

    @property
    def draws_in_rounds(self) -> bool:
        """Whether its sampler draws a round of trials once all those of earlier rounds have ended."""
        return isinstance(self.sampler, Adaptive) and self.sampler.needs_rounds

    @cached_property
    def rules(self) -> dict[str, AnyRule]:
        """Its stopping rules by their kinds, in the order of the file."""
        return made_rules(self.header.stopping)

    @property
    def is_native(self) -> bool:
        """Whether it trains our networks rather than by a trainer of the user's own."""
        return isinstance(self.header, NativeHeader)

    @property
    def folder(self) -> Path | None:
        """Folder in which files that it names are looked for."""
        return self.path.parent if self.path else None

    @cached_property
    def parameters(self) -> list[Parameter]:
        """What is searched, in the order of the file."""
        return named_parameters(self.tree, {self.objective.metric})

    @property
    def _space(self) -> Space:
        return Space(self.tree, self.parameters, self.header.trials, self.folder or Path())

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the trials of an experiment of one format.

        A key that the first edition did not have enters only where its value is not the default.
        """
        header, sampler = self.header, self.sampler
        decisive: dict[str, Any] = {"seed": header.seed, **header.tables(), **sampler.external(self._space)}
        decisive["sampler"] = {"kind": sampler.fingerprint_kind or header.sampler.kind, **asdict(sampler)}  # type: ignore[call-overload]
        if header.repeats != 1:
            decisive["repeats"] = header.repeats
        if self.objective != self.default_objective:
            decisive["objective"] = [self.objective.metric, self.objective.direction, self.objective.epoch]
        if header.stopping:
            decisive["stopping"] = [rule.model_dump() for rule in header.stopping]
        if limits := header.limits.given():
            decisive["limits"] = limits
        if trainer := header.trainer_table():
            decisive |= {"trainer": trainer, "epochs": header.planned_epochs()}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()

    def trials(self, is_outside: IsOutside = never) -> list[Trial]:
        """Return every trial; see `draws`."""
        return list(self.draws(is_outside))

    def draws(self, is_outside: IsOutside = never) -> Iterator[Trial]:
        """Draw one trial after the other, and check each configuration whose shape is new; see `Shape`.

        Args:
            is_outside: tells of the first training of a configuration whether another one is drawn in its place.

        Raises:
            ExperimentError: when a drawn configuration is impossible, or the sampler cannot be used.
        """
        most = 1 if self.is_endless else self.header.trials
        checked: set[Shape] = set()
        points = islice(self.sampler.points(self._space, self.header.seed), most)
        for number, point in enumerate(points):
            check_total(number + 1, self.repeats, self.name)  # a sampler may have any number
            yield from self._trainings(number, point, checked, is_outside)

    def draw_more(
        self, drawn: int, total: int | None, history: History, is_outside: IsOutside = never
    ) -> Iterator[Trial]:
        """Draw the trials that can be drawn after the first `drawn` configurations; none where results are missing.

        Args:
            total: number of configurations in all; None for no limit, where one is drawn at a time.
            is_outside: as of `draws`.

        Raises:
            ExperimentError: as of `draws`.
        """
        space, told = replace(self._space, total=total), None
        if isinstance(self.sampler, Adaptive):
            if self.sampler.needs_rounds and len(history.results) < drawn:
                return
            seed, told = self.header.seed, None if self.sampler.needs_rounds else tuple(history.new)
            points = self.sampler.more(space, seed, drawn, history.results, history.told, self.objective)
        else:
            points = list(islice(self.sampler.points(space, self.header.seed), drawn, total or drawn + 1))
        checked: set[Shape] = set()
        for number, point in enumerate(points[: None if total is None else total - drawn], drawn):
            check_total(number + 1, self.repeats, self.name)
            for trial in self._trainings(number, point, checked, is_outside):
                yield replace(trial, told=told)

    def _trainings(self, number: int, point: Point, checked: set[Shape], is_outside: IsOutside) -> Iterator[Trial]:
        """Yield the repeated trainings of one configuration, each with values of its own."""
        first = self.draw(number, point, checked)
        while is_outside(first):
            redraws = first.redraws + 1
            again = random_pick(self.header.seed, number, redraws)
            first = replace(self.draw(number, again, checked), redraws=redraws)
        yield first
        for repeat in range(1, self.repeats):
            yield replace(
                first,
                number=first.number + repeat,
                parameters=dict(first.parameters),
                configuration=deepcopy(first.configuration),
                seeds=trial_seeds(self.header.seed, number, repeat),
                repeat=repeat,
            )

    def draw(self, number: int, point: Point, checked: set[Shape]) -> Trial:
        """Draw the configuration of a point and check it unless its shape is in `checked`; return its first training.

        Raises:
            ExperimentError: when the configuration is impossible.
        """
        drawn: dict[str, Scalar] = {}
        configuration = draw(self.tree, point, drawn)
        if trainer := self.header.trainer_table():
            configuration = {"trainer": trainer, **configuration}
        first = number * self.repeats
        if (shape := _shape(drawn)) not in checked:
            check_configuration(configuration, f"{self.name}, trial {first}")
            checked.add(shape)
        if "data" in configuration and self.format >= 2:
            configuration["data"] = resolve_defaults(configuration["data"])
        if "training" in configuration and self.format >= WEIGHTS_KEPT:
            configuration["training"].setdefault("keep_weights", "best")
        seeds = trial_seeds(self.header.seed, number)
        return Trial(first, drawn, configuration, seeds, planned_epochs=self.header.planned_epochs())
