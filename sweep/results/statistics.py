"""What statistics say of a sweep, and the charts of it."""

from __future__ import annotations

from sweep.results.charts import DrawnTrials


class StudiedTrials(DrawnTrials):
    """The trials of one sweep, about which questions may be asked."""
