"""What surrounds us: versions of packages, BLAS kernel and CPU, on which the bits of results depend; our variables."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

from sweep.errors import UsageError

BLAS_THREADS = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    "1",
)
"""Environment of a worker: BLAS reads it when NumPy is imported. Two threads would give other bits than one, and
raise floating-point flags in a thread where NumPy does not look."""


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit BLAS to one thread, in all threads of this process; as a context, until its end.

    Two would give other bits than one. Each library that has its own BLAS is loaded first: a limit holds for those that
    are there.
    """
    import scipy.linalg.blas  # noqa: F401
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)  # type: ignore[no-any-return]


def environment() -> dict[str, str]:
    """Describe this process's packages, BLAS and CPU."""
    import numpy as np
    import scipy.linalg.blas  # noqa: F401  (so that SciPy's own BLAS is loaded and listed)
    from threadpoolctl import threadpool_info

    blas = {
        f"{pool['internal_api']} {pool.get('version', '?')} {pool.get('architecture', '?')}"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return {
        "sweep": version("sweep"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "blas": ", ".join(sorted(blas)),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Say in which of the things that `then` names two environments differ; nothing if in none."""
    return "; ".join(f"{key} {old} -> {now.get(key)}" for key, old in then.items() if now.get(key) != old)


def _cpu() -> str:
    """Return the CPU's model where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def seconds(variable: str, default: float) -> float:
    """Return the number of seconds that an environment variable gives.

    Raises:
        UsageError: when it is no positive number.
    """
    given = os.environ.get(variable)
    if not given:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise UsageError(f"the environment variable {variable} takes a positive number of seconds, not '{given}'")
    return value
