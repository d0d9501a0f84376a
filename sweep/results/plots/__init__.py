"""Charts of a sweep: pure functions of frames and arrays to figures.

Figures are built with matplotlib's object interface alone: no window, no backend, no current figure.
"""

# Before all else, since importing matplotlib fails with some settings of users.
from sweep.results.plots.settings import load

load()

# ruff: noqa: E402
from sweep.results.plots.costs import cost_curves
from sweep.results.plots.distribution import distribution_chart
from sweep.results.plots.divergence import phase_diagram
from sweep.results.plots.effect import effect_chart
from sweep.results.plots.efficiency import efficiency_chart
from sweep.results.plots.examples import example, gallery
from sweep.results.plots.files import SUFFIXES, save
from sweep.results.plots.finalists import finalists_chart
from sweep.results.plots.heatmap import heatmap_chart
from sweep.results.plots.history import history_chart
from sweep.results.plots.importance import importance_chart
from sweep.results.plots.interaction import interaction_chart
from sweep.results.plots.learning_curves import learning_curves
from sweep.results.plots.map import map_chart
from sweep.results.plots.matrix import confusion
from sweep.results.plots.parallel import parallel_chart
from sweep.results.plots.pareto import pareto_chart
from sweep.results.plots.rescue import rescue_chart
from sweep.results.plots.scatter import scatter_grid
from sweep.results.plots.sharpness import sharpness_chart
from sweep.results.plots.trace import trace_chart
from sweep.results.plots.tuning_curve import tuning_curves, tuning_points

__all__ = [
    "SUFFIXES",
    "confusion",
    "cost_curves",
    "distribution_chart",
    "effect_chart",
    "efficiency_chart",
    "example",
    "finalists_chart",
    "gallery",
    "heatmap_chart",
    "history_chart",
    "importance_chart",
    "interaction_chart",
    "learning_curves",
    "map_chart",
    "parallel_chart",
    "pareto_chart",
    "phase_diagram",
    "rescue_chart",
    "save",
    "scatter_grid",
    "sharpness_chart",
    "trace_chart",
    "tuning_curves",
    "tuning_points",
]
