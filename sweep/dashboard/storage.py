"""A storage of Optuna's that reads a database of sweeps and writes nothing: each sweep is a study."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Sequence
from copy import deepcopy as copied
from typing import Any, NoReturn

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from sweep.dashboard.notes import note_attributes, note_of
from sweep.dashboard.thinning import shown_curves
from sweep.errors import SweepError
from sweep.records import SweepRecord
from sweep.results.studies import METRIC_NAMES, Study
from sweep.store import Store
from sweep.store.histories import Stamp, read_histories, read_stamps, read_sweeps, sweep_of

READ_ONLY = "the dashboard only shows sweeps; change them on the command line, such as with sweep rename, sweep remove"
"""Why nothing can be changed here."""

Key = tuple[Stamp, bool]
"""What a trial was when it was read, and whether with its curve."""


class ReadOnly(SweepError):
    """Something was to be changed through the dashboard."""


class _Cache:
    """The trials of one sweep as they were read last, by number."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.keys: list[Key] = []
        self.trials: list[FrozenTrial] = []


class SweepStorage(BaseStorage):  # type: ignore[misc]
    """All sweeps of a database as studies.

    Trials are read again only if their status, attempt or last epoch has changed. Queued trials behind all others are
    left out, so that each trial appears when it begins.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.is_away = False
        """Whether the database could not be read when it was asked last."""
        self._caches: dict[int, _Cache] = {}
        self._lock = threading.RLock()

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return all sweeps, the newest first."""
        return [_frozen_study(record) for record in read_sweeps(self.store.database)]

    def _record(self, study_id: int) -> SweepRecord:
        """Return the record of a sweep.

        Raises:
            KeyError: when there is none of this id, as Optuna demands.
        """
        for record in read_sweeps(self.store.database, study_id):
            return record
        raise KeyError(study_id)

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the id of a sweep."""
        if study_name not in self.store.names():
            raise KeyError(study_name)
        return self.store.sweep(study_name).id

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the name of a sweep."""
        return self._record(study_id).name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return whether more or less of the objective is better."""
        return _directions(self._record(study_id))

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return what is shown beside a sweep."""
        return _attributes(self._record(study_id))

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the name of the metric of a sweep and its note."""
        return _system_attributes(self._record(study_id))

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial by its id in the database."""
        study_id = sweep_of(self.store.database, trial_id)
        for trial in self.get_all_trials(study_id, deepcopy=False) if study_id is not None else ():
            if trial._trial_id == trial_id:
                return trial
        raise KeyError(trial_id)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """Return the trials of a sweep by number, queued ones behind all others left out."""
        with self._lock:
            found = self._read(study_id)
        wanted = found if states is None else [trial for trial in found if trial.state in states]
        return copied(wanted) if deepcopy else list(wanted)

    def _read(self, study_id: int) -> list[FrozenTrial]:
        """Return all trials, after reading those that have changed since they were read last."""
        stamps = _begun(read_stamps(self.store.database, study_id))
        record = self._record(study_id)
        cache = self._caches.get(study_id)
        if cache is None or cache.study.record.experiment != record.experiment:
            cache = self._caches[study_id] = _Cache(Study(record, self._own_metrics(record)))
        curves = shown_curves(stamps, record.trials)
        keys = [(stamp, stamp.id in curves) for stamp in stamps]
        if keys == cache.keys:
            return cache.trials
        known = dict(zip(cache.keys, cache.trials, strict=True))
        self._fill(cache, record, keys, known)
        return cache.trials

    def _fill(self, cache: _Cache, record: SweepRecord, keys: Sequence[Key], known: dict[Key, FrozenTrial]) -> None:
        """Read the trials that are not known; all of them if the distribution of a parameter has changed."""
        metric = record.objective.metric
        new = [key for key in keys if key not in known]
        while True:
            with_curve = [stamp.id for stamp, has_curve in new if has_curve]
            histories = read_histories(
                self.store.database, record.id, metric, [stamp.id for stamp, _ in new], with_curve
            )
            has_changed = cache.study.see(histories)
            if not has_changed or len(new) == len(keys):
                break
            new = list(keys)
        read = {history.id: cache.study.frozen(history, history.number) for history in histories}
        # One that is deleted meanwhile is missing, and left out until it is asked for again.
        pairs = [(key, read.get(key[0].id) or known.get(key)) for key in keys]
        found = [(key, trial) for key, trial in pairs if trial is not None]
        cache.keys, cache.trials = [key for key, _ in found], [trial for _, trial in found]

    def _own_metrics(self, record: SweepRecord) -> list[str]:
        return list(dict.fromkeys([*self.store.metrics(record.id), record.objective.metric]))

    def _refuse(self, *arguments: Any, **options: Any) -> NoReturn:
        raise ReadOnly(READ_ONLY)

    create_new_study: Callable[..., Any] = _refuse
    delete_study: Callable[..., Any] = _refuse
    set_study_user_attr: Callable[..., Any] = _refuse
    set_study_system_attr: Callable[..., Any] = _refuse
    create_new_trial: Callable[..., Any] = _refuse
    set_trial_param: Callable[..., Any] = _refuse
    set_trial_state_values: Callable[..., Any] = _refuse
    set_trial_intermediate_value: Callable[..., Any] = _refuse
    set_trial_user_attr: Callable[..., Any] = _refuse
    set_trial_system_attr: Callable[..., Any] = _refuse


def _begun(stamps: Sequence[Stamp]) -> list[Stamp]:
    """Return the trials up to the last one that is not queued."""
    last = max((place for place, stamp in enumerate(stamps) if stamp.status != "queued"), default=-1)
    return list(stamps[: last + 1])


def _directions(record: SweepRecord) -> list[StudyDirection]:
    return [StudyDirection.MAXIMIZE if record.objective.is_max else StudyDirection.MINIMIZE]


def _attributes(record: SweepRecord) -> dict[str, Any]:
    """Return what is shown beside the name of a sweep."""
    begun = f"{record.created:%Y-%m-%d %H:%M} UTC" if record.created else ""
    shown = {"description": record.description, "begun": begun, "ended": record.ended}
    return {name: value for name, value in shown.items() if value}


def _system_attributes(record: SweepRecord) -> dict[str, Any]:
    """Return the name of the metric, and a note that says what was searched."""
    return {METRIC_NAMES: [record.objective.metric], **note_attributes(note_of(record))}


def _frozen_study(record: SweepRecord) -> FrozenStudy:
    """Return a sweep in Optuna's terms."""
    return FrozenStudy(
        study_name=record.name,
        direction=None,
        directions=_directions(record),
        user_attrs=_attributes(record),
        system_attrs=_system_attributes(record),
        study_id=record.id,
    )
