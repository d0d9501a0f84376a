"""Making the trainer of a stored trial again."""

from __future__ import annotations

from sweep.errors import Call, SweepError
from sweep.records import SweepRecord, TrialRecord
from sweep.store import Store
from sweep.training.build import build
from sweep.training.trainer import Setup, Trainer
from sweep.trial.origins import fork_of


def stored_trainer(record: SweepRecord, row: TrialRecord, store: Store, folders: dict[str, str]) -> Trainer:
    """Return a trial's trainer before its first epoch.

    Raises:
        SweepError: when its configuration is damaged.
    """
    try:
        fork = fork_of(row.forked_from, row.seeds, store, folders)
        return build(Setup.stored(record, row, folders, store.files, fork))
    except (ValueError, LookupError, TypeError) as error:
        name = f"{record.name}/{row.number}"
        raise SweepError(f"the configuration of {name} is damaged; look into it with: ", Call("doctor")) from error
