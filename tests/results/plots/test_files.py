"""Tests of figures as files."""

import os
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from PIL import Image

from sweep.errors import SweepError, UsageError
from sweep.results.plots import save, scatter_grid
from tests.results.plots.plot_setup import ACTIVATION, PARAMETERS, RATE, trials


@pytest.mark.parametrize("suffix", [".png", ".svg", ".PNG"])
def test_the_same_trials_give_the_same_file_whole_and_in_place_of_an_older_one(tmp_path, suffix):
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    paths[0].write_text("older")
    for path in paths:
        save(scatter_grid(trials(), [ACTIVATION, RATE], title="twice"), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


def test_a_png_has_150_dots_per_inch(tmp_path):
    figure = scatter_grid(trials(), PARAMETERS)
    save(figure, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.size == pytest.approx(tuple(figure.get_size_inches() * 150), abs=1)
        assert image.info["dpi"] == pytest.approx((150, 150), abs=0.1)
        assert len(image.getcolors(1 << 20)) > 50


def test_an_svg_is_well_formed_and_says_no_date(tmp_path):
    save(scatter_grid(trials(), PARAMETERS), tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not list(root.iter("{http://purl.org/dc/elements/1.1/}date"))


@pytest.mark.parametrize("name", ["a.pdf", "a.jpg", "a", ".png"])
def test_another_suffix_is_answered_with_the_valid_ones(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.png or \.svg"):
        save(Figure(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    path = tmp_path / "missing" / "a.svg"
    with pytest.raises(SweepError) as caught:
        save(Figure(), path)
    assert str(caught.value) == f"cannot write '{path}': there is no folder '{path.parent}'; make it first"


def test_an_older_file_outlives_a_failure_while_writing(tmp_path, monkeypatch):
    path = tmp_path / "a.svg"
    path.write_text("older")

    def fill_the_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill_the_disk)
    with pytest.raises(SweepError, match="No space left on device"):
        save(Figure(), path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]
