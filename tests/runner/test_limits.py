"""Configurations outside of limits: drawn again, refused where they are listed, and pruned where they are slow."""

import tomllib

import pytest

import sweep
from sweep.errors import SweepError
from sweep.experiment.file import parse
from sweep.runner import limits as limiting
from tests.engine_here import training_here
from tests.runner.test_draws import Listening

FILE = """
name = "limited"
trials = 6
[data]
dataset = "digits"
[network]
hidden = [{ int = [5, 40] }]
[training]
epochs = 2
batch_size = 500
optimizer = { kind = "sgd", learning_rate = { uniform = [0.01, 0.1] } }
[limits]
parameters = 1_000
"""
WIDEST = 13
"""10 + 75·13 = 985 parameters."""


@pytest.fixture
def ran(here):
    """A function that trains the small experiment, and returns its results and what the observer was told."""

    def run(*overrides, **given):
        observer = Listening()
        with training_here():
            return sweep.run(parsed(FILE), overrides=overrides, observer=observer, **given), observer.notes

    return run


def parsed(text):
    return tomllib.loads(text)


def test_only_what_is_outside_is_drawn_again_and_that_is_told(ran):
    results, notes = ran()
    trials = results.trials()
    plain = [trial.parameters["network.hidden[0]"] for trial in parse(FILE, "x").trials()]
    within = [width <= WIDEST for width in plain]
    assert any(within)
    assert not all(within)
    assert trials["hidden[0]"].max() <= WIDEST
    assert trials["hidden[0]"][within].tolist() == [w for w, is_in in zip(plain, within, strict=True) if is_in]
    records = [results.trial(number) for number in range(6)]
    assert [record.redraws == 0 for record in records] == within
    assert [record.network_parameters for record in records] == [10 + 75 * w for w in trials["hidden[0]"]]
    assert [record.multiplications for record in records] == [74 * w for w in trials["hidden[0]"]]
    [note] = [note for note in notes if "again" in note]
    assert note.startswith(f"drew {within.count(False)} of 6 configurations again")


def test_the_repeats_of_a_configuration_are_of_the_same_draw(ran):
    trials = ran(repeats=2)[0].trials()
    assert trials["hidden[0]"][::2].tolist() == trials["hidden[0]"][1::2].tolist()
    assert trials["hidden[0]"].tolist()[::2] == ran(name="single")[0].trials()["hidden[0]"].tolist()


def test_memory_is_a_limit_too(ran):
    # 4 bytes of 2·(10 + 75·w) numbers, and of 500 samples with 2·(64 + 2·w + 10) numbers each.
    results, _ = ran("limits={megabytes=0.4}")
    assert results.trials()["hidden[0]"].max() <= 12


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ("{parameters=300}", "none of 21 draws is within limits.parameters = 300: the smallest has 460 network"),
        ("{megabytes=0.1}", "none of 21 draws is within limits.megabytes = 0.1: the smallest has 0.3477 megabytes"),
        ("{parameters=900,megabytes=0.1}", "limits.megabytes = 0.1: the smallest"),
    ],
)
def test_limits_that_no_draw_meets_are_refused(ran, monkeypatch, limits, sentence):
    monkeypatch.setattr(limiting, "MOST_REDRAWS", 20)
    with pytest.raises(SweepError) as caught:
        ran(f"limits={limits}")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("trial 0: none of 21 draws")


def test_a_listed_configuration_outside_is_refused(ran, tmp_path):
    (tmp_path / "rows.csv").write_text("hidden[0],learning_rate\n5,0.1\n20,0.1\n")
    with pytest.raises(SweepError) as caught:
        ran(f"sampler={{kind='table',file='{tmp_path}/rows.csv'}}", "trials=2")
    assert str(caught.value) == (
        "trial 1 has 1,510 network parameters, more than limits.parameters = 1000; a listed configuration is not "
        "replaced by a draw, so leave it out, or raise the limit"
    )


def test_a_slow_trial_is_pruned_after_its_first_epoch(ran):
    results, _ = ran("limits={seconds_per_epoch=1e-9}", "epochs=5")
    trials = results.trials()
    assert trials["status"].eq("pruned").all()
    assert trials["epochs"].eq(1).all()
    assert results.trial(0).error.startswith("stopped after epoch 1 by the limit 'seconds_per_epoch': the first epoch")
    assert ran("limits={seconds_per_epoch=1e9}", name="patient")[0].trials()["status"].eq("completed").all()
