"""Sending data sets to the nodes of a cluster that lack them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sweep.data.cache import contents
from sweep.engines.dask import node
from sweep.engines.dask.client import DaskClient
from sweep.engines.dask.node import MissingData
from sweep.trial.worker import Assignment


@dataclass
class Transfer:
    """A data set on its way to a node."""

    worker: str
    """Address of the worker that receives it."""
    waiting: list[Assignment] = field(default_factory=list)
    """The trials that need it."""


class Transfers:
    """Sends each data set once to each node that lacks it, then requeues the waiting trials."""

    def __init__(
        self,
        client: DaskClient,
        handle_error: Callable[[Any], None],
        requeue: Callable[[Iterable[Assignment]], None],
    ) -> None:
        self._client = client
        self._handle_error = handle_error
        self._requeue = requeue
        self._transfers: dict[tuple[str, str], Transfer] = {}

    def __bool__(self) -> bool:
        """Whether any data set is on its way."""
        return bool(self._transfers)

    def send(self, missing: MissingData, assignment: Assignment) -> None:
        """Send a data set to a node, if it is not on its way yet; `assignment` waits for it."""
        key = (missing.place, missing.folder)
        if key not in self._transfers:
            self._transfers[key] = Transfer(missing.worker)
            name = f"data-{Path(missing.folder).name}"
            arguments = (missing.folder, contents(missing.folder))
            then = partial(self._handle_answer, key)
            self._client.submit(node.receive, *arguments, name=name, then=then, worker=missing.worker)
        self._transfers[key].waiting.append(assignment)

    def check_workers(self, workers: Container[str]) -> None:
        """Give up the transfers to workers that have left, and requeue their trials."""
        for key, transfer in list(self._transfers.items()):
            if transfer.worker not in workers:
                self._finish(key)

    def _handle_answer(self, key: tuple[str, str], answer: Any) -> None:
        self._handle_error(answer)
        if key in self._transfers:
            self._finish(key)

    def _finish(self, key: tuple[str, str]) -> None:
        self._requeue(self._transfers.pop(key).waiting)
