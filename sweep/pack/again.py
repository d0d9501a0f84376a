"""Training some trials of a pack again, and comparing every figure with the packed one, bit for bit."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
from sqlalchemy import select

from sweep.checks.replay import FINISHED, Replay, replay
from sweep.errors import SweepError, counted
from sweep.experiment.file import experiment_of
from sweep.experiment.parameters import trainer_of
from sweep.observer import Silent
from sweep.pack.sources import is_same_code, missing_code
from sweep.records import SweepRecord
from sweep.runner.prepare import prepare_again
from sweep.store import Store
from sweep.store.schema import epochs, trials
from sweep.system.variables import data_folder
from sweep.training.build import is_deterministic
from sweep.trial.origins import Origin

LEAST = 2
"""At least this many trials are trained again, if there are as many."""
Tell = Callable[[int, int], None]
"""Called with (epochs done, all epochs) of all trials that are trained again."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trial that was trained again."""

    number: int
    different: int
    """Number of epochs that are not the same, bit for bit."""
    epochs: int
    """Number of epochs that were compared."""
    largest: float
    """The largest relative difference of a figure; infinite if one is missing."""
    changes: str
    """Differences of the environment to the one in which the sweep began; the empty text for none."""

    @property
    def words(self) -> str:
        """What came of it, in one clause."""
        if not self.different:
            return f"trial {self.number}: {counted(self.epochs, 'epoch')} the same, bit for bit"
        size = "a figure is missing" if math.isinf(self.largest) else f"by up to {self.largest:.1g} relative"
        reason = f"; the environment differs: {self.changes}" if self.changes else ", in the environment of the sweep"
        return f"trial {self.number}: {self.different} of {counted(self.epochs, 'epoch')} differ, {size}{reason}"


def choose(store: Store, record: SweepRecord, share: float, seed: int) -> list[int]:
    """Return the numbers of the trials to be trained again: a random share of those that can be.

    One that diverged may have no epochs: then where it diverged is compared.
    """
    has_epochs = select(epochs.c.trial_id).where(epochs.c.trial_id == trials.c.id).exists()
    can_be = trials.c.status.in_(FINISHED) | ((trials.c.status == "pruned") & has_epochs)
    query = select(trials.c.number, trials.c.forked_from).where(can_be)
    with store.database.reading() as connection:
        rows = connection.execute(query.order_by(trials.c.number)).all()
    ended = [number for number, forked_from in rows if not is_elsewhere(forked_from, record)]
    wanted = 0 if share == 0 else min(len(ended), max(LEAST, math.ceil(share * len(ended))))
    return sorted(random.Random(seed).sample(ended, wanted))


def is_elsewhere(forked_from: str | None, record: SweepRecord) -> bool:
    """Tell whether a trial goes on from one of another sweep, which is not in the pack."""
    return forked_from is not None and Origin.read(forked_from).sweep != record.name


class Obstacle(NamedTuple):
    """Why trials are not trained again."""

    verdict: Literal["not verified", "missing", "altered"]
    """Whether nobody can train them, or somebody who gives what is missing, or they are not those of the sweep."""
    words: str
    """The same in one clause."""


def obstacle(record: SweepRecord, store: Store, numbers: Sequence[int], code: Path | None) -> Obstacle | None:
    """Return why trials of a user's own trainer are not trained again; None where they can be, as our networks can.

    Its code runs with the rights of whoever verifies the pack, so it runs only where that person gives it. What runs is
    what the configuration of a trial says, or of one that it goes on from, so all of them are looked at.
    """
    stated = experiment_of(record).header.trainer_table()
    configurations = _configurations(store)
    if wrong := [number for number, each in configurations.items() if each.get("trainer") != stated]:
        return Obstacle("altered", f"trial {wrong[0]} has another trainer than the experiment file")
    trainer = trainer_of(record)
    if trainer is None:
        return None
    if not all(is_deterministic(configurations[number]) for number in numbers if number in configurations):
        return Obstacle("not verified", "its trainer need not give the same figures for the same seed")
    if trainer["kind"] == "pickle":
        return Obstacle("not verified", "its trainer was a function that no file has, so it is not in the pack")
    if code is None:
        named = trainer.get("function", trainer.get("run"))
        words = f"its trainer is the author's own code, {named!r}, which runs only if its folder is given as `code`"
        return Obstacle("missing", f"{words}: read it before")
    if words := missing_code(trainer, code):
        return Obstacle("missing", words)
    if not is_same_code(record, trainer, code):
        return Obstacle("missing", f"the code of its trainer in {code} is not the one that the sweep was begun with")
    return None


def _configurations(store: Store) -> dict[int, dict[str, Any]]:
    with store.database.reading() as connection:
        rows = connection.execute(select(trials.c.number, trials.c.configuration).order_by(trials.c.number))
        return {row.number: row.configuration for row in rows}


def missing_data(record: SweepRecord, data: Path | None) -> str:
    """Return which data set is missing or another one, in one sentence; the empty text where all are there."""
    for entry in record.datasets:
        try:
            prepare_again(replace(record, datasets=[entry]), data or data_folder(), Silent())
        except SweepError as error:
            name = entry.get("dataset", entry.get("kind"))
            name = name.get("kind") if isinstance(name, dict) else name
            return f"the data set {name} is needed whose files have the SHA-256 {entry.get('sha256')}: {error}"
    return ""


def train_again(
    record: SweepRecord, store: Store, numbers: Sequence[int], data: Path | None, without: set[int], tell: Tell
) -> Iterator[Trained | str]:
    """Train trials again, one after the other; yield what came of each, a sentence where it cannot be trained.

    Args:
        record: the sweep.
        store: where it is.
        numbers: numbers of the trials.
        data: folder of the files of the data set.
        without: numbers of the trials whose losses of mini-batches are not there to be compared.
        tell: told about the epochs that are done.
    """
    rows = [store.trial(record.id, number) for number in numbers]
    total = sum(row.last_epoch or 0 for row in rows)
    start, folder = 0, data or data_folder()
    for number, row in zip(numbers, rows, strict=True):
        if is_elsewhere(row.forked_from, record):
            yield f"trial {number} goes on from {row.forked_from}, which is not in the pack"
            continue
        try:
            played = replay(record, number, store, data=folder, progress=lambda done, _: tell(start + done, total))  # noqa: B023 (called at once)
        except SweepError as error:
            yield f"trial {number} is not trained again: {error}"
        else:
            now = replace(played.now, losses={}) if number in without else played.now
            yield _compared(number, replace(played, now=now))
        start += row.last_epoch or 0


def _compared(number: int, played: Replay) -> Trained:
    total = len({*played.stored.figures, *played.now.figures})
    return Trained(number, len(played.different), total, played.largest_difference, _listed(played.changes))


def _listed(changes: pd.DataFrame) -> str:
    rows = changes.itertuples(index=False, name=None)
    return "; ".join(f"{what} {then or 'unknown'} -> {now or 'unknown'}" for what, then, now in rows)
