"""How networks multiply weights with samples: measured once on a machine, recorded with each sweep.

The two forms differ in the last bits, so all workers of a sweep, those that resume it and checks that train a trial
again take the one that its environment tells. The choice is kept in the cache: were it measured for each sweep, two
runs of one experiment could differ where both forms are nearly as fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import get_args

from sweep.data.cache import cache_folder
from sweep.errors import SweepError
from sweep.nn.layers.matmul import Products, faster
from sweep.system.environment import environment
from sweep.system.files import write_whole

PRODUCTS = "products"
"""In the environment of a sweep of our own networks."""
UNPACKED = ("SkylakeX", "Cooperlake", "SapphireRapids")
"""Kernels with which sweeps took narrow products before the choice was recorded."""


def products_of(recorded: Mapping[str, str]) -> Products:
    """Return how the networks of a sweep multiply, by the environment in which it was begun."""
    for products in get_args(Products):
        if recorded.get(PRODUCTS) == products:
            return products  # type: ignore[no-any-return]
    return "narrow" if any(kernel in recorded.get("blas", "") for kernel in UNPACKED) else "wide"


def chosen() -> Products:
    """Return the faster products on this machine: as measured before with the same packages, else measured now."""
    about = environment()
    name = sha256(" ".join(about[key] for key in ("numpy", "blas", "cpu")).encode()).hexdigest()[:16]
    try:
        file = cache_folder() / f"{PRODUCTS}-{name}"
        if (kept := file.read_text("utf-8")) in get_args(Products):
            return kept  # type: ignore[return-value]
    except SweepError:  # there is no cache
        return faster()
    except (OSError, ValueError):  # it has not been measured yet, or the file is damaged
        pass
    found = faster()
    with suppress(SweepError, OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, found.encode())
    return found
