"""Kills a gateway under load, again and again, and holds what is left against what was promised.

usage: python Tests/System/torture.py            (`make torture`)

TORTURE_KILLS     how many kills (1000)
TORTURE_SECONDS   or for how long
TORTURE_SEED      of a run that failed, to repeat it as far as timing allows
"""

import contextlib
import os
import pathlib
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable

from harness import steps
from harness.books import Books
from harness.contract import Contract
from harness.crowd import Crowd
from harness.free_port import free_port
from harness.gateway import Gateway
from harness.living_e2b import LivingE2B
from harness.service import ROOT
from harness.steps import Step
from harness.waiting import eventually

# The calls at which a gateway under load is struck: before and after its commits, before and after its answers.
_STRUCK = ("fdatasync", "pwrite64", "writev", "write", "sendto", "sendmsg")


class Torture:
    """One gateway in front of an upstream with living sandboxes, and a crowd of callers."""

    def __init__(self, folder: pathlib.Path, seed: int, callers: int = 6, contract: Contract | None = None):
        self.seed = seed
        self._random = random.Random(seed)
        self._callers = callers
        self._upstream = LivingE2B(seed)
        listen, admin = _free_addresses()
        self.gateway = Gateway(
            folder,
            contract or Contract(ROOT / "openapi.yaml"),
            self._upstream.url,
            GATEWAY_LISTEN=listen,
            GATEWAY_ADMIN_LISTEN=admin,
            GATEWAY_LOG_LEVEL="warning",
        )
        self._urls = f"http://{listen}", f"http://{admin}"
        self.kills: dict[str, int] = {}
        self.calls = 0
        self.counts: dict[str, int] = {}

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    def run(self, go_on: Callable[[int], bool], tell: Callable[[str], None] = lambda _: None) -> None:
        """Kills as long as `go_on` says of the number of kills so far; then looks whether all is well at the end."""
        self.gateway.initialise()
        tenants = {tenant.name: (tenant.key_id, tenant.token) for tenant in self._tenants()}
        with self._upstream, Crowd(
            *self._urls, self.gateway.admin_token, tenants, self.seed, self._callers
        ) as crowd:
            self._books = Books(self.gateway.ledger, crowd.promises)
            self._crowd = crowd
            while go_on(self.killed):
                self._kill_once()
                self._look()
                tell(f"{self.killed} kills {self.kills}, {crowd.calls} calls, {len(self._upstream.living)} sandboxes")
            self.gateway.start()
            time.sleep(0.5)  # and it still serves
            crowd.__exit__()
            self._look_at_the_end()
        self.calls = crowd.calls

    def _tenants(self) -> list:
        wide = ("--rate", "10000/s", "--burst", "10000", "--runtime", "1000000s/day")
        return [self.gateway.tenant("--executions", limit, *wide) for limit in ("4", "8")]

    # Kills

    def _kill_once(self) -> None:
        ways = [self._kill_while_starting, self._kill_under_load, self._kill_at_a_step]
        [way] = self._random.choices(ways, weights=[20, 70, 10 if steps.is_possible() else 0])
        way()

    def _count(self, way: str) -> None:
        self.kills[way] = self.kills.get(way, 0) + 1

    def _kill_while_starting(self) -> None:
        """Before it listens, most often: during the opening of the ledger, the recovery, the first commits."""
        self.gateway.start(waits=False)
        time.sleep(self._random.uniform(0, 0.15))
        self._dead("starting")

    def _kill_under_load(self) -> None:
        self.gateway.start()
        time.sleep(self._random.uniform(0, 0.5))
        self._dead("under load")

    def _dead(self, way: str) -> None:
        service = self.gateway.service
        assert service and service.is_alive, f"it ended by itself: {service.log.read_text()[-2000:]}"
        service.kill()
        self._count(way)

    def _kill_at_a_step(self) -> None:
        """At the nth commit, write or answer of a thread; at the latest after some seconds."""
        step = Step(self._random.choice(_STRUCK), self._random.randint(1, 25))
        self.gateway.start(under=step.killing(), waits=False)
        service = self.gateway.service
        assert service
        deadline = time.monotonic() + 3
        while service.is_alive and time.monotonic() < deadline:
            time.sleep(0.01)
        if service.is_alive:
            for child in steps.children(service.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, 9)
            service.wait(10)
            return self._count("under load")
        self._count("at a step")

    # What must hold

    def _look(self) -> None:
        """The ledger as the dead gateway left it."""
        faults = self._findings() + self._books.broken_promises() + self._crowd.faults
        assert not faults, self._report(faults)

    def _look_at_the_end(self) -> None:
        """All callers have gone home, the gateway runs: everything is settled, and no sandbox lives."""
        eventually(lambda: not self._books.unfinished(), within=15, what=self._report(["all executions are over"]))
        eventually(lambda: not self._upstream.living, within=40, what=self._report(["all sandboxes are gone"]))
        faults = self._findings() + self._books.broken_promises() + self._books.usage_faults() + self._crowd.faults
        self.gateway.stop()
        faults += self._findings() + self._books.usage_faults()
        self.counts = self._books.counts()
        assert not faults, self._report(faults)

    def _findings(self) -> list[str]:
        done = self.gateway.run("ledger", "check")
        return [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()

    def _report(self, faults: list[str]) -> str:
        return f"TORTURE_SEED={self.seed}, after {self.killed} kills in {self.gateway.folder}: {faults[:20]}"


def _free_addresses() -> list[str]:
    """Two that nobody else is given; every gateway of a run listens at the same ones, so that callers find it again."""
    return [f"127.0.0.1:{free_port()}" for _ in range(2)]


def main() -> int:
    seed = int(os.environ.get("TORTURE_SEED") or secrets.randbelow(10**9))
    kills = int(os.environ.get("TORTURE_KILLS") or 1000)
    seconds = os.environ.get("TORTURE_SECONDS")
    begun = time.monotonic()
    told = begun
    is_terminal = sys.stdout.isatty()

    def go_on(killed: int) -> bool:
        return time.monotonic() - begun < float(seconds) if seconds else killed < kills

    def tell(line: str) -> None:
        nonlocal told
        if time.monotonic() - told > (0.5 if is_terminal else 20):
            told = time.monotonic()
            text = f"  {told - begun:.0f} s: {line}"
            print(f"\r\033[K{text}" if is_terminal else text, end="" if is_terminal else "\n", flush=True)

    print(f"TORTURE_SEED={seed}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="torture-"))
    torture = Torture(folder, seed)
    try:
        torture.run(go_on, tell)
    except BaseException:
        if torture.gateway.service and torture.gateway.service.is_alive:
            torture.gateway.service.kill()
        print(f"\nTORTURE_SEED={seed}; the ledger and the log are in {folder}", file=sys.stderr)
        raise
    if is_terminal:
        print()
    print(f"{torture.killed} kills {torture.kills}, {torture.calls} calls, executions {torture.counts}: nothing lost")
    print(f"  {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
