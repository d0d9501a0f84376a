"""Users' own training functions: generators that yield a mapping of metrics after each epoch."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from inspect import isgenerator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweep.errors import ExperimentError, SweepError, suggest, unreadable
from sweep.records import Epoch
from sweep.system.files import within
from sweep.training.checkpoint import Snapshot
from sweep.training.figures import FigureChecker
from sweep.training.state import pack, unpack
from sweep.training.trainer import Setup, TrainingError

if TYPE_CHECKING:
    from sweep.data.dataset import Part

Function = Callable[[dict[str, Any], "TrialContext"], Iterator[Mapping[str, float]]]
"""(config, trial) -> the metrics of each epoch"""

SEED_BITS = 32
"""Bits of `TrialContext.seed`: what NumPy's legacy generator, scikit-learn and PyTorch all take."""


class TrialContext:
    """What a training function is told about its trial, and how it saves its state."""

    def __init__(self, setup: Setup, data: Mapping[str, Part] | None) -> None:
        self.number = setup.number
        """Number of the trial."""
        self.seed = setup.seeds.weights >> (63 - SEED_BITS)
        """A seed for other libraries, in [0, 2**32); another one for each trial and repeat."""
        self.rng = np.random.default_rng(setup.seeds.weights)
        """A random number generator seeded for this trial."""
        self.epochs = setup.planned_epochs
        """The most epochs that are asked for; what is yielded after them is not seen."""
        self.data = data
        """Parts of the data set that the file names, such as `data["train"].x` and `.t`; None without one."""
        self._folder = setup.files_folder
        self._state: dict[str, Any] | None = None
        self._saved: Snapshot | None = None
        self._is_state_read = False

    @property
    def folder(self) -> Path:
        """Folder for files of this trial; it is made when it is asked for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    @property
    def state(self) -> dict[str, Any] | None:
        """What an earlier attempt saved, to continue after that epoch; None for a start from the beginning."""
        self._is_state_read = True
        return self._state

    def save(self, state: Mapping[str, Any]) -> None:
        """Save the state at the end of the epoch that is yielded next, so that a killed trial continues from there.

        Args:
            state: arrays, tensors, numbers, text, bytes, and lists and mappings of these, such as `state_dict()`, by
                name; tensors come back on the CPU.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"save() takes a mapping of arrays and numbers, not {type(state).__name__}")
        self._saved = pack(0, state, {})

    def _take_saved(self, epoch: int) -> Snapshot | None:
        saved, self._saved = self._saved, None
        return saved and replace(saved, epoch=epoch)


class FunctionTrainer:
    """Trains by calling a user's function."""

    batch_losses: tuple[float, ...] = ()
    log: str | None = None

    def __init__(self, function: Function, name: str, setup: Setup, data: Mapping[str, Part] | None = None) -> None:
        self.planned_epochs = setup.planned_epochs
        self._function = function
        self._name = name
        self._setup = setup
        self._data = data
        self._start: Snapshot | None = None
        self._snapshot: Snapshot | None = None

    def epochs(self) -> Iterator[Epoch]:
        """Call the function and yield its epochs, numbered from 1; see `Trainer`.

        After a restored snapshot they are numbered from the next one on; from 1 if the function has not asked for the
        state, and so has begun from the beginning.
        """
        context = TrialContext(self._setup, self._data)
        number, is_first = 0, True
        if self._start:
            context._state = unpack(self._start)
            number = self._start.epoch
        checker = FigureChecker(self._name, self._setup.objective)
        generator = self._call(context)
        start = time.perf_counter()
        try:
            while number < self.planned_epochs and (reported := next(generator, _END)) is not _END:
                if is_first and self._start and not context._is_state_read:
                    number = 0
                number, is_first = number + 1, False
                metrics = checker.metrics(number, reported)
                self._snapshot = context._take_saved(number)
                yield Epoch(number, time.perf_counter() - start, metrics)
                start = time.perf_counter()
        finally:
            generator.close()
        if number == 0:
            raise TrainingError(
                f"{self._name} ended without yielding metrics; yield a mapping of them after each epoch"
            )

    def _call(self, context: TrialContext) -> Any:
        result = self._function(_parameters(self._setup.configuration), context)
        if not isgenerator(result):
            raise TrainingError(
                f"{self._name} returned {type(result).__name__}, but it must yield a mapping of metrics after each "
                "epoch: write `yield {...}` in place of `return {...}`"
            )
        return result

    def correct(self, part: str) -> None:
        """Return None: a function tells figures only."""

    def snapshot(self) -> Snapshot | None:
        """Return what the function saved for the last epoch; None where it saved nothing."""
        return self._snapshot

    def check(self, snapshot: Snapshot) -> None:
        """Accept any snapshot: what is in it is the user's business."""

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from what an earlier attempt saved."""
        self._start = self._snapshot = snapshot


_END = object()


def _parameters(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of the drawn parameters, which the function may change."""
    return pickle.loads(pickle.dumps(dict(configuration["parameters"])))  # type: ignore[no-any-return]


