"""Verifying a pack: whether it is whole, agrees with itself, and comes out the same when it is trained again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from sweep.checks.decisions import check_decisions
from sweep.errors import PackError, SweepError, counted
from sweep.pack.again import Tell, Trained, choose, missing_data, obstacle, train_again
from sweep.pack.archive import Archive, identity, opened
from sweep.pack.draws import redraw
from sweep.pack.scratch import DIGESTS, derived, replace_digests, scratch, stored_digests
from sweep.pack.sources import FOLDER
from sweep.pack.summaries import wrong_summaries
from sweep.records import SweepRecord
from sweep.store import Store
from sweep.store.repair.integrity import findings
from sweep.store.schema import VERSION
from sweep.system.distribution import own_version
from sweep.system.files import reason

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["verified", "altered", "differs", "not verified", "missing"]
"""What came of a check: all is as it says; something is not; trained again, figures differ; it cannot be checked by
anybody; it can be checked by somebody who has what is missing."""
TRAINED = "trained again"
"""Name of the check that trains trials again."""
MOST_NAMED = 5
"""At most this many things that are wrong are named in a check."""
_DAMAGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python raises of values of other types than a database of sweeps holds."""


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was looked at."""

    what: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of verifying a pack."""

    file: Path
    sha256: str
    """The pack's identity: the SHA-256 of the file."""
    sweep: str
    """Name of the sweep; the empty text where it cannot be read."""
    seed: int
    """Seed by which the trials that were trained again were chosen."""
    checks: tuple[Check, ...]
    trained: tuple[Trained, ...] = ()

    @property
    def is_verified(self) -> bool:
        """Whether nothing is altered, differs or is missing."""
        return all(check.verdict in ("verified", "not verified") for check in self.checks)

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each check: check, verdict, evidence."""
        import pandas as pd

        rows = [(check.what, check.verdict, check.evidence) for check in self.checks]
        return pd.DataFrame(rows, columns=["check", "verdict", "evidence"])


@dataclass(frozen=True, slots=True)
class Options:
    """What is verified, and with what."""

    sha256: str | None = None
    """The identity that the pack must have."""
    share: float = 0.05
    """Share of the trials that are trained again; 0 for none."""
    trials: tuple[int, ...] = ()
    """Numbers of the trials that are trained again, in place of a random share."""
    seed: int | None = None
    """Seed of the random choice; None for another one each time, which nobody who made the pack could know."""
    data: Path | None = None
    """Folder of the files of the data sets."""
    code: Path | None = None
    """Folder with the code of the sweep's own trainer, which may be run."""


def verify(file: Path, options: Options, tell: Tell = lambda done, total: None) -> Verification:
    """Verify a pack; nothing is written but temporary files, and no code of the pack is run.

    Raises:
        PackError: when it is not a pack that can be read.
    """
    seed = secrets.randbits(32) if options.seed is None else options.seed
    sha256 = identity(file)
    checks = [_identity(sha256, options.sha256)]
    with opened(file) as archive, TemporaryDirectory(prefix="sweep-pack-") as folder:
        files = Path(folder)
        try:
            checks.append(_members(archive))
            _unpack_files(archive, files)
            sources = {name: archive.lines(name) for name in archive.names if name.endswith(".csv")}
            with scratch(sources) as store:
                record = store.sweep()
                verifier = _Verifier(archive, store, record, files, options, seed)
                checks += verifier.checks()
                checks += verifier.training(tell) if _is_sound(checks) else [_untrained()]
                checks.append(Check("times and hosts", "not verified", "nobody can compute them again"))
                return Verification(file, sha256, record.name, seed, tuple(checks), tuple(verifier.trained))
        except SweepError as error:
            checks.append(Check("tables", "altered", _clause(error)))
        except _DAMAGED as error:
            checks.append(Check("tables", "altered", f"they hold values that no sweep has: {error}"))
    return Verification(file, sha256, "", seed, (*checks, _untrained()))


def _identity(sha256: str, expected: str | None) -> Check:
    if expected is None:
        return Check("identity", "not verified", f"SHA-256 {sha256}; no other one was given to compare it with")
    same = sha256 == expected.strip().lower()
    return Check("identity", "verified" if same else "altered", f"SHA-256 {sha256}, {'as' if same else 'not as'} given")


def _members(archive: Archive) -> Check:
    found = archive.problems()
    if found:
        return Check("members", "altered", _named(found))
    return Check("members", "verified", f"{counted(len(archive.names), 'file')} as in the manifest")


def _unpack_files(archive: Archive, folder: Path) -> None:
    """Write the files beside the experiment into a folder; no name of theirs leads out of it."""
    for name in archive.names:
        parts = PurePosixPath(name).parts
        if parts[0] == FOLDER:
            path, text = folder.joinpath(*parts[1:]), archive.text(name)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8", newline="")
            except OSError as error:
                raise PackError(f"{name} of {archive.file} cannot be unpacked: {reason(error, path)}") from None


def _is_sound(checks: Sequence[Check]) -> bool:
    return all(check.verdict != "altered" for check in checks)


def _untrained() -> Check:
    return Check(TRAINED, "not verified", "no trial is trained again, since the pack is altered")


def _named(found: Sequence[str]) -> str:
    """Return things that are wrong in one clause, the first ones by name."""
    more = f", and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return "; ".join(found[:MOST_NAMED]) + more


def _clause(error: SweepError) -> str:
    return " ".join(str(error).split())


