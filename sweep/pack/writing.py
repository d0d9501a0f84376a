"""Writing a sweep as one file that can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, func, select

from sweep.errors import Call, SweepError, counted
from sweep.pack import archive
from sweep.pack.cells import csv_line
from sweep.pack.scratch import DIGESTS, derived, digests, file_lines, scratch, stored_digests
from sweep.pack.sources import source_files
from sweep.pack.tables import write_tables
from sweep.records import SweepRecord
from sweep.store import Store
from sweep.store.schema import VERSION, batches, trials
from sweep.system.distribution import own_version
from sweep.system.files import check_place, check_replaced


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed."""

    file: Path
    sha256: str
    """The pack's identity, which a paper can quote: the SHA-256 of the file."""
    bytes: int
    trials: int
    without_batches: int
    """Number of trials whose losses of mini-batches were left out."""


def pack(record: SweepRecord, store: Store, file: Path, *, with_batches: bool = False) -> Packed:
    """Write a sweep to a pack; the same sweep always gives the same bytes.

    What was written is read again and compared with the digests of the database before the pack appears.

    Args:
        record: the sweep.
        store: where it is.
        file: where the pack is written, in place of an older one.
        with_batches: whether the losses of mini-batches are packed, too.

    Raises:
        SweepError: when there is no folder for the file, trials are being trained, a trial is not as it was stored, or
            the file cannot be written.
        UsageError: when a file that is no pack is there.
    """
    check_place(file)
    check_replaced(file, b"PK", "pack")
    with TemporaryDirectory(prefix="sweep-pack-") as name:
        folder = Path(name)
        with store.database.reading() as connection:
            _check_ended(connection, record)
            without = [] if with_batches else _with_losses(connection, record.id)
            members = write_tables(connection, record.id, folder, with_batches)
        texts = _checked(record, members, without)
        for number, (member, content) in enumerate((texts | source_files(record)).items()):
            members[member] = folder / f"{number}.member"
            members[member].write_bytes(content)
        head = {"sweep": record.name, "schema": VERSION, "written by": f"sweep {own_version()}"}
        archive.write(file, members, head)
    return Packed(file, archive.identity(file), file.stat().st_size, record.trials, len(without))


def _check_ended(connection: Connection, record: SweepRecord) -> None:
    """Refuse to pack trials that are being trained, which have no digest yet."""
    running = select(func.count()).where(trials.c.sweep_id == record.id, trials.c.status == "running")
    if number := connection.execute(running).scalar_one():
        raise SweepError(
            f"{counted(number, 'trial')} of {record.name} {'is' if number == 1 else 'are'} being trained; pack the "
            "sweep once it has ended, or stop it before; if nothing trains it any more, finish it with: ",
            Call("resume", record.name),
        )


def _with_losses(connection: Connection, sweep_id: int) -> list[int]:
    """Return the numbers of the trials with losses of mini-batches."""
    has_losses = select(batches.c.trial_id).where(batches.c.trial_id == trials.c.id).exists()
    query = select(trials.c.number).where(trials.c.sweep_id == sweep_id, has_losses).order_by(trials.c.number)
    return list(connection.execute(query).scalars())


def _checked(record: SweepRecord, members: Mapping[str, Path], without: list[int]) -> dict[str, bytes]:
    """Read the tables again; return the other members of the pack, by name.

    Raises:
        SweepError: when a trial is not what its digest says.
    """
    with scratch({name: file_lines(path) for name, path in members.items()}) as again:
        found, stored = digests(again), stored_digests(again)
        changed = [number for number in found if number not in without and found[number] != stored[number]]
        if changed or len(found) < record.trials:
            which = f"trial {changed[0]} of {record.name}" if changed else f"a trial of {record.name}"
            raise SweepError(
                f"{which} is not as it was stored, so the sweep is not packed; look with: ", Call("doctor")
            )
        texts = derived(again)
    if without:
        rows = [["trial", "sha256"], *([str(number), found[number]] for number in without)]
        texts[DIGESTS] = "".join(map(csv_line, rows))
    return {name: text.encode() for name, text in texts.items()}
