"""Users' own programs: each line of their standard output that is a JSON object is an epoch."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sweep.experiment.sections.trainer import fill_command, split_command
from sweep.records import Epoch
from sweep.training import supervisor
from sweep.training.checkpoint import Snapshot
from sweep.training.figures import FigureChecker
from sweep.training.function import SEED_BITS
from sweep.training.trainer import Setup, TrainingError

if TYPE_CHECKING:
    from sweep.data.dataset import Part

LOG_BYTES = 64 * 1024
"""How much of the end of what a program prints is kept."""
GRACE_SECONDS = 2.0
"""How long a program has to end after its last epoch, before it is killed, and its output to end after it."""
STOP_SECONDS = 0.8
"""How long a program has to end after SIGTERM; its worker, which has 1.5 s, must then still write its epochs."""
CLOSE_SECONDS = 0.2
"""How long the output of a killed program may take to end; a process that has left its group may hold it for ever."""
POLL_SECONDS = 0.1
"""How often it is checked whether the program has ended while it prints nothing."""


class Log:
    """The end of what a program prints besides its metrics."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._lock = threading.Lock()

    def add(self, line: bytes) -> None:
        """Add a line, and forget what is too long ago."""
        with self._lock:
            self._content += line[-LOG_BYTES:]
            del self._content[:-LOG_BYTES]

    @property
    def text(self) -> str:
        """The kept text, from the first whole line on."""
        with self._lock:
            content = bytes(self._content)
        if len(content) == LOG_BYTES:
            content = content[content.find(b"\n") + 1 :]
        return content.decode("utf-8", "replace")


class CommandTrainer:
    """Trains by running a program."""

    batch_losses: tuple[float, ...] = ()

    def __init__(self, setup: Setup) -> None:
        self.planned_epochs = setup.planned_epochs
        self._setup = setup
        self._log = Log()

    @property
    def log(self) -> str:
        """The last 64 kB that the program printed to standard error, or besides its metrics."""
        return self._log.text

    def epochs(self) -> Iterator[Epoch]:
        """Run the program and yield its epochs, numbered from 1; see `Trainer`.

        Whatever ends the iteration, the program and its children are gone afterwards.
        """
        checker = FigureChecker("the command", self._setup.objective)
        number, start = 0, time.perf_counter()
        with self._running() as program:
            for reported in program.objects():
                number += 1
                metrics = checker.metrics(number, reported)
                yield Epoch(number, time.perf_counter() - start, metrics)
                start = time.perf_counter()
                if number == self.planned_epochs:
                    program.wait_a_moment()
                    return
            if problem := program.problem():
                raise TrainingError(problem)
        if number == 0:
            raise TrainingError("the command printed no metrics; let it print a JSON object on a line for each epoch")

    def correct(self, part: str) -> None:
        """Return None: a program tells figures only."""

    def snapshot(self) -> Snapshot | None:
        """Return None: a program is run again from its beginning."""
        return None

    def check(self, snapshot: Snapshot) -> None:
        """Accept any snapshot: what is in it is the user's business."""

    def restore(self, snapshot: Snapshot) -> None:
        """Start from the beginning."""

    @contextlib.contextmanager
    def _running(self) -> Iterator[Program]:
        arguments = fill_command(self._setup.configuration["trainer"]["run"], self._setup.configuration["parameters"])
        with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
            config = Path(folder, "config.json")
            config.write_text(json.dumps(self._setup.configuration["parameters"]), encoding="utf-8")
            with Program(arguments, self._environment(config), self._setup.experiment_folder, self._log) as program:
                yield program

    def _environment(self, config: Path) -> dict[str, str]:
        """Return the variables of the program; `python` is the one that runs this process."""
        own = {
            "SWEEP_CONFIG": str(config),
            "SWEEP_TRIAL": str(self._setup.number),
            "SWEEP_SEED": str(self._setup.seeds.weights >> (63 - SEED_BITS)),
            "SWEEP_EPOCHS": str(self.planned_epochs),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        }
        return {**os.environ, "PYTHONUNBUFFERED": "1", **own}


class Program:
    """A running program, in a process group of its own."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], folder: Path | None, log: Log) -> None:
        self._log = log
        self._last_error = b""
        reading, self._lifeline = os.pipe()
        command = [sys.executable, "-I", "-S", str(supervisor.__file__), str(reading), *arguments]
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(reading,),
                start_new_session=True,
            )
        finally:
            os.close(reading)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [self._start(self._read_output), self._start(self._read_errors)]

    def _start(self, target: Any) -> threading.Thread:
        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        return thread

    def _read_output(self) -> None:
        for line in _stream(self._process.stdout):
            self._lines.put(line)
        self._lines.put(None)

    def _read_errors(self) -> None:
        for line in _stream(self._process.stderr):
            self._log.add(line)
            self._last_error = line if line.strip() else self._last_error

    def objects(self) -> Iterator[dict[str, Any]]:
        """Yield the JSON objects that the program prints, a line each, until it has ended; log all other lines."""
        ended: float | None = None
        while True:
            try:
                line = self._lines.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if self._process.poll() is not None:
                    self._kill()  # children that outlive the program would keep its output open
                    ended = ended or time.monotonic()
                    if time.monotonic() - ended > GRACE_SECONDS:  # one has left the group, and cannot be killed
                        return
                continue
            if line is None:
                return
            found = _json_object(line)
            if found is None:
                self._log.add(line)
            else:
                yield found

    def problem(self) -> str | None:
        """Return in a sentence why the program failed; None if it ended with exit code 0."""
        code = self._process.wait()
        self._threads[1].join(GRACE_SECONDS)
        if code == 0:
            return None
        how = f"ended with exit code {code}" if code > 0 else f"was killed by {signal.Signals(-code).name}"
        said = self._last_error.decode("utf-8", "replace").strip()[:300]
        return f"the command {how}" + (f": {said}" if said else "; see what it printed with its log")

    def wait_a_moment(self, seconds: float = GRACE_SECONDS) -> None:
        """Give the program time to end by itself."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *error: object) -> None:
        """End the program and its children, gently first if it still runs."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            self.wait_a_moment(STOP_SECONDS)
        self._kill()
        self._process.wait()
        os.close(self._lifeline)
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _stream(stream: IO[bytes] | None) -> Iterator[bytes]:
    """Yield the lines of a stream until it ends, and close it, which only its own thread can do without waiting."""
    assert stream is not None
    with contextlib.suppress(ValueError, OSError), stream:
        while line := stream.readline(LOG_BYTES):
            yield line


BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""What programs of Windows may write first."""


def _json_object(line: bytes) -> dict[str, Any] | None:
    line = line.removeprefix(BYTE_ORDER_MARK)
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def program_digest(run: str, folder: Path | None) -> str | None:
    """Return the SHA-256 of the files in the experiment's folder that a command names; None if it names none."""
    digest, count = hashlib.sha256(), 0
    for word in split_command(run):
        path = (folder or Path()) / word
        with contextlib.suppress(OSError, ValueError):
            digest.update(path.read_bytes())
            count += 1
    return digest.hexdigest() if count else None


def command_trainer(setup: Setup, data: Mapping[str, Part] | None) -> CommandTrainer:
    """Return the trainer of a configuration with a command."""
    return CommandTrainer(setup)
