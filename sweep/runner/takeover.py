"""Taking over trainings of an earlier sweep, of the same configuration with the same seeds."""

from __future__ import annotations

from sweep.data import data_options, options_key
from sweep.errors import SweepError
from sweep.observer import Observer
from sweep.records import SweepRecord
from sweep.store import Store


def earlier_sweep(name: str | None, store: Store) -> SweepRecord | None:
    """Return the sweep that an experiment starts from, if it names one.

    Raises:
        SweepError: when there is none of that name.
    """
    if name is None:
        return None
    try:
        return store.sweep(name)
    except SweepError as error:
        raise SweepError("start_from: ", *error.args) from None


def take_over(record: SweepRecord, earlier: SweepRecord | None, store: Store, observer: Observer) -> None:
    """Take over what an earlier sweep has trained of the queued trials of a sweep, and say how many these are.

    Nothing is taken from a sweep with another data set, or another code of the user's own trainer.
    """
    if earlier is None:
        return
    is_same_data = _digests(earlier).items() >= _digests(record).items()
    is_same_code = earlier.environment.get("trainer") == record.environment.get("trainer")
    taken = store.take_over(record.id, earlier, record.objective) if is_same_data and is_same_code else 0
    if taken:
        observer.note(f"took over {taken} of {record.trials} trials from {earlier.name}, which are not trained again")
        return
    reason = "" if is_same_data and is_same_code else ", whose data or code is another one"
    observer.note(
        f"warning: nothing could be taken over from {earlier.name}{reason}; what is taken over has the same "
        "configuration and seeds, so give the same seed and the same ranges"
    )


def _digests(record: SweepRecord) -> dict[str, str]:
    return {options_key(data_options(entry)): entry["sha256"] for entry in record.datasets}
