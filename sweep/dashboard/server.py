"""Serving the dashboard on this machine."""

from __future__ import annotations

import errno
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from sweep.dashboard.guard import guarded
from sweep.dashboard.storage import SweepStorage
from sweep.errors import Argument, SweepError, UsageError
from sweep.store import Store

HOST = "127.0.0.1"
"""The address of this machine for itself, which no other machine reaches."""
LARGEST_PORT = 65_535


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread of its own."""

    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self) -> None:
        """Bind the address without asking a name server for its name, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone away."""


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, format: str, *arguments: Any) -> None:
        """Write nothing."""


@contextmanager
def dashboard(store: Store, port: int) -> Iterator[WSGIServer]:
    """Yield a server of the dashboard that listens on a port of this machine; 0 for any that is free.

    Raises:
        UsageError: when there is no such port.
        SweepError: when another program has it.
    """
    if not 0 <= port <= LARGEST_PORT:
        raise UsageError(Argument("port"), f" takes a number from 0 to {LARGEST_PORT}, not {port}")
    from optuna_dashboard._app import create_app

    for name in ("optuna", "optuna_dashboard"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    storage = SweepStorage(store)
    try:
        server = _Server((HOST, port), _Quiet)
    except OSError as error:
        raise _not_served(port, error) from None
    try:
        server.set_app(guarded(create_app(storage), storage))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Optuna's, about few trials
            yield server
    finally:
        server.server_close()


def _not_served(port: int, error: OSError) -> SweepError:
    """Return the sentence that says why a port cannot be listened on."""
    other = Argument("port", "8081" if port != 8081 else "8082")
    if error.errno == errno.EADDRINUSE:
        return SweepError(f"another program listens on port {port}; choose another one, such as with ", other)
    return SweepError(f"port {port} cannot be listened on ({error.strerror}); choose another one, such as with ", other)


def address(server: WSGIServer, study_id: int) -> str:
    """Return the URL of the page of a sweep."""
    return f"http://{HOST}:{server.server_port}/dashboard/studies/{study_id}"
