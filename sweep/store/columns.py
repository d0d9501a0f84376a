"""Types of columns that give back the same from every database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Double, Text, TypeDecorator
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.types import TypeEngine


class _FileTime(DATETIME):
    """A moment as text with three decimals, since there are readers that take six for milliseconds.

    One that is more exact, from an older sweep, keeps its digits: it is part of a digest.
    """

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        """Return what turns a moment into text."""

        def text_of(value: datetime | None) -> str | None:
            if value is None:
                return None
            return value.replace(tzinfo=None).isoformat(
                " ", "microseconds" if value.microsecond % 1000 else "milliseconds"
            )

        return text_of


class Time(TypeDecorator[datetime]):
    """A moment: given back in UTC without a zone, whatever zone a server speaks in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of the column: text in a file."""
        is_file = dialect.name == "sqlite"
        return dialect.type_descriptor(_FileTime() if is_file else self.impl_instance)  # type: ignore[no-untyped-call]

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what is stored: with its zone, as a server would else take it to be in its own."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment as SQLite has it."""
        return value.astimezone(UTC).replace(tzinfo=None) if value and value.tzinfo else value


def milliseconds(moment: datetime) -> datetime:
    """Return a moment without what is below a millisecond."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Number(TypeDecorator[float]):
    """A real number; a zero has no sign, since SQLite does not keep it."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """Return what is stored: 0.0 for -0.0."""
        return None if value is None else value + 0.0


class Words(TypeDecorator[str]):
    """Text of any origin; what a database cannot hold stands there escaped."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        r"""Return what is stored: \x00 and lone surrogates are written out."""
        return None if value is None else value.replace("\0", r"\x00").encode(errors="backslashreplace").decode()
