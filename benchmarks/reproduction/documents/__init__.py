"""What the documents report, as published."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parent


def published(name: str) -> dict[str, Any]:
    """Return the figures that a document reports of an experiment."""
    found: dict[str, Any] = tomllib.loads((FOLDER / "figures.toml").read_text())[name]
    return found


def published_table(name: str) -> pd.DataFrame:
    """Return a table of a document."""
    return pd.read_csv(FOLDER / f"{name}.csv")
