"""Programs that die, or whose disk fails, at an exact system call: strace counts and strikes."""

import collections
import contextlib
import dataclasses
import pathlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

# What changes a disk. Dying on entry to one of them is dying after all that came before it.
WRITING = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "rename", "link", "openat")

_CALL = re.compile(rb"^(\d+) +([a-z0-9]+)\(")


def is_possible() -> bool:
    """Whether one process may trace another here."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


@dataclasses.dataclass(frozen=True)
class Step:
    """The nth time that a thread makes a call."""

    call: str
    number: int

    def killing(self) -> list[str]:
        """What to put before a command so that it dies there."""
        return [
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={self.call}",
            "-e", f"inject={self.call}:signal=KILL:when={self.number}",
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.call} {self.number}"


def steps_of(command: list[str], folder: pathlib.Path, **how: object) -> list[Step]:
    """The steps of a command that is carried out for it; opening counts only as far as files are made."""
    trace = folder / "strace.out"
    calls = ",".join(WRITING)
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}", *command], capture_output=True, **how
    )
    assert done.returncode == 0, done.stderr
    counts: collections.Counter[tuple[bytes, str]] = collections.Counter()
    steps: dict[Step, None] = {}
    for line in trace.read_bytes().splitlines():
        if found := _CALL.match(line):
            thread, call = found[1], found[2].decode()
            counts[thread, call] += 1
            if call != "openat" or b"O_CREAT" in line:
                steps[Step(call, counts[thread, call])] = None
    trace.unlink()
    return list(steps)


@contextlib.contextmanager
def failing(pid: int, *calls: str, error: str) -> Iterator[None]:
    """While the block lasts, these calls of a running process fail."""
    names = ",".join(calls)
    tracer = subprocess.Popen(
        ["strace", "-f", "-o", "/dev/null", "-p", str(pid), "-e", f"trace={names}", "-e", f"inject={names}:error={error}"],
        stderr=subprocess.PIPE,
    )
    try:
        assert tracer.stderr
        line = tracer.stderr.readline()  # "strace: Process … attached"
        assert b"attached" in line, line
        time.sleep(0.2)  # its threads are attached one by one
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
        tracer.stderr.close()


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found
