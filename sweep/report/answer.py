"""The answer in three sentences: what was reached, what went wrong, and what matters."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.analysis import wording
from sweep.errors import SweepError, counted
from sweep.records import ENDED
from sweep.report.content import sentence
from sweep.report.source import Source
from sweep.results.format import format_value
from sweep.results.leaderboard import caption
from sweep.results.tuning_curve import summary

MOST_NAMED = 6
"""Parameters whose values are told of the best."""


def answer(source: Source) -> tuple[str, ...]:
    """Return the answer; of a sweep of which nothing has completed fewer sentences."""
    return tuple(sentence(words) for words in (reached(source), wrong(source), matters(source)) if words)


def state(source: Source) -> str:
    """Return how many trials have ended and how, as a sentence."""
    counts, total = source.progress.counts, source.progress.total
    each = ", ".join(f"{count} {status}" for status, count in counts.items())
    unended = total - source.count(*ENDED)
    words = f"{counted(total, 'trial')}: {each}" if each else "no trial yet"
    if source.count("running"):
        words += f". The sweep is still running: {counted(unended, 'trial')} have not ended, so all figures may change"
    elif unended:
        words += f". {counted(unended, 'trial')} have not ended; go on with `sweep resume {source.record.name}`"
    return sentence(words)


def reached(source: Source) -> str:
    """Return what the best trial has reached, and how far that can be told from luck."""
    best, metric = source.best, source.objective.metric
    if best.empty or best[metric].isna().all():
        return f"No trial has completed{'' if source.count(*ENDED) else ' yet'}, so there is no best one"
    first = best.astype(object).iloc[0]
    value = format_value(metric, first[metric])
    drawn = _drawn(source, first)
    if source.results.repeats > 1:
        error = format_value(metric, first["standard_error"])
        many = f" ± {error}" if error else ""
        words = f"The best configuration is that of trials {first['trials']}, with a mean {metric} of {value}{many}"
    else:
        many = counted(source.count("completed"), "completed trial")
        words = f"The best of {many} is trial {first['trial']}, with a {metric} of {value} at epoch {first['epoch']}"
    return f"{words}{f' ({drawn})' if drawn else ''}{_certainty(source)}"


def _drawn(source: Source, row: object) -> str:
    names = [each.short_name for each in source.results.searched]
    values = [(name, format_value(name, row[name])) for name in names if name in source.best]  # type: ignore[index]
    known = [f"{name} {value}" for name, value in values if value]
    return ", ".join(known[:MOST_NAMED]) + (", …" if len(known) > MOST_NAMED else "")


def _certainty(source: Source) -> str:
    """Return what is known of luck: by fresh seeds, else by the examples, else by whom the trial was chosen."""
    metric = source.objective.metric
    try:
        finalists = source.results.finalists()
    except SweepError:
        finalists = None
    if finalists is not None and finalists["expected"].notna().any():
        first = finalists.astype(object).iloc[0]
        expected, low, high = (format_value(metric, first[name]) for name in ("expected", "low", "high"))
        seeds = counted(int(first["seeds"]), "fresh seed")
        return (
            f"; trained again with {seeds}, trial {first['trial']} is the best of the finalists, of which {expected} "
            f"is expected (90 %: {low} to {high})"
        )
    if ranks := source.best.attrs.get("ranks"):
        return f"; {ranks}"
    luck = caption(source.objective, source.results.repeats).splitlines()[1:]
    return f"; {luck[0]}" if luck else ""


def wrong(source: Source) -> str:
    """Return how many trials diverged and where, and how many failed or were stopped early."""
    return "; ".join([*_diverged(source), *_others(source)])


def _diverged(source: Source) -> Iterator[str]:
    from sweep.analysis.divergence_report import sentences

    law = source.law
    if law is None:
        return
    first = sentences(law)[0]
    yield first if law.boundary is None else f"{first}, likelier than not where {wording.formula(law.boundary)}"


def _others(source: Source) -> Iterator[str]:
    if failed := source.count("failed"):
        yield f"{counted(failed, 'trial')} failed"
    if pruned := source.count("pruned"):
        yield f"{counted(pruned, 'trial')} {'was' if pruned == 1 else 'were'} stopped early"
    if "finding" in source.trials:
        from sweep.training.findings import totals

        ended = source.trials["status"].isin(ENDED)
        yield from totals(source.trials.loc[ended, "finding"].dropna())


def matters(source: Source) -> str:
    """Return which parameter matters most, and what more trials may bring."""
    further = [line for line in summary(source.results) if line.startswith("another ")]
    return "; ".join([*_most_important(source), *further])


def _most_important(source: Source) -> Iterator[str]:
    study = source.study
    if study is None or not study.importance.has_figures:
        return
    found = study.importance
    first = found.matters[0]
    share = f"{100 * first.share.value:.0f} % (90 %: {100 * first.share.low:.0f} to {100 * first.share.high:.0f} %)"
    name = found.survivors.names[first.index]
    of = f"of the variance of {study.objective.metric} that they explain"
    yield f"What matters most of the parameters is {name}, with {share} {of}"
