"""Without its ledger the gateway admits nothing, says so quickly, and recovers by itself."""

import contextlib
import pathlib
import sqlite3
import subprocess
import time
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness import steps
from harness.contract import Contract
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.living_e2b import LivingE2B, Piece
from harness.waiting import eventually


def test_a_ledger_that_cannot_be_written(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
    with tenant.client.stream("import time\ntime.sleep(6)\nprint('on')") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]

        blocker = sqlite3.connect(gateway.ledger, isolation_level=None, timeout=10)
        blocker.execute("BEGIN IMMEDIATE")  # from now on nobody else can write
        begun = time.monotonic()
        reply = tenant.client.post("print(1)")
        assert time.monotonic() - begun < 1.5
        problem = reply.problem("ledger-unavailable")
        assert problem["retry_after_ms"] > 0
        readiness = gateway.client(None).get("/readyz")
        assert (readiness.status, readiness.document["ledger"]) == (503, "unavailable")
        assert gateway.client(None).get("/healthz").status == 200

        *_, finished = events  # what runs goes on
        assert finished["outcome"] == "completed"
        blocker.execute("ROLLBACK")
        blocker.close()

    eventually(lambda: tenant.client.post("print(1)").status == 200, within=10, what="calls are admitted again")
    eventually(
        lambda: tenant.client.execution(execution_id)["state"] == "finished",
        within=10,
        what="the settlement that had to wait is written",
    )
    assert gateway.assert_settled(tenant, execution_id)["outcome"] == "completed"
    assert gateway.client(None).get("/readyz").status == 200


# A disk that fails


def refused_quickly(tenant: Tenant) -> None:
    begun = time.monotonic()
    reply = tenant.client.post("print(1)")
    assert time.monotonic() - begun < 1.5, "the wait for a lock, and a debug build beside others"
    assert reply.problem("ledger-unavailable")["retry_after_ms"] > 0


def assert_down_and_up_again(gateway: Gateway, tenant: Tenant, outage: contextlib.AbstractContextManager) -> None:
    """Refused while it lasts, what runs goes on, and afterwards all is as if nothing had been, without a restart."""
    with tenant.client.stream("import time\ntime.sleep(6)\nprint('on')") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        with outage:
            eventually(lambda: tenant.client.post("print(1)").status == 503, within=10, what="the disk's fault is noticed")
            refused_quickly(tenant)
            readiness = gateway.client(None).get("/readyz")
            assert (readiness.status, readiness.document["ledger"]) == (503, "unavailable")
            assert gateway.client(None).get("/healthz").status == 200
            *_, finished = events
            assert finished["outcome"] == "completed"
            refused_quickly(tenant)
    eventually(lambda: tenant.client.post("print(1)").status == 200, within=10, what="calls are admitted again")
    eventually(
        lambda: tenant.client.execution(execution_id)["state"] == "finished",
        within=10,
        what="the settlement that had to wait is written",
    )
    assert gateway.assert_settled(tenant, execution_id)["outcome"] == "completed"
    assert "Sound" in gateway.command("ledger", "check")


@pytest.mark.skipif(not steps.is_possible(), reason="one process may not trace another here")
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_a_disk_that_refuses_writes(new_gateway: NewGateway, error: str) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
    outage = steps.failing(gateway.service.pid, "pwrite64", "fdatasync", "ftruncate", error=error)
    assert_down_and_up_again(gateway, tenant, outage)


