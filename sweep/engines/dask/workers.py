"""Checking whether the workers of a cluster can train, and how they differ from us."""

from __future__ import annotations

from collections.abc import Callable, Set
from contextlib import suppress
from typing import Any
from uuid import uuid4

from sweep.engines.dask import node
from sweep.engines.dask.client import DaskClient
from sweep.engines.dask.node import NodeError, NodeInfo
from sweep.errors import SweepError
from sweep.experiment.experiment import WEIGHTS_KEPT
from sweep.experiment.file import experiment_of
from sweep.store import Store
from sweep.system.environment import differences, environment
from sweep.trial.worker import Assignment


class WorkerCheck:
    """Has each worker describe itself once, and sends warnings to the observer, each once."""

    def __init__(self, client: DaskClient, store: Store, note: Callable[[str], None]) -> None:
        self._client = client
        self._store = store
        self._note = note
        self._noted: set[str] = set()
        self._known: set[str] = set()
        self._marker = store.folder / f".{uuid4().hex}"
        self._keeps_files = False

    def note_once(self, sentence: str) -> None:
        """Send the observer a message, unless it was sent before."""
        if sentence not in self._noted:
            self._noted.add(sentence)
            self._note(sentence)

    def note_lack(self, threads: int) -> None:
        """Tell the observer that no worker can train, with `threads` of them that do not answer."""
        lack = "has no worker that answers" if threads else "has no workers"
        command = f"dask worker {self._client.address} --nthreads 1"
        self.note_once(f"the scheduler {lack}; start some with: {command}")

    def write_marker(self, sweep: str) -> None:
        """Write a file beside the kept weights, so that nodes can tell if they share the folder."""
        experiment = experiment_of(self._store.sweep(sweep))
        default = "best" if experiment.format >= WEIGHTS_KEPT else "none"
        training = experiment.tree.get("training", {"keep_weights": "last"})  # a user's own trainer may save its state
        self._keeps_files = training.get("keep_weights", default) != "none" or "checkpoint_every" in training
        if self._keeps_files:
            with suppress(OSError):
                self._marker.parent.mkdir(parents=True, exist_ok=True)
                self._marker.touch()

    def remove_marker(self) -> None:
        """Remove that file, if it was written."""
        with suppress(OSError):
            self._marker.unlink()

    def describe_new(self, workers: Set[str], assignment: Assignment) -> None:
        """Have workers describe themselves that have not done so; `assignment` names the database."""
        for address in workers - self._known:
            self._known.add(address)
            arguments = (assignment.database, self._marker.name)
            self._client.submit(
                node.describe, *arguments, name="describe", then=self._handle_description, worker=address
            )

    def handle_error(self, answer: Any) -> None:
        """Tell the observer of a temporary error, if `answer` is one.

        Raises:
            SweepError: when it is an error for good.
        """
        from distributed import CancelledError, KilledWorker

        if answer is None or isinstance(answer, CancelledError | KilledWorker):
            return
        if not isinstance(answer, NodeError):
            reason = " ".join(f"{type(answer).__name__}: {answer}".split())[:300]
            raise SweepError(
                f"the workers of {self._client.address} cannot train ({reason}); is this version of sweep installed "
                "there, and where the scheduler runs, with: pip install 'sweep-lab[dask,postgres]'?"
            )
        error = SweepError(f"{answer.host}: ", *answer.sentence)
        if not answer.is_temporary:
            raise error
        self.note_once(f"warning: {error}; it tries again")

    def _handle_description(self, answer: Any) -> None:
        if not isinstance(answer, NodeInfo):
            self.handle_error(answer)
            return
        if changes := differences(environment(), answer.environment):
            self.note_once(
                f"warning: {answer.host} is not like this machine, so the last bits of its results may differ: "
                f"{changes}"
            )
        if self._keeps_files and not answer.sees_results:
            self.note_once(
                f"warning: {answer.host} does not share the folder {self._store.folder}, so the weights that it keeps "
                "stay there; name a shared one on all machines with SWEEP_RESULTS"
            )
