"""The command that draws the trainability map."""

import json
from pathlib import Path

import numpy as np
import pytest

SMALL = ["--size", 33, "--steps", 30, "--workers", 1]


def test_the_default_map(cli):
    answer = cli("map", *SMALL, "--format", "json", "--dump", "points.npz")
    assert answer.code == 0, answer.err
    (row,) = json.loads(answer.out)
    assert row["points"] == 33**2 == row["converged"] + row["blew_up"]
    assert 0.9 < row["dimension"] < 2
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    assert "map: map.png" in answer.err
    with np.load("points.npz", allow_pickle=False) as points:
        assert points["converged"].sum() == row["converged"]
        assert points["duration"].shape == (33, 33)
        assert 0.03 < points["x"][0] < points["x"][-1] < 6
    again = cli("map", *SMALL, "--format", "json", "-o", "other.svg")
    assert again.out == answer.out
    assert "<svg" in Path("other.svg").read_text()


def test_a_zoom_where_all_converge_has_no_dimension(cli):
    answer = cli("map", "--size", 8, "--steps", 20, "--zoom", "0.03,0.05,0.3,0.4", "--format", "json")
    (row,) = json.loads(answer.out)
    assert (row["blew_up"], row["dimension"]) == (0, None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--zoom", "1,2,3"], "--zoom takes four numbers: x0,x1,y0,y1"),
        (["--zoom", "a,b,c,d"], "--zoom takes four numbers"),
        (["--size", 1], "--size must be from 2 to 4096, not 1"),
        (["--steps", 0], "--steps must be from 1 to 1000000, not 0"),
        (["--seed", -1], "--seed must be from 0"),
        (["--workers", 0], "--workers must be from 1"),
        (["boosted-trees"], "boosted-trees cannot be mapped: it has a trainer of its own"),
        (["digits-quickstart", "--set", "activation={choice=['relu','tanh']}"], "fix the rest with --set activation="),
        (["digits-trainabilty"], "did you mean 'digits-trainability'?"),
        (["-o", "map.jpg"], "its name must end in .png or .svg"),
        (["--dump", "points.csv"], "its name must end in .npz"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(cli, arguments, words):
    assert words in cli("map", *arguments).sentence(2)


def test_a_folder_that_is_not_there_is_told_before_anything_is_trained(cli):
    assert "there is no folder 'pictures'" in cli("map", "-o", "pictures/map.png").sentence(1)
