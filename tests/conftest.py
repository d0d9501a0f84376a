"""What all tests share: nothing is read from or written to the user's own folders."""

import gc
import itertools
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

from sweep.cli.entry import main
from sweep.system.signals import ENDING
from tests.engine_here import training_here
from tests.fault_tools import FAULTY_WORKERS, Command
from tests.postgres_server import MISSING, Server, programs
from tests.runner.diverging import rescued, rescued_once, toy, toy_folder  # noqa: F401 (fixtures of several packages)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job, whose commands would hear no Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes are started: none is to compile what one has
sys.dont_write_bytecode = False
settings.register_profile("no deadline", deadline=None)  # a busy machine is no fault of an example
settings.load_profile("no deadline")


def pytest_xdist_auto_num_workers():
    """Return how many tests run at once: one more than there are cores, since many wait for others."""
    return len(os.sched_getaffinity(0)) + 1


NUMBERS = itertools.count()
"""Of the folders of databases."""

WAITING = (
    "engines/dask/test_cluster.py",
    "faults/test_database.py",
    "faults/test_trials.py",
    "runner/test_run.py",
    "faults/test_faults.py",
    "benchmarks/test_benchmarks.py",
    "cli/test_ending.py",
    "runner/test_train.py",
    "runner/test_rungs.py",
    "store/test_stress.py",
    "test_wheel.py",
    "docs/test_pages.py",
    "cli/test_streams.py",
    "test_examples.py",
    "store/test_migration_faults.py",
    "cli/test_review.py",
    "test_shipped_trainers.py",
    "training/test_injection.py",
)
"""Files of tests that take longest, of which the first wait most of the time; the small ones fill up the end."""


def pytest_collection_modifyitems(items):
    """Begin with those that wait, so that others use the processors meanwhile."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(WAITING)}
    items.sort(key=lambda item: places.get(item.path, len(WAITING)))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Search no garbage among modules and tests: they stay to the end, and each search looks at a million objects.

    Use one thread of BLAS, too, once its libraries are there, as several processes run tests; what they start is free.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        threadpool_limits(1, "blas")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """Let no test change what signals do: a later one that sends a signal would end the process that runs the tests."""
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        return (yield)
    finally:
        changed = [number for number, handler in before.items() if signal.getsignal(number) is not handler]
        for number in changed:
            signal.signal(number, before[number])
        assert not changed, "a test has changed the handlers of signals"


@pytest.fixture(autouse=True)
def own_folders(request, monkeypatch, tmp_path_factory):
    """Give each test a database of its own; the cache of data sets is shared, being keyed by content.

    A test that asks for no folder gets none before it writes a database: thousands need none, and each costs time.
    """
    base = tmp_path_factory.getbasetemp()
    unmade = base / "databases" / str(next(NUMBERS))
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else unmade
    monkeypatch.setenv("SWEEP_DB", str(folder / "sweeps.db"))
    monkeypatch.setenv("SWEEP_CACHE", str(base / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def answer(monkeypatch, capsys):
    """Call the command line in this process; it answers with (exit code, standard output, standard error)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sweep", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main()
        return (caught.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def here():
    """Let sweeps be trained in this process; for tests to which it is no matter where."""
    with training_here():
        yield


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server; without its programs tests are skipped, but in CI they fail."""
    if programs() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with Server() as server:
        yield server


@pytest.fixture
def command():
    """Start commands of which nothing is left at the end."""
    started = []

    def start(*arguments, **options):
        started.append(Command(*arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.clear()


@pytest.fixture(scope="session")
def faulty_workers(tmp_path_factory):
    """A path for Python, with a folder that plants faults in every worker."""
    folder = tmp_path_factory.mktemp("faulty")
    (folder / "sitecustomize.py").write_text(FAULTY_WORKERS)
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
