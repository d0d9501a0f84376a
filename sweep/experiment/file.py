"""Experiment files: found, read, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweep.arguments import folder_or_file
from sweep.errors import ExperimentError, suggest, unreadable
from sweep.experiment.checks import check, check_configuration, check_names
from sweep.experiment.experiment import FORMAT, Experiment
from sweep.experiment.parameters import is_native, parse_sections, read_back, read_table
from sweep.experiment.sections.header import Header, NativeHeader, OwnHeader, check_total
from sweep.experiment.sections.objective import ObjectiveSection, native_objective, own_objective
from sweep.experiment.sections.stopping import made_rules
from sweep.experiment.sections.trainer import trainer_table
from sweep.metrics import Objective
from sweep.records import SweepRecord
from sweep.space.distributions import Tree
from sweep.space.samplers import KINDS, Sampler
from sweep.space.trees import cover
from sweep.stopping import repeat_rule, rung_rule


def load(source: str | Path, overrides: Sequence[str] = ()) -> Experiment:
    """Return the experiment in a file, or one that comes with sweep by its name.

    `overrides` are KEY=VALUE with the value in TOML; a key is a dotted path or, where that is unique, its last part.

    Raises:
        ExperimentError: when there is no such file, or anything in it is wrong.
    """
    path = find(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = unreadable(error) if isinstance(error, OSError) else "it is not UTF-8 text; save it as such"
        raise ExperimentError(f"{path} cannot be read: {reason}") from None
    return replace(parse(text, str(path), overrides), path=path)


def experiment_of(record: SweepRecord) -> Experiment:
    """Return the experiment that a stored sweep was drawn from.

    Raises:
        SweepError: when what is stored of it is no experiment any more.
    """
    folder = record.experiment_folder
    with read_back(record):
        parsed = parse(record.experiment, record.name, record.overrides, record.format)
    return replace(parsed, path=Path(folder) / f"{record.name}.toml" if folder else None)


def parse(text: str, source: str, overrides: Sequence[str] = (), file_format: int = FORMAT) -> Experiment:
    """Return the experiment that the text of a file describes.

    Args:
        source: the name of the file in errors.
        overrides: as of `load`.
        file_format: 1 for the text of a sweep that the first edition began.

    Raises:
        ExperimentError: when anything in it is wrong.
    """
    table = read_table(text, source, overrides)
    header = _check_header(table, source)
    tree = parse_sections(table, source)
    sampler = KINDS[header.sampler.kind](**header.sampler.values())
    _check_trials(header, sampler, source)
    configurations = _cover(header, tree)
    for configuration in configurations:
        check_configuration(configuration, source)
    objective, default = _objectives(header, configurations, source)
    experiment = Experiment(header, sampler, tree, objective, default, text, tuple(overrides), format=file_format)
    try:
        check_names(experiment.parameters)
    except ValueError as error:
        raise ExperimentError(f"{source}: {error}") from None
    return experiment


def _check_header(table: dict[str, Any], source: str) -> Header:
    model: type[Header] = NativeHeader if is_native(table) else OwnHeader
    if "trainer" in table:
        table = {**table, "trainer": trainer_table(table["trainer"])}  # so that errors name the keys of the table
    header: Header = check([(model, table)], source)[0]
    return header


def _check_trials(header: Header, sampler: Sampler, source: str) -> None:
    rules = made_rules(header.stopping)
    if header.trials is None and sampler.needs_trials:
        rule = rung_rule(rules)
        if rule and not rule[1].is_asynchronous:
            raise ExperimentError(
                f"{source}: trials is missing, and the rule '{rule[0]}' has to know it; say how many to draw, such as "
                "trials = 100"
            )
    repeated = repeat_rule(rules)
    if repeated and header.repeats == 1:
        raise ExperimentError(
            f"{source}: the rule '{repeated[0]}' compares repeated trainings of a configuration; give repeats, such as "
            "repeats = 5"
        )
    check_total(header.trials or 1, header.repeats, source)


def _cover(header: Header, tree: Tree) -> list[Any]:
    """Return configurations in which every end of every range and every option occurs."""
    trainer = header.trainer_table()
    return [{"trainer": trainer, **configuration} if trainer else configuration for configuration in cover(tree)]


def _objectives(header: Header, configurations: list[Any], source: str) -> tuple[Objective, Objective | None]:
    """Return the objective of a file, and the one that it would have if it gave none."""
    try:
        if not isinstance(header, NativeHeader):
            return own_objective(header.objective), None
        objective = native_objective(header.objective, configurations)
        return objective, native_objective(ObjectiveSection(), configurations)
    except ValueError as error:
        raise ExperimentError(f"{source}: {error}") from None


def find(source: str | Path) -> Path:
    """Return the experiment file of a path, or of the name of one that comes with sweep.

    Raises:
        ExperimentError: when there is no such file; close names are suggested.
    """
    path = folder_or_file(source, "source")
    with suppress(OSError, ValueError):  # a path that no file can have is treated as an unknown name
        if path.is_file():
            return path
        if path.is_dir() and len(path.parts) > 1:
            raise ExperimentError(f"{path} is a folder; give the path of an experiment file in it")
    shipped = shipped_files()
    if str(source) in shipped:
        return shipped[str(source)]
    if path.suffix == ".toml" or len(path.parts) > 1:
        raise ExperimentError(
            f"{str(path)!r} does not exist; give the path of an experiment file, or the name of one that comes with "
            f"sweep: {', '.join(shipped)}"
        )
    raise ExperimentError(f"there is no experiment {str(source)!r}; {suggest(str(source), shipped, most=len(shipped))}")


def shipped_files() -> dict[str, Path]:
    """Return the experiment files that come with sweep, by the names that they are called by."""
    return {file.stem: file for folder in _experiment_folders() for file in sorted(folder.glob("*.toml"))}


def _experiment_folders() -> list[Path]:
    """Return where the experiments that come with sweep are: in the package or beside it."""
    package = Path(__file__).parents[1]
    return [folder for folder in (package / "experiments", package.parent / "experiments") if folder.is_dir()]
