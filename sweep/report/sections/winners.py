"""The winner: all its values, and what became of the finalists with fresh seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sweep.analysis.wording import number as short
from sweep.errors import SweepError
from sweep.report.content import Picture, Section, Table, Text, sentence, sentences, table_of
from sweep.report.source import Source
from sweep.results.format import format_value
from sweep.space.trees import leaves

if TYPE_CHECKING:
    import pandas as pd


def section(source: Source) -> Section | None:
    """Return the winner; nothing where no trial has completed."""
    if not source.winners:
        return None
    number = source.winners[0]
    record = source.results.trial(number)
    values = "\n".join(
        f"{path} = {json.dumps(value, ensure_ascii=False)}" for path, value in leaves(record.configuration)
    )
    size = f", {record.network_parameters:,} parameters of the network" if record.network_parameters else ""
    words = sentence(
        f"Trial {number} reached {source.objective.metric} "
        f"{format_value(source.objective.metric, record.best_value)} at epoch {record.best_epoch} of "
        f"{record.last_epoch}{size}"
    )
    parts = tuple(_finalists(source))
    advice = () if parts or source.parent else (_advice(source),)
    text = Text(f"All values of trial {number}", values)
    return Section("winner", "The winner", (words, *advice), texts=(text,), more=parts)


def _advice(source: Source) -> str:
    return (
        "How much of its rank is luck is told by training the best again with fresh seeds: "
        f"`sweep finalists {source.record.name}`."
    )


def _finalists(source: Source) -> Iterator[Section]:
    from sweep.analysis.finalists import sentences as told
    from sweep.results.finalists import finalists_in, notes, variance_of

    try:
        found = finalists_in(source.results)
        table = source.results.finalists()
    except SweepError:
        return
    if table.empty:
        return
    words = sentences([*told(found, variance_of(source.results, found)), *notes(source.results)])
    shown = table_of(table.drop(columns=["shrinkage_low", "shrinkage_high"]), "Finalists")
    yield Section("finalists", "With fresh seeds", words, tuple(_picture(source, table)), (shown, *_pairs(source)))


def _pairs(source: Source) -> Iterator[Table]:
    pairs = source.results.finalist_pairs()
    if len(pairs):
        yield table_of(pairs, "Pairs of finalists", n=20)


def _picture(source: Source, table: pd.DataFrame) -> Iterator[Picture]:
    import numpy as np
    from matplotlib.ticker import MaxNLocator

    from sweep.report.charts.intervals import Interval, interval_chart
    from sweep.results.finalists import trainings_of

    known = table.dropna(subset=["expected", "low", "high"])
    if known.empty:
        return
    trainings = trainings_of(source.results).dropna(subset=["value"])
    values = np.concatenate([known[["expected", "low", "high"]].to_numpy(float).ravel(), trainings["value"]])
    low, high = float(values.min()), float(values.max())
    pad = 0.04 * (high - low) or 0.5
    low, width = low - pad, high - low + 2 * pad
    ticks = [tick for tick in MaxNLocator(5).tick_values(low, low + width) if low <= tick <= low + width]
    rows = [
        Interval(
            f"trial {row['trial']}",
            (row["expected"] - low) / width,
            (row["low"] - low) / width,
            (row["high"] - low) / width,
            tuple((trainings.loc[trainings["trial"] == row["trial"], "value"] - low) / width),
        )
        for row in known.to_dict("records")
    ]
    metric = source.objective.metric
    places = [(tick - low) / width for tick in ticks]
    first = known.iloc[0]
    text = f"{metric} of {len(rows)} finalists with fresh seeds; most is expected of trial {first['trial']}"
    svg = interval_chart(rows, (places, [short(tick, 4) for tick in ticks]), metric, text)
    yield Picture("What is expected of each finalist, with 90 % intervals; small dots are single trainings.", svg)
