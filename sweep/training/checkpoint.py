"""Checkpoint files: what any trainer needs to continue from the end of an epoch.

A file is an `.npz` archive that NumPy alone can read: one array for each name of `Snapshot.arrays`, and a text `about`
with the rest as JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.errors import SweepError, WeightsError
from sweep.system.files import make_folder, write_whole

FORMAT = 3
"""Version of new files: 1 lists the optimizer's arrays by position, work arrays among them; 2 names them; 3 has the
version of the arithmetic, on which the meaning of an optimizer's state depends."""
_ADVICE = "bring the file back from a backup, or run the experiment again under another name"
_HEAD = "about"


@dataclass(frozen=True)
class Snapshot:
    """The state of a trainer at the end of an epoch, to continue from bit for bit."""

    epoch: int
    arrays: dict[str, NDArray[Any]]
    """Copies of the trainer's arrays by name, such as `parameters.hidden[0]`."""
    state: dict[str, Any]
    """The rest of its state, such as that of its random number generators; JSON."""
    about: Mapping[str, Any]
    """What the snapshot belongs to, such as a trial; JSON."""


def write(snapshot: Snapshot, path: Path) -> str:
    """Write a snapshot to a file atomically, and return the file's SHA-256; make its folder if it is missing.

    Raises:
        WeightsError: when it cannot be written.
    """
    head = {"format": FORMAT, "epoch": snapshot.epoch, "state": snapshot.state, "about": dict(snapshot.about)}
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **{_HEAD: np.array(json.dumps(head))}, **snapshot.arrays)
    try:
        make_folder(path.parent)
        write_whole(path, content.getvalue())
        return hashlib.sha256(content.getbuffer()).hexdigest()
    except SweepError as error:
        raise WeightsError(str(error)) from error


def read(path: Path, sha256: str | None = None) -> Snapshot:
    """Read a snapshot from a file of any format.

    Arrays of format 1 keep the names that they have there.

    Args:
        sha256: the SHA-256 that the file must have, if that is known.

    Raises:
        WeightsError: when the file is missing, damaged, another one, not a checkpoint, or of a newer format.
    """
    try:
        with path.open("rb") as stream:
            if sha256 and hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise ValueError("it is not the file that was written for this trial")
            if not zipfile.is_zipfile(stream):  # NumPy would take it for a pickle, and say how to load one
                raise ValueError("it is not an .npz archive")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
        head = json.loads(str(arrays.pop(_HEAD)))
        if head["format"] > FORMAT:
            raise WeightsError(f"the weights in {path} were written by a newer sweep; upgrade sweep")
        state = {"generators": head["generators"]} if head["format"] == 1 else dict(head["state"])
        return Snapshot(int(head["epoch"]), arrays, state, dict(head["about"]))
    except WeightsError:
        raise
    except FileNotFoundError:
        raise WeightsError(f"the weights {path} are gone; {_ADVICE}") from None
    except Exception as error:  # whatever zipfile, zlib, json and NumPy raise on a damaged or foreign file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WeightsError(f"the weights {path} cannot be read ({reason}); {_ADVICE}") from error
