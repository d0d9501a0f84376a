"""The store: every sweep, trial and epoch in one SQL database."""

from sweep.store.store import Claim, Progress, Store, SweepRecord

__all__ = ["Claim", "Progress", "Store", "SweepRecord"]
