"""What stands before the dashboard: only this machine may ask, and nothing may be changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from sweep.dashboard.storage import READ_ONLY, SweepStorage
from sweep.errors import StoreError

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""An application as of PEP 3333."""

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
    """Return the sentence that says that the database is not there any more; the empty text where it is."""
    try:
        storage.store.database.check_place()
    except StoreError as error:
        return str(error)
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