class _Verifier:
    """The checks of a pack whose tables can be read."""

    def __init__(
        self, archive: Archive, store: Store, record: SweepRecord, files: Path, options: Options, seed: int
    ) -> None:
        self._archive = archive
        self._store = store
        self._record = record
        self._files = files
        self._options = options
        self._seed = seed
        self._without: dict[int, str] = {}
        """Digests of the trials whose losses of mini-batches are not in the pack, by number."""
        self.trained: list[Trained] = []

    def checks(self) -> Iterator[Check]:
        """Yield what comes of the checks that need no training."""
        looks: list[tuple[str, Callable[[], Check]]] = [
            ("digests", self._digests),
            ("draws", self._draws),
            ("summaries", self._summaries),
            ("derived files", self._derived),
            ("decisions", self._decisions),
        ]
        for what, look in looks:
            try:
                yield look()
            except SweepError as error:
                yield Check(what, "altered", _clause(error))
            except _DAMAGED as error:
                yield Check(what, "altered", f"the tables hold values that no sweep has: {error}")

    def _digests(self) -> Check:
        self._without = self._digests_without()
        replace_digests(self._store, self._without)
        database = self._store.database
        found = [f"trial {number} has no digest" for number, each in stored_digests(self._store).items() if not each]
        found += [each.words for each in findings(database, lambda *_: False, lambda *_: None) if each.is_damage]
        if found:
            return Check("digests", "altered", _named(found))
        words = f"those of the sweep and of {counted(self._record.trials, 'trial')} computed again"
        if self._without:
            words += (
                f"; of {counted(len(self._without), 'trial')} without the losses of mini-batches, which are not in the "
                "pack"
            )
        return Check("digests", "verified", words)

    def _digests_without(self) -> dict[int, str]:
        if DIGESTS not in self._archive.names or "batches.csv" in self._archive.names:
            return {}
        lines = self._archive.text(DIGESTS).splitlines()[1:]
        pairs = [line.split(",") for line in lines]
        return {int(number): digest for number, digest in pairs}

    def _draws(self) -> Check:
        redrawn = redraw(self._store, self._record, self._files)
        if redrawn.different:
            return Check("draws", "altered", _named(redrawn.different))
        if not redrawn.drawn:
            return Check("draws", "not verified", redrawn.remark)
        words = f"{counted(redrawn.drawn, 'trial')} drawn again from the file and seed {self._record.seed}"
        return Check("draws", "verified", f"{words}; {redrawn.remark}" if redrawn.remark else words)

    def _summaries(self) -> Check:
        checked, wrong = wrong_summaries(self._store, self._record)
        if wrong:
            return Check("summaries", "altered", _named(wrong))
        return Check("summaries", "verified", f"those of {counted(checked, 'trial')} computed again from their epochs")

    def _derived(self) -> Check:
        """Compare what follows from the tables; of another version of sweep only what has no words of its own."""
        texts = derived(self._store)
        is_same = self._archive.manifest.get("written by") == f"sweep {own_version()}"
        is_same &= self._archive.manifest.get("schema") == VERSION
        names = sorted(texts) if is_same else ["experiment.toml", "leaderboard.csv"]
        wrong = [f"{name} does not follow from the tables" for name in names if self._archive.text(name) != texts[name]]
        if wrong:
            return Check("derived files", "altered", _named(wrong))
        words = f"{', '.join(names)} follow from the tables"
        others = "" if is_same else "; the other ones were written by another version of sweep"
        return Check("derived files", "verified", words + others)

    def _decisions(self) -> Check:
        checked = check_decisions(self._record, self._store)
        if checked is None:
            return Check("decisions", "not verified", "no stopping rule that compares trials can be applied again")
        if checked.different:
            return Check("decisions", "altered", _named(checked.different))
        words = f"the rule '{checked.rule}' decides again as stored"
        return Check("decisions", "verified", f"{words} about {counted(checked.configurations, 'configuration')}")

    def training(self, tell: Tell) -> list[Check]:
        """Return what comes of training trials again."""
        try:
            return list(self._training(tell))
        except SweepError as error:
            return [Check(TRAINED, "missing", _clause(error))]
        except _DAMAGED as error:
            return [Check(TRAINED, "altered", f"the tables hold values that no sweep has: {error}")]

    def _training(self, tell: Tell) -> Iterator[Check]:
        options = self._options
        numbers = list(options.trials) or choose(self._store, self._record, options.share, self._seed)
        for number in numbers:
            self._store.trial(self._record.id, number)  # tells where there is no such trial
        if not numbers:
            yield Check(TRAINED, "not verified", "no trial is trained again")
            return
        if reason := obstacle(self._record, self._store, numbers, options.code):
            yield Check(TRAINED, reason.verdict, reason.words)
            return
        record = self._record_with(options.code)
        if words := missing_data(record, options.data):
            yield Check(TRAINED, "missing", words)
            return
        for each in train_again(record, self._store, numbers, options.data, set(self._without), tell):
            if isinstance(each, str):
                yield Check(TRAINED, "missing", each)
                continue
            self.trained.append(each)
            if each.different:
                yield Check(TRAINED, "differs", each.words)
        if same := [each for each in self.trained if not each.different]:
            yield Check(TRAINED, "verified", self._agreement(same))

    def _record_with(self, code: Path | None) -> SweepRecord:
        """Return the sweep with the folder of its code here, in place of that where it was trained."""
        return replace(self._record, experiment_folder=str(code) if code else None)

    def _agreement(self, same: Sequence[Trained]) -> str:
        listed = ", ".join(str(each.number) for each in same[:20]) + (", …" if len(same) > 20 else "")
        total = sum(each.epochs for each in same)
        words = f"{counted(total, 'epoch')} of {counted(len(same), 'trial')} ({listed}) the same, bit for bit"
        return words if self._options.trials else f"{words}; chosen by seed {self._seed}"
