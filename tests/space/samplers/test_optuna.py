"""Optuna's samplers: the same configurations as Optuna alone draws, also after an interruption."""

import io
import logging
import warnings
from pathlib import Path

import optuna
import pytest

from sweep.errors import ExperimentError
from sweep.metrics import Objective
from sweep.space.distributions import choice, integer, log_uniform, uniform
from sweep.space.samplers import optuna as ours
from sweep.space.samplers.adaptive import Result
from sweep.space.samplers.base import Space
from sweep.space.samplers.optuna import CmaEs, Gp, Tpe
from sweep.space.samplers.random import random_pick
from sweep.space.trees import draw

MIXED = {
    "x": uniform(-5, 5),
    "rate": log_uniform(1e-4, 1),
    "units": integer(10, 90, step=10),
    "width": integer(1, 100, log=True),
    "kind": choice(["a", "b", "c"]),
}
NUMBERS = {"x": uniform(-5, 5), "y": uniform(-5, 5), "rate": log_uniform(1e-4, 1)}
NESTED = {
    "optimizer": choice(
        [
            {"kind": "sgd", "rate": log_uniform(0.01, 1)},
            {"kind": "adam", "rate": log_uniform(1e-5, 1e-2), "beta": uniform(0, 1)},
        ]
    ),
    "size": choice([integer(1, 9), uniform(10, 20)]),
}
"""A conditional space, in which one name stands for two ranges and another for two types."""
MAX, MIN = Objective("score", "max"), Objective("score", "min")


def space(tree):
    return Space(tree, [], None, Path())


def value(drawn):
    """A quadratic with its optimum at x = 1, y = 0, about 40 units, kind b."""
    return (
        (drawn.get("x", 0.0) - 1) ** 2
        + drawn.get("y", 0.0) ** 2
        + (drawn.get("rate", 0.5) - 0.5) ** 2
        + (drawn.get("units", 40) - 40) ** 2 / 400
        + (drawn.get("kind", "b") != "b")
    )


@pytest.fixture(autouse=True)
def _no_studies(monkeypatch):
    monkeypatch.setattr(ours, "_STUDIES", {})


def forget():
    """Do as a new process does, which has no studies."""
    ours._STUDIES.clear()


class Run:
    """A sweep with one worker: its drawn values, results, and what was told before each draw."""

    def __init__(self, sampler, tree, objective=MIN, seed=3):
        self.sampler, self.tree, self.objective, self.seed = sampler, tree, objective, seed
        self.drawn, self.results, self.told = [], [], []

    def ask(self):
        known = {number for numbers in self.told for number in numbers}
        new = [result.number for result in self.results if result.number not in known]
        space_, number = space(self.tree), len(self.drawn)
        (point,) = self.sampler.more(space_, self.seed, number, self.results, self.told, self.objective)
        drawn = {}
        draw(self.tree, point, drawn)
        self.drawn.append(drawn)
        self.told.append(new)
        return drawn

    def tell(self, number, value, stopped_after=None, parameters=None):
        self.results.append(Result(number, parameters or self.drawn[number], value, stopped_after))

    def train(self, trials, outcome=lambda number, drawn: (value(drawn), None)):
        for _ in range(trials):
            drawn = self.ask()
            self.tell(len(self.drawn) - 1, *outcome(len(self.drawn) - 1, drawn))
        return self.drawn


def suggest(trial, tree):
    """What a user of Optuna writes for a space without conditions."""
    found = {}
    for name, d in tree.items():
        if hasattr(d, "options"):
            found[name] = trial.suggest_categorical(name, list(d.options))
        elif hasattr(d, "step"):
            found[name] = trial.suggest_int(name, d.low, d.high, step=d.step, log=d.log)
        else:
            found[name] = trial.suggest_float(name, d.low, d.high, log=d.log)
    return found


