"""The command that traces the arrays of a training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import sweep
from sweep.cli import completion
from sweep.cli.options import Data, Db, Format, Set, app, check_files, print_table, say, split_trial, write_figure
from sweep.errors import UsageError, counted

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.checks.trace_result import Range, Trace

FIXED = ("step", "epoch", "batch", "loss")
"""Columns that every table has."""
MOST_ROWS = 60
"""Steps that a table in the terminal shows, the last ones."""


Target = Annotated[
    str,
    typer.Argument(
        help="12 (of the newest sweep) or mnist-widths/12; or an experiment file, or the name of one that comes with "
        "sweep.",
        metavar="[NAME/]TRIAL|FILE",
        autocompletion=completion.trial_names,
    ),
]
FromStep = Annotated[
    int | None,
    typer.Option(
        help="The first step, counted over the whole training from 1; by default 50 before the divergence, or 1.",
        metavar="N",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        help="How many steps: before the divergence, or from the first one; 100 without a divergence.", metavar="N"
    ),
]
Layers = Annotated[
    list[str] | None, typer.Option(help="A layer to show, such as hidden[0]. May be given several times.")
]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="A .png or .svg file for a chart.", metavar="FILE")]
Dump = Annotated[Path | None, typer.Option(help="An .npz file for the arrays of the last finite step.", metavar="FILE")]
Draw = Annotated[int | None, typer.Option(help="With a file: which of its trials is trained; by default 0.")]


@app.command()
def trace(
    target: Target,
    from_step: FromStep = None,
    steps: Steps = None,
    layer: Layers = None,
    output: Output = None,
    dump: Dump = None,
    trial: Draw = None,
    sharpness: Annotated[
        bool, typer.Option("--sharpness", help="The sharpness of the loss after each epoch, in place of the steps.")
    ] = False,
    set_: Set = None,
    format: Annotated[Format, typer.Option(help="How to print the table.")] = "table",
    db: Db = None,
    data: Data = None,
) -> None:
    """Train a trial again and show its arrays step by step up to the divergence; nothing is stored.

    For each layer with weights the largest absolute values of u (W x + b), z (u after the activation), W, dW and dz
    (the gradients of W and z). The table is of the last layer, or of those named; CSV and JSON have all layers. Below
    it stand the array that was the first not to be finite, and the one that had begun to grow without return before it.
    A file's trial that need not be stored is trained first to see where it diverges. With --sharpness the table is that
    of the largest eigenvalue of the loss's Hessian after each epoch, and of how near to the limit of stable steps
    (instability 1) the learning rate is.
    """
    from sweep.checks.trace_result import Range, write_arrays

    check_files(output, dump)
    wanted = Range(from_step, steps)
    options = {"data": data, "keep_arrays": dump is not None, "with_sharpness": sharpness}
    if not _is_stored(target):
        found = _traced_file(target, trial or 0, set_ or [], wanted, **options)
    elif set_ or trial is not None:
        raise UsageError("--set and --trial go with an experiment file; a stored trial is traced as it was trained")
    else:
        found = _traced(target, wanted, db, **options)
    if found.sharpness is None:
        _print_steps(found, layer or (), format)
    else:
        print_table(found.sharpness, format, f"Sharpness of {found.name}")
    for line in _lines(found):
        say(line)
    if output is not None:
        say(f"chart: {write_figure(partial(_chart, found), output)}")
    if dump is not None:
        say(f"arrays of step {write_arrays(found, dump)}: {dump}")


def _print_steps(found: Trace, layers: Sequence[str], format: Format) -> None:
    names = found.columns(layers)
    if format in ("csv", "json") and not layers:
        names = [*found.frame.columns[len(FIXED) :]]
    frame = found.frame[[*FIXED, *names]]
    if format == "table":
        frame = _shown(frame.tail(MOST_ROWS))
    print_table(frame, format, f"Largest absolute values of {found.name}", "--format csv")
    if len(frame) < len(found.frame):
        say(f"{counted(len(found.frame) - len(frame), 'earlier step')} left out; --format csv has all")


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose values all have four digits, the largest ones with an exponent."""
    values = frame[frame.columns[FIXED.index("loss") :]]
    texts = values.map(lambda value: "" if math.isnan(value) else f"{value:.4g}")
    return frame.assign(**{str(name): texts[name].str.rjust(texts[name].str.len().max()) for name in texts})


