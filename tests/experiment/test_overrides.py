"""Overrides: single values of an experiment file, changed as KEY=VALUE."""

import re

import pytest

from sweep.errors import UsageError
from sweep.experiment.file import parse
from sweep.experiment.parameters import KEYS, SECTIONS
from sweep.experiment.toml import override as override_table
from sweep.space.distributions import Choice, Integer
from tests.experiment.toys import REMOVED, own, refusal, toy


class TestOverrides:
    @pytest.mark.parametrize(
        ("override", "path", "value"),
        [
            ("training.epochs=5", ("training", "epochs"), 5),
            ("epochs=5", ("training", "epochs"), 5),
            (" epochs = 5 ", ("training", "epochs"), 5),
            ("training.dtype=float64", ("training", "dtype"), "float64"),
            ('training.dtype="float64"', ("training", "dtype"), "float64"),
            ("network.hidden[1]=5", ("network", "hidden", 1), 5),
            ("hidden[1]=5", ("network", "hidden", 1), 5),
            ("hidden=[5, 6]", ("network", "hidden"), [5, 6]),
            ("activation=tanh", ("network", "activation"), "tanh"),
            ("alpha=0.2", ("network", "activation", "alpha"), 0.2),
            ("activation={kind='leaky_relu', alpha=0.2}", ("network", "activation", "alpha"), 0.2),
            ("learning_rate=1", ("training", "optimizer", "learning_rate"), 1),
            ("training.optimizer.learning_rate=0.5", ("training", "optimizer", "learning_rate"), 0.5),
        ],
    )
    def test_a_value_is_replaced_for_all_trials(self, override, path, value):
        for trial in parse(toy(), "toy.toml", [override]).trials():
            here = trial.configuration
            for step in path:
                here = here[step]
            assert here == value
            assert type(here) is type(value)

    def test_a_key_of_a_section_comes_before_that_of_an_option_in_it(self):
        warmup = "training.schedule={kind='warmup', epochs=2}"
        for trial in parse(toy(), "toy.toml", [warmup, "epochs=5"]).trials():
            training = trial.configuration["training"]
            assert (training["epochs"], training["schedule"]["epochs"]) == (5, 2)

    def test_a_distribution_may_be_given(self):
        experiment = parse(toy(), "toy.toml", ["batch_size={int=[16,64],step=16}", "hidden[0]={choice=[3, 5]}"])
        assert experiment.tree["training"]["batch_size"] == Integer(16, 64, step=16)
        assert experiment.tree["network"]["hidden"][0] == Choice((3, 5))

    def test_a_part_of_a_distribution_may_be_given(self):
        experiment = parse(toy(), "toy.toml", ["network.hidden[0].int[1]=12", "training.batch_size.step=20"])
        assert experiment.tree["network"]["hidden"][0] == Integer(4, 12)
        assert experiment.tree["training"]["batch_size"] == Integer(10, 90, step=20)

    @pytest.mark.parametrize(
        ("override", "changes"),
        [
            ("trials=2", {"trials": 2}),
            ("seed=8", {"seed": 8}),
            ("name='again'", {"name": "again"}),
            ("name=again", {"name": "again"}),
            ("description='two words'", {"description": "two words"}),
            ("sampler=random", {"sampler": "random"}),
        ],
    )
    def test_a_key_above_the_sections_is_as_if_it_stood_in_the_file(self, override, changes):
        ours, theirs = parse(toy(), "toy.toml", [override]), parse(toy(**changes), "toy.toml")
        assert ours.header == theirs.header
        assert ours.fingerprint == theirs.fingerprint
        assert ours.trials() == theirs.trials()

    def test_an_override_is_as_if_it_stood_in_the_file(self):
        ours = parse(toy(), "toy.toml", ["epochs=9", "learning_rate={uniform=[0.1, 0.2]}"])
        theirs = toy(training__epochs=9, training__optimizer__learning_rate={"uniform": [0.1, 0.2]})
        assert ours.fingerprint == parse(theirs, "toy.toml").fingerprint
        assert ours.trials() == parse(theirs, "toy.toml").trials()

    def test_a_section_that_the_file_leaves_out_is_made(self):
        experiment = parse(toy(network=REMOVED), "toy.toml", ["network.hidden=[3]"])
        assert experiment.tree["network"] == {"hidden": [3]}

    def test_the_last_one_counts(self):
        assert parse(toy(), "toy.toml", ["trials=5", "trials=2"]).header.trials == 2

    def test_they_are_kept_and_the_text_is_not_changed(self):
        experiment = parse(toy(), "toy.toml", ["epochs=5", "name=x"])
        assert experiment.overrides == ("epochs=5", "name=x")
        assert experiment.text == toy()
        assert parse(experiment.text, "again", experiment.overrides).trials() == experiment.trials()

    def test_they_make_good_what_the_file_lacks(self):
        assert len(parse(toy(trials=REMOVED), "toy.toml", ["trials=2"]).trials()) == 2

    @pytest.mark.parametrize(
        ("override", "parts"),
        [
            ("epochs", ["KEY=VALUE", "'epochs'"]),
            ("", ["KEY=VALUE"]),
            ("=5", ["KEY=VALUE", "'=5'"]),
            ("epochs=", ["epochs", "TOML"]),
            ("epochs=[", ["epochs", "TOML"]),
            ("epochs=5 x", ["epochs", "TOML"]),
            ("epochs=" + "[" * 5000, ["epochs"]),
            ("epochs=" + "9" * 5000, ["epochs"]),
            ("lr=1", ["lr"]),
            ("learnin_rate=1", ["learnin_rate", "learning_rate'"]),
            ("epoch=1", ["epoch", "epochs'"]),
            ("hidden[2]=5", ["hidden[2]"]),
            ("network.hidden[2]=5", ["network.hidden[2]", "[2]"]),
            ("hidden[-1]=5", ["hidden[-1]"]),
            ("hidden[x]=5", ["hidden[x]"]),
            ("network.hidden.x=5", ["network.hidden.x"]),
            ("training.epochs.x=5", ["training.epochs.x"]),
            ("name.x=5", ["name.x"]),
            ("data.dataset.kind=digits", ["data.dataset.kind"]),
            ("hidden={int=[1,5]}", ["network.hidden is ", "must be a list; write it in square brackets"]),
            ("learning_rate={normal=[0,1]}", ["no distribution 'normal'", "choose from choice, int, log_uniform"]),
            ("record_batches=1", ["training.record_batches", "must be true or false"]),
            ("name=😀", ["name is '😀'", "A to Z"]),
            ("training[0]=5", ["training[0]"]),
            ("[0]=5", ["[0]"]),
            (".=5", ["."]),
            ("..=5", [".."]),
            ("training.=5", ["training."]),
            (".epochs=5", [".epochs"]),
            ("training..epochs=5", ["training..epochs"]),
            ("network.hidden[0]x=5", ["network.hidden[0]x"]),
            ("kind=relu", ["kind", "network.activation.kind", "training.optimizer.kind"]),
            ("int=[1,2]", ["int", "network.hidden[0].int", "training.batch_size.int"]),
            ("trainin.epochs=5", ["trainin", "did you mean 'training'?"]),
            ("training.epoch=5", ["epoch", "did you mean 'epochs'?"]),
            ("epochs=0", ["training.epochs", "0", "1"]),
            ("epochs='5'", ["training.epochs", "'5'", "integer"]),
            ("epochs=five", ["training.epochs", "'five'", "integer"]),
            ("epochs=nan", ["training.epochs", "nan", "integer"]),
            ("activation=rellu", ["network.activation", "'rellu'", "did you mean 'relu'?"]),
            ("alpha={uniform=[0,2]}", ["network.activation.alpha", "1"]),
            ("batch_size={int=[64,16]}", ["training.batch_size", "backwards"]),
            ("trials=0", ["trials", "0", "1"]),
            ("seed=-1", ["seed", "-1", "0"]),
            ("name=a/b", ["name", "a/b"]),
            ("data=5", ["data", "5", "table"]),
            ("epochs=5\nname='x'", ["epochs"]),
            ("epochs=5\n[x]", ["epochs"]),
        ],
        ids=lambda value: value[:24] if isinstance(value, str) else None,
    )
    def test_a_mistake_is_answered(self, override, parts):
        message = refusal(toy(), override)
        for part in parts:
            assert part in message

    def test_an_unknown_short_name_is_not_answered_with_a_wrong_path(self):
        assert "training.hidden" not in refusal(toy(), "hidden[2]=5")