def alone(sampler, tree, trials, direction="minimize"):
    """The configurations that Optuna draws by itself."""
    found = []

    def objective(trial):
        found.append(suggest(trial, tree))
        return value(found[-1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        optuna.create_study(sampler=sampler, direction=direction).optimize(objective, n_trials=trials)
    return found


SAMPLERS = optuna.samplers


@pytest.mark.parametrize(
    ("sampler", "reference", "tree", "trials"),
    [
        (Tpe(), lambda: SAMPLERS.TPESampler(seed=3), MIXED, 24),
        (
            Tpe(n_startup_trials=5, multivariate=True),
            lambda: SAMPLERS.TPESampler(seed=3, n_startup_trials=5, multivariate=True),
            MIXED,
            16,
        ),
        (CmaEs(), lambda: SAMPLERS.CmaEsSampler(seed=3), NUMBERS, 26),
        (CmaEs(popsize=6), lambda: SAMPLERS.CmaEsSampler(seed=3, popsize=6), MIXED, 20),
        (Gp(n_startup_trials=4), lambda: SAMPLERS.GPSampler(seed=3, n_startup_trials=4), MIXED, 7),
    ],
    ids=["tpe", "tpe with options", "cmaes", "cmaes with choices", "gp"],
)
@pytest.mark.parametrize(("objective", "direction"), [(MIN, "minimize"), (MAX, "maximize")], ids=["min", "max"])
def test_the_trials_are_those_of_optuna_alone(sampler, reference, tree, trials, objective, direction):
    assert Run(sampler, tree, objective).train(trials) == alone(reference(), tree, trials, direction)


@pytest.mark.parametrize(
    ("sampler", "tree", "trials"),
    [(Tpe(), MIXED, 21), (Tpe(group=True), NESTED, 18), (CmaEs(), NUMBERS, 24), (Gp(n_startup_trials=3), NUMBERS, 6)],
    ids=["tpe", "tpe by groups", "cmaes", "gp"],
)
def test_a_sweep_goes_on_in_another_process_as_without_interruption(sampler, tree, trials):
    undisturbed = Run(sampler, tree).train(trials)
    forget()
    resumed = Run(sampler, tree)
    for count in (trials // 3, trials // 3, trials - 2 * (trials // 3)):
        resumed.train(count)
        forget()
    assert resumed.drawn == undisturbed


def test_one_call_asks_for_one_trial(monkeypatch):
    asked = []
    ask = optuna.Study.ask
    monkeypatch.setattr(optuna.Study, "ask", lambda study: asked.append(1) or ask(study))
    Run(Tpe(), NUMBERS).train(12)
    assert len(asked) == 12


def test_the_same_call_gives_the_same_point_again():
    run = Run(Tpe(), MIXED)
    run.train(15)
    first = run.ask()
    run.drawn.pop(), run.told.pop()
    assert run.ask() == first
    earlier = Run(Tpe(), MIXED)
    earlier.train(11)
    assert earlier.ask() == run.drawn[11]  # the kept study is further on already


def several(order, forgetful=False):
    """Three at a time; each round ends in the given order."""
    run = Run(Tpe(n_startup_trials=3), NUMBERS)
    for _ in range(6):
        first = len(run.drawn)
        for _ in range(3):
            run.ask()
        for place in order:
            run.tell(first + place, value(run.drawn[first + place]))
        if forgetful:
            forget()
    return run


def test_trials_in_training_and_the_order_of_telling_are_replayed():
    assert several((2, 0, 1), forgetful=True).drawn == several((2, 0, 1)).drawn


def test_what_was_told_before_a_draw_decides_it():
    run = Run(Tpe(n_startup_trials=2), NUMBERS)
    run.train(10)
    late = Run(Tpe(n_startup_trials=2), NUMBERS)
    late.drawn, late.results, late.told = [*run.drawn], run.results, [[], *([] for _ in range(9))]
    late.told[9] = [9 - n for n in range(1, 10)]
    assert late.ask() != run.ask()


def test_the_order_in_which_results_are_told_is_followed(monkeypatch):
    told = []
    tell = optuna.Study.tell
    monkeypatch.setattr(
        optuna.Study,
        "tell",
        lambda study, trial, *args, **options: told.append(trial.number) or tell(study, trial, *args, **options),
    )
    run = several((2, 0, 1))
    expected = [first + place for first in range(0, 15, 3) for place in (2, 0, 1)]
    assert told == expected
    told.clear()
    forget()
    run.ask()
    assert told == [*expected, 17, 15, 16]


def told(run):
    """The trials that Optuna has been told, once it is asked for a further one."""
    run.ask()
    (study,) = ours._STUDIES.values()
    return study.study.trials


def test_lost_trials_fail_and_stopped_ones_are_pruned():
    run = Run(Tpe(), NUMBERS)
    outcomes = [(1.0, None), (None, None), (2.0, 3), (None, 2)]
    run.train(4, lambda number, drawn: outcomes[number])
    trials = told(run)[:-1]
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "PRUNED", "FAIL"]
    assert trials[2].intermediate_values == {3: 2.0}
    assert trials[2].value == 2.0


def test_lost_and_stopped_trials_give_the_same_draws_as_in_optuna():
    def outcome(number, drawn):
        return (None if number % 5 == 1 else value(drawn)), (2 if number % 3 == 0 else None)

    run = Run(Tpe(n_startup_trials=4), NUMBERS)
    run.train(25, outcome)
    found = []

    def objective(trial):
        found.append(suggest(trial, NUMBERS))
        known, stopped = outcome(trial.number, found[-1])
        if known is not None and stopped:
            trial.report(known, stopped)
            raise optuna.TrialPruned
        return float("nan") if known is None else known

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    optuna.create_study(sampler=SAMPLERS.TPESampler(seed=3, n_startup_trials=4)).optimize(objective, n_trials=25)
    assert run.drawn == found


def test_a_conditional_space_is_that_of_optuna_with_names_of_their_own():
    run = Run(Tpe(n_startup_trials=5), NESTED)
    run.train(30)
    found = []

    def objective(trial):
        drawn = {}
        index = trial.suggest_categorical("optimizer", (0, 1))
        drawn["optimizer"] = "sgd" if index == 0 else "adam"
        if index == 0:
            drawn["optimizer.rate"] = trial.suggest_float("optimizer.rate", 0.01, 1, log=True)
        else:
            drawn["optimizer.rate"] = trial.suggest_float("optimizer.rate|2", 1e-5, 1e-2, log=True)
            drawn["optimizer.beta"] = trial.suggest_float("optimizer.beta", 0, 1)
        if trial.suggest_categorical("size", (0, 1)) == 0:
            drawn["size"] = trial.suggest_int("size|option", 1, 9)
        else:
            drawn["size"] = trial.suggest_float("size|option|2", 10, 20)
        found.append(drawn)
        return value(drawn)

    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    optuna.create_study(sampler=SAMPLERS.TPESampler(seed=3, n_startup_trials=5)).optimize(objective, n_trials=30)
    labels = {str(drawn["optimizer"]).split("(")[0] for drawn in run.drawn}
    assert labels == {"sgd", "adam"}
    assert [{**d, "optimizer": str(d["optimizer"]).split("(")[0]} for d in run.drawn] == found


@pytest.mark.parametrize("stopped", [None, 2])
def test_optuna_is_told_the_values_that_took_the_place_of_its_own(stopped):
    run = Run(Tpe(), NESTED)
    run.ask()
    drawn = {}
    draw(NESTED, random_pick(8, 0), drawn)
    assert drawn != run.drawn[0]
    run.tell(0, 0.5, stopped, drawn)
    first, added = [trial for trial in told(run) if trial.state.is_finished()]
    assert first.state.name == "FAIL"
    assert added.state.name == ("PRUNED" if stopped else "COMPLETE")
    assert added.value == 0.5
    assert set(drawn.values()) >= {v for k, v in added.params.items() if k not in {"optimizer", "size"}}


def test_equal_and_structured_options_are_told_apart():
    tree = {"option": choice([1, True, 1.0, {"kind": "a"}, [1, 2]])}
    kinds = {repr(drawn["option"]) for drawn in Run(Tpe(), tree).train(30)}
    assert len(kinds) == 5


def test_nothing_of_optunas_reaches_the_user():
    optuna.logging.set_verbosity(optuna.logging.INFO)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger("optuna").addHandler(handler)
    try:
        Run(CmaEs(lr_adapt=True), MIXED).train(8)
        Run(Tpe(group=True), NESTED).train(12)
    finally:
        logging.getLogger("optuna").removeHandler(handler)
    assert stream.getvalue() == ""
    assert optuna.logging.get_verbosity() == optuna.logging.INFO  # as the user had it


def test_a_space_that_optuna_cannot_draw_from_is_refused():
    run = Run(Tpe(), {"x": uniform(-1.7e308, 1.7e308)})
    with pytest.raises(ExperimentError, match="Optuna cannot draw from this space: "):
        run.ask()


def test_sweeps_of_other_spaces_seeds_and_directions_have_studies_of_their_own():
    run = Run(Tpe(), NUMBERS)
    runs = [run, Run(Tpe(), NUMBERS, MAX), Run(Tpe(), NUMBERS, seed=4), Run(Tpe(), {**NUMBERS, "y": uniform(0, 1)})]
    side_by_side = [[] for _ in runs]
    for _ in range(14):
        for one, drawn in zip(runs, side_by_side, strict=True):
            one.train(1)
            drawn.append(one.drawn[-1])
    forget()
    fresh = [Run(one.sampler, one.tree, one.objective, one.seed).train(14) for one in runs]
    assert side_by_side == fresh
