"""New experiment files: written from a template, or copied from one that comes with sweep."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sweep.errors import ExperimentError, SweepError, UsageError, unreadable
from sweep.experiment.file import find, parse
from sweep.experiment.parameters import NAME_PATTERN
from sweep.experiment.schema import FILE, LINE, schema_text
from sweep.system.files import check_place, write_whole

NETWORK = """\
# Wherever a value stands, a distribution can stand: { uniform = [0.0, 1.0] }, { log_uniform = [0.001, 1.0] },
# { int = [10, 90], step = 10 } or { choice = ["relu", "tanh"] }. Lines that begin with # are alternatives.
name = "{name}"
description = ""
trials = 40                                          # configurations to draw
seed = 0
# sampler = "sobol"                                  # random (default) | latin_hypercube | halton | grid | screened
# repeats = 3                                        # trainings of each configuration, each with seeds of its own

[data]
dataset = "digits"                                   # mnist | fashion_mnist | cifar10: see `sweep data list`
# dataset = { kind = "csv", file = "mine.csv", label = "species" }
# dataset = { kind = "npz", file = "mine.npz" }      # arrays x_train, t_train, x_test, t_test
# task = "regression"                                # for a target of numbers
normalization = "min_max"                            # z_score | none
validation = 0.1                                     # fraction of the training part that ranks the trials; 0 for none

[network]
hidden = [{ int = [10, 99] }, { int = [10, 99] }]    # units of each hidden layer
activation = { kind = "leaky_relu", alpha = { uniform = [0.0, 0.4] } }
# activation = { choice = ["relu", "tanh", "sigmoid"] }
# layers = [{ kind = "convolution", filters = 8, kernel = 3 }, "relu", "flatten", { kind = "affine", units = 64 }]
weights = "he_normal"                                # lecun_normal | glorot_normal | { kind = "normal", std = 0.1 }
biases = "zeros"

[training]
epochs = 30
batch_size = { int = [10, 90], step = 10 }
optimizer = { kind = "sgd", learning_rate = { log_uniform = [0.01, 1.0] } }
# optimizer = { choice = [
#     { kind = "momentum", learning_rate = { log_uniform = [0.001, 0.5] } },
#     { kind = "adam", learning_rate = { log_uniform = [0.0001, 0.01] } },
# ] }
# schedule = "cosine"                                # of the learning rate
# l2 = { log_uniform = [1e-6, 1e-2] }                # weight decay
# clip_norm = 1.0                                    # largest norm of the gradient
# keep_weights = "none"                              # best (default) | last

[objective]                                          # how trials are ranked
metric = "validation_accuracy"
epoch = "best"                                       # last

# [stopping]                                         # ends hopeless trials early
# kind = "halving"                                   # asha | hyperband | median | patience

# [limits]                                           # what a configuration may cost at most
# parameters = 100000
"""

FUNCTION = """\
# A search over the parameters of the function `train` in {module}.py. Wherever a value stands in [parameters], a
# distribution can stand: {{ uniform = [0.0, 1.0] }}, {{ int = [1, 8] }} or {{ choice = ["sgd", "adam"] }}.
name = "{name}"
description = ""
trainer = "{module}:train"
# trainer = {{ kind = "command", run = "python train.py --lr {{learning_rate}}" }}   # a program in any language
trials = 30                                          # configurations to draw
epochs = 20                                          # the most that is asked of the function
seed = 0
# sampler = "sobol"                                  # random (default) | latin_hypercube | halton | grid | screened
# repeats = 3                                        # trainings of each configuration, each with seeds of its own

# [data]                                             # handed to the function as trial.data
# dataset = "mnist"                                  # see `sweep data list`
# validation = 0.1

[parameters]                                         # anything, nested as you like
learning_rate = {{ log_uniform = [0.001, 2.0] }}
momentum = {{ uniform = [0.0, 0.95] }}

[objective]                                          # how trials are ranked
metric = "loss"                                      # one of those that the function yields
direction = "min"                                    # max
# epoch = "last"                                     # best (default)

