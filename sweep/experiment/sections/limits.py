"""The section `limits`: what a configuration may cost at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sweep.experiment.sections.base import Section
from sweep.nn.bounds import Count, Positive

_OF_NETWORKS = "sweep does not know the network of a trainer of one's own; seconds_per_epoch limits any training"


class Limits(Section):
    """The section `limits` of a file with a trainer of the user's own."""

    seconds_per_epoch: Positive | None = None
    """Most wall time of the first epoch, its evaluation included; a trial that takes longer is pruned after it.

    Whether a trial does depends on the machine and on what else runs on it, so it may differ when it is trained again.
    """

    hints: ClassVar[Mapping[str, str]] = dict.fromkeys(("parameters", "megabytes"), _OF_NETWORKS)

    def given(self) -> dict[str, Any]:
        """Return the limits that there are, by name."""
        return self.model_dump(exclude_none=True)


class NetworkLimits(Limits):
    """The section `limits` of a file that trains our networks.

    A configuration outside of `parameters` or `megabytes` is replaced by another draw before anything is trained. So
    configurations are drawn from the part of the space that is within the limits.
    """

    parameters: Count | None = None
    """Most values that the network learns."""
    megabytes: Positive | None = None
    """Most memory of the arrays of a training, in 10⁶ bytes, as `sweep.training.memory.training_bytes` estimates it."""

    hints: ClassVar[Mapping[str, str]] = {}
