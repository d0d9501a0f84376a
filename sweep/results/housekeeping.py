"""Keeping house: a sweep gets another name, or is removed."""

from __future__ import annotations

from sweep.arguments import text
from sweep.results.statistics_charts import ChartedTrials


class KeptTrials(ChartedTrials):
    """The trials of one sweep, with what keeps a database of many sweeps in order."""

    def rename(self, new: str) -> None:
        """Give the sweep another name, with its folder and the sweeps of twins that are called after it.

        Raises:
            UsageError: when no sweep can have the name.
            SweepError: when it is taken, or the sweep is being trained; nothing is changed then.
        """
        from sweep.runner.renaming import rename

        store, record = self.store, rename(self.record, text(new, "new"), self.store)
        self.__dict__.clear()  # what was read of the old record
        self.store, self.record = store, record

    def remove(self, *, twins: bool = False) -> int:
        """Delete the sweep with its weights, checkpoints and charts.

        Args:
            twins: whether the sweeps of twins of its trials, such as its finalists, are deleted, too.

        Returns: by how many bytes the file of the database is smaller then.

        Raises:
            SweepError: when it is being trained, or has twins that are not to be deleted; nothing is deleted then.
        """
        from sweep.runner.removing import planned_removal, remove

        return remove(planned_removal(self.record, self.store, twins=twins), self.store)