# [stopping]                                         # ends hopeless trials early
# kind = "halving"                                   # asha | hyperband | median | patience
"""

MODULE = '''\
"""A training function: replace what it does by your own."""

import numpy as np


def train(config, trial):
    """Yield the metrics after each epoch; config holds the drawn parameters."""
    rng = np.random.default_rng(trial.seed)
    weights, velocity = rng.normal(size=10), np.zeros(10)
    for _ in range(trial.epochs):
        velocity = config["momentum"] * velocity - config["learning_rate"] * weights
        weights = weights + velocity
        yield {"loss": float(weights @ weights)}
'''


def new_files(file: Path, source: str | None = None, trainer: Path | None = None) -> dict[Path, str | bytes]:
    """Return the files of a new experiment by their paths, the experiment first, then those that it needs.

    Args:
        file: the experiment file, whose stem becomes the name of the sweep.
        source: an experiment file or the name of one that comes with sweep; by default the template.
        trainer: a module beside `file` whose function `train` trains; it is made too if it is not there.

    Raises:
        UsageError: when a name is not that of a TOML file or of a module.
        ExperimentError: when there is no such source.
    """
    with suppress(OSError):  # a name that is too long is refused by `write_new`
        if file.is_dir():
            raise UsageError(f"'{file}' is a folder; name a file in it, such as {file / 'mine.toml'}")
    if file.suffix != ".toml":
        raise UsageError(f"an experiment file ends in .toml, so write {file.name}.toml in place of {file.name!r}")
    if source is not None and trainer is not None:
        raise UsageError("give a file to copy or a trainer of your own, not both")
    name = _name(file)
    others: dict[Path, str | bytes] = {}
    if trainer is not None:
        text = FUNCTION.format(name=name, module=_module(trainer, file))
        others[trainer] = MODULE
    elif source is not None:
        text, others = _copy(find(source), name, file.parent)
    else:
        text = NETWORK.replace("{name}", name)
    text = text if text.startswith("#:schema") else LINE + text
    parse(text, str(file))
    return {file: text, file.with_name(FILE): schema_text(), **others}


def write_new(files: Mapping[Path, str | bytes], overwrite: bool = False) -> tuple[list[Path], list[Path]]:
    """Write the files of a new experiment; those beside the experiment stay as they are.

    The experiment is written last, so that what was killed can be done again.

    Returns:
        what was written, and what was kept although it differs.

    Raises:
        SweepError: when the experiment file is there already and may not be overwritten, or its folder is missing.
    """
    file = next(iter(files))
    check_place(file)
    if file.exists() and not overwrite:
        raise SweepError(f"{file} is there already; name another file, or overwrite it with --force")
    contents = {path: content.encode() if isinstance(content, str) else content for path, content in files.items()}
    written = [path for path in files if path == file or not path.exists()]
    kept = [path for path in files if path not in written and not _holds(path, contents[path])]
    for path in reversed(written):
        write_whole(path, contents[path])
    return written, kept


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() == content
    except OSError:
        return False


def _name(file: Path) -> str:
    """Return the name of the sweep: the file's, without what a name cannot have."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-._")[:100]
    return name if re.fullmatch(NAME_PATTERN, name) else "experiment"


def _module(trainer: Path, file: Path) -> str:
    if trainer.suffix != ".py" or not trainer.stem.isidentifier():
        raise UsageError(f"a trainer is a module such as mine.py, not {str(trainer)!r}")
    if trainer.resolve().parent != file.resolve().parent:
        raise UsageError(f"the trainer {trainer} must be in the folder of {file}")
    if trainer.stem in sys.stdlib_module_names or keyword.iskeyword(trainer.stem):
        raise UsageError(f"Python has a module or a word {trainer.stem} of its own; give the trainer another name")
    return trainer.stem


def _copy(source: Path, name: str, folder: Path) -> tuple[str, dict[Path, str | bytes]]:
    """Return the text of an experiment file under another name, and the files beside it that it names."""
    try:
        text = source.read_text(encoding="utf-8")
        beside = [path for path in sorted(source.parent.iterdir()) if path.suffix in (".csv", ".npz", ".py")]
        named = [path for path in beside if path.name in text or (path.suffix == ".py" and f"{path.stem}:" in text)]
        others: dict[Path, str | bytes] = {folder / path.name: path.read_bytes() for path in named}
    except (OSError, UnicodeDecodeError) as error:
        reason = unreadable(error) if isinstance(error, OSError) else "it is not UTF-8 text; save it as such"
        raise ExperimentError(f"{source} cannot be read: {reason}") from None
    return re.sub(r'(?m)^name = "[^"]*"', f'name = "{name}"', text, count=1), others
