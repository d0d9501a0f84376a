"""A real PostgreSQL server in a temporary folder, on a free loopback port, for tests alone."""

import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psutil
import psycopg

MISSING = "these tests need PostgreSQL's programs: install the package postgresql"

USER, PASSWORD = "sweeper", "s3cret&pass/word"
QUOTED = "s3cret%26pass%2Fword"

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = {connections}
shared_buffers = 16MB
# Nothing may depend on the server's zone.
timezone = 'Asia/Tokyo'
# Processes are killed here, but no machine: what they have handed to the system is not lost.
fsync = off
"""

MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 << 30
"""How much memory must be free, as a server has some hundred megabytes, and each process that runs tests has one."""

GUARD = 'read -r _; "$0" -D "$1" -w -m immediate stop; rm -rf "$2"'
"""Waits for the end of a pipe, and so for that of the process that holds the other end, however that one dies."""


class Server:
    """Start, stop, restart and kill it; give it databases."""

    def __init__(self, connections=60):
        self._bin = programs()
        self._connections = connections
        # PostgreSQL refuses to run as root, and other users can enter neither root's folders nor those of pytest.
        is_root = os.geteuid() == 0
        self._as_user = _unprivileged() if is_root else {}
        self.folder = Path(tempfile.mkdtemp(prefix="sweep-postgres-", dir=_parent(is_root)))
        if is_root:
            os.chown(self.folder, self._as_user["user"], self._as_user["group"])
        self.port = _free_port()
        self._databases = 0
        self._guard = self._guarded()
        try:
            self._initialize()
            self.start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @property
    def _data(self):
        return self.folder / "data"

    def _guarded(self):
        """Start the process that clears all away, which no Ctrl-C reaches."""
        return subprocess.Popen(
            ["sh", "-c", GUARD, str(self._bin / "pg_ctl"), str(self._data), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **self._as_user,
        )

    def _initialize(self):
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._call(
            *("initdb", "-D", self._data, "-E", "UTF8", "--no-sync"),
            *("-U", USER, "-A", "scram-sha-256", f"--pwfile={password}"),
        )
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(f"{SETTINGS.format(connections=self._connections)}port = {self.port}\n")

    def _call(self, program, *arguments):
        command = [str(self._bin / program), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False, **self._as_user)
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def start(self):
        """Start it and wait until it answers."""
        self._call("pg_ctl", "-D", self._data, "-w", "-l", self.folder / "log", "start")

    def stop(self, mode="immediate"):
        """Stop it: `smart` waits for all clients, `fast` sends them away, `immediate` is as a crash."""
        self._call("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def restart(self, mode="immediate"):
        """Stop and start it."""
        self.stop(mode)
        self.start()

    @property
    def process(self):
        """The number of its first process."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def kill(self):
        """End all of its processes with SIGKILL; `start` brings it back."""
        head = psutil.Process(self.process)
        processes = [head, *head.children(recursive=True)]
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:  # it has seen that the first one is gone
                continue
        psutil.wait_procs(processes)

    def create_database(self, name=None):
        """Make an empty database and return its URL."""
        self._databases += 1
        name = name or f"test_{self._databases}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def dsn(self, database):
        """Return how psycopg is told of a database."""
        return f"host=127.0.0.1 port={self.port} dbname={database} user={USER} password={PASSWORD}"

    def url(self, database, password=QUOTED):
        """Return how SQLAlchemy is told of a database."""
        return f"postgresql+psycopg://{USER}:{password}@127.0.0.1:{self.port}/{database}"

    def close(self):
        """Stop it for good and delete its folder."""
        self._guard.stdin.close()
        self._guard.wait()


def _unprivileged():
    """Return how a process is started as PostgreSQL's own user, or else as nobody."""
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = users.get("postgres") or users["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": ()}


def _parent(is_root):
    """Return where the folder lies: in memory if there is room, as disks may take half a minute to delete it."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES:
        return MEMORY
    return "/tmp" if is_root else None


def _free_port():
    """Return a port below those that clients are given, so that none of them takes it while the server is down."""
    while True:
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", random.SystemRandom().randrange(10_000, 30_000)))
            except OSError:
                continue
            return free.getsockname()[1]


def programs():
    """Return the folder of the newest PostgreSQL's programs; None where there are none."""
    debian = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if debian:
        return max(debian, key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None
