"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    import pandas as pd


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def review(self) -> pd.DataFrame:
        """Return the verdicts on the sweep, one row each: whether it passed, the figure, the evidence, the advice.

        `passed` is missing where it cannot be judged; the evidence says why.
        """
        from sweep.analysis.review import frame
        from sweep.results.review import verdicts

        return frame(verdicts(self))
