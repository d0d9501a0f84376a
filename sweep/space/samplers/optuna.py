"""Samplers of Optuna, asked for configurations and told how they have done.

A study of Optuna's has state, which is not stored: it is built again by asking and telling in the recorded order, so a
sweep goes on in another process as it would have without the interruption. One process keeps its studies, which saves
this for all configurations but the first.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar

from pydantic import Field

from sweep.errors import ExperimentError
from sweep.metrics import Objective
from sweep.records import Scalar
from sweep.space.distributions import Choice, Distribution, Tree, Uniform
from sweep.space.samplers.adaptive import Adaptive, Result
from sweep.space.samplers.base import Point, Space
from sweep.space.samplers.table import table_pick
from sweep.space.trees import children, draw

MOST_SEED = 2**32 - 1
"""Largest seed that NumPy's `RandomState` takes, from which Optuna draws."""
MOST_STUDIES = 4
"""Studies that a process keeps."""
INSTALL = "pip install 'sweep-lab[optuna]'"

Place = tuple[str, int]
"""Full name and depth of a distribution, as in `Pick`."""


@dataclass(frozen=True, slots=True)
class Optuna(Adaptive):
    """A sampler of Optuna's; its fields are arguments of Optuna's class of the same names and defaults."""

    needs_rounds: ClassVar[bool] = False
    kind: ClassVar[str]
    """Its name in an experiment file."""
    optuna_class: ClassVar[str]
    """Its name in `optuna.samplers`."""
    packages: ClassVar[Mapping[str, str]] = {"optuna": INSTALL}
    """Module that it imports -> how to install it."""

    def more(
        self,
        space: Space,
        seed: int,
        drawn: int,
        results: Sequence[Result],
        told: Sequence[Sequence[int]],
        objective: Objective,
    ) -> Sequence[Point]:
        """Return the next point, for which Optuna is asked after it is told the new results.

        Raises:
            ExperimentError: when Optuna is not installed, or cannot draw from the space.
        """
        self._check(seed)
        history = _history(drawn, results, told)
        key = (self, seed, objective.direction, repr(space.tree))
        study = _STUDIES.pop(key, None)  # taken out, so that no other thread changes it meanwhile
        with _quiet():
            if study is None or study.history != history[: len(study.history)]:
                study = _Study(self._create_study(seed, objective), space)
            for new in history[len(study.history) :]:
                study.ask(new)
        _STUDIES[key] = study
        while len(_STUDIES) > MOST_STUDIES:
            _STUDIES.pop(next(iter(_STUDIES)), None)
        return [_point(study.values[drawn])]

    def _check(self, seed: int) -> None:
        for module, install in self.packages.items():
            if find_spec(module) is None:
                raise ExperimentError(f"the sampler {self.kind!r} needs {module}, so install it with {install}")
        if seed > MOST_SEED:
            raise ExperimentError(f"seed is {seed}, but Optuna takes none above {MOST_SEED}")

    def _create_study(self, seed: int, objective: Objective) -> Any:
        import optuna

        if int(optuna.__version__.split(".")[0]) < 5:
            raise ExperimentError(
                f"the sampler {self.kind!r} needs Optuna 5, but {optuna.__version__} is installed; "
                f"upgrade it with {INSTALL}"
            )
        sampler = getattr(optuna.samplers, self.optuna_class)(seed=seed, **asdict(self))
        return optuna.create_study(sampler=sampler, direction="maximize" if objective.is_max else "minimize")


@dataclass(frozen=True, slots=True)
class Tpe(Optuna):
    """The tree-structured Parzen estimator (Bergstra et al. 2011), as Optuna has it."""

    n_startup_trials: Annotated[int, Field(ge=0)] = 10
    """Configurations that are drawn at random first."""
    n_ei_candidates: Annotated[int, Field(ge=1)] = 24
    """Candidates of which the best is taken."""
    multivariate: bool | None = None
    """Whether parameters are drawn together; None leaves it to Optuna."""
    group: bool = False
    """Whether parameters that always occur together are drawn together, in a conditional space."""
    constant_liar: bool = True
    """Whether configurations in training count as poor, so that others are drawn beside them."""

    kind: ClassVar[str] = "optuna:tpe"
    optuna_class: ClassVar[str] = "TPESampler"

    def __post_init__(self) -> None:
        if self.group and self.multivariate is False:
            raise ValueError("group = true draws parameters together, so leave out multivariate = false")


