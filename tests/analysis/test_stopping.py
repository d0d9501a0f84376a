"""Tables on stopping rules, beside figures worked by hand."""

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from sweep.analysis.stopping import RULES, audit, rank_agreement, recordings, replay
from sweep.metrics import Objective
from sweep.stopping.halving import Halving

ACCURACY = Objective("test_accuracy", "max")
LOSS = Objective("loss", "min", tie_break=None)
CURVES = {0: [0.4, 0.4, 0.0, 0.4], 1: [0.3, 0.5, 0.5, 0.95], 2: [0.9, 0.9, 0.9, 0.9], 3: [0.1, 0.6, 0.6, 0.6]}
FIRST = {"halving": Halving(first=1)}


def frames(curves=CURVES, planned=4, **status):
    """The two frames; epoch 0 is there, too, and the rows are in another order."""
    rows = [(trial, at, value) for trial, each in curves.items() for at, value in enumerate([0.05, *each])]
    epochs = pd.DataFrame(rows[::-1], columns=["trial", "epoch", "value"])
    statuses = [status.get(f"trial_{trial}", "completed") for trial in curves]
    trials = pd.DataFrame({"trial": list(curves), "status": statuses, "planned": planned})
    return epochs, trials[::-1]


def test_recordings_leave_the_untrained_network_out_but_for_its_loss():
    epochs, trials = frames(trial_1="diverged", trial_3="pruned")
    found = recordings(epochs, trials)
    assert [(each.trial, each.values, each.planned) for each in found] == [(n, v, 4) for n, v in CURVES.items()]
    assert [each.ending for each in found] == ["completed", "lost", "completed", "unknown"]
    assert recordings(epochs.assign(loss=1.0), trials)[0].losses == [1.0] * 5


def test_the_table_tells_what_a_rule_uses_and_loses():
    """Epochs 2, 1, 4 and 1 of 16, as in the replay by hand; the best, 0.95, is stopped, and 0.9 is kept."""
    (row,) = replay(*frames(), ACCURACY, FIRST).to_dict("records")
    loss = row.pop("loss")
    assert row == {"rule": "halving", "epochs": 8, "share": 0.5, "saved": 0.5, "kept": False, "unknown": 0}
    assert loss == pytest.approx(0.05)


def test_where_less_is_better_the_loss_is_positive_too():
    """Trials 3 and 1 are the lower ones after epoch 1, and trial 3 goes on to its end with 0.1; the best has 0."""
    (row,) = replay(*frames(), LOSS, FIRST).to_dict("records")
    assert (row["loss"], row["kept"]) == (pytest.approx(0.1), False)


def test_a_rule_that_keeps_the_best_loses_nothing():
    (row,) = replay(*frames(), ACCURACY, {"patient": Halving(first=4)}).to_dict("records")
    assert (row["share"], row["saved"], row["loss"], row["kept"]) == (1, 0, 0, True)


def test_the_usual_rules_are_replayed_in_their_order():
    assert list(replay(*frames(), ACCURACY)["rule"]) == list(RULES)


def test_of_a_sweep_that_was_stopped_the_table_tells_how_many_trials_it_cannot_judge():
    """Trials 1 and 3 were stopped after epoch 1; a rule with its first rung at 2 would have trained them on."""
    curves = {trial: values if trial in (0, 2) else values[:1] for trial, values in CURVES.items()}
    epochs, trials = frames(curves, trial_1="pruned", trial_3="pruned")
    same, later = replay(epochs, trials, ACCURACY, FIRST | {"later": Halving(first=2)}).to_dict("records")
    assert (same["unknown"], same["epochs"], same["share"]) == (0, 8, 8 / 16), "without rules: 16 epochs at most"
    assert later["unknown"] == 2
    assert same["kept"] and later["kept"], "of what is known"


def test_no_trial_that_is_trained_to_its_end_is_no_loss_of_zero():
    (row,) = replay(
        *frames(trial_0="diverged", trial_1="failed", trial_2="diverged", trial_3="diverged"), ACCURACY, FIRST
    ).to_dict("records")
    assert math.isnan(row["loss"]) and not row["kept"]


def test_ranks_are_compared_with_those_at_the_end():
    """The best so far: 0.4, 0.3, 0.9, 0.1 at epoch 1; 0.4, 0.5, 0.9, 0.6 at epoch 2; 0.4, 0.95, 0.9, 0.6 at the end."""
    found = rank_agreement(*frames(), ACCURACY, rungs=[1, 2, 4])
    assert list(found["spearman"][:2]) == [
        pytest.approx(1 - 6 * (4 + 4 + 1 + 1) / 60),
        pytest.approx(1 - 6 * (4 + 1 + 1) / 60),
    ]
    assert math.isnan(found["spearman"][2]) and list(found["trials"]) == [4, 4, 0]


def test_only_trials_that_were_trained_to_their_end_have_a_rank_there():
    found = rank_agreement(*frames(trial_1="diverged", trial_3="pruned"), ACCURACY, rungs=[1])
    assert list(found["trials"]) == [2]


def test_the_audit_tells_how_many_stopped_trials_would_have_been_better():
    epochs, trials = frames(
        {**CURVES, 4: [0.1], 5: [0.1], 6: [0.1, 0.2]}, trial_4="pruned", trial_5="pruned", trial_6="diverged"
    )
    (row,) = audit(epochs, trials, [1, 3, 6], ACCURACY).to_dict("records")
    interval = binomtest(1, 3).proportion_ci(0.9, "exact")
    assert (row["stopped"], row["audited"], row["better"]) == (5, 3, 1)
    assert (row["low"], row["high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert row["loss"] == pytest.approx(0.05), "0.95 of trial 1 beside 0.9 of trial 2, which went on"


def test_without_an_audit_nothing_is_known():
    (row,) = audit(*frames(), [], ACCURACY).to_dict("records")
    assert (row["audited"], row["low"], row["high"], row["loss"]) == (0, 0, 1, 0)


LCBENCH = Path(os.environ.get("SWEEP_DATA", "../shared/data")) / "learning-curves" / "lcbench.npz"


@pytest.mark.skipif(not LCBENCH.is_file(), reason="needs the learning curves of LCBench")
def test_on_real_curves_halving_uses_a_fifth_of_the_epochs_and_loses_next_to_nothing():
    rows = []
    with np.load(LCBENCH) as arrays:
        for name in (name for name in arrays.files if name.startswith("task_")):
            for search in np.split(arrays[name].astype(float), 4):
                epochs, trials = frames(dict(enumerate(search.tolist())), planned=50)
                rows.append(replay(epochs, trials, ACCURACY, {"halving": Halving()}))
    found = pd.concat(rows)
    assert found["share"].mean() <= 0.2 and found["loss"].mean() <= 0.002 and found["kept"].mean() >= 0.85
