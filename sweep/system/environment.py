"""Versions of packages, BLAS kernel and CPU, on which the bits of results depend."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from pathlib import Path

from sweep.system.arithmetic import ARITHMETIC
from sweep.system.distribution import own_version

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
"""Environment of a worker; BLAS reads it when NumPy is imported. Two threads would give other bits than one, and
raise floating-point flags in a thread where NumPy does not look."""


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit BLAS to one thread, in all threads of this process; as a context, until its end.

    Two would give other bits than one. Each library with a BLAS of its own is loaded first, since the limit applies to
    loaded libraries only.
    """
    import scipy.linalg.blas  # noqa: F401
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)  # type: ignore[no-any-return]


def environment() -> dict[str, str]:
    """Return the versions of our arithmetic, of Python and packages, the BLAS and the CPU of this process."""
    import numpy as np
    import scipy.linalg.blas  # noqa: F401  (so that SciPy's own BLAS is loaded and listed)
    from threadpoolctl import threadpool_info

    blas = {
        f"{pool['internal_api']} {pool.get('version', '?')} {pool.get('architecture', '?')}"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return {
        "sweep": own_version(),
        "arithmetic": str(ARITHMETIC),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "blas": ", ".join(sorted(blas)),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return in which keys of `then` two environments differ, as text; empty if in none.

    Without a version of the arithmetic, that of `then` is 1.
    """
    then = {"arithmetic": "1"} | dict(then)
    return "; ".join(f"{key} {old} -> {now.get(key)}" for key, old in then.items() if now.get(key) != old)


def _cpu() -> str:
    """Return the CPU's model where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
