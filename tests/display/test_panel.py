"""What a terminal shows of a sweep: right at every width, and harmless whatever names it has."""

import itertools
from dataclasses import replace

import pytest
from rich.cells import cell_len

from sweep.display.panel import Room, panel
from sweep.display.words import rounded, sparkline, wrapped
from sweep.observer import summary
from sweep.records import Progress, Remaining, RunningTrial

CURVE = tuple(0.5 + 0.02 * epoch for epoch in range(20))
RUNNING = (RunningTrial(7, 20, 0.88, planned=50, curve=CURVE), RunningTrial(12, 1, 0.5, planned=50, curve=(0.5,)))
LEFT = Remaining(125.0, 120.0, 130.0)
COUNTS = {"completed": 9, "diverged": 2, "pruned": 3, "failed": 1, "running": 2, "queued": 23}


def progress(running=RUNNING, **changes):
    return Progress(COUNTS, 0.9777, running, 50, **{"name": "digits", "left": LEFT, **changes})


def shown(room, **changes):
    return [line.plain for line in panel(progress(**changes), 61.0, room)]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_every_line_fits(width):
    head, counts, *trials = panel(progress(), 61.0, Room(width))
    assert max(line.cell_len for line in (head, *trials)) <= width
    assert head.plain.startswith("digits ━")
    assert head.plain.endswith(" 38 %  1:01  about 2 min left")
    assert counts.plain == "15/40 trials · best 0.9777 · 2 diverged · 1 failed · 3 pruned"
    assert [line.plain.split()[:4] for line in trials] == [
        ["trial", "7", "20/50", "0.8800"],
        ["trial", "12", "1/50", "0.5000"],
    ]


def test_a_curve_is_so_long_as_its_part_of_the_epochs_and_rises_beside_the_best():
    line = shown(Room(80))[2]
    blocks = line.split()[-1]
    assert len(blocks) == 50
    assert blocks.rstrip("·") == blocks[:20]
    heights = ["▁▂▃▄▅▆▇█".index(block) for block in blocks[:20]]
    assert heights == sorted(heights)
    assert heights[0] == 0
    assert heights[-1] == 6  # the best of all is higher


def test_falling_losses_are_drawn_as_they_are_and_an_outlier_does_not_flatten_them():
    curve = (1e9, *(1.0 - 0.05 * epoch for epoch in range(10)))
    running = (RunningTrial(0, 11, 0.5, planned=11, curve=curve),)
    blocks = shown(Room(60), running=running, metric="test_loss", is_max=False)[2].split()[-1]
    assert blocks[0] == "█"
    assert len(set(blocks)) >= 5


def test_as_many_trials_as_there_is_room_for():
    running = tuple(RunningTrial(number, 0, None) for number in range(30))
    lines = shown(Room(80, 10), running=running)
    assert len(lines) == 10
    assert lines[-1] == "  and 23 more trials"
    assert len(shown(Room(80, 4))) == 4


def test_without_unicode_there_is_only_ascii():
    assert "".join(itertools.chain(*shown(Room(80, is_ascii=True)))).isascii()


def test_names_move_no_cursor_and_keep_to_their_room():
    running = (RunningTrial(3, 4, None, trouble="the database\x1b[2J\nis locked" * 9),)
    for name in ("\x1b[31m\r\nred", "数" * 200, "x" * 200):
        lines = panel(progress(running, name=name, metric="a\x1b[2Jb"), 0.0, Room(60))
        assert all(line.plain.isprintable() for line in lines)
        assert lines[0].cell_len <= 60
        assert lines[2].cell_len <= 60
    assert "waits: the database" in lines[2].plain


def test_a_time_that_is_not_known_within_20_percent_is_a_range_in_the_same_room():
    known, unknown = Remaining(7_000, 5_800, 8_600), Remaining(7_000, 3_500, 14_000)
    assert shown(Room(60), left=known)[0].endswith(" about 1 h 55 min left")
    (head, *_) = panel(progress(left=unknown), 3_725.0, Room(60))
    assert head.plain.endswith(" 1:02:05  1 to 3.9 h left")
    assert head.cell_len <= 60


def test_what_has_ended_has_no_time_left():
    assert shown(Room(80), running=())[0].endswith(" 1:01")


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (99, "99 s"), (100, "2 min"), (7_000, "1 h 55 min")])
def test_times_have_two_digits_or_so(seconds, words):
    assert rounded(seconds) == words


def test_a_curve_without_values_is_a_line_of_dots():
    assert sparkline((), 10, 5, (0, 1)) == "·····"
    assert sparkline((2.0,), 1, 3, (2.0, 2.0)) == "▅▅▅"


def test_before_a_trial_has_completed_the_best_is_that_of_the_running_ones():
    words = "0.8800 so far, of a running trial"
    assert f"best {words}" in summary(replace(progress(), best=None))
    assert "best test_loss 0.5 so far" in summary(replace(progress(), best=None, metric="test_loss", is_max=False))


@pytest.mark.parametrize("width", [30, 40, 60])
def test_a_long_message_ends_its_lines_between_words_and_keeps_commands_whole(width):
    command = "sweep resume a-sweep-of-mine --workers 2"
    text = f"a rule trains each of them to its end 手寫數字 分類器; go on with: {command}"
    lines = wrapped(text, width).split("\n")
    assert " ".join(lines) == text
    assert lines[-1].endswith(command)
    assert max(cell_len(line) for line in lines if command not in line) <= width
