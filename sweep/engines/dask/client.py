"""A Dask scheduler: tasks are handed to it and answers come back; no call waits long, whatever is frozen or gone."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from sweep.engines.shutdown import GRACE_SECONDS
from sweep.errors import SweepError

CONNECT_SECONDS = 5
"""How long the scheduler is waited for, at first and when the connection to it has broken."""
LOOK_SECONDS = 1.0
"""How often the scheduler is asked which workers it has, and how long for an answer."""

Answer = Callable[[Any], None]
"""Hears what a task has returned, or the exception that has ended it."""


class Scheduler:
    """The connection to a Dask scheduler."""

    def __init__(self, address: str) -> None:
        """Connect.

        Raises:
            SweepError: when there is no scheduler, or Dask is not installed.
        """
        self.address = address
        self._client, self._completed = _connect(address)
        self._answers: dict[Any, Answer] = {}
        self._workers: dict[str, int] = {}
        self._asked = -LOOK_SECONDS

    @property
    def is_connected(self) -> bool:
        """Whether tasks can be handed out."""
        return bool(self._client.status == "running")

    @property
    def is_gone(self) -> bool:
        """Whether the connection has been lost for good."""
        return self._client.status in ("closing", "closed")

    def workers(self) -> dict[str, int]:
        """Return the number of threads of each worker by its address, as of a moment ago."""
        if time.monotonic() - self._asked >= LOOK_SECONDS:
            with suppress(OSError, TimeoutError):
                self._workers = self._client.sync(self._client.scheduler.ncores, callback_timeout=LOOK_SECONDS)
            self._asked = time.monotonic()
        return self._workers

    def submit(
        self, function: Callable[..., Any], *arguments: Any, name: str, then: Answer, worker: str | None = None
    ) -> Any:
        """Have a worker call a function, any or the one that is named; `then` hears how it went. Return its future."""
        key = f"sweep-{name}-{uuid4().hex[:8]}"  # a log or a dashboard shows nothing else of the arguments
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            future = self._client.submit(function, *arguments, key=key, pure=False, workers=worker and [worker])
        self._answers[future] = then
        self._completed.add(future)
        return future

    def hear(self) -> None:
        """Pass on the answers that have come."""
        batch = self._completed.next_batch(block=False) if self._completed.has_ready() else ()
        for future, answer in batch:
            self._answers.pop(future)(answer[1] if future.status == "error" else answer)

    def tell(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have all workers call a function, without waiting for it."""

        def tell() -> None:
            with suppress(Exception):  # whoever is gone need not hear it
                self._client.run(function, *arguments)

        threading.Thread(target=tell, daemon=True).start()

    def close(self) -> None:
        """Leave; what has not begun is dropped."""
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=GRACE_SECONDS)


def _connect(address: str) -> tuple[Any, Any]:
    """Return a client of the scheduler and its collector of answers."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise SweepError("--backend dask needs Dask: install it with pip install 'sweep[dask]'") from None
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters we say ourselves, in one sentence
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SweepError(
            f"there is no Dask scheduler at {address} ({type(error).__name__}); start one with: dask scheduler"
        ) from None
    return client, as_completed(loop=client.loop, with_results=True, raise_errors=False)