@dataclass(frozen=True, slots=True)
class CmaEs(Optuna):
    """The evolution strategy CMA-ES (Hansen 2016), as Optuna has it; choices are drawn at random."""

    n_startup_trials: Annotated[int, Field(ge=0)] = 1
    """Configurations that are drawn at random first."""
    consider_pruned_trials: bool = False
    """Whether configurations that a stopping rule ended count."""
    popsize: Annotated[int, Field(ge=2)] | None = None
    """Configurations of a generation; None for 4 + floor(3 ln(number of parameters))."""
    use_separable_cma: bool = False
    """Whether the covariance matrix is diagonal."""
    with_margin: bool = False
    """Whether each value of an integer keeps some probability."""
    lr_adapt: bool = False
    """Whether the learning rate adapts to noise and many optima."""

    kind: ClassVar[str] = "optuna:cmaes"
    optuna_class: ClassVar[str] = "CmaEsSampler"
    packages: ClassVar[Mapping[str, str]] = {"optuna": INSTALL, "cmaes": INSTALL}

    def __post_init__(self) -> None:
        if self.use_separable_cma and self.with_margin:
            raise ValueError("use_separable_cma and with_margin exclude each other; leave out one of them")


@dataclass(frozen=True, slots=True)
class Gp(Optuna):
    """Gaussian processes with expected improvement, as Optuna has them."""

    n_startup_trials: Annotated[int, Field(ge=0)] = 10
    """Configurations that are drawn at random first."""
    deterministic_objective: bool = False
    """Whether the objective has no noise."""

    kind: ClassVar[str] = "optuna:gp"
    optuna_class: ClassVar[str] = "GPSampler"
    packages: ClassVar[Mapping[str, str]] = {"optuna": INSTALL, "torch": "pip install torch"}


@dataclass(slots=True)
class _Study:
    """A study of Optuna's, with what it was told and what it was asked for."""

    study: Any
    space: Space
    history: list[list[Result]] = field(default_factory=list)
    """Of each configuration, the results that were told just before it was drawn."""
    trials: list[Any] = field(default_factory=list)
    values: list[dict[Place, int | float]] = field(default_factory=list)
    """What Optuna has drawn for each configuration; the index of the option for a choice."""
    drawn: list[dict[str, Scalar]] = field(default_factory=list)
    """The same, as results have it."""
    names: dict[Place, list[str]] = field(init=False)
    """The distributions of each place, by their representations."""

    def __post_init__(self) -> None:
        self.names = _names(self.space.tree)

    def ask(self, results: Sequence[Result]) -> None:
        """Tell the results, and ask for the next configuration.

        Raises:
            ExperimentError: when Optuna cannot draw from the space.
        """
        for result in results:
            self._tell(result)
        trial = self.study.ask()
        values: dict[Place, int | float] = {}
        drawn: dict[str, Scalar] = {}

        def pick(name: str, distribution: Distribution, depth: int) -> Tree:
            values[name, depth] = _suggested(trial, self._name(name, distribution, depth), distribution)
            return _value(distribution, values[name, depth])

        try:
            draw(self.space.tree, pick, drawn)
        except (ArithmeticError, ValueError) as error:
            raise ExperimentError(f"Optuna cannot draw from this space: {error}") from None
        self.history.append(list(results))
        self.trials.append(trial)
        self.values.append(values)
        self.drawn.append(drawn)

    def _tell(self, result: Result) -> None:
        from optuna.trial import TrialState

        trial = self.trials[result.number]
        if result.value is None:
            self.study.tell(trial, state=TrialState.FAIL)
        elif dict(result.parameters) != self.drawn[result.number]:
            self.study.tell(trial, state=TrialState.FAIL)
            self._add(result)
        elif result.stopped_after is not None:
            trial.report(result.value, result.stopped_after)
            self.study.tell(trial, state=TrialState.PRUNED)
        else:
            self.study.tell(trial, result.value)

    def _add(self, result: Result) -> None:
        """Tell a result of other values than Optuna has drawn, such as those drawn again to be within limits."""
        from optuna.trial import TrialState, create_trial

        texts = {name: str(value) for name, value in result.parameters.items()}
        read = table_pick(texts, self.space.parameters, f"configuration {result.number}")
        values, converted = {}, {}

        def pick(name: str, distribution: Distribution, depth: int) -> Tree:
            value, key = read(name, distribution, depth), self._name(name, distribution, depth)
            values[key] = _index(distribution, value) if isinstance(distribution, Choice) else value
            converted[key] = _converted(distribution)
            return value

        draw(self.space.tree, pick, {})
        is_stopped = result.stopped_after is not None
        self.study.add_trial(
            create_trial(
                state=TrialState.PRUNED if is_stopped else TrialState.COMPLETE,
                value=result.value,
                params=values,
                distributions=converted,
                intermediate_values={result.stopped_after: result.value} if is_stopped else None,
            )
        )

    def _name(self, name: str, distribution: Distribution, depth: int) -> str:
        """Return the name of a parameter in the study, where one name stands for one distribution."""
        number = self.names[name, depth].index(repr(distribution))
        return name + "|option" * depth + (f"|{number + 1}" if number else "")


