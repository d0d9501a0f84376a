"""Keeping house: a sweep gets another name, notes and tags, or is removed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweep.arguments import text, texts, whole
from sweep.errors import UsageError
from sweep.results.statistics_charts import ChartedTrials

if TYPE_CHECKING:
    import pandas as pd

TAG = r"[^\s,]{1,100}"
"""What tags look like."""


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

    def note(self, text: str, trial: int | None = None) -> None:
        """Add a note to the sweep, or to a trial.

        Raises:
            UsageError: when the note is empty.
            SweepError: when there is no such trial.
        """
        self.store.note(self.record.id, self._number(trial), _noted(text))

    def notes(self) -> pd.DataFrame:
        """Return the notes on the sweep and on its trials, the oldest first.

        Columns: trial (missing where it is on the sweep itself), text, written (UTC).
        """
        import pandas as pd

        found = self.store.notes(self.record.id)
        columns = {
            "trial": pd.Series([note.trial for note in found], dtype="Int64"),
            "text": pd.Series([note.text for note in found], dtype="str"),
            "written": pd.to_datetime(pd.Series([note.written for note in found], dtype=object)).dt.floor("s"),
        }
        return pd.DataFrame(columns)

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags, in order."""
        return self.store.tags(self.record.id).get(None, ())

    def tag(self, *tags: str, trial: int | None = None) -> None:
        """Add tags to the sweep, or to a trial, to be found again by, such as by `best(where="tag = 'good'")`.

        Raises:
            UsageError: when one of them is not one word.
            SweepError: when there is no such trial.
        """
        self.store.tag(self.record.id, self._number(trial), _checked(tags))

    def untag(self, *tags: str, trial: int | None = None) -> list[str]:
        """Remove tags from the sweep, or from a trial; return those that it had.

        Raises:
            SweepError: when there is no such trial.
        """
        return self.store.untag(self.record.id, self._number(trial), texts(tags, "tags"))

    def _number(self, trial: int | None) -> int | None:
        """Return the number of a trial that there is; None for the sweep itself."""
        return None if trial is None else self.store.trial(self.record.id, whole(trial, "trial")).number


def _noted(given: str) -> str:
    noted = text(given, "text").strip()
    if not noted:
        raise UsageError("the note is empty; write what you want to remember")
    return noted


def _checked(tags: Sequence[str]) -> list[str]:
    for tag in (checked := texts(tags, "tags")):
        if not re.fullmatch(TAG, tag) or not tag.isprintable():
            raise UsageError(f"a tag is one word of at most 100 characters, without a comma, not {tag!r}")
    return checked
