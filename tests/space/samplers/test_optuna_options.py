"""Optuna's samplers in experiment files: their options, and what is missing to draw from them."""

import sys

import optuna
import pytest

from sweep.errors import ExperimentError
from sweep.experiment.file import parse
from sweep.space.samplers.optuna import Tpe

TEXT = """
name = "toy"
trials = 3
seed = {seed}
sampler = {sampler}
trainer = "mine:train"
epochs = 2
parameters = {{ x = {{ int = [0, 100] }} }}
objective = {{ metric = "rmse", direction = "min" }}
"""


def experiment(sampler, seed=0):
    return parse(TEXT.format(sampler=sampler, seed=seed), "toy.toml")


def test_a_file_gives_a_sampler_its_options():
    assert experiment('"optuna:tpe"').sampler == Tpe()
    given = experiment('{ kind = "optuna:tpe", n_startup_trials = 20, multivariate = true }')
    assert given.sampler == Tpe(n_startup_trials=20, multivariate=True)
    assert [trial.number for trial in given.trials()] == [0]


@pytest.mark.parametrize(
    ("sampler", "sentence"),
    [
        ('"optuna:tp"', "sampler is of the unknown kind 'optuna:tp'; did you mean 'optuna:tpe'?"),
        ('{ kind = "optuna:tpe", n_startup = 2 }', "sampler has no key 'n_startup'; did you mean 'n_startup_trials'?"),
        ('{ kind = "optuna:gp", popsize = 2 }', "sampler has no key 'popsize'"),
        ('{ kind = "optuna:tpe", n_ei_candidates = 0 }', "sampler.n_ei_candidates is 0"),
        ('{ kind = "optuna:tpe", group = true, multivariate = false }', "leave out multivariate = false"),
        ('{ kind = "optuna:cmaes", use_separable_cma = true, with_margin = true }', "exclude each other"),
    ],
)
def test_options_are_checked(sampler, sentence):
    with pytest.raises(ExperimentError) as caught:
        experiment(sampler)
    assert str(caught.value).startswith("toy.toml: ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("sampler", "module", "sentence"),
    [
        ("optuna:tpe", "optuna", "needs optuna, so install it with pip install 'sweep-lab[optuna]'"),
        ("optuna:cmaes", "cmaes", "needs cmaes, so install it with pip install 'sweep-lab[optuna]'"),
        ("optuna:gp", "torch", "needs torch, so install it with pip install torch"),
    ],
)
def test_a_missing_package_is_named_but_the_file_can_be_read(monkeypatch, sampler, module, sentence):
    monkeypatch.setitem(sys.modules, module, None)
    read = experiment(f'"{sampler}"')
    with pytest.raises(ExperimentError) as caught:
        read.trials()
    assert str(caught.value) == f"the sampler '{sampler}' {sentence}"


def test_an_older_optuna_is_refused(monkeypatch):
    monkeypatch.setattr(optuna, "__version__", "4.9.0")
    with pytest.raises(ExperimentError, match=r"needs Optuna 5, but 4\.9\.0 is installed"):
        experiment('"optuna:tpe"').trials()


def test_a_seed_that_optuna_does_not_take_is_refused():
    assert len(experiment('"optuna:tpe"', 2**32 - 1).trials()) == 1
    with pytest.raises(ExperimentError, match="seed is 4294967296, but Optuna takes none above 4294967295"):
        experiment('"optuna:tpe"', 2**32).trials()


def test_options_decide_the_fingerprint_and_spelling_does_not():
    texts = ('"optuna:tpe"', '{ kind = "optuna:tpe" }', '{ kind = "optuna:tpe", n_startup_trials = 10 }')
    assert len({experiment(text).fingerprint for text in texts}) == 1
    others = ('"optuna:gp"', '"random"', '{ kind = "optuna:tpe", n_startup_trials = 11 }')
    assert len({experiment(text).fingerprint for text in (texts[0], *others)}) == 4
