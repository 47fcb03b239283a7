"""A real PostgreSQL server in a temporary folder, as an unprivileged user, on a Unix socket and a free port of 127.0.0.1."""

import contextlib
import csv
import io
import itertools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence

from harness.free_port import free_port
from harness.waiting import eventually

PASSWORD = "correct-horse"

_SETTINGS = ("max_connections=200", "shared_buffers=32MB", "max_wal_size=256MB", "jit=off", "log_min_messages=fatal")

# Ends the server and removes its folder as soon as the pipe closes on which it waits: when the tests end, however they end.
_WATCHDOG = """
trap '' INT TERM HUP
cat > /dev/null
pid=$(head -n 1 "$0/data/postmaster.pid" 2> /dev/null) && kill -QUIT "$pid" 2> /dev/null
for _ in {1..100}; do kill -0 "$pid" 2> /dev/null || break; sleep 0.05; done
rm -rf "$0"
"""


class PostgreSQL:
    """One server. Its databases belong to the user `gateway`, who has a password; the superuser comes by the socket."""

    def __init__(self, *settings: str, syncs: bool = True):
        """`settings` are added to its configuration, as in `"max_connections=20"`; without syncing, commits are quick and
        do not outlive the machine."""
        self.port = free_port()
        # Short, as a socket's path must be, and the server's own.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="e2b-gateway-postgresql-", dir="/tmp"))
        self._as_user: list[str] = []
        if os.geteuid() == 0:  # as which it refuses to run
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self.folder.chmod(0o755)
        haste = () if syncs else ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
        own = (f"port={self.port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}")
        self._settings = [*_SETTINGS, *haste, *own, *settings]
        self._names = itertools.count(1)
        self._process: subprocess.Popen | None = None
        self._watchdog = subprocess.Popen(
            ["bash", "-c", _WATCHDOG, str(self.folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        data = f"--pgdata={self.folder}/data"
        self._run("initdb", data, "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8",
                  "--auth-local=trust", "--auth-host=scram-sha-256")
        self.start()
        self.query(f"CREATE ROLE gateway LOGIN PASSWORD '{PASSWORD}'")

    # Databases

    def make_database(self) -> str:
        """The address of a new, empty database, such as `postgres://gateway:correct-horse@127.0.0.1:5433/test1`."""
        name = f"test{next(self._names)}"
        self.query(f"CREATE DATABASE {name} OWNER gateway TEMPLATE template0 STRATEGY wal_log")
        return f"postgres://gateway:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def query(self, sql: str, database: str = "postgres") -> list[list[str]]:
        """What a query finds, run by the superuser: NULL is the empty text. `database` may be an address."""
        words = ["-X", "-q", "--csv", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port)]
        said = self._run("psql", *words, "-U", "postgres", "-c", sql, database.rsplit("/", 1)[-1])
        return list(csv.reader(io.StringIO(said)))

    def value(self, sql: str, database: str = "postgres") -> str:
        """The one value that a query finds."""
        [[value]] = self.query(sql, database)
        return value

    def cut_connections(self, database: str, where: str = "true") -> int:
        """Ends the connections to a database, as a failover does, and says how many; `where` is about pg_stat_activity."""
        name = database.rsplit("/", 1)[-1]
        return int(self.value(
            f"""SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
            WHERE datname = '{name}' AND pid <> pg_backend_pid() AND ({where})"""))

    # Its life

    def start(self) -> None:
        """Starts it, also after it was stopped or killed, on the same port; what was committed is there."""
        options = itertools.chain.from_iterable(("-c", setting) for setting in self._settings)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user, _program("postgres"), "-D", f"{self.folder}/data", *options],
                cwd="/", env=_ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                start_new_session=True,
            )
        eventually(self._is_ready, within=60, what="PostgreSQL answers")

    def stop(self) -> None:
        """Stops it: connections are ended, and commits that began are on disk."""
        assert self._process
        self._process.send_signal(signal.SIGINT)
        self._process.wait(60)

    def kill(self) -> None:
        """Kills it and all its processes with SIGKILL."""
        assert self._process
        processes = [self._process.pid, *_children(self._process.pid)]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait(10)
        # Until the last is gone the next server would find its memory in use.
        eventually(lambda: not any(map(_is_running, processes)), within=10, what="all its processes are gone")

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        """Kills it if it runs and removes its folder."""
        if self.is_running:
            self.kill()
        assert self._watchdog.stdin
        self._watchdog.stdin.close()
        self._watchdog.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def _is_ready(self) -> bool:
        assert self._process
        assert self._process.poll() is None, f"PostgreSQL ended: {self.log[-3000:]}"
        words = [_program("pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port)]
        return subprocess.run(words, env=_ENVIRONMENT).returncode == 0

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [*self._as_user, _program(program), *arguments], cwd="/", env=_ENVIRONMENT, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == 0, f"{program}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout


_ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8"}


def _program(name: str) -> str:
    """A program of PostgreSQL's, where Debian keeps those of its newest version."""
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("[0-9]*"), key=lambda path: int(path.name))
    return str(versions[-1] / "bin" / name) if versions else name


def _children(pid: int) -> list[int]:
    found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in found.split()]


def _is_running(pid: int) -> bool:
    """Whether a process has not ended, though its parent may not have asked how."""
    try:
        return ") Z " not in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
