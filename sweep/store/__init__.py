"""The store: every sweep, trial and epoch in one SQL database."""

from sweep.store.lifecycle import Claim, Ending, Held
from sweep.store.rows import SweepRecord
from sweep.store.store import Progress, Store

__all__ = ["Claim", "Ending", "Held", "Progress", "Store", "SweepRecord"]