def load_function(reference: str, folder: Path | None) -> Function:
    """Return the function that `module:name` stands for, looked for in `folder` first, then on Python's path.

    Raises:
        TrainingError: when there is no such module or function, or importing the module fails.
    """
    module_name, _, attribute = reference.partition(":")
    if folder and sys.path[:1] != [str(folder)]:  # as Python does for a script, so that the module finds its neighbors
        sys.path[:] = [str(folder), *(entry for entry in sys.path if entry != str(folder))]
    _forget_other_module(module_name, folder)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name not in (module_name, module_name.partition(".")[0]):
            raise
        raise TrainingError(f"there is no module '{module_name}' {_places(folder)}; correct `trainer`") from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            hint = suggest(part, [name for name in dir(found) if not name.startswith("_")] or [part])
            raise TrainingError(f"the module {module_name} has no function '{attribute}': {hint}")
        found = getattr(found, part)
    if not callable(found):
        raise TrainingError(f"{reference} is not a function but {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def _forget_other_module(name: str, folder: Path | None) -> None:
    """Let a module be imported again where one of the same name was imported from another place."""
    path = _module_file(name, folder)
    loaded = getattr(sys.modules.get(name), "__file__", None)
    if path and loaded and Path(loaded).resolve() != path.resolve():
        del sys.modules[name]


def _module_file(name: str, folder: Path | None) -> Path | None:
    """Return the file of a module in a folder; None if it is not there."""
    if folder is None:
        return None
    stem = folder.joinpath(*name.split("."))
    candidates = (stem.with_suffix(".py"), stem / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _places(folder: Path | None) -> str:
    return f"in {folder} or on Python's path" if folder else "on Python's path"


def check_function(reference: str, folder: Path | None) -> str | None:
    """Check without importing it that a function can be found; return the SHA-256 of its module's file beside the file.

    Raises:
        ExperimentError: when its module is missing or is not valid Python, or does not define it.
    """
    name, _, attribute = reference.partition(":")
    path = _module_file(name, folder)
    if path is None:
        if _is_on_path(name):
            return None
        raise ExperimentError(f"trainer = '{reference}': there is no module '{name}' {_places(folder)}")
    content = path.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise ExperimentError(f"{path}{f', line {line}' if line else ''} is not valid Python: {error}") from None
    defined = _defined(tree)
    first = attribute.partition(".")[0]
    if first not in defined and "*" not in defined and "__getattr__" not in defined:
        raise ExperimentError(f"trainer = '{reference}': {path} defines no '{first}'; {_hint(first, defined)}")
    return hashlib.sha256(content).hexdigest()


def _hint(name: str, defined: set[str]) -> str:
    return suggest(name, defined) if defined else "it defines nothing"


def _is_on_path(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that the top level of a module defines or imports, at any depth of `if` and `try`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


@lru_cache(maxsize=4)
def load_pickle(path: Path, sha256: str) -> Function:
    """Return a function that was handed over from Python, after its file was checked against its digest.

    Raises:
        TrainingError: when the file is missing, or not the one that was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"the training function {path} cannot be read: {unreadable(error)}") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise TrainingError(f"the training function {path} is not the one that the sweep was begun with")
    return pickle.loads(content)  # type: ignore[no-any-return]


def function_trainer(setup: Setup, data: Mapping[str, Part] | None) -> FunctionTrainer:
    """Return the trainer of a configuration with `trainer = "module:function"`."""
    reference = setup.configuration["trainer"]["function"]
    return FunctionTrainer(load_function(reference, setup.experiment_folder), reference, setup, data)


def pickled_trainer(setup: Setup, data: Mapping[str, Part] | None) -> FunctionTrainer:
    """Return the trainer of a configuration whose function was handed over from Python."""
    table = setup.configuration["trainer"]
    try:
        path = within(setup.files, table["file"])
    except SweepError as error:
        raise TrainingError(str(error)) from None
    return FunctionTrainer(load_pickle(path, table["sha256"]), "the training function", setup, data)
