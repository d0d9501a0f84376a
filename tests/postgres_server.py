"""A real PostgreSQL server in a temporary folder, on a free loopback port, for tests alone."""

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

USER, PASSWORD = "sweeper", "s3cret&pass/word"
QUOTED = "s3cret%26pass%2Fword"


class Server:
    """Start, stop, restart and kill it; give it databases."""

    def __init__(self):
        self._bin = _programs()
        # Other users cannot enter the folders of pytest, and PostgreSQL refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="sweep-postgres-"))
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._databases = 0
        atexit.register(self.close)
        password = self.folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._call("initdb", "-D", self._data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={password}", "-E", "UTF8")
        with (self.folder / "data" / "postgresql.conf").open("a") as settings:
            # Times must not depend on the server's zone.
            settings.write(
                f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\n"
                "timezone = 'Asia/Tokyo'\nmax_connections = 50\nshared_buffers = 16MB\n"
            )
        self.start()

    @property
    def _data(self):
        return str(self.folder / "data")

    def _call(self, program, *arguments, must_do=True):
        command = [str(self._bin / program), *arguments]
        if self._user:
            command = ["runuser", "-u", self._user, "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, check=False)
        assert done.returncode == 0 or not must_do, f"{program}: {done.stdout}{done.stderr}"

    def start(self):
        """Start it and wait until it answers."""
        self._call("pg_ctl", "-D", self._data, "-w", "-l", str(self.folder / "log"), "start")

    def stop(self, mode="immediate"):
        """Stop it; `immediate` is as a crash."""
        self._call("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def restart(self, mode="immediate"):
        """Stop and start it."""
        self.stop(mode)
        self.start()

    def create_database(self):
        """Make an empty database and return its URL."""
        self._databases += 1
        name = f"test_{self._databases}"
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
        if self.folder.exists():
            self._call("pg_ctl", "-D", self._data, "-m", "immediate", "stop", must_do=False)
            shutil.rmtree(self.folder, ignore_errors=True)


def _folders():
    """Return the folders that may hold PostgreSQL's programs, the best last."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return [*debian, Path(on_path).resolve().parent] if on_path else debian


def is_installed():
    """Tell whether there is a PostgreSQL to start."""
    return bool(_folders())


def _programs():
    folders = _folders()
    assert folders, "these tests need PostgreSQL's programs: install the package postgresql"
    return folders[-1]
