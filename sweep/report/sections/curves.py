"""The learning curves."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.errors import counted
from sweep.report.charts.curves import all_curves, chosen, curves_of, enlarged
from sweep.report.content import Key, Picture, Section
from sweep.report.source import Source


def section(source: Source) -> Section | None:
    """Return the curves; nothing where no epoch has the metric."""
    objective = source.objective
    curves = curves_of(source.epochs, objective)
    if not curves:
        return None
    statuses = dict(zip(source.trials["trial"].tolist(), source.trials["status"].tolist(), strict=True))
    about = (curves, statuses, source.winners, objective)
    drawn = len(chosen(curves, source.winners))
    some = f"{drawn} of {counted(len(curves), 'trial')}" if drawn < len(curves) else counted(drawn, "trial")
    pictures = [Picture(f"{objective.metric} of {some}.", all_curves(*about))]
    if (near := enlarged(*about)) is not None:
        pictures.append(Picture(f"The second half of the best {len(source.winners)}, enlarged.", near))
    return Section("curves", "Curves", pictures=tuple(pictures), legend=tuple(_legend(source, drawn)))


def _legend(source: Source, drawn: int) -> Iterator[Key]:
    many = len(source.winners)
    if many:
        yield Key("━", "first", f"trial {source.winners[0]}, the best")
    if many > 1:
        yield Key("━", "top", f"the others of the best {many}")
    if drawn > many:
        yield Key("━", "other", "the other trials" if many else "the trials")
    yield from ended_early(source)


def ended_early(source: Source) -> Iterator[Key]:
    """Yield what marks trials that were not trained to their end, as far as there are any."""
    if source.count("diverged"):
        yield Key("×", "diverged", "diverged")
    if source.count("pruned"):
        yield Key("□", "other", "stopped early")
