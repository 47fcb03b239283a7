"""kill -9 at every step: nothing is lost, nothing is counted twice, nothing goes on living."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from conftest import NewGateway
from harness import steps
from harness.contract import Contract
from harness.gateway import Gateway, Tenant
from harness.leaks import WITNESS
from harness.living_e2b import LivingE2B, Piece
from harness.old_ledger import FINISHED, RUNNING, OldLedger
from harness.service import BINARY, environment
from harness.steps import Step
from harness.waiting import eventually
from torture import Torture

# What `make torture` does for longer: `TORTURE_SEED` repeats a run that failed, as far as timing allows.
SEED = int(os.environ.get("TORTURE_SEED", "20261124"))
KILLS_UNDER_LOAD = int(os.environ.get("TORTURE_KILLS", "70"))
# How many steps of each command are struck; all of them are a matter of minutes.
STEPS = int(os.environ.get("TORTURE_STEPS", "8"))
# Any command that writes has more.
STEPS_AT_LEAST = 4

needs_strace = pytest.mark.skipif(not steps.is_possible(), reason="one process may not trace another here")


def test_kills_under_load(tmp_path: pathlib.Path, contract: Contract, all_gateways: list[Gateway]) -> None:
    torture = Torture(tmp_path, SEED, contract=contract)
    all_gateways.append(torture.gateway)
    torture.run(lambda killed: killed < KILLS_UNDER_LOAD)
    assert torture.counts["completed"] > 0 and torture.counts["killed"] > 0, torture.counts


# Commands, killed at exact steps


def struck(gateway: Gateway, *arguments: str, at: Step) -> bool:
    """Whether the command died at this step; otherwise it was done before it came to that."""
    done = subprocess.run(
        [*at.killing(), str(BINARY), *arguments],
        cwd=gateway.folder,
        env=environment(**gateway.settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    WITNESS.note(done.stderr.encode())
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def steps_of(gateway: Gateway, *arguments: str) -> list[Step]:
    """Some steps of a command, which is carried out once to find them: spread over all of it, ends included."""
    found = steps.steps_of(
        [str(BINARY), *arguments], gateway.folder, cwd=gateway.folder, env=environment(**gateway.settings)
    )
    assert len(found) > STEPS_AT_LEAST, found
    if len(found) <= STEPS:
        return found
    # Names change in one step each; what is written is many.
    named = [step for step in found if step.call in ("rename", "link")]
    rest = [step for step in found if step not in named]
    count = max(2, STEPS - len(named))
    return named + [rest[round(index * (len(rest) - 1) / (count - 1))] for index in range(count)]


def assert_sound(gateway: Gateway, *options: str) -> dict:
    done = gateway.run("ledger", "check", "--output", "json", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def tenant(new_gateway: NewGateway) -> Iterator[Tenant]:
    """Of a gateway that was killed with an execution running, and not started again."""
    with LivingE2B(SEED, faults=0) as upstream:
        gateway = new_gateway(upstream.url)
        tenant = gateway.tenant()
        tenant.client.execute(Piece().code)
        with tenant.client.stream(Piece(ends=False).code, timeout_seconds=20) as stream:
            next(iter(stream))
            gateway.service.kill()
        yield tenant
        # Whatever was done to it: a start puts it right, and leaves nothing for those who judge afterwards.
        if not gateway.service.is_alive:
            gateway.start()
        gateway.stop()


@pytest.fixture
def at_rest(tenant: Tenant) -> Gateway:
    """That gateway."""
    return tenant.gateway


@needs_strace
def test_root_key_rotation_is_killed(tenant: Tenant, at_rest: Gateway) -> None:
    for step in steps_of(at_rest, "root-key", "rotate"):
        struck(at_rest, "root-key", "rotate", at=step)
        at_rest.secrets.add(at_rest.root_key_file.read_text().strip())
        assert_sound(at_rest)
        # Whichever key it is now, the next command finds it.
        keys = at_rest.json_command("key", "list", tenant.name)
        assert [key["state"] for key in keys] == ["active"], step
        at_rest.secrets.add(at_rest.root_key_file.read_text().strip())


@needs_strace
def test_key_revocation_is_killed(tenant: Tenant, at_rest: Gateway) -> None:
    """It is revoked or it is not, and its record says the same."""
    def another_key() -> str:
        issued = at_rest.json_command("key", "issue", tenant.name)
        at_rest.secrets.add(issued["token"])
        return issued["key_id"]

    for step in steps_of(at_rest, "key", "revoke", another_key()):
        key = another_key()
        died = struck(at_rest, "key", "revoke", key, at=step)
        assert_sound(at_rest)
        [state] = [known["state"] for known in at_rest.json_command("key", "list", tenant.name) if known["key_id"] == key]
        records = at_rest.json_command("audit", "search", "--tenant", tenant.name, "--limit", "1000")
        revoked = [record["record"] for record in records if record["record"]["action"] == "key.revoked"]
        assert sum(record["key_id"] == key for record in revoked) == (state == "revoked"), step
        assert died or state == "revoked"


@needs_strace
@pytest.mark.parametrize("damaged", [False, True], ids=["over a sound one", "over a damaged one"])
def test_a_restoration_is_killed(at_rest: Gateway, damaged: bool) -> None:
    """At any instant there is the old ledger or the restored one, or none and word of what to do; repeating it helps."""
    backup = at_rest.folder / "backup.db"
    at_rest.command("ledger", "backup", str(backup))
    words = ("ledger", "restore", str(backup), "--keep-keys")
    records = assert_sound(at_rest)["sequence"]

    def wear() -> None:
        """A ledger to be replaced: two records older than the backup, or beyond reading."""
        if damaged:
            at_rest.ledger.write_bytes(b"\xa5" * 50_000)
            at_rest.ledger.with_name("gateway.db-wal").write_bytes(b"\xa5" * 50_000)
        else:
            at_rest.tenant()

    wear()
    for step in steps_of(at_rest, *words):
        wear()
        struck(at_rest, *words, at=step)
        if not at_rest.ledger.exists():
            assert damaged, "a sound one is replaced in one step"
            assert "ledger restore" in at_rest.run("tenant", "list").stderr
        elif not damaged:
            assert assert_sound(at_rest)["sequence"] > records
        at_rest.command(*words)
        assert assert_sound(at_rest)["sequence"] == records + 1, step
        assert not list(at_rest.folder.glob("*restoring*"))
    assert_sound(at_rest, "--file", str(backup))
    kept = [path for path in at_rest.folder.glob("gateway.db.before-restore-*") if path.name.endswith("Z")]
    assert kept and (damaged or all(assert_sound(at_rest, "--file", str(path)) for path in kept))


@needs_strace
def test_a_backup_is_killed(at_rest: Gateway) -> None:
    """A backup that has its name is whole."""
    backup = at_rest.folder / "backup.db"
    for step in steps_of(at_rest, "ledger", "backup", str(backup)):
        backup.unlink(missing_ok=True)
        struck(at_rest, "ledger", "backup", str(backup), at=step)
        if backup.exists():
            assert_sound(at_rest, "--file", str(backup))
        backup.unlink(missing_ok=True)
        at_rest.command("ledger", "backup", str(backup))
        assert not list(at_rest.folder.glob("*.partial*"))
    assert_sound(at_rest)


@needs_strace
def test_a_migration_is_killed(tmp_path: pathlib.Path, at_rest: Gateway) -> None:
    """A ledger of the first version, opened for the first time: by a command, which migrates as a start does."""
    original = tmp_path / "old.db"
    old = OldLedger(original, at_rest.root_key)
    at_rest.secrets.add(old.token)

    def age() -> None:
        for path in at_rest.folder.glob("gateway.db*"):
            path.unlink()
        shutil.copyfile(original, at_rest.ledger)

    age()
    assert_sound(at_rest)
    for step in steps_of(at_rest, "tenant", "list"):
        age()
        struck(at_rest, "tenant", "list", at=step)
        assert_sound(at_rest)
        at_rest.start()
        client = at_rest.client(old.token)
        assert client.execution(FINISHED)["runtime_ms"] == 1500
        recovered = client.execution(RUNNING)
        assert (recovered["outcome"], recovered["runtime_ms"]) == ("killed", 3000), step
        assert client.usage()["executions"]["running"] == 0
        at_rest.service.kill()
        assert_sound(at_rest)


@needs_strace
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_a_start_is_killed(at_rest: Gateway, call: str) -> None:
    """While the ledger is opened and what was left running is settled: once, whatever comes in between."""
    for number in range(1, 1 + min(max(2, STEPS // 2), 60)):
        at_rest.start(under=Step(call, number).killing(), waits=False)
        service = at_rest.service
        assert service
        deadline = time.monotonic() + 1.5
        while service.is_alive and time.monotonic() < deadline:
            time.sleep(0.01)
        for child in steps.children(service.pid) if service.is_alive else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        service.wait(10)
        assert_sound(at_rest)
    at_rest.start()
    assert assert_sound(at_rest)
    with contextlib.closing(sqlite3.connect(at_rest.ledger)) as ledger:
        outcomes = ledger.execute("SELECT outcome, charged FROM execution ORDER BY admitted_at").fetchall()
    assert [outcome for outcome, _ in outcomes] == ["completed", "killed"]
    assert outcomes[-1][1] == 20_000


# What only upstream knows


def test_a_sandbox_of_which_the_ledger_never_heard(new_gateway: NewGateway) -> None:
    """The gateway dies while upstream makes a sandbox: the next finds it by its labels."""
    with LivingE2B(SEED, faults=0) as upstream:
        make = upstream.create

        def make_and_hold_back_the_answer(exchange) -> None:
            answer, exchange.answer = exchange.answer, lambda *_, **__: None
            make(exchange)
            exchange.answer = answer
            exchange.hang()

        upstream.create = make_and_hold_back_the_answer
        gateway = new_gateway(upstream.url)
        tenant = gateway.tenant()

        def ask() -> None:
            with contextlib.suppress(httpx.TransportError):
                tenant.client.post(Piece().code)

        caller = threading.Thread(target=ask)
        caller.start()
        eventually(lambda: upstream.living, within=10, what="upstream has made a sandbox")
        gateway.service.kill()
        caller.join()
        upstream.create = make
        gateway.start()
        eventually(lambda: not upstream.living, within=10, what="the sandbox is gone")
        assert_sound(gateway)
