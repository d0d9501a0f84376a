"""Where trials diverge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.report.content import Picture, Section, sentences
from sweep.report.source import Source

if TYPE_CHECKING:
    import pandas as pd


def section(source: Source) -> Section | None:
    """Return the phase diagram and the formula; nothing where no trial diverged, or it cannot be told."""
    from sweep.analysis import divergence_report
    from sweep.report.charts.phase import phase_panels

    law = source.law
    if law is None or not law.diverged:
        return None
    panels = phase_panels(law, _used(source)) if law.diverged < law.trials else []
    shades = "; darker where more than 10, 50 and 90 % diverge, the line is 50 %" if law.has_model else ""
    pictures = [
        Picture(
            f"{f'{panel.title}: ' if panel.title else ''}{panel.names}; ● completed, × diverged{shades}.",
            panel.svg,
        )
        for panel in panels
    ]
    words = sentences(divergence_report.sentences(law))
    return Section("divergence", "Where trials diverge", words, tuple(pictures))


def _used(source: Source) -> pd.DataFrame:
    from sweep.analysis.divergence import USED
    from sweep.results.divergence import trials_of

    trials, _ = trials_of([source.results])
    numbered = trials.assign(trial=source.results.store.trials(source.record.id)["trial"].to_numpy())
    return numbered[numbered["status"].isin(USED)].reset_index(drop=True)
