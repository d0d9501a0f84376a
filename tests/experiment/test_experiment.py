"""Experiments: the trials that are drawn, and the fingerprint of what decides them."""

import re

import pytest

from sweep.experiment.experiment import FORMAT
from sweep.experiment.file import experiment_of, parse
from sweep.records import SweepRecord
from tests.experiment.toys import CONDITIONAL, TOY, drawn, own, refusal, text_of, toy


class TestDrawing:
    def test_there_are_as_many_trials_as_the_file_says(self):
        trials = parse(toy(trials=17), "toy.toml").trials()
        assert [trial.number for trial in trials] == [*range(17)]

    def test_a_longer_sweep_begins_with_the_shorter_one(self):
        assert parse(toy(trials=9), "a").trials()[:4] == parse(toy(trials=4), "b").trials()

    def test_the_configuration_holds_what_was_drawn_and_what_was_fixed(self):
        for trial in parse(toy(trials=20), "toy.toml").trials():
            values, configuration = trial.parameters, trial.configuration
            assert configuration["network"]["hidden"] == [values["network.hidden[0]"], 8]
            assert configuration["network"]["activation"] == {
                "kind": "leaky_relu",
                "alpha": values["network.activation.alpha"],
            }
            assert configuration["training"]["epochs"] == 2
            assert configuration["training"]["optimizer"]["kind"] == "sgd"
            assert configuration["data"] == {"dataset": "digits", "normalization": "min_max"}

    def test_values_lie_in_their_ranges_and_are_python_s_own(self):
        for values in drawn(toy(trials=50)):
            assert 4 <= values["network.hidden[0]"] <= 9
            assert values["training.batch_size"] in range(10, 91, 10)
            assert 0.0 <= values["network.activation.alpha"] <= 0.4
            assert 0.01 <= values["training.optimizer.learning_rate"] <= 2.0
            assert [type(value) for value in values.values()] == [int, float, int, float]

    def test_a_condition_draws_only_what_it_needs(self):
        for trial in parse(text_of({**CONDITIONAL, "trials": 40}), "x").trials():
            alpha = "network.activation.alpha" in trial.parameters
            assert alpha == (trial.configuration["network"]["activation"] != "relu")
            hidden = trial.configuration["network"]["hidden"]
            assert ("network.hidden[1]" in trial.parameters) == (len(hidden) == 2)

    def test_a_parameter_is_short_unless_a_column_has_its_name(self):
        text = toy(training__epochs={"int": [1, 3]})
        names = {parameter.name: parameter.short_name for parameter in parse(text, "toy.toml").parameters}
        assert names["training.epochs"] == "training.epochs"
        assert names["training.optimizer.learning_rate"] == "learning_rate"
        assert names["network.hidden[0]"] == "hidden[0]"

    def test_an_experiment_without_distributions_draws_the_same_each_time(self):
        text = toy(
            network__hidden=[5],
            network__activation="relu",
            training__batch_size=10,
            training__optimizer="sgd",
        )
        first, second, third = parse(text, "toy.toml").trials()
        assert first.parameters == {}
        assert first.configuration == second.configuration == third.configuration
        assert len({first.seeds, second.seeds, third.seeds}) == 3


class TestFingerprint:
    @pytest.mark.parametrize(
        "text",
        [
            toy(name="other"),
            toy(description="other"),
            toy(trials=50),
            "# a comment\n" + toy(),
            toy(sampler="random"),
            text_of(dict(reversed(TOY.items()))),
            text_of({**TOY, "training": dict(reversed(TOY["training"].items()))}),
        ],
        ids=["name", "description", "trials", "comment", "default", "order of sections", "order of keys"],
    )
    def test_what_does_not_decide_the_draws_leaves_it_alone(self, text):
        ours, theirs = parse(text, "x"), parse(toy(), "toy.toml")
        assert ours.fingerprint == theirs.fingerprint
        assert ours.trials()[:3] == theirs.trials()

    @pytest.mark.parametrize(
        "changes",
        [
            {"seed": 8},
            {"data__dataset": "mnist"},
            {"data__normalization": "z_score"},
            {"network__hidden": [8, {"int": [4, 9]}]},
            {"network__hidden__0": {"int": [4, 10]}},
            {"network__hidden__0": {"int": [4, 8], "step": 2}},
            {"network__hidden__1": 7},
            {"network__activation": "relu"},
            {"network__activation__alpha": {"uniform": [0.0, 0.41]}},
            {"network__activation__alpha": {"log_uniform": [0.01, 0.4]}},
            {"network__weights": "he_uniform"},
            {"training__epochs": 3},
            {"training__optimizer__learning_rate": {"log_uniform": [0.01, 2.5]}},
            {"training__loss": "mean_squared_error"},
            {"training__dtype": "float64"},
        ],
        ids="".join,
    )
    def test_anything_decisive_changes_it(self, changes):
        assert parse(toy(**changes), "x").fingerprint != parse(toy(), "x").fingerprint

    def test_the_order_of_options_decides(self):
        one, two = (toy(network__hidden=[{"choice": options}]) for options in ([3, 4], [4, 3]))
        assert parse(one, "x").fingerprint != parse(two, "x").fingerprint

    def test_it_is_a_sha256_and_the_same_in_every_process(self):
        assert re.fullmatch("[0-9a-f]{64}", parse(toy(), "x").fingerprint)
        assert parse(toy(), "x").fingerprint == parse(toy(), "y").fingerprint


