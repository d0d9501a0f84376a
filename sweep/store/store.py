"""What the rest of the house asks of the database: sweeps and trials in, frames out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError

from sweep.errors import SweepError, suggest
from sweep.records import BatchLosses, Epoch, Progress, RunningTrial, Status, SweepRecord, Trial, Weights
from sweep.store import lifecycle
from sweep.store.connection import Database, Result, patiently
from sweep.store.lifecycle import Claim, Ending, Held, IsLost
from sweep.store.rows import insert_sweep, read_epochs
from sweep.store.schema import sweeps, trials
from sweep.system.variables import results_folder

if TYPE_CHECKING:
    import pandas as pd

    from sweep.store.frames import Which


class Store:
    """All sweeps in one database."""

    def __init__(self, url: str, create: bool = False) -> None:
        """Open the database at a URL or path; with `create`, make it where there is none.

        Raises:
            StoreError: when it cannot be opened.
        """
        self.database = Database(url)
        try:
            self.database.create() if create else self.database.open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give all connections back."""
        self.database.close()

    @property
    def folder(self) -> Path:
        """Where the files that belong to the database lie, each sweep's in a folder of its name."""
        if self.database.is_sqlite:
            return self.database.path.parent
        return results_folder()

    # Sweeps

    def add_sweep(self, record: SweepRecord, drawn: Sequence[Trial]) -> int:
        """Store a sweep with all its trials, queued, in one transaction; return its id.

        Raises:
            SweepError: when the name is taken.
        """
        try:
            with self.database.writing(durable=True) as connection:
                return insert_sweep(connection, record, drawn)
        except SweepError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise SweepError(
                    f"there is a sweep '{record.name}' already; give this one another name with --name, or go on "
                    f"with the old one with `sweep resume {record.name}`"
                ) from None
            raise

    def sweep(self, name: str | None = None) -> SweepRecord:
        """Return a sweep by its name; the newest one without a name.

        Raises:
            SweepError: when there is none; close names are suggested.
        """
        query = select(sweeps).order_by(sweeps.c.id.desc()).limit(1)
        with self.database.reading() as connection:
            row = connection.execute(query.where(sweeps.c.name == name) if name else query).mappings().first()
        if row:
            return SweepRecord(**{name: row[name] for name in SweepRecord.__slots__})
        names = self.names()
        if not names:
            raise SweepError(f"{self.database.shown} holds no sweeps yet; begin one with `sweep run`")
        raise SweepError(f"there is no sweep '{name}' in {self.database.shown}; {suggest(str(name), names)}")

    def names(self) -> list[str]:
        """Return the names of all sweeps."""
        with self.database.reading() as connection:
            return list(connection.execute(select(sweeps.c.name)).scalars())

    def sweeps(self) -> pd.DataFrame:
        """List all sweeps, newest first: name, created (UTC), trials, a column for each status that occurs, best."""
        import pandas as pd

        with self.database.reading() as connection:
            heads = connection.execute(
                select(sweeps.c.id, sweeps.c.name, sweeps.c.created, sweeps.c.trials).order_by(sweeps.c.id.desc())
            ).all()
            counts = connection.execute(
                select(trials.c.sweep_id, trials.c.status, func.count(), func.max(trials.c.best_value)).group_by(
                    trials.c.sweep_id, trials.c.status
                )
            ).all()
        frame = pd.DataFrame(heads, columns=["id", "sweep", "created", "trials"]).set_index("id")
        frame["created"] = pd.to_datetime(frame["created"]).dt.floor("s")
        table = pd.DataFrame(counts, columns=["id", "status", "count", "best"])
        states = table.pivot_table(index="id", columns="status", values="count", fill_value=0, aggfunc="sum")
        best = table[table["status"] == "completed"].set_index("id")["best"].rename("best_accuracy")
        return frame.join(states).join(best).reset_index(drop=True)

    # A trial's life

    def queued(self, sweep_id: int) -> list[int]:
        """Return the numbers of the trials that wait to be trained, in order."""
        query = (
            select(trials.c.number)
            .where(trials.c.sweep_id == sweep_id, trials.c.status == "queued")
            .order_by(trials.c.number)
        )

        def once() -> list[int]:
            with self.database.reading() as connection:
                return list(connection.execute(query).scalars())

        return patiently(once)

    def status(self, sweep_id: int, number: int) -> Status:
        """Return the status of a trial."""
        status: Status = self.trial(sweep_id, number)["status"]
        return status

    def held(self, sweep_id: int) -> dict[int, Held]:
        """Return by whom each trial that is being trained is held, by its number."""
        with self.database.reading() as connection:
            return lifecycle.held(connection, sweep_id, self.database.now(connection))

    def requeue(self, sweep_id: int, is_lost: IsLost, *, interrupted: bool = True, patient: bool = True) -> int:
        """Queue again what is running without a living owner, and what was interrupted; return how many."""
        return self._write(lambda c, now: lifecycle.requeue(c, sweep_id, is_lost, now, interrupted), patient=patient)

    def retry(self, sweep_id: int) -> int:
        """Queue again what has failed; return how many."""
        return self._write(lambda c, now: lifecycle.retry(c, sweep_id), durable=True)

    def claim(self, sweep_id: int, number: int, owner: str) -> Claim | None:
        """Take a queued trial; None where another was quicker.

        What an earlier attempt has left is cleared away, but for the epochs up to that of the file to go on from.
        """
        return self._write(lambda c, now: lifecycle.claim(c, sweep_id, number, owner, now))

    def beat(self, held: Claim) -> bool:
        """Say that a trial is still being trained; return whether it still belongs to this attempt."""
        return self._write(lambda c, now: lifecycle.beat(c, held, now), patient=False)

    def record(
        self,
        held: Claim,
        new: Sequence[Epoch],
        best: Epoch | None,
        losses: Sequence[BatchLosses] = (),
        *,
        weights: Weights | None = None,
        checkpoint: Weights | None = None,
    ) -> None:
        """Store epochs of a running trial, its best one so far, losses of mini-batches, and files that were written.

        Raises:
            StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
        """
        values: dict[str, Any] = {}
        for name, kept in (("weights", weights), ("checkpoint", checkpoint)):
            if kept:
                values |= {name: kept.file, f"{name}_epoch": kept.epoch}
        self._write(lambda c, now: lifecycle.record(c, held, new, best, losses, heartbeat=now, **values))

    def finish(
        self,
        held: Claim,
        ending: Ending,
        new: Sequence[Epoch],
        best: Epoch | None,
        losses: Sequence[BatchLosses] = (),
    ) -> None:
        """Store the last epochs of a trial and how it ended, so that it survives a power cut.

        Raises:
            StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
        """
        self._write(lambda c, now: lifecycle.finish(c, held, ending, new, best, losses, now), durable=True)

    def bury(
        self,
        sweep_id: int,
        number: int,
        reason: str,
        is_lost: IsLost,
        *,
        unclaimed: bool = True,
        patient: bool = True,
    ) -> Status | None:
        """Count a death of the worker that had a trial, and queue it again or, the third time, let it fail.

        A trial that waits has died before it was claimed; that counts if `unclaimed` does. Return the trial's status;
        None where it has none of that, because it belongs to a living owner.
        """
        return self._write(
            lambda c, now: lifecycle.bury(c, sweep_id, number, reason, is_lost, now, unclaimed),
            durable=True,
            patient=patient,
        )

    def abandon(
        self, sweep_id: int, number: int, reason: str, is_lost: IsLost, *, patient: bool = True
    ) -> Status | None:
        """Let a trial fail that its worker had to leave; see `bury`."""
        return self._write(
            lambda c, now: lifecycle.abandon(c, sweep_id, number, reason, is_lost, now), durable=True, patient=patient
        )

    def prolong(self, sweep_id: int, numbers: Sequence[int], epochs_each: int) -> None:
        """Queue completed trials again, to go on from their kept weights until they have so many epochs.

        Raises:
            SweepError: when one of them is no longer completed; nothing is changed then.
        """

        def all_of_them(connection: Connection, now: datetime) -> None:
            for number in numbers:
                lifecycle.prolong(connection, sweep_id, number, epochs_each)
            lifecycle.lengthen(connection, sweep_id, epochs_each)

        self._write(all_of_them, durable=True)

    def _write(
        self, work: Callable[[Connection, datetime], Result], *, durable: bool = False, patient: bool = True
    ) -> Result:
        """Do `work` with the present time in one transaction; with patience, try again while the database is busy."""

        def once() -> Result:
            with self.database.writing(durable) as connection:
                return work(connection, self.database.now(connection))

        return patiently(once) if patient else once()

    # Frames

    def progress(self, sweep_id: int) -> Progress:
        """Return how far a sweep has come."""
        mine = trials.c.sweep_id == sweep_id
        with self.database.reading() as connection:
            counts = connection.execute(select(trials.c.status, func.count()).where(mine).group_by(trials.c.status))
            by_status = {status: count for status, count in counts}  # noqa: C416 (mypy wants it so)
            best = connection.execute(
                select(func.max(trials.c.best_value)).where(mine, trials.c.status == "completed")
            ).scalar()
            epochs_each = connection.execute(select(sweeps.c.epochs).where(sweeps.c.id == sweep_id)).scalar_one()
            running = connection.execute(
                select(trials.c.number, func.coalesce(trials.c.last_epoch, 0), trials.c.best_value)
                .where(mine, trials.c.status == "running")
                .order_by(trials.c.number)
            ).all()
        return Progress(
            by_status,
            best,
            tuple(RunningTrial(*row) for row in running),
            epochs_each,
        )

    def trial(self, sweep_id: int, number: int) -> dict[str, Any]:
        """Return all columns of one trial.

        Raises:
            SweepError: when the sweep has no such trial.
        """
        with self.database.reading() as connection:
            row = (
                connection.execute(select(trials).where(trials.c.sweep_id == sweep_id, trials.c.number == number))
                .mappings()
                .first()
            )
            total = connection.execute(
                select(func.count()).select_from(trials).where(trials.c.sweep_id == sweep_id)
            ).scalar()
        if row is None:
            raise SweepError(f"there is no trial {number}; this sweep has trials 0 to {(total or 0) - 1}")
        return dict(row)

    def trials(self, sweep_id: int, metric: str = "test_accuracy", which: Which | None = None) -> pd.DataFrame:
        """Return one row for each trial, or for `which`: its best epoch by `metric`, its parameters by full name."""
        from sweep.store.frames import trials_frame

        with self.database.reading() as connection:
            return trials_frame(connection, sweep_id, metric, which)

    def trial_epochs(self, sweep_id: int, number: int) -> tuple[Epoch, ...]:
        """Return the epochs of a trial, in order."""
        with self.database.reading() as connection:
            this = select(trials.c.id).where(trials.c.sweep_id == sweep_id, trials.c.number == number)
            return read_epochs(connection, connection.execute(this).scalar_one())

    def batches(self, sweep_id: int, number: int | None = None) -> pd.DataFrame:
        """Return one row for each mini-batch of all trials, or of one, as far as their losses were recorded."""
        from sweep.store.frames import batches_frame

        with self.database.reading() as connection:
            return batches_frame(connection, sweep_id, number)

    def epochs(self, sweep_id: int, number: int | None = None) -> pd.DataFrame:
        """Return one row for each epoch of all trials, or of one, ordered by trial and epoch."""
        from sweep.store.frames import epochs_frame

        with self.database.reading() as connection:
            return epochs_frame(connection, sweep_id, number)
