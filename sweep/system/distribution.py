"""The installed distribution, which is not named like the package that it holds."""

from __future__ import annotations

DISTRIBUTION = "sweep-lab"
"""Its name on PyPI, and so in `pip install`; on PyPI `sweep` is another project."""


def own_version() -> str:
    """Return the version of the installed distribution; "unknown" where the package was not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
