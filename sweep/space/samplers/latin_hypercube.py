"""Points of a Latin hypercube."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from sweep.errors import ExperimentError
from sweep.space.samplers.base import Space
from sweep.space.samplers.low_discrepancy import LowDiscrepancy

if TYPE_CHECKING:
    import numpy as np
    from scipy.stats.qmc import QMCEngine


@dataclass(frozen=True, slots=True)
class LatinHypercube(LowDiscrepancy):
    """Points of a Latin hypercube (McKay et al., 1979): of n points one lies in each n-th part of each dimension.

    They depend on how many there are, so that a sweep of them cannot be extended.
    """

    kind: ClassVar[str] = "latin_hypercube"
    is_extensible: ClassVar[bool] = False

    def engine(self, count: int, rng: np.random.Generator) -> QMCEngine:
        """Return SciPy's Latin hypercube."""
        from scipy.stats import qmc

        return qmc.LatinHypercube(count, seed=rng)

    def external(self, space: Space) -> Mapping[str, Any]:
        """Return the dimensions and the number of points, both of which decide all of them."""
        return {**LowDiscrepancy.external(self, space), "trials": space.trials}

    def rows(self, engine: QMCEngine, space: Space) -> Iterator[Any]:
        """Yield the coordinates of as many points as the file asks for.

        Raises:
            ExperimentError: when it does not say how many.
        """
        if space.trials is None:
            raise ExperimentError("sampler 'latin_hypercube' has to know how many points there are; give trials")
        yield from engine.random(space.trials)
