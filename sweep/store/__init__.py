"""The store: every sweep, trial and epoch in one SQL database."""

from sweep.store.claims import Claim, Ending, Lease
from sweep.store.store import Store

__all__ = ["Claim", "Ending", "Lease", "Store"]