_STUDIES: dict[tuple[Optuna, int, str, str], _Study] = {}
"""The studies that were asked last, by sampler, seed, direction and space."""


def _history(drawn: int, results: Sequence[Result], told: Sequence[Sequence[int]]) -> list[list[Result]]:
    """Return the results that are told just before each configuration is drawn, the next one included."""
    by_number = {result.number: result for result in results}
    earlier = {number for numbers in told for number in numbers}
    new = [result for result in results if result.number not in earlier]
    # A result that was told may be missing: its trial is trained once more.
    return [*([by_number[n] for n in numbers if n in by_number] for numbers in told[:drawn]), new]


def _point(values: Mapping[Place, int | float]) -> Point:
    return lambda name, distribution, depth: _value(distribution, values[name, depth])


def _value(distribution: Distribution, drawn: int | float) -> Tree:
    """Return what Optuna's value stands for."""
    return distribution.options[int(drawn)] if isinstance(distribution, Choice) else drawn


def _index(choice: Choice, option: Tree) -> int:
    return next(index for index, other in enumerate(choice.options) if other is option)


def _suggested(trial: Any, name: str, distribution: Distribution) -> int | float:
    """Return what Optuna draws for a parameter; a choice is one of the indices of its options, which may be equal."""
    if isinstance(distribution, Choice):
        return int(trial.suggest_categorical(name, range(len(distribution.options))))
    low, high = distribution.low, distribution.high
    if isinstance(distribution, Uniform):
        return float(trial.suggest_float(name, low, high, log=distribution.log))
    return int(trial.suggest_int(name, low, high, step=distribution.step, log=distribution.log))


def _converted(distribution: Distribution) -> Any:
    """Return a distribution as Optuna's; see `_suggested`."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(distribution, Choice):
        return CategoricalDistribution(range(len(distribution.options)))
    if isinstance(distribution, Uniform):
        return FloatDistribution(distribution.low, distribution.high, log=distribution.log)
    return IntDistribution(distribution.low, distribution.high, log=distribution.log, step=distribution.step)


def _names(tree: Tree) -> dict[Place, list[str]]:
    """Return the representations of the different distributions of each place, in the order of the tree."""
    found: dict[Place, list[str]] = {}
    for path, depth, distribution in _distributions(tree):
        known = found.setdefault((path, depth), [])
        if (text := repr(distribution)) not in known:
            known.append(text)
    return found


def _distributions(tree: Tree, path: str = "", depth: int = 0) -> Iterator[tuple[str, int, Distribution]]:
    """Yield (full name, depth, distribution) for each in a parsed tree, also inside options."""
    if isinstance(tree, Distribution):
        yield path, depth, tree
        for option in tree.options if isinstance(tree, Choice) else ():
            yield from _distributions(option, path, depth + 1)
    else:
        for child_path, value in children(tree, path):
            yield from _distributions(value, child_path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna's messages and warnings from the user, who cannot act on them."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)
