"""A sentence in the user's words for every error that pydantic finds."""

from __future__ import annotations

import datetime
import re
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sweep.errors import suggest
from sweep.space.distributions import DISTRIBUTION_KEYS
from sweep.space.trees import join


def describe_errors(error: ValidationError, tree: Any) -> list[str]:
    """Return a sentence for each error in `tree`: the key, what was given, what is right."""
    return [_sentence(detail, tree) for detail in error.errors()]


def _sentence(detail: ErrorDetails, tree: Any) -> str:
    path = _dotted(detail["loc"], tree)
    given, context = detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return f"{path} is missing"
        case "union_tag_invalid":
            valid = [tag.strip(" '") for tag in context["expected_tags"].split(",")]
            return f"{path} is of the unknown kind {context['tag']!r}; {suggest(context['tag'], valid)}"
        case "union_tag_not_found":
            return f"{path} needs a kind, as a string or as a table with the key 'kind', not {given!r}"
        case "unknown_key" | "values" | "one_of" | "refused":
            return f"{path or 'the file'} {detail['msg']}"
        case "loss" | "both":
            return detail["msg"]
        case "literal_error" if isinstance(given, str):
            valid = context["expected"].replace(" or ", ", ").replace("'", "").split(", ")
            return f"{path} is {given!r}; {suggest(given, valid)}"
        case "string_pattern_mismatch":
            return f"{path} is {given!r}, but must be {NAMES}"
    unknown = _unknown_distribution(path, given)
    return unknown or f"{path} is {_shown(given)}, but {_in_plain_words(detail['msg'])}"


def _unknown_distribution(path: str, given: Any) -> str | None:
    """Return the sentence for a table that looks like a distribution but has a key of none."""
    if not isinstance(given, dict) or len(given) != 1:
        return None
    [(key, value)] = given.items()
    if not isinstance(value, list) or key in DISTRIBUTION_KEYS:
        return None
    return f"{path}: there is no distribution {key!r}; choose from {', '.join(sorted(DISTRIBUTION_KEYS))}"


NAMES = "up to 100 letters (A to Z, a to z), digits, dots, dashes or underscores, the first of them a letter or a digit"
"""What the name of a sweep must be."""


def _shown(value: Any) -> str:
    """Return a value as TOML writes it, cut short where it is long."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    if isinstance(value, datetime.date | datetime.time):
        text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."


_PLAIN = {
    "Input should be": "must be",
    "a valid boolean": "true or false",
    "a valid number": "a number",
    "a valid integer": "an integer",
    "a valid string": "text, in quotes",
    "a valid list": "a list; write it in square brackets",
}


def _in_plain_words(message: str) -> str:
    for pydantics, plain in _PLAIN.items():
        message = message.replace(pydantics, plain)
    return re.sub(r"valid dictionary( or (instance of \w+|object to extract fields from))?", "table", message)


def _dotted(location: tuple[int | str, ...], tree: Any) -> str:
    """Return pydantic's location as a dotted key, without the kinds between."""
    path, here, tagged = "", tree, False
    for part in location:
        if isinstance(part, int):
            path, here, tagged = f"{path}[{part}]", here[part], False
        elif not tagged and (here == part or (isinstance(here, dict) and here.get("kind") == part)):
            tagged = True  # the next part may be a key of the same name
        else:
            path, tagged = join(path, part), False
            here = here.get(part) if isinstance(here, dict) else None
    return path
