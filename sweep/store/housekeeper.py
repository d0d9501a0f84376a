"""Keeping house: sweeps are listed, renamed and removed, and get notes and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from sweep.records import Note, SweepRecord
from sweep.store import marks, queries
from sweep.store.reader import Reader
from sweep.store.retry import Result, retry_while_busy
from sweep.store.rows import sweep_record
from sweep.store.schema import sweeps

if TYPE_CHECKING:
    import pandas as pd

    from sweep.store.renaming import Renamed


class Housekeeper(Reader):
    """All sweeps in one database, to be kept in order."""

    def sweeps(self) -> pd.DataFrame:
        """Return all sweeps, newest first.

        Columns: sweep (its name), created (UTC), trials, one for each status that occurs, metric (of the objective),
        best (its best value among the completed trials), status (see `queries.SweepStatus`), tags (of the sweep
        itself), notes (their number, those on trials included).
        """
        from sweep.store.frames import sweeps_frame

        with self.database.reading() as connection:
            return sweeps_frame(connection, self.database.now(connection))

    def listed(self) -> list[queries.Listed]:
        """Return all sweeps, newest first, without a frame."""

        def once() -> list[queries.Listed]:
            with self.database.reading() as connection:
                return queries.list_sweeps(connection, self.database.now(connection))

        return retry_while_busy(once, self.database.trains)

    def records(self) -> list[SweepRecord]:
        """Return all sweeps, newest first."""
        with self.database.reading() as connection:
            rows = connection.execute(select(sweeps).order_by(sweeps.c.id.desc())).mappings().all()
        return [sweep_record(row) for row in rows]

    def notes(self, sweep_id: int) -> list[Note]:
        """Return the notes on a sweep and on its trials, the oldest first."""
        with self.database.reading() as connection:
            return marks.read_notes(connection, sweep_id)

    def tags(self, sweep_id: int) -> marks.Tags:
        """Return the tags of a sweep and of its trials."""
        with self.database.reading() as connection:
            return marks.read_tags(connection, sweep_id)

    def rename(self, names: Mapping[str, str], changes: Sequence[Renamed]) -> None:
        """Rename sweeps with their folders; see `sweep.store.renaming`."""
        from sweep.store import renaming

        folder = self.files.relative_to(self.folder).as_posix()
        retry_while_busy(
            lambda: renaming.rename(self.database, self.files, folder, names, changes), self.database.trains
        )

    def remove(self, ids: Sequence[int]) -> int:
        """Delete sweeps with all their files; return by how many bytes the file of the database is smaller then.

        Raises:
            SweepError: when one of them is being trained; nothing is deleted then.
        """
        from sweep.store import removal

        retry_while_busy(lambda: removal.remove(self.database, self.files, ids), self.database.trains)
        return removal.give_back(self.database)

    def note(self, sweep_id: int, number: int | None, text: str) -> None:
        """Add a note to a trial, or to a sweep itself."""
        self._write(lambda c, now: marks.note(c, sweep_id, number, text, now), durable=True)

    def tag(self, sweep_id: int, number: int | None, names: Sequence[str]) -> None:
        """Add tags to a trial, or to a sweep itself; those that it has already stay as they are."""
        self._write(lambda c, now: marks.tag(c, sweep_id, number, names), durable=True)

    def untag(self, sweep_id: int, number: int | None, names: Sequence[str]) -> list[str]:
        """Remove tags from a trial, or from a sweep itself; return those that it had."""
        return self._write(lambda c, now: marks.untag(c, sweep_id, number, names), durable=True)

    def _write(
        self, work: Callable[[Connection, datetime], Result], *, durable: bool = False, patient: bool = True
    ) -> Result:
        """Return the result of `work`, called with the present time, in one transaction."""

        def once() -> Result:
            with self.database.writing(durable) as connection:
                return work(connection, self.database.now(connection))

        return retry_while_busy(once, self.database.trains) if patient else once()