class TestRepeats:
    @pytest.mark.parametrize("text", [toy(), own()], ids=["ours", "own"])
    def test_each_configuration_is_trained_so_often_with_seeds_of_its_own(self, text):
        once = parse(text, "x").trials()
        trials = parse(text, "x", ["repeats=3"]).trials()
        assert [trial.number for trial in trials] == [*range(3 * len(once))]
        assert [trial.repeat for trial in trials] == [0, 1, 2] * len(once)
        for trial in trials:
            point = once[trial.number // 3]
            assert trial.parameters == point.parameters
            assert trial.configuration == point.configuration
            assert trial.planned_epochs == point.planned_epochs
            assert (trial.seeds == point.seeds) == (trial.repeat == 0)
        assert len({trial.seeds for trial in trials}) == len(trials)

    def test_once_changes_nothing(self):
        plain, once = parse(toy(), "x"), parse(toy(repeats=1), "x")
        assert once.trials() == plain.trials()
        assert once.fingerprint == plain.fingerprint
        assert (plain.repeats, parse(toy(repeats=2), "x").repeats) == (1, 2)
        assert parse(toy(repeats=2), "x").fingerprint != plain.fingerprint

    def test_trainings_share_nothing_that_can_be_changed(self):
        first, second = parse(toy(repeats=2), "x").trials()[:2]
        second.configuration["network"]["hidden"].clear()
        second.parameters.clear()
        assert first.configuration["network"]["hidden"]
        assert first.parameters

    @pytest.mark.parametrize("repeats", [0, -1, 2.0, True, "2", {"int": [1, 2]}])
    def test_it_is_an_integer_of_at_least_1(self, repeats):
        assert refusal(toy(repeats=repeats)).startswith("toy.toml: repeats is ")

    def test_there_is_a_most_of_all_trainings(self):
        assert refusal(toy(trials=10**6, repeats=2)) == (
            "toy.toml: trials = 1000000 with repeats = 2 makes 2000000 trainings, which are all drawn and held in "
            "memory before the first is trained; make it at most 1000000, and more in further sweeps with other seeds"
        )


class TestFormat:
    @pytest.mark.parametrize("text", [toy, own], ids=["ours", "own"])
    def test_a_table_is_normalized_over_each_feature_from_the_second_format_on(self, text):
        table = {"dataset": {"kind": "csv", "file": "a.csv", "label": "y"}, "normalization": "z_score"}
        released, current = parse(text(data=table), "x", file_format=1), parse(text(data=table), "x")
        assert (released.format, current.format) == (1, FORMAT)
        assert released.trials()[0].configuration["data"] == table
        resolved = {**table, "normalization": {"kind": "z_score", "over": "feature"}}
        assert current.trials()[0].configuration["data"] == resolved
        assert current.fingerprint == released.fingerprint

    @pytest.mark.parametrize(("stated", "kept"), [(None, "best"), ("none", "none"), ("last", "last")])
    def test_from_the_fourth_format_on_the_best_weights_are_kept_unless_the_file_says_otherwise(self, stated, kept):
        text = toy() if stated is None else toy(training__keep_weights=stated)
        before, current = parse(text, "x", file_format=3), parse(text, "x")
        assert {trial.configuration["training"].get("keep_weights") for trial in before.trials()} == {stated}
        assert {trial.configuration["training"]["keep_weights"] for trial in current.trials()} == {kept}
        assert current.fingerprint == before.fingerprint
        assert [trial.parameters for trial in current.trials()] == [trial.parameters for trial in before.trials()]

    def test_a_stored_sweep_has_the_format_that_it_was_begun_in(self):
        record = SweepRecord("toy", "", 7, 2, toy(), [], "", [], None, None, {}, format=1)
        assert experiment_of(record).format == 1
        assert experiment_of(record).trials() == parse(toy(), "toy", file_format=1).trials()
