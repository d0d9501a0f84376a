"""The store: what the other packages ask of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from sweep.errors import Argument, Call, SweepError
from sweep.metrics import Objective
from sweep.records import BatchLosses, DecisionRecord, Epoch, Status, SweepRecord, Trial, Weights
from sweep.store import decisions, growth, imports, lifecycle, takeover, twins
from sweep.store.claims import Claim, Ending, IsLost
from sweep.store.housekeeper import Housekeeper
from sweep.store.rows import file_columns, insert_sweep


def _taken(name: str) -> SweepError:
    other, resume = Argument("name"), Call("resume", name)
    return SweepError(
        f"there is a sweep '{name}' already; give this one another name with ",
        other,
        ", or go on with the old one with `",
        resume,
        "`",
    )


class Store(Housekeeper):
    """All sweeps in one database.

    Every write is one transaction, tried again while the database is busy unless it is not `patient`.
    """

    def add_sweep(self, record: SweepRecord, drawn: Sequence[Trial]) -> int:
        """Store a sweep with all its trials, queued, in one transaction; return its id.

        Raises:
            SweepError: when the name is taken.
        """
        try:
            with self.database.writing(durable=True) as connection:
                sweep_id = insert_sweep(connection, record, drawn)
            self.database.checkpoint()
            return sweep_id
        except SweepError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise _taken(record.name) from None
            raise

    def add_ended(self, record: SweepRecord, drawn: Sequence[Trial], ended: Sequence[imports.Ended]) -> int:
        """Store a sweep whose trials have ended elsewhere, in one transaction; return its id."""
        return self._write(lambda c, now: imports.add_ended(c, record, drawn, ended), durable=True)

    def check_name(self, name: str) -> None:
        """Check that no sweep has a name, nor one that differs from it in case alone.

        Folders of many systems, and views of all databases, are called the same by both.

        Raises:
            SweepError: when one has it.
        """
        for other in self.names():
            if other.lower() == name.lower():
                raise _taken(other)

    def requeue(self, sweep_id: int, is_lost: IsLost, *, interrupted: bool = True, patient: bool = True) -> int:
        """Queue the trials again that run without a living owner, and those interrupted; return their number."""
        return self._write(lambda c, now: lifecycle.requeue(c, sweep_id, is_lost, now, interrupted), patient=patient)

    def retry(self, sweep_id: int) -> int:
        """Queue the trials again that failed; return their number."""
        return self._write(lambda c, now: lifecycle.retry(c, sweep_id), durable=True)

    def claim(self, sweep_id: int, number: int, owner: str) -> Claim | None:
        """Claim a queued trial; None where another worker has claimed it.

        What an earlier attempt wrote is deleted, except for the epochs up to that of the file to start from.
        """
        return self._write(lambda c, now: lifecycle.claim(c, sweep_id, number, owner, now))

    def heartbeat(self, claim: Claim) -> bool:
        """Record that a trial is still being trained; return whether it still belongs to this attempt."""
        return self._write(lambda c, now: lifecycle.heartbeat(c, claim, now), patient=False)

    def record_trouble(self, claim: Claim, trouble: str) -> None:
        """Record what a running trial waits for, in one sentence; how it ends is written over it."""
        self._write(lambda c, now: lifecycle.heartbeat(c, claim, now, error=trouble), patient=False)

    def record(
        self,
        claim: Claim,
        new: Sequence[Epoch],
        chosen: Epoch | None,
        losses: Sequence[BatchLosses] = (),
        *,
        correct: bytes | None = None,
        weights: Weights | None = None,
        checkpoint: Weights | None = None,
        log: str | None = None,
    ) -> None:
        """Store epochs of a running trial, with mini-batch losses, the files that were written and the log.

        Args:
            chosen: the epoch that stands for the trial by the objective of the sweep, so far.
            correct: which examples are right at that epoch, packed; see `sweep.store.correctness`.

        Raises:
            StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
        """
        values: dict[str, Any] = {} if log is None else {"log": log}
        for name, kept in (("weights", weights), ("checkpoint", checkpoint)):
            values |= file_columns(name, kept) if kept else {}
        self._write(lambda c, now: lifecycle.record(c, claim, new, chosen, losses, correct, heartbeat=now, **values))

    def finish(
        self,
        claim: Claim,
        ending: Ending,
        new: Sequence[Epoch],
        chosen: Epoch | None,
        losses: Sequence[BatchLosses] = (),
        correct: bytes | None = None,
    ) -> None:
        """Store the last epochs of a trial and how it ended, so that it survives a power cut; see `record`.

        Raises:
            StaleAttempt: when the trial belongs to a later attempt; nothing is written then.
        """
        self._write(lambda c, now: lifecycle.finish(c, claim, ending, new, chosen, losses, correct, now), durable=True)

    def clear_epochs(self, claim: Claim) -> None:
        """Delete the epochs of a running trial, whose training has begun from the beginning again.

        Raises:
            StaleAttempt: when the trial belongs to a later attempt; nothing is deleted then.
        """
        self._write(lambda c, now: lifecycle.clear_epochs(c, claim))

    def record_crash(
        self,
        sweep_id: int,
        number: int,
        reason: str,
        is_lost: IsLost,
        *,
        unclaimed: bool = True,
        patient: bool = True,
    ) -> Status | None:
        """Record a worker crash: requeue the trial, or fail it after three; return its status.

        A queued trial's worker crashed before it claimed the trial; that counts if `unclaimed` does. None, and nothing
        is written, where a living owner has the trial.
        """
        return self._write(
            lambda c, now: lifecycle.record_crash(c, sweep_id, number, reason, is_lost, now, unclaimed),
            durable=True,
            patient=patient,
        )

    def fail(self, sweep_id: int, number: int, reason: str, is_lost: IsLost, *, patient: bool = True) -> Status | None:
        """Fail a trial whose worker was stopped; return its status, None where a living owner has the trial."""
        return self._write(
            lambda c, now: lifecycle.fail(c, sweep_id, number, reason, is_lost, now), durable=True, patient=patient
        )

    def extend(self, sweep_id: int, numbers: Sequence[int], epochs_each: int | None) -> None:
        """Queue completed and pruned trials again, to be trained on until they have `epochs_each` epochs.

        None stands for the epochs that are planned. No stopping rule ends them any more.

        Raises:
            SweepError: when one of them is neither; nothing is changed then.
        """

        def all_of_them(connection: Connection, now: datetime) -> None:
            for number in numbers:
                lifecycle.extend(connection, sweep_id, number, epochs_each)
            if epochs_each is not None:
                lifecycle.lengthen(connection, sweep_id, epochs_each)

        self._write(all_of_them, durable=True)

    def decide(self, sweep_id: int, made: Sequence[DecisionRecord]) -> list[int]:
        """Store decisions of stopping rules and carry them out; return the numbers of the trials that are queued again.

        A decision about a trial that is not paused after its epoch is left out.
        """
        return self._write(lambda c, now: decisions.decide(c, sweep_id, made, now), durable=True)

    def add_trials(self, sweep_id: int, drawn: Sequence[Trial], datasets: Sequence[Mapping[str, Any]]) -> bool:
        """Add trials to a sweep, queued, and set its data sets; return whether the trials go on from those it has.

        Nothing is changed where they do not.
        """
        return self._write(lambda c, now: growth.add_trials(c, sweep_id, drawn, datasets), durable=True)

    def take_over(self, sweep_id: int, source: SweepRecord, objective: Objective) -> int:
        """Take over what an earlier sweep has trained of the queued trials of a sweep; return how many these are."""
        return self._write(lambda c, now: takeover.take_over(c, sweep_id, source, objective), durable=True)

    def add_twins(
        self,
        record: SweepRecord,
        drawn: Sequence[Trial],
        starts: Mapping[int, twins.Start],
        datasets: Sequence[Mapping[str, Any]],
    ) -> bool:
        """Add trials to a sweep, or to a new one, some of which begin where another was; see `sweep.store.twins`."""
        return self._write(lambda c, now: twins.add_twins(c, record, drawn, starts, datasets), durable=True)

    def plan_trials(self, sweep_id: int, total: int | None) -> None:
        """Record how many trials a sweep has in all, once all are drawn; None for as many as there are."""
        self._write(lambda c, now: growth.plan_trials(c, sweep_id, total), durable=True)

    def record_end(self, sweep_id: int, reason: str | None) -> None:
        """Record why no more trials are started; None where some may be."""
        self._write(lambda c, now: growth.record_end(c, sweep_id, reason), durable=True)
