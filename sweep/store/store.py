"""What the rest of the house asks of the database: sweeps and trials in, frames out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from sweep.errors import StaleAttempt, SweepError, suggest
from sweep.records import BatchLosses, Divergence, Epoch, Status, Trial, Weights
from sweep.store.database import Database
from sweep.store.rows import SweepRecord, insert_sweep, read_epochs, upsert_batches, upsert_epochs
from sweep.store.schema import batches, epochs, parameters, sweeps, trials

if TYPE_CHECKING:
    import pandas as pd

    from sweep.records import Metric


LEFT_BY_AN_ATTEMPT = (
    *("finished", "seconds", "error", "traceback", "best_value", "best_epoch", "best_loss", "last_epoch", "digest"),
    *("diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"),
)
"""Columns of a trial that the next attempt starts without."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write one attempt at one trial, until a later attempt is claimed."""

    trial_id: int
    attempt: int
    number: int
    configuration: dict[str, Any]
    seeds: tuple[int, int, int]
    weights: Weights | None = None
    """The kept weights to go on from."""
    epochs: tuple[Epoch, ...] = ()
    """What is recorded up to there."""


@dataclass(frozen=True, slots=True)
class Running:
    """A trial that is being trained."""

    number: int
    epoch: int
    best: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sweep has come."""

    counts: dict[Status, int]
    """Number of trials by status; statuses without trials are left out."""
    best: float | None
    """Best test accuracy of the completed trials."""
    running: tuple[Running, ...]
    epochs: int
    """Epochs of the longest trial."""


class Store:
    """All sweeps in one database."""

    def __init__(self, url: str, create: bool = False) -> None:
        """Open the database at a URL or path; with `create`, make it where there is none.

        Raises:
            StoreError: when it cannot be opened.
        """
        self.database = Database(url)
        if create:
            self.database.create()
        else:
            self.database.open()

    def close(self) -> None:
        """Give all connections back."""
        self.database.close()

    @property
    def folder(self) -> Path:
        """Where the files that belong to the database lie, each sweep's in a folder of its name."""
        return self.database.path.parent if self.database.is_sqlite else Path("results")

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
            names = [] if row else list(connection.execute(select(sweeps.c.name)).scalars())
        if row:
            return SweepRecord(**row)
        if not names:
            raise SweepError(f"{self.database.shown} holds no sweeps yet; begin one with `sweep run`")
        raise SweepError(f"there is no sweep '{name}' in {self.database.shown}; {suggest(str(name), names)}")

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
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def requeue(self, sweep_id: int, is_alive: Callable[[str], bool], interrupted: bool = True) -> int:
        """Queue again what was interrupted, and what is running without a living owner; return how many."""
        mine = trials.c.sweep_id == sweep_id
        back = [trials.c.status == "interrupted"] if interrupted else []
        with self.database.writing() as connection:
            owners = connection.execute(
                select(trials.c.owner).where(mine, trials.c.status == "running").distinct()
            ).scalars()
            dead = [owner for owner in owners if not is_alive(owner or "")]
            back.append(and_(trials.c.status == "running", trials.c.owner.in_(dead)))
            return sum(
                connection.execute(update(trials).where(mine, condition).values(status="queued")).rowcount
                for condition in back
            )

    def claim(self, sweep_id: int, number: int, owner: str) -> Claim | None:
        """Take a queued trial; None where another was quicker.

        What an earlier attempt has left is cleared away, but for the epochs up to that of the kept weights.
        """
        this = and_(trials.c.sweep_id == sweep_id, trials.c.number == number)
        now = datetime.now(UTC)
        cleared = dict.fromkeys(LEFT_BY_AN_ATTEMPT)
        with self.database.writing() as connection:
            taken = connection.execute(
                update(trials)
                .where(this, trials.c.status == "queued")
                .values(
                    status="running",
                    attempt=trials.c.attempt + 1,
                    owner=owner,
                    started=now,
                    heartbeat=now,
                    **cleared,
                )
            ).rowcount
            if not taken:
                return None
            row = connection.execute(select(trials).where(this)).mappings().one()
            weights = Weights(row["weights"], row["weights_epoch"]) if row["weights"] else None
            kept = _clear_after(connection, row["id"], weights.epoch if weights else -1)
        seeds = (row["seed_weights"], row["seed_shuffling"], row["seed_dropout"])
        return Claim(row["id"], row["attempt"], number, row["configuration"], seeds, weights, kept)

    def record(
        self, claim: Claim, new: Sequence[Epoch], best: Epoch | None, losses: Sequence[BatchLosses] = ()
    ) -> None:
        """Store epochs of a running trial, its best one so far, and losses of mini-batches.

        Raises:
            StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
        """
        with self.database.writing() as connection:
            self._write(connection, claim, new, best, losses, {})

    def finish(
        self,
        claim: Claim,
        status: Status,
        new: Sequence[Epoch],
        best: Epoch | None,
        losses: Sequence[BatchLosses] = (),
        *,
        seconds: float,
        weights: Weights | None = None,
        digest: str | None = None,
        divergence: Divergence | None = None,
        error: str | None = None,
        traceback: str | None = None,
    ) -> None:
        """Store the last epochs of a trial and how it ended, so that it survives a power cut.

        Raises:
            StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
        """
        values: dict[str, Any] = {
            "status": status,
            "finished": datetime.now(UTC),
            "seconds": seconds,
            "digest": digest,
            "error": error,
            "traceback": traceback,
        }
        if weights:
            values |= {"weights": weights.file, "weights_epoch": weights.epoch}
        if divergence:
            values |= {f"diverged_{key}": getattr(divergence, key) for key in ("epoch", "step", "place", "kind")}
        with self.database.writing(durable=True) as connection:
            self._write(connection, claim, new, best, losses, values)

    def _write(
        self,
        connection: Connection,
        claim: Claim,
        new: Sequence[Epoch],
        best: Epoch | None,
        losses: Sequence[BatchLosses],
        values: dict[str, Any],
    ) -> None:
        values = {"heartbeat": datetime.now(UTC), **values, **_summary(new, best)}
        # The attempt stands in the statement itself, so that a worker that was thought dead cannot write.
        written = connection.execute(
            update(trials)
            .where(trials.c.id == claim.trial_id, trials.c.attempt == claim.attempt, trials.c.status == "running")
            .values(**values)
        ).rowcount
        if not written:
            raise StaleAttempt(f"trial {claim.number} has been taken over by a later attempt")
        if new:
            upsert_epochs(connection, claim.trial_id, new)
        upsert_batches(connection, claim.trial_id, losses)

    def prolong(self, sweep_id: int, numbers: Sequence[int], epochs_each: int) -> None:
        """Queue completed trials again, to go on from their kept weights until they have so many epochs.

        Raises:
            SweepError: when one of them is no longer completed; nothing is changed then.
        """
        with self.database.writing(durable=True) as connection:
            for number in numbers:
                _prolong(connection, sweep_id, number, epochs_each)
            longer = and_(sweeps.c.id == sweep_id, sweeps.c.epochs < epochs_each)
            connection.execute(update(sweeps).where(longer).values(epochs=epochs_each))

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
            tuple(Running(*row) for row in running),
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

    def trials(self, sweep_id: int, metric: Metric = "test_accuracy") -> pd.DataFrame:
        """Return one row for each trial in order, with its best epoch by `metric` and its parameters by full name."""
        from sweep.store.frames import trials_frame

        with self.database.reading() as connection:
            return trials_frame(connection, sweep_id, metric)

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


