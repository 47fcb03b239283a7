"""A database that stops, dies, is cut off or full: calls are refused quickly, and what ran is in the books afterwards."""

import contextlib
import os
import pathlib
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from harness.contract import Contract
from harness.counting_e2b import CountingE2B, Task
from harness.fleet import Fleet
from harness.gateway import Tenant
from harness.postgresql import PostgreSQL
from harness.storm import Call, Storm
from harness.waiting import eventually

AMPLE = ("--rate", "100000/s", "--burst", "100000", "--executions", "1000", "--runtime", "86400s/day")
CALLERS = 60
# No call waits longer for its refusal, in seconds: for a connection, a lock and a statement, on a machine that is busy.
REFUSED_WITHIN = 10


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, server: PostgreSQL, upstream: CountingE2B
) -> Iterator[Fleet]:
    with Fleet.start(
        tmp_path_factory.mktemp("fleet"), contract, upstream.url, server, GATEWAY_LOG_LEVEL="notice"
    ) as fleet:
        yield fleet


class Load:
    """Callers who go on whatever becomes of the database, of a tenant of their own."""

    def __init__(self, fleet: Fleet, upstream: CountingE2B):
        self.fleet, self.upstream = fleet, upstream
        self.tenant: Tenant = fleet.tenant(*AMPLE)
        self.storm = Storm(fleet.proxy.url, CALLERS, self._ask, rest=0.1, patience=REFUSED_WITHIN + 20)

    def _ask(self, _: int, dice: random.Random) -> Call:
        task = Task(seconds=dice.choice([0, 0.1, 0.5]), whose=self.tenant.name)
        return Call(self.tenant.token, {"code": task.code, "timeout_seconds": 15}, streams=dice.random() < 0.3)

    def goes_on(self) -> None:
        served = len(self.storm.served())
        eventually(lambda: len(self.storm.served()) > served + CALLERS, within=60, what="calls are served")

    def assert_in_order(self) -> None:
        """Each call was served or refused for the database's sake, and quickly; and the books agree with what ran."""
        others = [
            str(answer) for answer in self.storm.answers
            if not answer.is_served and not is_refused(answer)
        ]  # fmt: skip
        assert not others, (len(others), len(self.storm.answers), others[:5])
        slow = [str(answer) for answer in self.storm.answers if answer.seconds > REFUSED_WITHIN]
        assert not slow, (len(slow), slow[:5])
        self.fleet.wait_until_settled()
        eventually(lambda: not self.upstream.living(), within=30, what="no sandbox is left")
        self.fleet.assert_sound()

        executions = self.fleet.executions(self.tenant)
        for answer in self.storm.served():
            told = answer.document
            assert executions[told["id"]] == (told["outcome"], told["runtime_ms"]), "what callers were told is in the books"
        count = self.upstream.count(self.tenant.name)
        charged = sum(charge for _, charge in executions.values())
        assert charged >= count.seconds * 1000 - count.runs, "what ran is charged"
        assert count.runs <= len(executions), "and nothing ran that was not admitted"
        for member in self.fleet:
            usage = member.client(self.tenant.token).usage()
            assert (usage["executions"]["running"], usage["runtime"][0]["reserved_ms"]) == (0, 0)
            assert usage["runtime"][0]["used_ms"] == charged


def is_refused(answer) -> bool:
    """By a gateway, or by the proxy since no gateway is ready."""
    if answer.slug == "ledger-unavailable":
        return answer.status in (200, 503)
    return answer.status == 503 and answer.fault is not None


def restarted(fleet: Fleet) -> None:
    fleet.postgresql.restart()


def killed(fleet: Fleet) -> None:
    fleet.postgresql.kill()
    fleet.postgresql.start()


def away_for_a_while(fleet: Fleet) -> None:
    fleet.postgresql.stop()
    time.sleep(4)
    fleet.postgresql.start()


def cut_at_random(fleet: Fleet) -> None:
    dice = random.Random(20261128)
    until = time.monotonic() + 6
    while time.monotonic() < until:
        fleet.cut(f"hashtext(pid::text || '{dice.random()}') % 3 = 0")
        time.sleep(dice.uniform(0.02, 0.3))


@pytest.mark.parametrize("outage", [restarted, killed, away_for_a_while, cut_at_random], ids=lambda outage: outage.__name__)
def test_an_outage_under_load(fleet: Fleet, upstream: CountingE2B, outage: Callable[[Fleet], None]) -> None:
    load = Load(fleet, upstream)
    with load.storm:
        load.goes_on()
        outage(fleet)
        load.goes_on()
    load.assert_in_order()


