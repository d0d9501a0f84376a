"""The doctor: what is wrong with a database and the files beside it, and its repair."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from sweep.data import Dataset, data_options, find_digest, options_key
from sweep.errors import StoreError, SweepError, WeightsError
from sweep.experiment.experiment import Experiment
from sweep.experiment.file import experiment_of
from sweep.records import SweepRecord, Trial
from sweep.runner.limits import LimitCheck
from sweep.runner.prepare import plan_trial
from sweep.store import Store
from sweep.store.repair.integrity import Counts, Finding, Tell, count, findings, kept_files
from sweep.store.repair.mend import mend
from sweep.store.repair.salvage import back_up, rebuild
from sweep.store.repair.wal import lost_transactions
from sweep.system.files import within
from sweep.system.processes import is_lost
from sweep.training import checkpoint
from sweep.training.build import opened

UNREADABLE = "malformed"
"""What SQLite says of a file of which it cannot read the list of tables."""


@dataclass
class Report:
    """What was found."""

    shown: str
    """The database."""
    findings: list[Finding] = field(default_factory=list)
    counts: Counts = field(default_factory=lambda: Counts(0, 0, 0))

    @property
    def damages(self) -> list[Finding]:
        """What is wrong."""
        return [finding for finding in self.findings if finding.is_damage]

    @property
    def curable(self) -> list[Finding]:
        """What can be repaired."""
        return [finding for finding in self.findings if finding.cure != "none"]

    @property
    def notes(self) -> list[Finding]:
        """What is worth knowing, but not wrong."""
        return [finding for finding in self.findings if not finding.is_damage]


def examine(url: str, tell: Tell = lambda done, total: None) -> Report:
    """Check a database and the files beside it; change nothing.

    Raises:
        SweepError: when it is missing, or not a database of ours.
    """
    with _left_alone(url) as (report, store):
        report.findings += findings(store.database, is_lost, tell)
        with suppress(StoreError):  # which is a finding already
            report.counts = count(store.database)
            report.findings += _files(store)
    return report


@contextmanager
def _left_alone(url: str) -> Iterator[tuple[Report, Store]]:
    """Open a database, or a copy of it if its log is damaged, since SQLite would truncate the log on reading."""
    report = Report(url)
    path = _path(url)
    lost = lost_transactions(Path(f"{path}-wal")) if path else 0
    with tempfile.TemporaryDirectory() as folder:
        if path and lost:
            report.findings.append(
                Finding(
                    f"the write-ahead log {path}-wal is damaged: its last {lost} transactions are lost; what they "
                    "recorded is trained again, to the same bits, when the sweep is resumed"
                )
            )
            for ending in ("", "-wal"):
                shutil.copy2(f"{path}{ending}", Path(folder, f"{path.name}{ending}"))
            url = str(Path(folder, path.name))
        with _readable(path), closing(Store(url)) as store:
            report.shown = str(path or store.database.shown)
            yield report, store


@contextmanager
def _readable(path: Path | None) -> Iterator[None]:
    """Say within this context what to do about a file of which not even the list of tables can be read.

    Raises:
        StoreError: in place of the one that advises to call the doctor.
    """
    try:
        yield
    except StoreError as error:
        if path is None or UNREADABLE not in str(error.args[0]):
            raise
        file = shlex.quote(str(path))
        raise StoreError(
            f"{error.args[0]}, and so badly that its tables are not found: restore it from a backup; SQLite's own "
            f"program prints what it can still read: sqlite3 {file} .recover"
        ) from error


def _path(url: str) -> Path | None:
    from sweep.store.connection import parse_url

    parsed = parse_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _files(store: Store) -> Iterator[Finding]:
    """Check the files that trials name; a trial whose file is missing or damaged still has all its figures."""
    if not store.folder.is_dir():
        return
    for name, sha256 in kept_files(store.database):
        try:
            checkpoint.read(within(store.folder, name), sha256)
        except (SweepError, WeightsError) as error:
            yield Finding(str(error), is_damage=False)


def repair(url: str, report: Report, tell: Tell = lambda done, total: None) -> tuple[Report, Path | None]:
    """Repair what can be repaired, after copying the file; return what is left, and the copy.

    Raises:
        SweepError: when nothing can be repaired; the database is unchanged then.
    """
    path = _path(url)
    copy = back_up(path) if path else None
    if path and any(finding.cure == "rebuild" for finding in report.damages):
        rebuild(path)
    with closing(Store(url)) as store:
        found = list(findings(store.database, is_lost, tell))
        broken = {finding.sweep_id for finding in found if finding.cure == "draw"}
        records = [record for record in map(store.sweep, store.names()) if record.id in broken]
        draws = {record.id: _draws(record) for record in records}
        for finding in found:
            mend(store, finding, draws)
    return examine(url, tell), copy


def _draws(record: SweepRecord) -> dict[int, Trial]:
    """Return all trials of a sweep, drawn again, by number; empty where the draws may have changed."""
    try:
        experiment = experiment_of(record)
        if experiment.fingerprint != record.fingerprint:
            return {}
        drawn = _drawn(experiment, _cached(record))
    except SweepError:
        return {}
    return {trial.number: replace(trial, planned_epochs=_planned(trial, record)) for trial in drawn}


def _cached(record: SweepRecord) -> dict[str, str]:
    """Return the cached folder of each data set of a sweep that is in the cache, by key."""
    found = {options_key(data_options(entry)): find_digest(entry["sha256"]) for entry in record.datasets}
    return {key: str(folder) for key, folder in found.items() if folder}


def _drawn(experiment: Experiment, folders: Mapping[str, str]) -> list[Trial]:
    """Return the trials of an experiment with the sizes of their networks, if the data sets are in the cache.

    Raises:
        SweepError: when a data set is not there by which it is known which draws were within limits.
    """

    def dataset_of(trial: Trial) -> Dataset:
        key = options_key(data_options(trial.configuration["data"]))
        if key not in folders:
            raise SweepError(f"the data set {key} is not in the cache")
        return opened(folders[key])

    trials = experiment.trials(LimitCheck(experiment, dataset_of).is_outside)
    try:
        return [plan_trial(trial, dataset_of) for trial in trials]
    except SweepError:
        return trials


def _planned(trial: Trial, record: SweepRecord) -> int:
    """Return the number of epochs of a trial; the most that one of its sweep has where it is given in iterations."""
    stated: int = trial.configuration.get("training", {}).get("epochs", record.epochs)
    return trial.planned_epochs or stated
