"""Removing a sweep, with the sweeps of twins that were made from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.errors import Argument, SweepError, counted, shortened
from sweep.records import SweepRecord
from sweep.runner.renaming import twins_of
from sweep.store import Store
from sweep.store.moving import own_folder

UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Removal:
    """What is removed with a sweep."""

    sweeps: Sequence[SweepRecord]
    """It, and the sweeps of twins of its trials."""
    files: int
    """Number of files in their folders."""
    bytes: int
    """What these take."""

    def __str__(self) -> str:
        """Return it in words, such as `digits (40 trials) with 36 files of weights and charts (1.2 MB)`."""
        named = [f"{each.name} ({counted(each.trials, 'trial')})" for each in self.sweeps]
        listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
        return f"{listed} with {counted(self.files, 'file')} of weights and charts ({shown_bytes(self.bytes)})"


def shown_bytes(number: int) -> str:
    """Return a number of bytes in a unit that fits.

    >>> shown_bytes(999), shown_bytes(1_234_567)
    ('999 B', '1.2 MB')
    """
    value, unit = float(number), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit else f"{number} B"


def planned_removals(records: Sequence[SweepRecord], store: Store, *, twins: bool) -> Removal:
    """Return what is removed with several sweeps; see `planned_removal`."""
    names = {each.name for each in records}
    planned = [planned_removal(each, store, twins=twins, known=names) for each in records]
    sweeps = {each.id: each for one in planned for each in one.sweeps}
    sizes = _sizes(sweeps.values(), store)
    return Removal([*sweeps.values()], len(sizes), sum(sizes))


def _sizes(records: Iterable[SweepRecord], store: Store) -> list[int]:
    folders = [own_folder(store.files, each.name) for each in records]
    return [path.lstat().st_size for folder in folders if folder for path in _files(folder)]


def planned_removal(record: SweepRecord, store: Store, *, twins: bool, known: Collection[str] = ()) -> Removal:
    """Return what is removed with a sweep.

    Args:
        record: the sweep.
        store: where it is.
        twins: whether the sweeps of twins of its trials are removed, too, which are of little use without it.
        known: names of sweeps that are removed in any case.

    Raises:
        SweepError: when there are such sweeps, and they are not to be removed.
    """
    made = [each for each in twins_of(record, store) if twins or each.name not in known]
    if made and not twins:
        raise SweepError(
            f"{shortened([each.name for each in made])} {'was' if len(made) == 1 else 'were'} made from trials of "
            f"{record.name}; remove {'it' if len(made) == 1 else 'them'}, too, with ",
            Argument("twins"),
        )
    sizes = _sizes((record, *made), store)
    return Removal([record, *made], len(sizes), sum(sizes))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if not path.is_dir()]


def remove(removal: Removal, store: Store) -> int:
    """Delete sweeps with all that is kept of them; return by how many bytes the file of the database is smaller then.

    Raises:
        SweepError: when one of them is being trained; nothing is deleted then.
    """
    return store.remove([each.id for each in removal.sweeps])
