"""Points of a scrambled Halton sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sweep.space.samplers.low_discrepancy import LowDiscrepancy

if TYPE_CHECKING:
    import numpy as np
    from scipy.stats.qmc import QMCEngine


@dataclass(frozen=True, slots=True)
class Halton(LowDiscrepancy):
    """Points of a scrambled Halton sequence (Owen, 2017), even for any number of them, in few dimensions."""

    kind: ClassVar[str] = "halton"
    # SciPy keeps permutations of the digits of each base, the n-th prime: 150 MB in all.
    most_dimensions: ClassVar[int] = 1000

    def engine(self, count: int, rng: np.random.Generator) -> QMCEngine:
        """Return SciPy's Halton sequence."""
        from scipy.stats import qmc

        return qmc.Halton(count, scramble=True, seed=rng)
