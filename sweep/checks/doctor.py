"""The doctor: what is wrong with a database and the files beside it, and how it is mended.

Nothing that is unproven is ever sealed: a trial that has changed is trained again, which gives its bits again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sweep.errors import SweepError, WeightsError
from sweep.experiment.file import experiment_of
from sweep.records import SweepRecord, Trial
from sweep.store import Store
from sweep.store.lifecycle import redraw, restart
from sweep.store.repair.integrity import Counts, Finding, Tell, count, delete_dangling, findings
from sweep.store.repair.salvage import back_up, rebuild
from sweep.store.repair.wal import lost_transactions
from sweep.store.schema import trials
from sweep.system.files import within
from sweep.system.processes import is_lost
from sweep.training import checkpoint


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
    def notes(self) -> list[Finding]:
        """What is worth knowing, but not wrong."""
        return [finding for finding in self.findings if not finding.is_damage]


def examine(url: str, tell: Tell = lambda done, total: None) -> Report:
    """Look at a database and at the files beside it; change nothing.

    Raises:
        SweepError: when it is missing, or none of ours.
    """
    with _left_alone(url) as (report, store):
        with store.database.reading() as connection:
            report.counts = count(connection)
        report.findings += findings(store.database, is_lost, tell)
        report.findings += _files(store)
    return report


@contextmanager
def _left_alone(url: str) -> Iterator[tuple[Report, Store]]:
    """Open a database; a copy of it if its log is damaged, since SQLite would cut the log off where it is read."""
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
        with closing(Store(url)) as store:
            report.shown = str(path or store.database.shown)
            yield report, store


def _path(url: str) -> Path | None:
    from sweep.store.connection import parse_url

    parsed = parse_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _files(store: Store) -> Iterator[Finding]:
    """Look for the files that rows name; of trials whose files are gone or damaged all figures are there."""
    if not store.folder.is_dir():
        return
    with store.database.reading() as connection:
        columns = (trials.c.sweep_id, trials.c.number, trials.c.weights, trials.c.checkpoint)
        rows = connection.execute(trials.select().with_only_columns(*columns)).all()
    for row in rows:
        for name in (row.weights, row.checkpoint):
            try:
                if name:
                    checkpoint.read(within(store.folder, name))
            except (SweepError, WeightsError) as error:
                yield Finding(str(error), is_damage=False)


def repair(url: str, report: Report, tell: Tell = lambda done, total: None) -> tuple[Report, Path | None]:
    """Mend what can be mended, after a copy of the file was made; return what is left, and the copy.

    Raises:
        SweepError: when nothing can be done; the database is as it was then.
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
            _mend(store, finding, draws)
    return examine(url, tell), copy


def _mend(store: Store, finding: Finding, draws: Mapping[int, Mapping[int, Trial]]) -> None:
    """Mend one finding; `draws` are the trials, by sweep and number, of which some have to be drawn again."""
    drawn = draws.get(finding.sweep_id or 0, {}).get(-1 if finding.number is None else finding.number)
    with store.database.writing(durable=True) as connection:
        if finding.cure == "delete":
            if finding.trial_id is not None:
                connection.execute(trials.delete().where(trials.c.id == finding.trial_id))
            delete_dangling(connection)
        elif finding.cure == "train" and finding.trial_id is not None:
            restart(connection, finding.trial_id)
        elif finding.cure == "draw" and finding.sweep_id is not None and drawn:
            redraw(connection, finding.sweep_id, drawn, finding.trial_id)
    if finding.cure == "resume" and finding.sweep_id is not None:
        store.requeue(finding.sweep_id, is_lost, interrupted=False)


def _draws(record: SweepRecord) -> dict[int, Trial]:
    """Draw all trials of a sweep again, by number; none where that is not certain to give the same."""
    try:
        experiment = experiment_of(record)
        is_same = experiment.fingerprint == record.fingerprint
        return {trial.number: trial for trial in experiment.trials()} if is_same else {}
    except SweepError:
        return {}
