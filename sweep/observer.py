"""The protocol of those who follow a sweep while it is trained."""

from __future__ import annotations

from typing import Protocol

from sweep.records import Progress


class Observer(Protocol):
    """Follows a sweep while it is trained; its methods are called from several threads."""

    def note(self, message: str) -> None:
        """Take a message of one sentence."""

    def update(self, progress: Progress) -> None:
        """Take the current progress, about twice a second."""


class Silent:
    """An observer that ignores everything."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def update(self, progress: Progress) -> None:
        """Ignore it."""