def _clear_after(connection: Connection, trial_id: int, epoch: int) -> tuple[Epoch, ...]:
    """Delete what is recorded of a trial after an epoch; return what is left, which its row then tells of."""
    for table in (epochs, batches):
        connection.execute(delete(table).where(table.c.trial_id == trial_id, table.c.epoch > epoch))
    kept = read_epochs(connection, trial_id)
    if kept:
        best = max(kept, key=lambda each: each.test_accuracy)
        connection.execute(update(trials).where(trials.c.id == trial_id).values(**_summary(kept, best)))
    return kept


def _summary(new: Sequence[Epoch], best: Epoch | None) -> dict[str, Any]:
    """Return what a trial's row says of its epochs."""
    values: dict[str, Any] = {"last_epoch": new[-1].number} if new else {}
    if best:
        values |= {"best_value": best.test_accuracy, "best_epoch": best.number, "best_loss": best.test_loss}
    return values


def _prolong(connection: Connection, sweep_id: int, number: int, epochs_each: int) -> None:
    this = and_(trials.c.sweep_id == sweep_id, trials.c.number == number, trials.c.status == "completed")
    row = connection.execute(select(trials.c.id, trials.c.configuration).where(this)).mappings().first()
    if row is None:
        raise SweepError(f"trial {number} is not completed any more; look at it with `sweep show {number}`")
    configuration = dict(row["configuration"])
    configuration["training"] = configuration["training"] | {"epochs": epochs_each}
    connection.execute(
        update(trials).where(trials.c.id == row["id"]).values(status="queued", configuration=configuration)
    )
    drawn = and_(parameters.c.trial_id == row["id"], parameters.c.name == "training.epochs")
    connection.execute(update(parameters).where(drawn).values(number=epochs_each))
