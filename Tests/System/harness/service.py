"""A server of ours as a process of its own."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
from collections.abc import Sequence

from harness.waiting import eventually

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("GATEWAY_BINARY", ROOT / ".build/debug/e2b-gateway")).absolute()

# Whatever the tester's shell says must not leak into the programs under test.
_PASSED_ON = ("PATH", "HOME", "LANG", "LOCAL_E2B_VENV", "TMPDIR")


def environment(**settings: str) -> dict[str, str]:
    """The settings and what any program needs, nothing else of the tester's environment."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | settings


def is_release() -> bool:
    """Whether the binary under test was built for production, so that its numbers count."""
    return "release" in BINARY.parts


class Service:
    """A started `e2b-gateway` command that says in one line of JSON on stdout when it is ready."""

    def __init__(
        self,
        *arguments: str,
        settings: dict[str, str],
        folder: pathlib.Path,
        name: str,
        under: Sequence[str] = (),
        waits: bool = True,
        program: pathlib.Path = BINARY,
    ):
        """`under` is a program that runs it, such as a tracer; without waiting, `wait_until_ready` is to be called; another
        `program` of ours may be started that says as much."""
        self.log = folder / f"{name}.log"
        self._answer = folder / f"{name}.out"
        with self.log.open("ab") as log, self._answer.open("wb") as answer:
            self.process = subprocess.Popen(
                [*under, str(program), *arguments],
                cwd=folder,
                env=environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=log,
            )
        if waits:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        self.ready = eventually(self._first_line, within=60, what="it says that it listens")
        self.url: str = self.ready["listening"]

    def _first_line(self) -> dict | None:
        code = self.process.poll()
        if code is not None:
            raise AssertionError(f"ended with {code}: {self.log.read_text(errors='replace')[-3000:]}")
        line, newline, _ = self._answer.read_text().partition("\n")
        return json.loads(line) if newline else None

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log_lines(self) -> list[dict]:
        """The log's complete lines, each of which must be a JSON object."""
        text = self.log.read_text(errors="replace")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, within: float = 60) -> int:
        return self.process.wait(within)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """Ends it in good order, or hard if that takes too long; for after a test."""
        if not self.is_alive:
            return
        self.terminate()
        try:
            self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("did not end within 60 s of SIGTERM") from None


def resident_bytes(pid: int) -> int:
    """The memory a process holds now, from /proc."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"process {pid} has no VmRSS")


def command_lines() -> list[bytes]:
    """The arguments of every process on this machine, as anyone could read them; NUL-separated."""
    lines = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            lines.append(path.read_bytes())
    return lines
