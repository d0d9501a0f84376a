"""Frames: the same from every database, and ranked as the leaderboard ranks."""

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweep.metrics import NATIVE_METRICS, Objective
from sweep.records import Divergence, Seeds, Trial
from sweep.results.leaderboard import best, worst
from sweep.store.frames import Selection
from tests.store.store_setup import AWKWARD_NUMBERS, AWKWARD_TEXTS, RECORD, add, epoch, fill, finished, row_of, trial

SWEEPS_TYPES = {
    "sweep": "str",
    "trials": "int64",
    "completed": "int64",
    "queued": "int64",
    "metric": "str",
    "best": "float64",
    "status": "str",
    "tags": "str",
    "notes": "int64",
}


class TestFrames:
    def test_ranking_by_another_metric_finds_its_first_best_epoch(self, store):
        sweep_id = add(store, 2)
        epochs = [epoch(0, 0.5, 0.9), epoch(1, 0.9, 0.5), epoch(2, 0.9, 0.2), epoch(3, 0.7, 0.2)]
        finished(store, sweep_id, 0, epochs)

        by_accuracy = store.trials(sweep_id).loc[0]
        by_loss = store.trials(sweep_id, Objective().by("test_loss")).loc[0]

        assert (by_accuracy["test_accuracy"], by_accuracy["epoch"], by_accuracy["test_loss"]) == (0.9, 1, 0.5)
        assert (by_loss["test_loss"], by_loss["epoch"], by_loss["test_accuracy"]) == (0.2, 2, 0.9)
        untouched = store.trials(sweep_id, Objective().by("train_accuracy")).loc[1]
        assert (untouched["status"], pd.isna(untouched["epoch"])) == ("queued", True)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        values=st.lists(
            st.one_of(
                st.floats(allow_nan=False, allow_infinity=False),
                st.integers(-(2**53), 2**53),
                st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
                st.booleans(),
            ),
            min_size=1,
            max_size=3,
        )
    )
    def test_drawn_values_come_back_bit_for_bit(self, store, values):
        name = f"s{len(store.sweeps())}"
        drawn = [Trial(i, {"p": value}, {"training": {"p": value}}, Seeds(0, 1, 2)) for i, value in enumerate(values)]
        sweep_id = store.add_sweep(replace(RECORD, name=name), drawn)
        frame = store.trials(sweep_id)

        for value, found in zip(values, frame["p"].tolist(), strict=True):
            if isinstance(value, str):
                assert found == value
            else:
                assert float(found).hex() == (float(value) + 0.0).hex()  # a zero has no sign in a table
        for i, value in enumerate(values):
            claim = store.claim(sweep_id, i, "me:1")
            assert type(claim.configuration["training"]["p"]) is type(value)
            assert repr(claim.configuration["training"]["p"]) == repr(value)

    def test_columns_have_the_type_of_their_parameter(self, store):
        drawn = [
            trial(0, width=10, lr=0.5, kind="relu", flag=True),
            trial(1, width=20, lr=0.25, kind="tanh", flag=False, alpha=0.1),
        ]
        frame = store.trials(store.add_sweep(RECORD, drawn))
        assert [str(frame[c].dtype) for c in ("width", "lr", "flag", "alpha")] == [
            "Int64",
            "float64",
            "boolean",
            "float64",
        ]
        assert frame["width"].tolist() == [10, 20]
        assert frame["kind"].tolist() == ["relu", "tanh"]
        assert pd.isna(frame.loc[0, "alpha"])

    def test_parameters_stand_in_the_order_of_their_names(self, store):
        drawn = [
            Trial(i, {"z": 1, "training.epochs": 5, "B": 2, "a": 3}, {"training": {}}, Seeds(0, 1, 2)) for i in (0, 1)
        ]
        sweep_id = store.add_sweep(RECORD, drawn)
        finished(store, sweep_id, 0, [epoch(0)])
        store.extend(sweep_id, [0], 9)
        frame = store.trials(sweep_id)
        assert frame.columns[-4:].tolist() == ["B", "a", "training.epochs", "z"]
        assert frame["training.epochs"].tolist() == [9, 5]

    def test_frames_are_the_same_from_every_database(self, store):
        sweep_id = fill(store)
        text, whole, real = "str", "Int64", "float64"
        number = dict.fromkeys(["trial", "epoch"], "int64")
        best = {"test_accuracy": real, "epoch": whole, "test_loss": real}
        end = {"epochs": whole, "seconds": real, "diverged_epoch": whole, "diverged_step": whole}
        end |= dict.fromkeys(["diverged_place", "diverged_kind", "error"], text) | {"ranked_epochs": whole}
        drawn = {"flag": "boolean", "mixed": "object", "number": real, "text": "object", "whole": whole}
        head = {"trial": "int64", "status": text, "attempt": "int64"}
        metrics = dict.fromkeys(["test_accuracy", "test_loss", "train_accuracy", "train_loss"], real)
        for frame, types in (
            (store.trials(sweep_id), head | best | end | drawn),
            (store.trials(sweep_id, Objective().by("test_loss")), head | metrics | {"epoch": whole} | end | drawn),
            (store.epochs(sweep_id), number | metrics | {"seconds": real}),
            (store.batches(sweep_id), number | {"step": "int64", "loss": real}),
            (store.sweeps().drop(columns="created"), SWEEPS_TYPES),
        ):
            assert frame.dtypes.astype(str).to_dict() == types
        frame = store.trials(sweep_id)
        assert [value.hex() for value in frame["number"]] == [(value + 0.0).hex() for value in AWKWARD_NUMBERS]
        assert frame["text"].tolist() == AWKWARD_TEXTS
        assert frame["whole"].tolist() == [2**53, -(2**53), *[pd.NA] * (len(frame) - 2)]
        assert frame["flag"].tolist() == [True, False, *[pd.NA] * (len(frame) - 2)]
        assert frame["mixed"].tolist() == ["relu", 0.1, *[np.nan] * (len(frame) - 2)]
        assert frame["epoch"].isna().tolist() == [False, *[True] * (len(frame) - 1)]
        epochs = store.epochs(sweep_id)
        assert [value.hex() for value in epochs["test_loss"]] == [(value + 0.0).hex() for value in AWKWARD_NUMBERS]
        assert [value.hex() for value in store.batches(sweep_id)["loss"]] == ["0x0.0p+0", (5e-324).hex()]
        assert row_of(store, sweep_id, 0)["tie_value"].hex() == "0x0.0p+0"

    def test_a_trial_without_an_epoch_ranks_last(self, store):
        sweep_id = add(store, 4)
        for number, epochs in enumerate([[], [epoch(0, 0.1, 9.0)], [], [epoch(0, 0.2, 9.0)]]):
            finished(store, sweep_id, number, epochs)
        with store.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT trial FROM leaderboard ORDER BY rank").scalars().all()
        assert rows == [3, 1, 0, 2]
        for metric, order in (("test_accuracy", [3, 1, 0, 2]), ("train_loss", [1, 3, 0, 2])):
            assert (
                best(store.trials(sweep_id, Objective().by(metric)), [], Objective().by(metric))["trial"].tolist()
                == order
            )
        assert worst(store.trials(sweep_id), [], Objective())["trial"].tolist() == [1, 3, 0, 2]

    @pytest.mark.parametrize("metric", NATIVE_METRICS)
    def test_the_first_by_rank_are_those_of_ranking_all(self, store, metric):
        """Few values, so that there are ties of metric and loss; some trials have ended otherwise, or with nothing."""
        sweep_id, rng = add(store, 24), random.Random(5)
        for number in range(24):
            course = [epoch(i, rng.choice([0.25, 0.5]), rng.choice([1.0, 2.0])) for i in range(rng.randint(0, 3))]
            finished(store, sweep_id, number, course, rng.choice(["completed", "completed", "diverged"]))
        everything = store.trials(sweep_id, Objective().by(metric))
        for rank, best_first in ((best, True), (worst, False)):
            whole = rank(everything, [], Objective().by(metric), None)["trial"].tolist()
            assert 10 < len(whole) < 24
            for n in (1, 7, 100, None):
                part = store.trials(sweep_id, Objective().by(metric), Selection("ranked", n, best_first))
                assert part["trial"].tolist() == whole[:n]
                same = everything.set_index("trial").loc[part["trial"]].reset_index()
                pd.testing.assert_frame_equal(part, same[part.columns], check_dtype=False)
        diverged = store.trials(sweep_id, Objective().by(metric), Selection("diverged"))
        assert set(diverged["trial"]) == set(everything.loc[everything["status"] == "diverged", "trial"])
        assert diverged["lr"].notna().all()

    def test_the_leaderboard_view_ranks_as_we_do(self, store):
        sweep_id = add(store, 5)
        for number, (accuracy, loss) in enumerate([(0.8, 0.5), (0.9, 0.5), (0.9, 0.4), (0.9, 0.4)]):
            finished(store, sweep_id, number, [epoch(0, accuracy, loss)])
        finished(store, sweep_id, 4, [epoch(0, 1.0)], "diverged", divergence=Divergence(1, 1, "loss", "invalid"))
        with store.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT rank, trial FROM leaderboard ORDER BY rank").all()
        assert [tuple(row) for row in rows] == [(1, 2), (2, 3), (3, 1), (4, 0)]
