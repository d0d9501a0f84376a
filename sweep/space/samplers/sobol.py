"""Points of a scrambled Sobol sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sweep.space.samplers.low_discrepancy import LowDiscrepancy

if TYPE_CHECKING:
    import numpy as np
    from scipy.stats.qmc import QMCEngine


@dataclass(frozen=True, slots=True)
class Sobol(LowDiscrepancy):
    """Points of a scrambled Sobol sequence (Owen, 1998), which are most even if there is a power of 2 of them."""

    kind: ClassVar[str] = "sobol"
    most_dimensions: ClassVar[int] = 21_201

    def engine(self, count: int, rng: np.random.Generator) -> QMCEngine:
        """Return SciPy's Sobol sequence."""
        from scipy.stats import qmc

        return qmc.Sobol(count, scramble=True, seed=rng)
