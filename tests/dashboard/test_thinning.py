"""Tests of which curves are shown of many, and of the note that says so."""

import pytest
from optuna_dashboard._note import get_note_from_system_attrs

from sweep.dashboard.notes import note_attributes, note_of
from sweep.dashboard.thinning import remark, shown_curves, spacing
from sweep.store.histories import Stamp
from tests.store.store_setup import RECORD


@pytest.mark.parametrize(("trials", "every"), [(1, 1), (200, 1), (201, 2), (1_000, 5), (5_000, 25), (5_001, 26)])
def test_about_two_hundred_curves_are_shown(trials, every):
    assert spacing(trials) == every
    stamps = [Stamp(number + 7, number, "completed", 1, 9) for number in range(trials)]
    shown = shown_curves(stamps, trials)
    assert shown == set(range(7, trials + 7, every))
    assert len(shown) <= 200


def test_those_that_are_trained_are_always_shown():
    stamps = [Stamp(number, number, "running" if number == 3 else "completed", 1, 9) for number in range(10)]
    assert shown_curves(stamps, 1_000) == {0, 3, 5}


def test_what_is_left_out_is_said():
    assert remark(200) == ""
    assert "1,000 trials the curves of 200 are shown, those of every 5th" in remark(1_000)
    assert "takes long" in remark(5_000)


def test_the_dashboard_reads_a_long_note_back():
    text = "x = '''\n```\n" + "é" * 5_000 + "\n'''"
    note = note_of(
        RECORD.__class__(**{**{name: getattr(RECORD, name) for name in RECORD.__slots__}, "experiment": text})
    )
    found = get_note_from_system_attrs(note_attributes(note), None)
    assert found["body"] == note
    assert f"````toml\n{text}\n````" in note
