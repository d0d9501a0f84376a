"""Who hears how a sweep goes on."""

from __future__ import annotations

from typing import Protocol

from sweep.records import Progress


class Observer(Protocol):
    """Who wants to know how a sweep goes on."""

    def note(self, message: str) -> None:
        """Hear one sentence."""

    def update(self, progress: Progress) -> None:
        """Hear how far the sweep has come, about twice a second."""


class Silent:
    """An observer that does nothing."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def update(self, progress: Progress) -> None:
        """Ignore it."""
