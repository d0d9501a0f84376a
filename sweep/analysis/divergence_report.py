"""The law of divergence in sentences, and as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.analysis import wording
from sweep.analysis.divergence import FEW, FEWEST, Law
from sweep.errors import counted

if TYPE_CHECKING:
    import pandas as pd


def sentences(law: Law) -> list[str]:
    """Return what is known, a sentence each."""
    found = [_counts(law), *_left_out(law)]
    if not law.has_model:
        return [*found, _why_no_model(law)]
    return [*found, *_formula(law), *_effects(law), *_quality(law)]


def _counts(law: Law) -> str:
    rate = law.base_rate
    share = f"{_percent(rate.value)} ({wording.PERCENT}: {_percent(rate.low)} to {_percent(rate.high)})"
    if law.diverged == 0:
        return f"none of {counted(law.trials, 'trial')} diverged ({wording.PERCENT}: at most {_percent(rate.high)})"
    if law.diverged == law.trials:
        least = f"({wording.PERCENT}: at least {_percent(rate.low)})"
        return f"all of {counted(law.trials, 'trial')} diverged {least}; lower the learning rates"
    return f"{law.diverged} of {counted(law.trials, 'trial')} diverged, {share}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def _left_out(law: Law) -> list[str]:
    """Return which trials do not count, and why."""
    failed, pruned = law.left_out.get("failed", 0), law.left_out.get("pruned", 0)
    unended = sum(law.left_out.values()) - failed - pruned
    words = [
        f"{count} {word}"
        for count, word in (
            (pruned, "pruned (they might have diverged later)"),
            (unended, "not ended"),
            (failed, "failed"),
        )
        if count
    ]
    return [f"left out: {', '.join(words)}"] if words else []


def _why_no_model(law: Law) -> str:
    if law.rarer < FEWEST:
        word = "divergences" if law.diverged <= law.trials - law.diverged else "completed trials"
        return f"what it depends on can be told from {FEWEST} {word} of different configurations on"
    return "nothing was searched that could tell them apart"


def _formula(law: Law) -> list[str]:
    boundary = law.boundary
    if boundary is None:
        return ["no number's influence can be told from these trials"]
    limit = f"{wording.formula(boundary)} ({wording.PERCENT}: {wording.interval(boundary.limit)})"
    found = [f"more likely than not, a trial diverges when {limit}"]
    if words := wording.shares(law.effects, boundary):
        found.append(words)
    if words := wording.exponents(boundary):
        found.append(f"exponents, {wording.PERCENT}: {words}")
    if boundary.is_steep:
        found.append("the boundary is steep, so the formula's intervals are widened by 15 %")
    return found


def _effects(law: Law) -> list[str]:
    told = [each for each in law.effects if each.weight.is_told]
    found = [wording.sentence(each) for each in told]
    untold = [each.predictor.label for each in law.effects if not each.weight.is_told]
    if untold:
        found.append(f"cannot be told: {', '.join(untold)}")
    if law.is_shrunk:
        found.append(
            "there are more columns than trials of the rarer outcome, so the effects are shrunk towards none by a ridge"
        )
    return found


def _quality(law: Law) -> list[str]:
    error, right = law.calibration
    found = [
        f"cross-validated log-loss {law.log_loss:.3f}, of the base rate {law.base_log_loss:.3f}"
        + (f", of the formula's additive model {law.linear_log_loss:.3f}" if _is_mixture(law) else ""),
        f"calibration error {error:.3f}, of right probabilities it would be {right:.3f}",
    ]
    if not _is_mixture(law):
        found.append(f"with at most {FEW} of the rarer outcome the model is additive, with a fixed penalty")
    if law.log_loss >= law.base_log_loss:
        found.append("so these parameters predict divergence no better than its base rate does")
    return found


def _is_mixture(law: Law) -> bool:
    return law.rarer > FEW


def effects_table(law: Law) -> pd.DataFrame:
    """Return a row for each column of the additive model, the strongest first.

    `parameter`, `term`, `exponent` in the formula with its ends, NaN where there is none, `change` and by how much it
    multiplies the `odds`, with the ends of that, and whether the effect `is_told` apart from none.
    """
    import pandas as pd

    rows = []
    for each in law.effects:
        word, odds = wording.change(each)
        ends = (each.exponent.value, each.exponent.low, each.exponent.high) if each.exponent else (None, None, None)
        name = each.predictor.parameter.short_name
        numbers = (*ends, word.rstrip(","), odds.value, odds.low, odds.high, each.weight.is_told)
        rows.append((name, each.predictor.label, *numbers))
    names = ["parameter", "term", "exponent", "exponent_low", "exponent_high", "change", "odds", "odds_low"]
    frame = pd.DataFrame(rows, columns=[*names, "odds_high", "is_told"])
    return frame.astype(dict.fromkeys(names[2:5], "float64"))


def summary_table(law: Law) -> pd.DataFrame:
    """Return one row: counts, base rate, formula, and how good the probabilities are, NaN without a model."""
    import pandas as pd

    nothing = float("nan")
    error, right = law.calibration if law.has_model else (nothing, nothing)
    row = {
        "trials": law.trials,
        "diverged": law.diverged,
        "base_rate": law.base_rate.value,
        "base_rate_low": law.base_rate.low,
        "base_rate_high": law.base_rate.high,
        "formula": wording.formula(law.boundary) if law.boundary else None,
        "limit": law.boundary.limit.value if law.boundary else nothing,
        "limit_low": law.boundary.limit.low if law.boundary else nothing,
        "limit_high": law.boundary.limit.high if law.boundary else nothing,
        "log_loss": law.log_loss if law.has_model else nothing,
        "base_log_loss": law.base_log_loss if law.has_model else nothing,
        "calibration_error": error,
        "calibration_error_of_right": right,
    }
    return pd.DataFrame([row])
