"""The law of divergence of sweeps in a database, and its phase diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.arguments import texts, wholes
from sweep.errors import SweepError, UsageError, shortened
from sweep.experiment.parents import labels_of, parent_of
from sweep.records import Parameter
from sweep.results.goals import ComparedTrials

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sweep.analysis.divergence import Law
    from sweep.results.trials import SweepTrials


class AnalyzedTrials(ComparedTrials):
    """The trials of one sweep, of which it may be asked why some diverged."""

    def divergence_law(self, after: Sequence[SweepTrials] = ()) -> Law:
        """Return the probability of a trial to diverge, as a function of its configuration.

        Args:
            after: earlier sweeps whose trials count, too.

        Raises:
            SweepError: when no trial has completed or diverged yet.
        """
        return law_of([*after, self])

    def flakiness(self, trials: int | Sequence[int] = ()) -> pd.DataFrame:
        """Return how often configurations diverged when they were trained with other seeds (`sweep.reseed`).

        The columns are those of `sweep.analysis.flakiness.flakiness`.

        Args:
            trials: numbers of trials; by default all that were trained so.

        Raises:
            SweepError: when none was.
        """
        from sweep.results.flakiness import flakiness_of

        return flakiness_of(self, wholes(trials, "trials"))[0]

    def plot_divergence(self, x: str | Sequence[str] | None = None) -> Figure:
        """Draw the trials by the two parameters that matter most for divergence, or by those named.

        Raises:
            SweepError: when no trial has completed or diverged yet, or there are no two such parameters.
        """
        from sweep.results import plots

        trials, parameters = trials_of([self])
        _check_ended([self], trials)
        chosen = [] if x is None else texts(x, "x")
        return plots.phase_diagram(trials, parameters, title=self.name, x=chosen)


def law_of(sweeps: Sequence[SweepTrials]) -> Law:
    """Return the law of divergence of all trials of some sweeps, by the parameters that all of them searched.

    Raises:
        SweepError: when no trial has completed or diverged yet.
        UsageError: when a sweep is named twice.
    """
    from sweep.analysis.divergence import fit_law

    trials, parameters = trials_of(sweeps)
    _check_ended(sweeps, trials)
    return fit_law(trials, parameters)


def trials_of(sweeps: Sequence[SweepTrials]) -> tuple[pd.DataFrame, list[Parameter]]:
    """Return the trials of sweeps as `sweep.analysis.divergence.fit_law` takes them, and the parameters of all.

    The sharpness of the untrained network stands beside the parameters where all trials that count have it.
    """
    import pandas as pd

    from sweep.analysis.predictors import SHARPNESS

    names = [each.name for each in sweeps]
    if len(set(names)) < len(names):
        raise UsageError("a sweep is named twice; name each sweep once")
    parts, first = [], 0
    for each in sweeps:
        part = each.store.trials(each.record.id)
        part = part.assign(group=first + part["trial"] // each.repeats)
        parts.append(_with_sharpness(each, part))
        first += len(part)
    searched = [{parameter.name for parameter in each.parameters} - set(labels_of(each.record)) for each in sweeps]
    common = [each for each in sweeps[-1].parameters if all(each.name in names for names in searched)]
    # A parameter that no trial has yet has no column either.
    common = [each for each in common if all(each.name in part for part in parts)]
    trials = pd.concat([part[["status", "group", *_columns(part, common)]] for part in parts], ignore_index=True)
    has_sharpness = SHARPNESS.name in trials and _is_known(trials)
    return trials, [*common, *([SHARPNESS] if has_sharpness else [])]


def _columns(part: pd.DataFrame, common: Sequence[Parameter]) -> list[str]:
    from sweep.analysis.predictors import SHARPNESS

    names = [each.name for each in common]
    return [*names, *([SHARPNESS.name] if SHARPNESS.name in part and SHARPNESS.name not in names else [])]


def _with_sharpness(sweep: SweepTrials, part: pd.DataFrame) -> pd.DataFrame:
    """Return trials with a column of the sharpness at epoch 0, where it was recorded."""
    from sweep.analysis.predictors import SHARPNESS

    if SHARPNESS.name in part or SHARPNESS.name not in sweep.metrics():
        return part
    epochs = sweep.store.epochs(sweep.record.id)
    at_start = epochs[epochs["epoch"] == 0].set_index("trial")[SHARPNESS.name]
    return part.assign(**{SHARPNESS.name: part["trial"].map(at_start)})


def _is_known(trials: pd.DataFrame) -> bool:
    """Tell whether all trials that count have a sharpness above 0."""
    from sweep.analysis.divergence import USED
    from sweep.analysis.predictors import SHARPNESS

    values = trials.loc[trials["status"].isin(USED), SHARPNESS.name]
    return len(values) > 0 and bool((values > 0).all())


def _check_ended(sweeps: Sequence[SweepTrials], trials: pd.DataFrame) -> None:
    from sweep.analysis.divergence import USED

    if not trials["status"].isin(USED).any():
        names = " and ".join(each.name for each in sweeps)
        raise SweepError(f"no trial of {names} has completed or diverged yet, so there is nothing to learn from")


def remarks(sweeps: Sequence[SweepTrials]) -> list[str]:
    """Return what to know of several sweeps together, a sentence each."""
    if len(sweeps) < 2:
        return []
    found = [
        f"the trials of {each.name} were made from those of {parent}, not drawn, so shares of all do not tell how many "
        "of further draws would diverge"
        for each in sweeps
        if (parent := parent_of(each.record)) is not None
    ]
    searched = [{parameter.name for parameter in each.parameters} for each in sweeps]
    only = sorted(name for name in set().union(*searched) if not all(name in names for names in searched))
    if only:
        found.append(f"not searched in all of them, and so left out: {shortened(only)}")
    epochs = sorted({each.record.epochs for each in sweeps})
    if len(epochs) > 1:
        planned = ", ".join(map(str, epochs))
        found.append(f"they have different numbers of epochs ({planned}), and each trial counts within its own")
    if len({_datasets(each) for each in sweeps}) > 1:
        found.append("they have different data sets, which are taken for one")
    return found


def _datasets(sweep: SweepTrials) -> str:
    return repr(sorted(str(entry.get("dataset")) for entry in sweep.record.datasets))
