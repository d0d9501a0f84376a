"""Points of a scrambled Halton sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweep.space.samplers.low_discrepancy import LowDiscrepancy

if TYPE_CHECKING:
    import numpy as np
    from scipy.stats.qmc import QMCEngine


@dataclass(frozen=True, slots=True)
class Halton(LowDiscrepancy):
    """Points of a scrambled Halton sequence (Owen, 2017), even for any number of them, in few dimensions."""

    def engine(self, count: int, rng: np.random.Generator) -> QMCEngine:
        """Return SciPy's Halton sequence."""
        from scipy.stats import qmc

        return qmc.Halton(count, scramble=True, seed=rng)
