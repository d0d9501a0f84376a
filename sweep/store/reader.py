"""Reading from the database: sweeps, trials, epochs, and frames of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from sweep.errors import Call, SweepError, suggest
from sweep.metrics import Objective
from sweep.records import DecisionRecord, Epoch, Progress, Scalar, Status, SweepRecord, TrialRecord
from sweep.store import decisions, growth, lifecycle, queries
from sweep.store.claims import Lease
from sweep.store.connection import Database
from sweep.store.correctness import read_correctness
from sweep.store.creation import create as create_database
from sweep.store.creation import open_existing
from sweep.store.decisions import Competitor
from sweep.store.moving import settle
from sweep.store.retry import retry_while_busy
from sweep.store.rows import read_epochs, sweep_record, trial_record
from sweep.store.schema import sweeps, trials
from sweep.store.sql import SqlReader
from sweep.system.variables import results_folder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from sweep.store.frames import Selection


class Reader(SqlReader):
    """All sweeps in one database, to be read."""

    def __init__(self, url: str, create: bool = False) -> None:
        """Open the database at a URL or path; with `create`, create one that does not exist.

        Raises:
            StoreError: when it cannot be opened.
        """
        self.database = Database(url)
        try:
            (create_database if create else open_existing)(self.database)
            settle(self.database, self.files)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    @property
    def folder(self) -> Path:
        """Folder to which the files that the database names are relative."""
        return self.database.real_path.parent if self.database.is_sqlite else results_folder()

    @property
    def files(self) -> Path:
        """Folder for the files of this database alone, those of each sweep in a folder of its name."""
        return self.folder / self.database.files_name

    def sweep(self, name: str | None = None) -> SweepRecord:
        """Return a sweep by its name; the newest one without a name.

        Raises:
            SweepError: when there is no such sweep; close names are suggested.
        """
        query = select(sweeps).order_by(sweeps.c.id.desc()).limit(1)
        with self.database.reading() as connection:
            row = connection.execute(query.where(sweeps.c.name == name) if name else query).mappings().first()
        if row:
            return sweep_record(row)
        names = self.names()
        if not names:
            raise SweepError(f"{self.database.shown} holds no sweeps yet; begin one with `", Call("run"), "`")
        raise SweepError(f"there is no sweep '{name}' in {self.database.shown}; {suggest(str(name), names)}")

    def names(self) -> list[str]:
        """Return the names of all sweeps."""
        with self.database.reading() as connection:
            return list(connection.execute(select(sweeps.c.name)).scalars())

    def metrics(self, sweep_id: int) -> list[str]:
        """Return the names of the metrics that the epochs of a sweep have, ours first."""
        with self.database.reading() as connection:
            return queries.recorded_metrics(connection, sweep_id).names

    def progress(self, sweep_id: int) -> Progress:
        """Return how far a sweep has come."""
        with self.database.reading() as connection:
            return queries.progress(connection, sweep_id)

    def queued(self, sweep_id: int) -> list[int]:
        """Return the numbers of the queued trials, in order."""
        query = (
            select(trials.c.number)
            .where(trials.c.sweep_id == sweep_id, trials.c.status == "queued")
            .order_by(trials.c.number)
        )

        def once() -> list[int]:
            with self.database.reading() as connection:
                return list(connection.execute(query).scalars())

        return retry_while_busy(once, self.database.trains)

    def status(self, sweep_id: int, number: int) -> Status:
        """Return the status of a trial."""
        return self.trial(sweep_id, number).status

    def leases(self, sweep_id: int) -> dict[int, Lease]:
        """Return who trains each running trial, by its number."""
        with self.database.reading() as connection:
            return lifecycle.leases(connection, sweep_id, self.database.now(connection))

    def trial(self, sweep_id: int, number: int) -> TrialRecord:
        """Return a trial.

        Raises:
            SweepError: when the sweep has no such trial.
        """
        with self.database.reading() as connection:
            row, total = queries.find_trial(connection, sweep_id, number)
            name = "" if row else queries.name_of(connection, sweep_id)
        if row is None:
            raise SweepError(f"there is no trial {number} in {name}, which has trials 0 to {total - 1}")
        return trial_record(row)

    def curves(self, trial_id: int, metric: str, epoch: int) -> dict[int, list[float]]:
        """Return the values of a metric of the sweep's other trials, from epoch 1 to `epoch`, by number.

        Trials that have not had that epoch are left out.
        """

        def once() -> dict[int, list[float]]:
            with self.database.reading() as connection:
                return queries.curves(connection, trial_id, metric, epoch)

        return retry_while_busy(once, self.database.trains)

    def competitors(self, sweep_id: int) -> list[Competitor]:
        """Return all trials of a sweep, by number, as stopping rules see them."""

        def once() -> list[Competitor]:
            with self.database.reading() as connection:
                return decisions.competitors(connection, sweep_id)

        return retry_while_busy(once, self.database.trains)

    def values_after(self, sweep_id: int, number: int, metric: str, epoch: int) -> list[float]:
        """Return the values of a metric of a trial in the epochs after one, the untrained network left out."""

        def once() -> list[float]:
            with self.database.reading() as connection:
                return decisions.values_after(connection, sweep_id, number, metric, epoch)

        return retry_while_busy(once, self.database.trains)

    def parameters(self, sweep_id: int, first: int = 0) -> dict[int, dict[str, Scalar]]:
        """Return the drawn values of each trial from a number on, by number and full name."""
        with self.database.reading() as connection:
            return growth.read_parameters(connection, sweep_id, first)

    def epochs_begun(self, sweep_id: int) -> int:
        """Return the epochs that the trials of a sweep have, and that those being trained are to have."""
        with self.database.reading() as connection:
            return growth.epochs_begun(connection, sweep_id)

    def decisions(self, sweep_id: int, number: int | None = None) -> list[DecisionRecord]:
        """Return the decisions of stopping rules about all trials of a sweep, or about one, by trial and epoch."""
        with self.database.reading() as connection:
            return decisions.read_decisions(connection, sweep_id, number)

    def trial_epochs(self, sweep_id: int, number: int) -> tuple[Epoch, ...]:
        """Return the epochs of a trial, in order."""
        with self.database.reading() as connection:
            this = select(trials.c.id).where(trials.c.sweep_id == sweep_id, trials.c.number == number)
            return read_epochs(connection, connection.execute(this).scalar_one())

    def trials(
        self,
        sweep_id: int,
        objective: Objective | None = None,
        selection: Selection | None = None,
        also: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Return one row for each trial, or for those selected; see `frames.trials_frame`."""
        from sweep.store.frames import trials_frame

        with self.database.reading() as connection:
            return trials_frame(connection, sweep_id, objective, selection, also)

    def correctness(self, sweep_id: int, numbers: Sequence[int] | None = None) -> dict[int, NDArray[np.bool_]]:
        """Return which examples all trials, or some, have right, by number; see `read_correctness`."""
        with self.database.reading() as connection:
            return read_correctness(connection, sweep_id, numbers)

    def batches(self, sweep_id: int, number: int | None = None) -> pd.DataFrame:
        """Return one row for each recorded mini-batch of all trials, or of one; see `frames.batches_frame`."""
        from sweep.store.frames import batches_frame

        with self.database.reading() as connection:
            return batches_frame(connection, sweep_id, number)

    def epochs(self, sweep_id: int, number: int | None = None) -> pd.DataFrame:
        """Return one row for each epoch of all trials, or of one; see `frames.epochs_frame`."""
        from sweep.store.frames import epochs_frame

        with self.database.reading() as connection:
            return epochs_frame(connection, sweep_id, number)

    def epochs_in_chunks(self, sweep_id: int, number: int | None = None, *, chunk: int) -> Iterator[pd.DataFrame]:
        """Yield the same in frames of at most `chunk` rows, all of one state of the database."""
        from sweep.store.frames import epochs_frames

        with self.database.reading() as connection:
            yield from epochs_frames(connection, sweep_id, number, chunk=chunk)
