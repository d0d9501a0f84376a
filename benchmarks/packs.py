"""Packs: how large they are, whether trials come out the same, and which alterations are found."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

from sqlalchemy import true

import sweep
from benchmarks.measurement import Cell, Table, Target, progress
from sweep.errors import SweepError
from sweep.pack import archive
from sweep.pack.scratch import scratch
from sweep.pack.writing import pack
from sweep.results.sweep import Sweep
from sweep.store.digests import seal_all, seal_drawn
from sweep.store.rows import seal_sweep


class Size(NamedTuple):
    """How much is measured."""

    trials: int
    alterations: int


FULL = Size(40, 100)
QUICK = Size(4, 5)
ALTERED = ("trials.csv", "epochs.csv", "parameters.csv", "sweeps.csv")
DIGESTS = ("digest", "drawn_digest")
"""Columns that a forger who computes digests again does not alter."""
NOTE = (
    "One digit of a random cell of a random table is altered in {alterations} packs of a sweep of {trials} digits "
    "networks. A forger makes the manifest fit, or computes all digests and derived files again as well; found without "
    "training, and if the trial concerned is one of those that are trained again. Times and hosts are never found then."
)


def run(size: Size, folder: Path) -> Iterator[Table]:
    """Measure a sweep of digits networks in a new process, whose BLAS finds the processor as that of a worker does."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        yield from fresh.submit(_measured, size, folder).result()


def _measured(size: Size, folder: Path) -> list[Table]:
    results = sweep.run("digits-quickstart", trials=size.trials, db=folder / "packs.db")
    file = folder / "packs.zip"
    results.pack(file)
    progress.log("altering packs")
    return [_whole(results, file), _forged(file, folder, size)]


def _whole(results: Sweep, file: Path) -> Table:
    table = Table("A pack that nobody has altered", "All trials are trained again.")
    found = sweep.verify(file, share=1.0)
    wrong = sum(each.different for each in found.trained)
    table.rows[f"{results.record.trials} trials"] = {
        "size": Cell(file.stat().st_size / 1e6, "MB", Target(2.0)),
        "trials trained again": Cell(len(found.trained)),
        "epochs that differ": Cell(wrong, "", Target(0)),
    }
    return table


def _forged(file: Path, folder: Path, size: Size) -> Table:
    found = {"manifest made to fit": [0, 0, 0], "digests computed again": [0, 0, 0]}
    for number in range(size.alterations):
        for way, counts in found.items():
            forged, trial = alter(file, folder / "forged.zip", random.Random(number), way == "digests computed again")
            counts[0] += not sweep.verify(forged, share=0.0).is_verified
            chosen = () if trial is None else (trial,)
            counts[1] += not sweep.verify(forged, trials=chosen, share=0.0).is_verified
            counts[2] += 1
    table = Table("Altered packs", NOTE.format(alterations=size.alterations, trials=size.trials))
    for way, (plain, trained, total) in found.items():
        target = Target(1.0, at_least=True) if way == "manifest made to fit" else None
        table.rows[way] = {
            "found without training": Cell(plain / total, "", target),
            "found with training of the trial": Cell(trained / total, "", target),
        }
    return table


def alter(file: Path, forged: Path, chance: random.Random, with_digests: bool) -> tuple[Path, int | None]:
    """Write a pack with one digit altered and a manifest that fits; return it, and the number of the trial concerned.

    Args:
        file: the pack.
        forged: where the altered one is written.
        chance: decides which digit.
        with_digests: whether all digests and all that is derived from the tables are computed again.
    """
    with ZipFile(file) as packed:
        texts = {name: packed.read(name).decode() for name in packed.namelist() if name != archive.MANIFEST}
        with archive.opened(file) as opened:
            head = {name: value for name, value in opened.manifest.items() if name not in ("format", "members")}
    numbers = {row["id"]: int(row["number"]) for row in csv.DictReader(io.StringIO(texts["trials.csv"]))}
    name = chance.choice(ALTERED)
    texts[name], row = _altered(texts[name], chance, DIGESTS if with_digests else ())
    trial = numbers.get(row.get("trial_id", row["id"] if name == "trials.csv" else ""))
    if with_digests and _packed_again(texts, forged):
        return forged, trial
    members = {}
    for number, (member, text) in enumerate(texts.items()):
        members[member] = forged.with_name(f"{number}.member")
        members[member].write_text(text, encoding="utf-8", newline="")
    archive.write(forged, members, head)
    return forged, trial


def _altered(text: str, chance: random.Random, kept: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """Return a table with one digit of a random cell altered, and the row that it was in, as it was."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    header = rows[0]
    while True:
        row, column = chance.randrange(1, len(rows)), chance.randrange(len(header))
        cell = rows[row][column]
        places = [place for place, letter in enumerate(cell) if letter in "0123456789"]
        if places and header[column] not in kept:
            break
    before = dict(zip(header, rows[row], strict=True))
    place = chance.choice(places)
    digit = chance.choice([each for each in "0123456789" if each != cell[place]])
    rows[row][column] = cell[:place] + digit + cell[place + 1 :]
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue(), before


def _packed_again(texts: dict[str, str], forged: Path) -> bool:
    """Pack altered tables with all digests computed again; return whether a database could hold them."""
    try:
        with scratch({name: iter(io.StringIO(text, newline="")) for name, text in texts.items()}) as store:
            with store.database.writing() as connection:
                seal_sweep(connection, store.sweep().id)
                seal_drawn(connection, true())
                seal_all(connection, true())
            pack(store.sweep(), store, forged)
    except (SweepError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return False  # the forger's own program stumbles over the value
    return True
