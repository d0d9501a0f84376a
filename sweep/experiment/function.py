"""An experiment made of a Python function and its parameters, as if they stood in a file."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweep.errors import ExperimentError, UsageError
from sweep.experiment.experiment import Experiment
from sweep.experiment.file import parse
from sweep.experiment.toml import write_toml
from sweep.metrics import Objective
from sweep.space.trees import unparse_tree
from sweep.system.files import make_folder, within, write_whole

ObjectiveLike = str | tuple[str, str] | Mapping[str, Any] | Objective
"""A metric, (metric, direction), or the table `objective` of a file."""


@dataclass(frozen=True, slots=True)
class PickledFunction:
    """A function that no module has by name, pickled."""

    file: str
    """Where it belongs, relative to the folder of the database."""
    content: bytes
    sha256: str
    """SHA-256 of the content, in hexadecimal."""

    def write(self, folder: Path) -> None:
        """Write the file into the folder of the database.

        Raises:
            SweepError: when it cannot be written.
        """
        path = within(folder, self.file)
        make_folder(path.parent)
        write_whole(path, self.content)


def from_function(
    function: Callable[..., Any],
    parameters: Mapping[str, Any] | None,
    *,
    objective: ObjectiveLike | None,
    name: str | None = None,
    data: Mapping[str, Any] | None = None,
    deterministic: bool = False,
    **header: Any,
) -> tuple[Experiment, PickledFunction | None]:
    """Return the experiment that searches the parameters of a training function.

    A function that can be imported by name is named in the experiment, whose `folder` is then that of the function's
    top-level module. Any other is pickled, and the folder is the current one; `PickledFunction.write` has to be called
    before the sweep begins.

    Args:
        function, parameters, objective, name, deterministic: as of `sweep.run`.
        data: the section `data` of an experiment file.
        header: other keys at the top of an experiment file, such as `epochs` and `trials`; None for their default.

    Raises:
        UsageError: when there are no parameters, no epochs or no objective.
        ExperimentError: when a value is wrong, or the function can neither be imported nor pickled.
    """
    if parameters is None or objective is None or header.get("epochs") is None:
        raise UsageError("a training function needs parameters, epochs and objective, such as ('rmse', 'min')")
    name = name or _default_name(function)
    trainer, folder, pickled = _trainer(function, name)
    table = {
        "name": name,
        "description": "",
        **header,
        "trainer": {**trainer, "deterministic": deterministic},
        "data": data,
        "parameters": parameters,
        "objective": objective_table(objective),
    }
    experiment = parse(_text(table, name), name)
    return replace(experiment, path=folder / f"{name}.toml"), pickled


def _text(table: Mapping[str, Any], name: str) -> str:
    """Return the text of a file; keys without a value are left out."""
    given = {key: value for key, value in table.items() if value is not None}
    try:
        return write_toml(unparse_tree(given))
    except ValueError as error:
        raise ExperimentError(f"{name}: {error}") from None


def _default_name(function: Callable[..., Any]) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]", "", getattr(function, "__name__", ""))
    return name.lstrip("._-")[:100] or "function"


def objective_table(objective: ObjectiveLike) -> dict[str, Any]:
    """Return the section `objective` of a file that an objective stands for.

    Raises:
        ExperimentError: when it stands for none.
    """
    if isinstance(objective, str):
        return {"metric": objective}
    if isinstance(objective, Objective):
        return {"metric": objective.metric, "direction": objective.direction, "epoch": objective.epoch}
    if isinstance(objective, Mapping):
        return dict(objective)
    if not isinstance(objective, tuple | list) or len(objective) != 2:
        raise ExperimentError(f"objective must be such as ('rmse', 'min'), not {objective!r}")
    return {"metric": objective[0], "direction": objective[1]}


def _trainer(function: Callable[..., Any], name: str) -> tuple[dict[str, Any], Path, PickledFunction | None]:
    """Return the trainer's table, the experiment's folder, and the pickle or None."""
    if module := _module_of(function):
        named = f"{module}:{function.__qualname__}"
        return {"kind": "function", "function": named}, _folder_of(module), None
    content = _pickle(function, name)
    pickled = PickledFunction(f"{name}/trainer.pkl", content, hashlib.sha256(content).hexdigest())
    return {"kind": "pickle", "file": pickled.file, "sha256": pickled.sha256}, Path.cwd(), pickled


def _module_of(function: Callable[..., Any]) -> str | None:
    """Return the module in which the function is found by its name; None without one."""
    module = getattr(function, "__module__", None)
    found: Any = sys.modules.get(module) if module and module != "__main__" else None
    for part in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return module if found is function else None


def _folder_of(module: str) -> Path:
    """Return the folder of a module's top-level package, else the current folder."""
    top = sys.modules[module.partition(".")[0]]
    if file := getattr(top, "__file__", None):
        path = Path(file).absolute()
        return path.parents[1] if path.name.startswith("__init__.") else path.parent
    return next((Path(folder).absolute().parent for folder in getattr(top, "__path__", ())), Path.cwd())


def _pickle(function: Callable[..., Any], name: str) -> bytes:
    import cloudpickle

    try:
        content: bytes = cloudpickle.dumps(function)
    except Exception as error:  # whatever the methods of the objects that it holds raise
        raise ExperimentError(
            f"{name}: the function cannot be sent to other processes, as it holds something that cannot be pickled "
            f"({error}); define it in a module, with what it needs made inside of it"
        ) from None
    return content
