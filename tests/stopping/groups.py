"""Groups of configurations that are trained in any order, as a runner would."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from sweep.metrics import Objective
from sweep.stopping import Standing

ACCURACY = Objective("test_accuracy", "max")
LOSS = Objective("loss", "min", tie_break=None)
LAST = Objective("test_accuracy", "max", "last")


def standing(trial, state, *values, planned=10, promotions=0, place=None):
    return Standing(trial, state, values, planned, promotions, place)


def paused(*rows, planned=10, promotions=0):
    """Configurations from 0 that are all paused."""
    return [standing(trial, "paused", *row, planned=planned, promotions=promotions) for trial, row in enumerate(rows)]


@dataclass
class Training:
    """What would become of a configuration: it is lost where its values end before the planned epochs."""

    values: list
    planned: int


VALUES = st.integers(0, 6)  # few, so that there are ties


@st.composite
def trainings(draw, most=12, planned=st.integers(1, 30), is_alike=False):
    """Configurations of which some are lost; all are planned alike, or some on their own."""
    alike = draw(planned)
    found = []
    for _ in range(draw(st.integers(1, most))):
        epochs = alike if is_alike else draw(st.one_of(st.just(alike), planned))
        length = draw(st.one_of(st.just(epochs), st.integers(0, epochs)))
        found.append(Training(draw(st.lists(VALUES, min_size=length, max_size=length)), epochs))
    return found


def train(rule, trainings, objective, pick):
    """Train a group with a rule: `pick(choices)` says who pauses or ends next; return (standings, decisions)."""
    group = [Standing(trial, "training", (), each.planned, 0, trial) for trial, each in enumerate(trainings)]
    targets = [rule.start(place, each.planned) or each.planned for place, each in enumerate(trainings)]
    made = []
    while running := [each.trial for each in group if each.state == "training"]:
        trial = pick(running)
        values = trainings[trial].values[: targets[trial]]
        is_short = len(values) < targets[trial]
        state = "lost" if is_short else "completed" if targets[trial] == trainings[trial].planned else "paused"
        group[trial] = replace(group[trial], state=state, values=values)
        while decisions := rule.decide(group, objective):
            assert rule.decide(group, objective) == decisions, "it is pure"
            made += decisions
            carry_out(group, targets, decisions)
    return group, made


def carry_out(group, targets, decisions):
    """Do to a group what was decided."""
    for decision in decisions:
        each = group[decision.trial]
        assert each.state == "paused" and each.epoch == decision.epoch
        if decision.target is None:
            group[decision.trial] = replace(each, state="lost")
        else:
            assert each.epoch < decision.target <= each.planned
            targets[decision.trial] = decision.target
            group[decision.trial] = replace(each, state="training", promotions=each.promotions + 1)


def ends(group):
    """How all have ended: number -> (state, epochs)."""
    return {each.trial: (each.state, each.epoch) for each in group}
