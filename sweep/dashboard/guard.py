"""What stands before the dashboard: only this machine may ask, and nothing may be changed."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import text

from sweep.dashboard.storage import READ_ONLY, SweepStorage
from sweep.errors import StoreError

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""An application as of PEP 3333."""

LOG = logging.getLogger(__name__)
READING = ("GET", "HEAD", "OPTIONS")
"""Methods of HTTP that change nothing."""
HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""Names by which this machine calls itself. A page of another site, whose name leads to this machine, has its own."""
IMPORTANCES = re.compile(r"/api/studies/(\d+)/param_importances/?")


def guarded(app: Wsgi, storage: SweepStorage) -> Wsgi:
    """Return an application that answers what is allowed as `app` does, and refuses the rest in one sentence."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if not _is_own_host(str(environ.get("HTTP_HOST", ""))):
            return _json(start, "403 Forbidden", {"reason": "the dashboard answers this machine only"})
        if environ.get("REQUEST_METHOD", "GET").upper() not in READING:
            return _json(start, "403 Forbidden", {"reason": READ_ONLY})
        if reason := _is_gone(storage):
            return _json(start, "503 Service Unavailable", {"reason": reason})
        importances = IMPORTANCES.fullmatch(str(environ.get("PATH_INFO", "")))
        if importances and not _has_parameters(storage, int(importances.group(1))):
            return _json(start, "200 OK", {"param_importances": [[]]})
        return app(environ, start)

    return answer


def _is_gone(storage: SweepStorage) -> str:
    """Return the sentence that says that the database cannot be read any more; the empty text where it can."""
    try:
        with storage.store.database.reading() as connection:
            connection.execute(text("SELECT 1"))
    except StoreError as error:
        if not storage.is_away:
            LOG.warning("%s", error)
        storage.is_away = True
        return str(error)
    storage.is_away = False
    return ""


def _is_own_host(host: str) -> bool:
    return re.sub(r":\d+$", "", host).lower() in HOSTS


def _has_parameters(storage: SweepStorage, study_id: int) -> bool:
    """Tell whether a sweep searches anything, without which there are no importances."""
    try:
        return any(trial.params for trial in storage.get_all_trials(study_id, deepcopy=False))
    except KeyError:
        return True  # which is answered with 404


def _json(start: Callable[..., Any], status: str, content: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