def test_what_runs_outlives_a_short_outage_and_ends_in_a_long_one(fleet: Fleet, upstream: CountingE2B) -> None:
    """After 10 s it is ended: soon after that others might take its gateway for dead, and its lease over."""
    tenant = fleet.tenant(*AMPLE)
    member = fleet[1]
    with (
        member.client(tenant.token).stream(Task(seconds=4).code, timeout_seconds=25) as short,
        member.client(tenant.token).stream(Task("long", ends=False).code, timeout_seconds=25) as long,
    ):
        first, second = iter(short), iter(long)
        brief, endless = next(first)["id"], next(second)["id"]
        assert [next(first)["type"], next(second)["type"]] == ["stdout", "stdout"]
        stopping = time.time()
        fleet.postgresql.stop()
        began = time.time()
        eventually(lambda: not fleet.proxy.serving(), within=5, what="none says that it is ready")
        for one in fleet:
            asked = time.monotonic()
            assert one.client(tenant.token).post(Task().code).problem("ledger-unavailable")["retry_after_ms"] > 0
            assert time.monotonic() - asked < REFUSED_WITHIN
        *_, finished = first
        assert finished["outcome"] == "completed"
        *_, ended = second
        assert ended["type"] == "failed" or ended["outcome"] == "killed", ended
        assert 9 < ended["at"] - stopping and ended["at"] - began < 15, "ended after 10 s, before anybody may take it over"
    fleet.postgresql.start()
    fleet.proxy.wait_for(*(one.name for one in fleet), within=30)
    fleet.wait_until_settled()
    executions = fleet.executions(tenant)
    assert executions[brief] == ("completed", finished["runtime_ms"])
    assert executions[endless][0] == "killed"
    assert 9_000 < executions[endless][1] <= 15_000, "charged to its end, not to its ceiling"
    assert not upstream.living()
    fleet.assert_sound()


# A disk without room


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, size: str) -> Iterator[pathlib.Path]:
    """A file system in memory, the server's own."""
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]).returncode != 0:
        pytest.skip("nothing may be mounted here")
    try:
        subprocess.run(["chown", "postgres", folder], check=True)
        folder.chmod(0o700)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def filled(folder: pathlib.Path) -> Iterator[None]:
    """While the block lasts, not a byte is free: what is given up is taken at once."""
    is_over = threading.Event()
    ballast = folder / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            while not is_over.wait(0.01):
                with contextlib.suppress(OSError):
                    while file.write(bytes(8192)):
                        pass

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        yield
    finally:
        is_over.set()
        filler.join()
        ballast.unlink()


def refused_while_full(load: Load, disk: pathlib.Path, meanwhile: Callable[[], None] = lambda: None) -> None:
    load.goes_on()
    with filled(disk):
        meanwhile()
        eventually(
            lambda: sum(is_refused(answer) for answer in list(load.storm.answers)) > 2 * CALLERS, within=60,
            what="calls are refused",
        )  # fmt: skip


def test_a_full_disk(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, server: PostgreSQL, upstream: CountingE2B
) -> None:
    """The ledger's tables cannot grow."""
    with small_disk(server.folder / "small", "40m") as disk:
        server.query(f"CREATE TABLESPACE small LOCATION '{disk}'")
        database = server.make_database()
        server.query(f"ALTER DATABASE {database.rsplit('/', 1)[-1]} SET TABLESPACE small")
        with Fleet.start(
            tmp_path_factory.mktemp("fleet"), contract, upstream.url, server, database=database, GATEWAY_LOG_LEVEL="notice"
        ) as fleet:
            load = Load(fleet, upstream)
            with load.storm:
                refused_while_full(load, disk)
                load.goes_on()
            load.assert_in_order()
        server.query(f"DROP DATABASE {database.rsplit('/', 1)[-1]} WITH (FORCE)")
        server.query("DROP TABLESPACE small")


def test_a_full_disk_of_the_journal(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, upstream: CountingE2B
) -> None:
    """The server itself goes down, and is started anew when there is room."""
    server = PostgreSQL("max_wal_size=64MB", "min_wal_size=32MB")
    try:
        with small_disk(server.folder / "journal", "128m") as disk:
            server.stop()
            journal = server.folder / "data/pg_wal"
            subprocess.run(["cp", "--archive", f"{journal}/.", disk], check=True)
            shutil.rmtree(journal)
            journal.symlink_to(disk)
            server.start()

            def use_up_segments() -> None:
                with contextlib.suppress(AssertionError):  # the server is down
                    while True:
                        server.query("SELECT pg_switch_wal()")

            with Fleet.start(
                tmp_path_factory.mktemp("fleet"), contract, upstream.url, server, GATEWAY_LOG_LEVEL="notice"
            ) as fleet:
                load = Load(fleet, upstream)
                with load.storm:
                    refused_while_full(load, disk, use_up_segments)
                    if server.is_running:
                        server.kill()
                    server.start()
                    load.goes_on()
                load.assert_in_order()
            server.stop()
    finally:
        server.remove()
