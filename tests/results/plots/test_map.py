"""The chart of the trainability map, read back from the figure."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from sweep.analysis.dimension import Dimension
from sweep.analysis.trainability import Axis, Map
from sweep.results.plots import map_chart
from sweep.results.plots.map import BLOWS_UP, CONVERGES
from tests.results.plots.plot_setup import assert_legible

STEPS = 100


def found(share=0.6, size=12, y=("std", 0.05, 1, True)):
    x = np.tile(np.arange(size) / size, (size, 1))
    converged = x < share
    return Map(Axis("learning_rate", 0.03, 6, True), Axis(*y), converged, 1 + 50 * np.abs(x - share) * STEPS / 50)


def meshes(figure):
    return [each for each in figure.axes[0].collections if isinstance(each, QuadMesh)]


def brightness(colors):
    """How light colors look in a gray picture, from 0 to 1 (ITU-R BT.601)."""
    return np.asarray(colors)[:, :3] @ [0.299, 0.587, 0.114]


def test_each_region_has_its_networks_in_its_own_colors():
    mapped = found()
    good, bad = meshes(map_chart(mapped, STEPS, None))
    assert (good.cmap, bad.cmap) == (CONVERGES, BLOWS_UP)
    for mesh, shown in ((good, mapped.converged), (bad, ~mapped.converged)):
        drawn = np.ma.masked_array(mesh.get_array())
        np.testing.assert_array_equal(~np.ma.getmaskarray(drawn), shown)
        np.testing.assert_array_equal(drawn.compressed(), mapped.duration[shown])
    edges = good.get_coordinates()
    np.testing.assert_allclose(edges[0, [0, -1], 0], [0.03, 6])
    np.testing.assert_allclose(edges[[0, -1], 0, 1], [0.05, 1])


def test_in_shades_of_gray_all_that_converge_are_lighter_and_the_slow_ones_darker():
    places = np.linspace(0, 1, 256)
    good, bad = brightness(CONVERGES(places)), brightness(BLOWS_UP(places))
    assert good.min() > bad.max() + 0.15
    assert (np.diff(good) < 0).all()
    assert (np.diff(bad) < 0).all()


@pytest.mark.parametrize("y", [("std", 0.05, 1, True), ("alpha", 0, 0.4, False), ("momentum", 0.1, 0.95, False)])
@pytest.mark.parametrize("share", [0.6, 2.0, -1.0])
def test_it_explains_itself(share, y):
    figure = map_chart(found(share, y=y), STEPS, Dimension(1.336, 0.041) if share == 0.6 else None, title="mine")
    axes = figure.axes[0]
    assert figure.get_suptitle() == "mine: where training converges, and where it blows up"
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log" if y[3] else "linear")
    assert axes.get_xlabel().startswith("learning rate")
    assert y[0] in axes.get_ylabel() or y[0] == "std"
    bars = [bar.get_ylabel() for bar in axes.child_axes]
    assert len(bars) == (2 if share == 0.6 else 1)
    assert any(bar.startswith("converges: steps") for bar in bars) == (share > 0)
    assert any(bar.startswith("blows up") for bar in bars) == (share < 1)
    facts = axes.get_title()
    assert facts.startswith(f"{ {0.6: 66.7, 2.0: 100, -1.0: 0}[share]:.3g} % of 144 networks converge")
    assert ("the boundary has dimension 1.34 ± 0.04" in facts) == (share == 0.6)
    assert_legible(figure)
