"""The experiment file: read, checked, and drawn from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from sweep.errors import ExperimentError, suggest
from sweep.experiment.messages import mistakes
from sweep.experiment.parameters import read_table, searched, sections
from sweep.experiment.sections import Configuration, Kind, Section, kind_table
from sweep.records import Parameter, Scalar, SweepRecord, Trial
from sweep.space.distributions import Pick, Tree, covering, draw
from sweep.space.samplers.base import listed_pick, random_pick, read_list, trial_seeds


class RandomSampler(Kind):
    """Independent draws from the distributions."""

    kind: Literal["random"]


class ListSampler(Kind):
    """The rows of a CSV file, one after the other."""

    kind: Literal["list"]
    file: str


class Header(Section):
    """The keys of an experiment file that stand above its sections."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    description: str = ""
    trials: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    sampler: Annotated[RandomSampler | ListSampler, BeforeValidator(kind_table), Field(discriminator="kind")] = (
        RandomSampler(kind="random")
    )
    data: dict[str, Any]
    network: dict[str, Any]
    training: dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """An experiment file, checked: every end of every range and every option makes a valid configuration."""

    header: Header
    tree: Tree
    """The sections, with distributions in their places."""
    text: str
    """The file, exactly as it was read."""
    overrides: tuple[str, ...] = ()
    """What the command line changed, as KEY=VALUE."""
    path: Path | None = None

    @property
    def name(self) -> str:
        """The name of its sweep."""
        return self.header.name

    @property
    def folder(self) -> Path | None:
        """Where files that it names are looked for."""
        return self.path.parent if self.path else None

    @cached_property
    def parameters(self) -> list[Parameter]:
        """What is searched, in the order of the file."""
        return searched(self.tree)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides the draws: two experiments that share it draw the same trials."""
        decisive = self.header.model_dump(exclude={"name", "description", "trials"})
        if isinstance(self.header.sampler, ListSampler):
            decisive["rows"] = self._rows(self.header.sampler)
        return hashlib.sha256(json.dumps(decisive, sort_keys=True, default=str).encode()).hexdigest()

    def trials(self) -> list[Trial]:
        """Draw every trial and check its configuration.

        Raises:
            ExperimentError: when a drawn configuration is impossible, or the list of configurations is unusable.
        """
        sampler = self.header.sampler
        if isinstance(sampler, ListSampler):
            rows = self._rows(sampler)
            places = [f"{sampler.file}, row {number}" for number in range(1, len(rows) + 1)]
            picks = [listed_pick(row, self.parameters, place) for row, place in zip(rows, places, strict=True)]
            picks = picks[: self.header.trials]
        else:
            picks = [random_pick(self.header.seed, i) for i in range(self.header.trials or 1)]
        return [self.draw(number, pick) for number, pick in enumerate(picks)]

    def _rows(self, sampler: ListSampler) -> list[dict[str, str]]:
        return read_list((self.folder or Path()) / sampler.file, self.parameters)

    def draw(self, number: int, pick: Pick) -> Trial:
        """Draw one trial and check its configuration."""
        drawn: dict[str, Scalar] = {}
        configuration = draw(self.tree, pick, drawn)
        _validate(Configuration, configuration, f"{self.name}, trial {number}")
        return Trial(number, drawn, configuration, trial_seeds(self.header.seed, number))


def load(source: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read an experiment from a file, or one of those that come with sweep by its name.

    `overrides` are KEY=VALUE with the value in TOML; a key is a dotted path or, where that is unique, its last part.

    Raises:
        ExperimentError: when there is no such file, or anything in it is wrong.
    """
    path = find(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ExperimentError(f"{path} cannot be read: {reason}") from None
    return replace(parse(text, str(path), overrides), path=path)


def parse(text: str, source: str, overrides: Sequence[str] = ()) -> Experiment:
    """Make an experiment of the text of a file; `source` names it in errors.

    Raises:
        ExperimentError: when anything in it is wrong.
    """
    table = read_table(text, source, overrides)
    header: Header = _validate(Header, table, source)
    tree = sections(table, source)
    if header.trials is None and isinstance(header.sampler, RandomSampler):
        raise ExperimentError(f"{source}: trials is missing; say how many to draw, such as trials = 100")
    for configuration in covering(tree):
        _validate(Configuration, configuration, source)
    return Experiment(header, tree, text, tuple(overrides))


def experiment_of(record: SweepRecord) -> Experiment:
    """Return the experiment that a stored sweep was drawn from."""
    folder = record.experiment_folder
    parsed = parse(record.experiment, record.name, record.overrides)
    return replace(parsed, path=Path(folder) / f"{record.name}.toml" if folder else None)


def _validate(model: Any, tree: Tree, source: str) -> Any:
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        lines = mistakes(error, tree)
        raise ExperimentError("\n".join(f"{source}: {line}" for line in lines)) from None


def find(source: str | Path) -> Path:
    """Return the experiment file that a path, or the name of one that comes with sweep, stands for.

    Raises:
        ExperimentError: when there is none; close names are suggested.
    """
    path = Path(source)
    with suppress(OSError, ValueError):  # a path that no file can have is merely unknown
        if path.is_file():
            return path
        if path.is_dir() and len(path.parts) > 1:
            raise ExperimentError(f"{path} is a folder; give the path of an experiment file in it")
    shipped = {file.stem: file for folder in _experiment_folders() for file in sorted(folder.glob("*.toml"))}
    if str(source) in shipped:
        return shipped[str(source)]
    if path.suffix == ".toml" or len(path.parts) > 1:
        raise ExperimentError(
            f"{str(path)!r} does not exist; give the path of an experiment file, or {_one_of(shipped)}"
        )
    raise ExperimentError(f"there is no experiment {str(source)!r}; {suggest(str(source), shipped)}")


def _one_of(names: Iterable[str]) -> str:
    return f"the name of one that comes with sweep: {', '.join(names)}"


def _experiment_folders() -> list[Path]:
    """Return where experiments that come with sweep lie: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parents[1]
    return [folder for folder in (package / "experiments", package.parent / "experiments") if folder.is_dir()]
