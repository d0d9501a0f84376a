"""The store: every sweep, trial and epoch in one SQL database."""

from sweep.store.claims import Claim, Ending, Lease
from sweep.store.store import Store

Held = Lease
"""Its former name."""

__all__ = ["Claim", "Ending", "Held", "Lease", "Store"]
