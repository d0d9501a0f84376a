"""What a command that trains does when its sweep has ended: run a command of the user, ring the bell."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from sweep.errors import SweepError
from sweep.system.signals import EXIT_CODE, Signalled

if TYPE_CHECKING:
    from sweep.observer import Observer
    from sweep.records import Progress, Status

COUNTED: tuple[Status, ...] = ("completed", "diverged", "pruned", "failed", "paused", "interrupted", "queued")
"""Statuses of which the command is told the number of trials."""


class Afterwards:
    """An observer that keeps the last progress beside another one that shows it, and acts at the end of the command."""

    def __init__(self, command: str | None, bell: bool) -> None:
        self._command = command
        self._bell = bell
        self._shown: Observer | None = None
        self._last: Progress | None = None
        self._open = ExitStack()

    def beside(self, shown: Observer) -> Observer:
        """Return the observer of the training."""
        self._shown = shown
        return self if self._command or self._bell else shown

    def __enter__(self) -> Self:
        if isinstance(self._shown, AbstractContextManager):
            self._open.enter_context(self._shown)
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.close()

    def note(self, message: str) -> None:
        """Pass the message on."""
        if self._shown:
            self._shown.note(message)

    def update(self, progress: Progress) -> None:
        """Pass the progress on, and keep it."""
        self._last = progress
        if self._shown:
            self._shown.update(progress)

    @contextmanager
    def acting(self, db: str | None) -> Iterator[None]:
        """Act when this context is left, if a sweep was trained in it; errors and signals go on.

        Args:
            db: the database, as the user has named it.
        """
        try:
            yield
        except BaseException as error:
            code = getattr(error, "exit_code", 1)
            is_stopped = isinstance(error, Signalled) or (isinstance(error, SweepError) and code > EXIT_CODE)
            self._act(db, "interrupted" if is_stopped else "failed")
            raise
        self._act(db, "completed")

    def _act(self, db: str | None, status: str) -> None:
        if self._last is None:
            return
        if self._bell and sys.stderr.isatty():
            print("\a", end="", file=sys.stderr, flush=True)
        if not self._command:
            return
        environment = os.environ | variables(self._last, db) | {"SWEEP_STATUS": status}
        # Its output goes to standard error (2), so that a table on standard output stays whole.
        options: dict[str, Any] = {"shell": True, "env": environment, "stdout": 2}
        try:
            if status == "interrupted":  # this process has to end at once, and the command need not
                subprocess.Popen(self._command, start_new_session=True, stdin=subprocess.DEVNULL, **options)
                return
            code = subprocess.run(self._command, check=False, **options).returncode
        except OSError as error:
            print(f"warning: the command of --then cannot be run: {error.strerror}", file=sys.stderr)
            return
        if code:
            print(f"warning: the command of --then has ended with exit code {code}: {self._command}", file=sys.stderr)


def variables(last: Progress, db: str | None) -> dict[str, str]:
    """Return what the command is told of a sweep, as environment variables."""
    from sweep.results.opening import database_url
    from sweep.store import Store
    from sweep.store.queries import best_trial

    progress, best, database = last, None, db or ""
    with suppress(SweepError):
        store = Store(database_url(db))
        database = store.database.address
        record = store.sweep(last.name)
        progress = store.progress(record.id)
        with store.database.reading() as connection:
            best = best_trial(connection, record.id)
    counts = {f"SWEEP_{status.upper()}": f"{progress.counts.get(status, 0)}" for status in COUNTED}
    return {
        "SWEEP_NAME": progress.name,
        "SWEEP_DB": database,
        "SWEEP_METRIC": progress.metric,
        "SWEEP_BEST_VALUE": "" if progress.best is None else f"{progress.best}",
        "SWEEP_BEST_TRIAL": "" if best is None else f"{best}",
        "SWEEP_TRIALS": f"{progress.total}",
        **counts,
    }
