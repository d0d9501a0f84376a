"""The section `objective`: what ranks the trials of our networks."""

import pytest

from sweep.experiment.file import parse
from sweep.experiment.sections.objective import ObjectiveSection, native_objective
from sweep.metrics import Objective
from tests.experiment.toys import TOY, refusal, text_of, toy

PLAIN = {"data": {}, "training": {}}
VALIDATED = {"data": {"validation": 0.1}, "training": {}}
REGRESSION = {"data": {"task": "regression"}, "training": {}}
BOTH = {"data": {"task": "regression", "validation": 0.1}, "training": {}}
EITHER_TASK = {
    **TOY,
    "data": {
        "dataset": {"kind": "csv", "file": "a.csv", "label": "y"},
        "task": {"choice": ["classification", "regression"]},
    },
    "network": {"hidden": [5]},
    "training": {"epochs": 1, "batch_size": 10, "optimizer": "sgd", "loss": "mean_squared_error"},
}
LISTED = {"data": {}, "training": {"metrics": ["f1", "balanced_accuracy"]}}


def resolved(*configurations, **section):
    return native_objective(ObjectiveSection(**section), configurations)


@pytest.mark.parametrize(
    ("configuration", "objective"),
    [
        (PLAIN, Objective()),
        (VALIDATED, Objective("validation_accuracy", "max", "best", "validation_loss")),
        (REGRESSION, Objective("test_r2", "max", "best", "test_loss")),
        (BOTH, Objective("validation_r2", "max", "best", "validation_loss")),
        ({"data": {"task": "classification", "validation": 0}, "training": {}}, Objective()),
    ],
)
def test_the_default_is_the_best_that_the_data_allow(configuration, objective):
    assert resolved(configuration, configuration) == objective


@pytest.mark.parametrize(
    ("configuration", "section", "objective"),
    [
        (PLAIN, {"metric": "test_loss"}, Objective("test_loss", "min", "best", "test_loss")),
        (
            PLAIN,
            {"metric": "train_accuracy", "epoch": "last"},
            Objective("train_accuracy", "max", "last", "train_loss"),
        ),
        (PLAIN, {"direction": "max"}, Objective()),
        (VALIDATED, {"metric": "test_accuracy"}, Objective()),
        (LISTED, {"metric": "test_f1"}, Objective("test_f1", "max", "best", "test_loss")),
        (BOTH, {"metric": "validation_rmse"}, Objective("validation_rmse", "min", "best", "validation_loss")),
    ],
)
def test_a_metric_that_is_recorded_may_be_named(configuration, section, objective):
    assert resolved(configuration, **section) == objective


@pytest.mark.parametrize(
    ("configurations", "section", "sentence"),
    [
        (
            [PLAIN],
            {"metric": "validation_loss"},
            "objective.metric is 'validation_loss', which this experiment does not record; set aside a validation part "
            "with data.validation, such as 0.1",
        ),
        (
            [PLAIN],
            {"metric": "test_f1"},
            "objective.metric is 'test_f1', which this experiment does not record; list 'f1' in training.metrics",
        ),
        (
            [REGRESSION],
            {"metric": "test_accuracy"},
            "objective.metric is 'test_accuracy', which this experiment does not record; did you mean 'test_r2'?",
        ),
        (
            [PLAIN],
            {"metric": "test_acuracy"},
            "objective.metric is 'test_acuracy', which this experiment does not record; did you mean 'test_accuracy'?",
        ),
        (
            [PLAIN],
            {"metric": "test_loss", "direction": "max"},
            "objective.direction is 'max', but less of test_loss is better; leave it out, or give 'min'",
        ),
        (
            [PLAIN, VALIDATED],
            {},
            "data.validation is 0 in some trials and above 0 in others, so they cannot be ranked by one metric; make "
            "it 0 in all of them, or above 0",
        ),
        (
            [PLAIN, REGRESSION],
            {},
            "data.task is not the same in all trials, so they cannot be ranked; write an experiment for each task",
        ),
        (
            [LISTED, PLAIN],
            {"metric": "test_f1"},
            "objective.metric is 'test_f1', which this experiment does not record; list 'f1' in training.metrics",
        ),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(configurations, section, sentence):
    with pytest.raises(ValueError) as caught:
        resolved(*configurations, **section)
    assert str(caught.value) == sentence


def test_a_file_without_one_ranks_as_the_first_edition_did():
    assert parse(toy(), "x").objective == Objective()


@pytest.mark.parametrize(
    ("objective", "same"),
    [
        ({}, True),
        ({"metric": "test_accuracy", "direction": "max", "epoch": "best"}, True),
        ({"metric": "test_loss"}, False),
        ({"epoch": "last"}, False),
    ],
)
def test_it_enters_the_fingerprint_where_it_is_not_the_default(objective, same):
    ours, theirs = parse(toy(objective=objective), "x"), parse(toy(), "x")
    assert (ours.fingerprint == theirs.fingerprint) is same
    assert ours.trials() == theirs.trials()


@pytest.mark.parametrize(
    ("objective", "start"),
    [
        ({"metrc": "x"}, "objective has no key 'metrc'; did you mean 'metric'?"),
        ({"epoch": "first"}, "objective.epoch is 'first'; "),
        ({"metric": {"choice": ["test_loss"]}}, "objective.metric is {'choice': ['test_loss']}, but must be"),
        (5, "objective is 5, but must be a "),
        ({"metric": "accuracy"}, "objective.metric is 'accuracy', which this experiment does not record; did you mean"),
    ],
)
def test_a_malformed_section_is_answered_with_file_and_key(objective, start):
    assert refusal(toy(objective=objective)).startswith(f"toy.toml: {start}")


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        (toy(data__validation=0.1), "validation_accuracy"),
        (toy(data__validation={"choice": [0.1, 0.2]}), "validation_accuracy"),
        (toy(data__validation=0.1, objective={"metric": "test_loss"}), "test_loss"),
        (toy(training__metrics=["f1"], objective={"metric": "test_f1"}), "test_f1"),
    ],
)
def test_a_file_ranks_by_what_it_sets_aside_or_lists(text, metric):
    assert parse(text, "x").objective.metric == metric


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (toy(data__validation={"uniform": [0.0, 0.2]}), "data.validation is 0 in some trials and above 0 in others"),
        (text_of(EITHER_TASK), "data.task is not the same in all trials"),
    ],
)
def test_trials_that_could_not_be_compared_are_refused(text, start):
    assert start in refusal(text)
