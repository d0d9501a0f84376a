"""The store: every sweep, trial and epoch in one SQL database."""

from sweep.store.rows import SweepRecord, digest
from sweep.store.store import Claim, Progress, Store

__all__ = ["Claim", "Progress", "Store", "SweepRecord", "digest"]
