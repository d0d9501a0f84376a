"""Hints of errors that name the database in which the advised call finds the sweep."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from sweep.errors import SweepError
from sweep.system.urls import without_password

Function = TypeVar("Function", bound=Callable[..., Any])


def naming_database(function: Function) -> Function:
    """Let the calls in the errors of a public function name the database that it was given as `db`."""

    @wraps(function)
    def named(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except SweepError as error:
            if error.database is None and options.get("db") is not None:
                error.database = without_password(str(options["db"]))
            raise

    return cast(Function, named)
