"""Engines, which train the trials of a sweep in parallel.

One more is a new file and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sweep.engines.dask.engine import DaskEngine
from sweep.engines.engine import Engine, EngineFactory, RunKeywords, RunOptions
from sweep.engines.local import LocalEngine
from sweep.errors import Argument, UsageError, suggest
from sweep.store import Store

__all__ = ["KINDS", "Engine", "EngineFactory", "RunKeywords", "RunOptions", "open_engine", "registered"]

KINDS: dict[str, EngineFactory] = {
    "dask": DaskEngine.opened,
    "local": LocalEngine.opened,
}
"""The engines by name."""


def open_engine(options: RunOptions, store: Store, trials: int) -> AbstractContextManager[Engine]:
    """Return the context of the engine that the options name; its workers may start at once.

    Args:
        trials: how many trials there are; an engine starts no more workers than that.

    Raises:
        UsageError: when there is no such engine, or its options are wrong.
        SweepError: when it cannot be used.
    """
    kind = options.kind
    if isinstance(kind, str):
        if kind not in KINDS:
            raise UsageError("there is no ", Argument("backend"), f" '{kind}'; {suggest(kind, KINDS)}")
        kind = KINDS[kind]
    return kind(options, store, trials)


@contextmanager
def registered(name: str, factory: EngineFactory) -> Iterator[None]:
    """Register an engine under a name, perhaps in place of another, until the context ends."""
    before = KINDS.copy()
    KINDS[name] = factory
    try:
        yield
    finally:
        KINDS.clear()
        KINDS.update(before)