class TestOwnTrainers:
    @pytest.mark.parametrize(
        ("override", "path", "value"),
        [
            ("learning_rate=0.5", ("parameters", "learning_rate"), 0.5),
            ("parameters.model.layers[0]=2", ("parameters", "model", "layers"), [2, 8]),
            ("fixed=false", ("parameters", "fixed"), False),
            ("parameters.more=1", ("parameters", "more"), 1),
            ("trainer=other:fit", ("trainer", "function"), "other:fit"),
            ("data={dataset='digits'}", ("data", "dataset"), "digits"),
        ],
    )
    def test_a_value_is_replaced_for_all_trials(self, override, path, value):
        for trial in parse(own(), "own.toml", [override]).trials():
            here = trial.configuration
            for step in path:
                here = here[step]
            assert here == value

    def test_epochs_are_those_at_the_top(self):
        assert [trial.planned_epochs for trial in parse(own(), "own.toml", ["epochs=3"]).trials()] == [3] * 4

    def test_the_objective_is_given_by_its_path(self):
        changes = ["objective.metric=mae", "objective.epoch=last"]
        objective = parse(own(), "own.toml", changes).objective
        assert (objective.metric, objective.direction, objective.epoch) == ("mae", "min", "last")


class TestWithoutQuotes:
    @pytest.mark.parametrize(
        ("override", "path", "value"),
        [
            ("l2=0.1", ("training", "l2"), 0.1),
            ("keep_weights=best", ("training", "keep_weights"), "best"),
            ("learning_rate=.05", ("training", "optimizer", "learning_rate"), 0.05),
            ("optimizer.learning_rate=5.", ("training", "optimizer", "learning_rate"), 5.0),
            ("record_batches=true", ("training", "record_batches"), True),
        ],
    )
    def test_a_key_may_be_absent_and_a_value_as_people_write_it(self, override, path, value):
        for trial in parse(toy(), "toy.toml", [override]).trials():
            here = trial.configuration
            for step in path:
                here = here[step]
            assert here == value
            assert type(here) is type(value)

    @pytest.mark.parametrize("text", ["hello world", "日本語", "./x.csv", "12th", "😀"])
    def test_text_needs_no_quotes(self, text):
        assert parse(toy(), "toy.toml", [f"description={text}"]).header.description == text

    def test_an_error_names_no_column_and_nothing_within_a_distribution(self):
        assert "column" not in refusal(toy(), "epochs=[")
        message = refusal(toy(), "l22222=1")
        assert "l2" in message
        assert not re.search(r"\[\d\]|log_uniform", message)


@pytest.mark.parametrize(
    ("override", "key", "instead"),
    [
        ("epochs=2", "epochs", "training.iterations=10000"),
        ("training.batches_per_epoch=2", "batches_per_epoch", "training.batch_size=50"),
    ],
)
def test_a_second_one_of_two_alternatives_is_that_of_the_override(override, key, instead):
    table = {"training": {"iterations": 10000, "batch_size": 50}}
    with pytest.raises(UsageError) as caught:
        override_table(table, SECTIONS, override, KEYS, lambda: [f"training.{key}"])
    assert f"training.{key}: the file gives {instead.partition('=')[0]}" in str(caught.value)
    assert str(caught.value).endswith(f'overrides=["{instead}"]')
