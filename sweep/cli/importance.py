"""What `sweep analyze` prints by default: what matters among the configurations that completed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sweep.cli.options import Format, print_table, say
from sweep.errors import counted

if TYPE_CHECKING:
    from sweep.metrics import Direction
    from sweep.results.importance import Study
    from sweep.results.sweep import Sweep


def print_importance(sweeps: Sequence[Sweep], by: str | None, direction: Direction | None, format: Format) -> None:
    """Print what makes trials diverge, in a sentence or two, and what matters among the others.

    Raises:
        UsageError: when the sweeps cannot be taken together, or have no such metric.
    """
    from sweep.analysis.importance_report import LEGEND, importance_table, shown_table, summary
    from sweep.results.importance import study_of

    study = study_of(sweeps, by, direction)
    found = study.importance
    if format != "table":
        print_table(importance_table(found), format)
        if not found.has_figures:
            say(summary(found, study.objective.metric))
        return
    for line in (*_about_divergence(sweeps), summary(found, study.objective.metric), *_left_out(study)):
        print(line)
    if found.has_figures:
        print_table(shown_table(found), format, f"What matters for {study.objective.metric}", "--format csv")
        say(LEGEND)
    for line in _more(study, sweeps):
        print(line)


def _about_divergence(sweeps: Sequence[Sweep]) -> Iterator[str]:
    """Yield how many diverged and where, as far as that is known."""
    from sweep.analysis import wording
    from sweep.analysis.divergence_report import sentences
    from sweep.errors import SweepError
    from sweep.results.divergence import law_of

    try:
        law = law_of(sweeps)
    except SweepError:  # none has ended
        return
    first = sentences(law)[0]
    if law.boundary is None:
        yield first if not law.diverged else f"{first}; see sweep analyze --divergence"
    else:
        yield f"{first}, likelier than not where {wording.formula(law.boundary)}; see sweep analyze --divergence"


def _left_out(study: Study) -> Iterator[str]:
    """Yield which configurations do not count, and why."""
    from sweep.results.importance import OUTSIDE

    failed, outside = study.left_out.get("failed", 0), study.left_out.get(OUTSIDE, 0)
    unended = sum(study.left_out.values()) - failed - outside
    words = [
        f"{count} {word}"
        for count, word in (
            (study.pruned, "pruned (not comparable with those that completed)"),
            (unended, "not ended"),
            (failed, "failed"),
            (outside, "outside of the ranges that are searched"),
        )
        if count
    ]
    if words:
        yield f"left out: {', '.join(words)}"


def _more(study: Study, sweeps: Sequence[Sweep]) -> Iterator[str]:
    """Yield what is known besides the table."""
    from sweep.analysis.importance_report import sensitivity_sentences, sentences
    from sweep.results.divergence import remarks
    from sweep.results.following import independent_numbers

    yield from sentences(study.importance)
    yield from sensitivity_sentences(study.sensitivities(), study.places, study.names)
    for end in study.ends():
        yield f"{end.evidence}: {end.advice}"
    yield from remarks(sweeps)
    drawn = sum(len(each.store.competitors(each.record.id)) // each.repeats for each in sweeps)
    modeled = drawn - len(independent_numbers(list(sweeps)))
    if modeled:
        yield (
            f"{counted(modeled, 'configuration')} of {drawn} were drawn by a model of earlier ones, so parameters are "
            "not independent of each other, and all figures are a guide only"
        )
