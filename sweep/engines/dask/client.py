"""The connection to a Dask scheduler: tasks go out, answers come back.

No call blocks for long, even if the scheduler or a worker hangs or has gone.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sweep.engines.shutdown import GRACE_SECONDS
from sweep.errors import Argument, SweepError, UsageError
from sweep.store import Store

CONNECT_SECONDS = 5
"""How long to wait for the scheduler, at first and after the connection to it was lost."""
CHECK_SECONDS = 1.0
"""How often the scheduler is asked for its workers, and how long to wait for its answer."""

AnswerHandler = Callable[[Any], None]
"""Takes what a task has returned, or the exception that has ended it."""


class DaskClient:
    """The connection to a Dask scheduler."""

    def __init__(self, address: str) -> None:
        """Connect.

        Raises:
            SweepError: when there is no scheduler, or Dask is not installed.
        """
        self.address = address
        self._client, self._completed = _connect(address)
        self._handlers: dict[Any, AnswerHandler] = {}
        self._workers: dict[str, int] = {}
        self._asked = -CHECK_SECONDS

    @property
    def is_connected(self) -> bool:
        """Whether tasks can be submitted."""
        return bool(self._client.status == "running")

    @property
    def is_closed(self) -> bool:
        """Whether the connection is lost for good."""
        return self._client.status in ("closing", "closed")

    def workers(self) -> dict[str, int]:
        """Return the number of threads of each worker by its address, at most CHECK_SECONDS old."""
        if time.monotonic() - self._asked >= CHECK_SECONDS:
            with suppress(OSError, TimeoutError):
                self._workers = self._client.sync(self._client.scheduler.ncores, callback_timeout=CHECK_SECONDS)
            self._asked = time.monotonic()
        return self._workers

    def submit(
        self, function: Callable[..., Any], *arguments: Any, name: str, then: AnswerHandler, worker: str | None = None
    ) -> Any:
        """Have a worker call a function; return the future.

        Args:
            name: what the dashboard and the logs show.
            then: takes the answer, within `handle_answers`.
            worker: address of the worker; any by default.
        """
        key = f"sweep-{name}-{uuid4().hex[:8]}"  # a log or a dashboard shows nothing else of the arguments
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            future = self._client.submit(function, *arguments, key=key, pure=False, workers=worker and [worker])
        self._handlers[future] = then
        self._completed.add(future)
        return future

    def handle_answers(self) -> None:
        """Call the handlers of the answers that have come."""
        batch = self._completed.next_batch(block=False) if self._completed.has_ready() else ()
        for future, answer in batch:
            self._handlers.pop(future)(answer[1] if future.status == "error" else answer)

    def broadcast(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Have all workers call a function, without waiting for it."""

        def call() -> None:
            with suppress(Exception):  # a worker that has gone needs no call
                self._client.run(function, *arguments)

        threading.Thread(target=call, daemon=True).start()

    def close(self) -> None:
        """Disconnect; tasks that have not begun are dropped."""
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=GRACE_SECONDS)


def _connect(address: str) -> tuple[Any, Any]:
    """Return a client of the scheduler and its collector of answers."""
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise SweepError(
            Argument("backend", "dask"), " needs Dask: install it with pip install 'sweep-lab[dask]'"
        ) from None
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(("distributed", "tornado"))]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters we say ourselves, in one sentence
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise SweepError(
            f"there is no Dask scheduler at {address} ({type(error).__name__}); start one with: dask scheduler"
        ) from None
    return client, as_completed(loop=client.loop, with_results=True, raise_errors=False)


def check_address(scheduler: str, store: Store) -> None:
    """Check that an address is one of a scheduler whose workers can reach the database.

    Raises:
        UsageError: when it is not.
    """
    try:
        parts = urlsplit(scheduler)
        is_whole = bool(parts.scheme in ("tcp", "tls", "ws", "wss") and parts.hostname and parts.port)
    except ValueError:
        is_whole = False
    if not is_whole:
        raise UsageError(Argument("scheduler"), f" takes an address such as tcp://192.168.0.5:8786, not '{scheduler}'")
    if store.database.is_sqlite and not _is_this_machine(parts.hostname or ""):
        raise UsageError(
            "a SQLite file cannot be shared between machines: its log needs memory that all processes share, so give "
            "a PostgreSQL database, such as ",
            Argument("db", "postgresql+psycopg://user:password@host/sweeps"),
        )


def _is_this_machine(host: str) -> bool:
    try:
        return socket.gethostbyname(host).startswith("127.") or host == "::1"
    except OSError:
        return host == "::1"
