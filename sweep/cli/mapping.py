"""The command that draws which hyperparameters let a tiny network converge, and which make it blow up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli import completion
from sweep.cli.options import Data, Format, Set, app, check_files, print_table, say
from sweep.errors import Argument, UsageError

if TYPE_CHECKING:
    from sweep.analysis.dimension import Dimension
    from sweep.analysis.trainability import Map

MOST = 4096
"""The largest number of points along an axis."""

Mapped = Annotated[
    str | None,
    typer.Argument(
        help="An experiment file, or the name of one that comes with sweep; by default digits-trainability.",
        metavar="FILE|NAME",
        autocompletion=completion.experiments,
    ),
]
Zoom = Annotated[
    str | None, typer.Option(help="Other ends of the axes, such as 1.7,2.2,0.1,0.12.", metavar="X0,X1,Y0,Y1")
]
Seed = Annotated[
    int | None, typer.Option(help="Seed of the samples and of the first weights; by default that of the file.")
]
Picture = Annotated[Path, typer.Option("--output", "-o", help="A .png or .svg file for the picture.", metavar="FILE")]
Dump = Annotated[Path | None, typer.Option(help="Write what became of each point to a .npz file, too.", metavar="FILE")]


@app.command("map")
def map_(
    experiment: Mapped = None,
    zoom: Zoom = None,
    size: Annotated[int, typer.Option(help="Points along each axis.")] = 256,
    steps: Annotated[int, typer.Option(help="Steps of gradient descent of each network.")] = 200,
    seed: Seed = None,
    workers: Annotated[int | None, typer.Option(help="Threads; by default one for each core.")] = None,
    output: Picture = Path("map.png"),
    dump: Dump = None,
    set_: Set = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    data: Data = None,
) -> None:
    """Draw for which hyperparameters a tiny network converges, and for which it blows up.

    The two parameters that the file searches are the axes: two of learning_rate, momentum, std of normal weights, and
    alpha of leaky_relu. Its network and its data set are shrunk to a few units and a few samples, and trained by
    gradient descent once for each of 256 × 256 points. `dimension` is the box-counting dimension of the boundary
    between both regions, with its standard error: that of a smooth line is 1, that of a fractal more.
    """
    from sweep.analysis.dimension import boundary, box_counting_dimension
    from sweep.analysis.shrinking import DEFAULT, shrink, zoomed
    from sweep.analysis.trainability import train_map
    from sweep.cli.output.progress import counting
    from sweep.experiment.file import load

    _check(size, steps, seed, workers)
    check_files(output, dump)
    loaded = load(experiment or DEFAULT, set_ or [])
    shrunk = shrink(loaded, data=data, seed=seed)
    if zoom is not None:
        shrunk = zoomed(shrunk, _numbers(zoom))
    with counting(f"training {size * size:,} networks") as progress:
        found = train_map(*shrunk, size, steps, workers, progress)
    dimension = box_counting_dimension(boundary(found.converged))
    _print(found, dimension, format)
    if dump is not None:
        _dump(found, dump)
    _draw(found, steps, dimension, loaded.name, output)


def _check(size: int, steps: int, seed: int | None, workers: int | None) -> None:
    """Check the numbers that were given.

    Raises:
        UsageError: when one is out of its range.
    """
    for name, number, low, high in (
        ("size", size, 2, MOST),
        ("steps", steps, 1, 1_000_000),
        ("seed", 0 if seed is None else seed, 0, 2**63 - 1),
        ("workers", 1 if workers is None else workers, 1, 1024),
    ):
        if not low <= number <= high:
            raise UsageError(Argument(name), f" must be from {low} to {high}, not {number}")


def _numbers(zoom: str) -> list[float]:
    try:
        return [float(word) for word in zoom.split(",")]
    except ValueError:
        return []  # refused with the same sentence as too few of them


def _print(found: Map, dimension: Dimension | None, format: Format) -> None:
    import pandas as pd

    converged = int(found.converged.sum())
    value, error = dimension or (None, None)
    row = {"points": found.converged.size, "converged": converged, "blew_up": found.converged.size - converged}
    print_table(pd.DataFrame([row | {"dimension": value, "error": error}]), format)


def _dump(found: Map, path: Path) -> None:
    """Write the values of both axes, and what became of each point, to a .npz file."""
    import io

    import numpy as np

    from sweep.system.files import write_whole

    rows, columns = found.converged.shape
    content = io.BytesIO()
    np.savez_compressed(
        content,
        allow_pickle=False,
        x=found.x.values(columns),
        y=found.y.values(rows),
        converged=found.converged,
        duration=found.duration,
    )
    write_whole(path, content.getvalue())
    say(f"points: {path}")


def _draw(found: Map, steps: int, dimension: Dimension | None, name: str, output: Path) -> None:
    from sweep.results.plots import map_chart, save

    save(map_chart(found, steps, dimension, title=name), output)
    say(f"map: {output}")
