"""The learning curves."""

from __future__ import annotations

from sweep.errors import counted
from sweep.report.charts.curves import all_curves, chosen, curves_of, enlarged
from sweep.report.content import Picture, Section
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
    many = len(source.winners)
    best = f"; the best {many} in color, the first of them widest" if many > 1 else ""
    early = "".join(
        f"; {mark} {word}"
        for mark, word, status in (("×", "diverged", "diverged"), ("□", "stopped early", "pruned"))
        if source.count(status)
    )
    pictures = [Picture(f"{objective.metric} of {some}{best}{early}.", all_curves(*about), True)]
    if (near := enlarged(*about)) is not None:
        pictures.append(Picture(f"The second half of the best {len(source.winners)}, enlarged.", near, True))
    return Section("curves", "Curves", pictures=tuple(pictures))
