"""Random search over the hyperparameters of neural networks.

>>> import sweep                                     # doctest: +SKIP
>>> s = sweep.run("digits-quickstart", workers=2)    # doctest: +SKIP
>>> s.best(10); s.worst(10); s.diverged(); s.epochs()   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # heavy imports happen inside the functions, so that `sweep --help` is quick
    from sweep.errors import SweepError
    from sweep.pack.verifying import Verification
    from sweep.results.importing import import_sweep
    from sweep.results.opening import DEFAULT_DATABASE, database_url, load, sweeps
    from sweep.results.querying import sql
    from sweep.results.retraining import explain, finalists, rescue, reseed
    from sweep.results.running import enlarge, extend, resume, run
    from sweep.results.sweep import Sweep

__all__ = [
    "DEFAULT_DATABASE",
    "Sweep",
    "SweepError",
    "database_url",
    "enlarge",
    "explain",
    "extend",
    "finalists",
    "import_sweep",
    "load",
    "rescue",
    "reseed",
    "resume",
    "run",
    "sql",
    "sweeps",
    "verify",
]

_MODULES = {
    "DEFAULT_DATABASE": "sweep.results.opening",
    "Sweep": "sweep.results.sweep",
    "SweepError": "sweep.errors",
    "database_url": "sweep.results.opening",
    "enlarge": "sweep.results.running",
    "explain": "sweep.results.retraining",
    "extend": "sweep.results.running",
    "finalists": "sweep.results.retraining",
    "import_sweep": "sweep.results.importing",
    "load": "sweep.results.opening",
    "rescue": "sweep.results.retraining",
    "reseed": "sweep.results.retraining",
    "resume": "sweep.results.running",
    "run": "sweep.results.running",
    "sql": "sweep.results.querying",
    "sweeps": "sweep.results.opening",
}
"""The module of each public name that is not defined here, which is imported when the name is first used."""


def verify(
    file: str | Path,
    *,
    sha256: str | None = None,
    share: float = 0.05,
    trials: int | Sequence[int] = (),
    seed: int | None = None,
    data: str | Path | None = None,
    code: str | Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Verification:
    """Check a file that `Sweep.pack` has written: whether it is whole, agrees with itself, and is trained to the same.

    Args:
        file: the pack.
        sha256: the SHA-256 that it must have.
        share: share of the trials that are trained again, at least two of them; 0 for none.
        trials: numbers of those trials, in place of a random share.
        seed: seed of the random choice; by default another one each time, which nobody could know before.
        data: folder of the files of the data sets; by default SWEEP_DATA.
        code: folder with the code of a trainer of the sweep's own, which runs only where it is given.
        progress: called with (epochs done, all epochs) of the trials that are trained again.

    Raises:
        SweepError: when the file is not a pack.
    """
    from sweep.arguments import folder_or_file, number, text, whole, wholes
    from sweep.errors import Argument, UsageError
    from sweep.pack.verifying import Options, verify

    if not 0 <= number(share, "share") <= 1:
        raise UsageError(Argument("share"), f" takes a number from 0 to 1, not {share}")
    options = Options(
        sha256=None if sha256 is None else text(sha256, "sha256"),
        share=number(share, "share"),
        trials=tuple(wholes(trials, "trials")),
        seed=None if seed is None else whole(seed, "seed"),
        data=None if data is None else folder_or_file(data, "data"),
        code=None if code is None else folder_or_file(code, "code"),
    )
    return verify(folder_or_file(file, "file"), options, progress)


if not TYPE_CHECKING:  # a type checker would let any name pass

    def __getattr__(name: str) -> Any:
        """Import what is defined elsewhere when it is first used."""
        if name not in _MODULES:
            raise AttributeError(f"module 'sweep' has no attribute '{name}'")
        return getattr(import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        """Return the public names."""
        return sorted(__all__)