@pytest.mark.skipif(not steps.is_possible(), reason="one process may not trace another here")
def test_a_disk_that_takes_writes_and_syncs_nothing(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
    assert_down_and_up_again(gateway, tenant, steps.failing(gateway.service.pid, "fdatasync", error="EIO"))


@contextlib.contextmanager
def small_disk(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A file system of two megabytes in memory."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "none", folder]).returncode != 0:
        pytest.skip("nothing may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def filled(folder: pathlib.Path) -> Iterator[None]:
    """While the block lasts, not a byte is free."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    ballast.unlink()


def test_a_full_disk(tmp_path: pathlib.Path, contract: Contract, local_e2b: LocalE2B) -> None:
    with small_disk(tmp_path) as folder:
        gateway = Gateway(folder, contract, local_e2b.url, GATEWAY_LOG_LEVEL="error")
        gateway.initialise().start()
        try:
            tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
            assert_down_and_up_again(gateway, tenant, filled(folder))
            with filled(folder):
                backup = folder / "backup.db"
                complaint = gateway.run("ledger", "backup", str(backup))
                assert complaint.returncode == 1 and "full" in complaint.stderr, complaint.stderr
                assert not list(folder.glob("backup*")), "nothing is left of a copy for which there is no room"
        finally:
            gateway.stop()


# A ledger that is damaged


def overwrite_the_middle(path: pathlib.Path) -> tuple[int, bytes]:
    """Puts nonsense into the middle of a file; returns where, and what was there."""
    size = path.stat().st_size
    start = size // 5 // 4096 * 4096
    with path.open("r+b") as file:
        file.seek(start)
        before = file.read(size * 2 // 3)
        file.seek(start)
        file.write(b"\xa5" * len(before))
    return start, before


def folded(gateway: Gateway) -> None:
    """The journal of a ledger at rest in its file, where the pages are."""
    with contextlib.closing(sqlite3.connect(gateway.ledger)) as ledger:
        ledger.execute("PRAGMA journal_mode = DELETE")


def test_a_damaged_ledger_is_said_at_the_start_and_can_be_restored(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    executed = tenant.client.execute("print(1)")["id"]
    backup = gateway.folder / "backup.db"
    gateway.command("ledger", "backup", str(backup))
    gateway.stop()
    folded(gateway)
    overwrite_the_middle(gateway.ledger)

    for command in (("serve",), ("tenant", "list")):
        done = gateway.run(*command)
        assert done.returncode == 1
        for word in (str(gateway.ledger), "ledger check", "ledger restore"):
            assert word in done.stderr, done.stderr
    check = gateway.run("ledger", "check")
    assert check.returncode == 1
    assert any(line.startswith("file: ") for line in check.stdout.splitlines()), check.stdout

    gateway.command("ledger", "restore", str(backup), "--keep-keys")
    gateway.start()
    assert tenant.client.execution(executed)["state"] == "finished"
    assert tenant.client.execute("print(2)")["output"] == "2\n"
    assert "Sound" in gateway.command("ledger", "check")


def test_a_ledger_damaged_while_it_serves(new_gateway: NewGateway) -> None:
    """Refused, not answered from rubbish nor with a fault of ours; healthy again when the pages are."""
    with LivingE2B(seed=1, faults=0) as upstream:
        gateway = new_gateway(upstream.url)
        tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
        executed = [tenant.client.execute(Piece().code)["id"] for _ in range(50)]
        gateway.stop()
        folded(gateway)
        gateway.start()
        start, before = overwrite_the_middle(gateway.ledger)
        unavailable = 0
        for execution in executed:
            begun = time.monotonic()
            read = tenant.client.get(f"/v1/executions/{execution}")
            assert read.status == 200 or read.problem("ledger-unavailable")
            unavailable += read.status != 200
            assert time.monotonic() - begun < 1.5
        assert unavailable > 0
        for _ in range(5):
            reply = tenant.client.post(Piece().code)
            assert reply.status == 200 or reply.problem("ledger-unavailable")
        assert gateway.client(None).get("/healthz").status == 200
        assert gateway.run("ledger", "check").returncode == 1

        with gateway.ledger.open("r+b") as file:
            file.seek(start)
            file.write(before)
        eventually(lambda: tenant.client.post(Piece().code).status == 200, within=10, what="calls are admitted again")
        assert [tenant.client.execution(execution)["state"] for execution in executed] == ["finished"] * 50
        assert "Sound" in gateway.command("ledger", "check")
