"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.arguments import whole
from sweep.errors import SweepError
from sweep.results.charts import DrawnTrials

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from sweep.results.trials import SweepTrials


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""

    def correctness(self, trial: int) -> NDArray[np.bool_]:
        """Return whether each example of the objective's part is right, at the epoch that stands for a trial.

        Raises:
            SweepError: when that is not known, as of a user's own trainer or of another objective than an accuracy.
        """
        number = whole(trial, "trial")
        found = self.store.correctness(self.record.id, [number])
        if number not in found:
            self.store.trial(self.record.id, number)  # tells where there is no such trial
            raise SweepError(
                f"which examples {self.name}/{number} has right is not known: it is kept of networks of ours that are "
                "ranked by test_accuracy or validation_accuracy; train it again with this version of sweep"
            )
        return found[number]

    def diff(self, first: int, second: int, other: SweepTrials | None = None) -> pd.DataFrame:
        """Return what differs between two trials, side by side; the columns are those of `sweep diff`.

        Args:
            first: number of a trial.
            second: number of another one.
            other: the sweep that the second is of, by default this one.

        Raises:
            SweepError: when there is no such trial, or both are the same.
        """
        from sweep.results.difference import difference

        return difference(self, whole(first, "first"), other or self, whole(second, "second"))[0]

    def review(self) -> pd.DataFrame:
        """Return the verdicts on the sweep, one row each: whether it passed, the figure, the evidence, the advice.

        `passed` is missing where it cannot be judged; the evidence says why.

        Raises:
            SweepError: when its trials were made from those of another sweep.
        """
        from sweep.analysis.review import frame
        from sweep.results.review import verdicts

        return frame(verdicts(self))
