"""The store: every sweep, trial and epoch in one SQL database."""

from sweep.store.lifecycle import Claim, Ending, Held
from sweep.store.store import Store

__all__ = ["Claim", "Ending", "Held", "Store"]