def _is_stored(target: str) -> bool:
    """Tell whether a target is a stored trial, not a file."""
    return target.rpartition("/")[2].isdecimal() and not Path(target).is_file()


def _traced(target: str, wanted: Range, db: str | None, **options: Any) -> Trace:
    """Trace a stored trial."""
    from sweep.checks.trace import trace
    from sweep.cli.output.progress import Lines, counting

    name, number = split_trial(target)
    results = sweep.load(name, db=db)
    with counting(f"training {results.name}/{number} again") as progress:
        return trace(results.record, number, results.store, wanted, observer=Lines(), progress=progress, **options)


def _traced_file(file: str, trial: int, set_: list[str], wanted: Range, **options: Any) -> Trace:
    """Trace a trial of an experiment file."""
    from sweep.checks.trace import trace_configuration
    from sweep.cli.output.progress import Lines, counting
    from sweep.experiment.file import load

    experiment = load(file, set_)
    with counting(f"training {experiment.name}/{trial}") as progress:
        return trace_configuration(experiment, trial, wanted, observer=Lines(), progress=progress, **options)


def _lines(found: Trace) -> Iterator[str]:
    """Yield what the steps show, in sentences."""
    at = found.divergence
    last = int(found.frame["step"].iloc[-1])
    if at is None:
        yield f"{found.name} has not diverged up to step {last}"
        if found.finding:
            yield found.finding
    else:
        yield f"{found.name} diverges in step {last} (epoch {at.epoch}, mini-batch {at.step}): {at.kind} in {at.place}"
        yield f"the first not to be finite: {found.first_not_finite}"
        yield _growth_line(found)
    if found.stored and not found.is_as_stored:
        yield (
            f"warning: when it was trained before, it diverged in epoch {found.stored.epoch}, mini-batch "
            f"{found.stored.step}; with other versions, BLAS kernel or CPU the bits may differ"
        )
    yield from _dead_lines(found, last)


def _growth_line(found: Trace) -> str:
    growth = found.growth
    if growth is None:
        return "no array had begun to grow without return before it; look further back with --from-step"
    start = f"step {growth.start}"
    if growth.is_from_first and growth.start > 2:
        start += " or earlier"
    also = ", ".join(_array(name) for name in growth.also[:3]) + (", …" if len(growth.also) > 3 else "")
    words = (
        f"growing without return before it: {_array(growth.series)}, from {start} on: at most {growth.before:.3g} in "
        f"the steps before, {growth.last:.3g} in step {growth.last_step}"
    )
    return f"{words}; at the same time or a step later: {also}" if also else words


def _array(column: str) -> str:
    layer, _, kind = column.rpartition("/")
    return f"{kind} of {layer}"


def _dead_lines(found: Trace, last: int) -> Iterator[str]:
    from sweep.training.dead_units import is_saturating

    for layer, share in found.dead.items():
        if share > 1 / 2:
            word = "saturated" if is_saturating(layer) else "dead"
            yield f"{share:.0%} of the units of {layer} are {word} before step {last}: no sample lets them learn"


def _chart(found: Trace) -> Figure:
    import pandas as pd

    from sweep.results.plots import sharpness_chart, trace_chart

    if found.sharpness is not None:
        trial = int(found.name.rpartition("/")[2])
        epochs = found.sharpness.assign(trial=trial)
        rows = pd.DataFrame({"trial": [trial], "status": ["diverged" if found.divergence else "completed"]})
        return sharpness_chart(epochs, rows, title=found.name)
    return trace_chart(found.frame, found.layers, title=found.name, growth=found.growth, diverged=found.diverged_step)
