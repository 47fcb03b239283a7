"""`ledger migrate`: a running installation moves from its file to PostgreSQL."""

import json
import os
import pathlib
import pty
import subprocess
from collections.abc import Iterator

import pytest

from harness.contract import Contract
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.postgresql import PASSWORD, PostgreSQL
from harness.ports import OwnSandbox
from harness.service import BINARY, environment
from harness.waiting import eventually


@pytest.fixture
def gateway(tmp_path: pathlib.Path, contract: Contract, local_e2b: LocalE2B) -> Iterator[Gateway]:
    """Of these tests' own: those that judge all gateways afterwards look for files."""
    gateway = Gateway(tmp_path, contract, local_e2b.url).initialise().start()
    yield gateway
    gateway.stop()


@pytest.fixture
def tenant(gateway: Gateway) -> Tenant:
    return gateway.tenant("--rate", "1000/s", "--burst", "1000", "--runtime", "3600s/day")


@pytest.fixture
def address(postgresql: PostgreSQL) -> str:
    return postgresql.make_database()


def without_password(address: str) -> str:
    return address.replace(f":{PASSWORD}@", "@")


def migrate(gateway: Gateway, address: str, *words: str) -> subprocess.CompletedProcess:
    return gateway.run(
        "ledger", "migrate", "--from", f"sqlite:{gateway.ledger}", "--to", without_password(address), *words,
        PGPASSWORD=PASSWORD)


def serve_from(gateway: Gateway, address: str) -> None:
    """Starts it as the runbook says."""
    gateway.settings["GATEWAY_LEDGER"] = address
    gateway.settings["GATEWAY_CONTROL_SOCKET"] = f"{gateway.ledger}.socket"
    gateway.start()


def test_an_installation_moves_and_goes_on(
    gateway: Gateway, tenant: Tenant, address: str, postgresql: PostgreSQL
) -> None:
    reply = tenant.client.execute("print(1)")
    sandbox = OwnSandbox(tenant)
    used = tenant.client.usage()["runtime"]
    gateway.stop()
    before = gateway.json_command("ledger", "check")

    done = migrate(gateway, address, "--output", "json")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    moved = json.loads(done.stdout)
    assert moved["ledger"] == without_password(address) and moved["kept_at"] == f"{gateway.ledger}.moved"
    assert (moved["sequence"], moved["hash"]) == (before["sequence"], before["hash"])
    assert moved["check"]["sound"] and moved["check"]["sequence"] == before["sequence"] + 1
    assert moved["root_key_file"] == str(gateway.root_key_file)
    assert moved["rows"] > before["sequence"] and moved["had_moved"] is False
    assert not gateway.ledger.exists()

    complaint = gateway.run("serve")
    assert complaint.returncode != 0
    for words in ("was moved to", without_password(address), f"{gateway.ledger}.moved"):
        assert words in complaint.stderr
    assert PASSWORD not in complaint.stderr

    serve_from(gateway, address)
    assert tenant.client.execution(reply["id"])["state"] == "finished"
    assert all(now["used_ms"] >= then["used_ms"] for now, then in zip(tenant.client.usage()["runtime"], used, strict=True))
    assert tenant.client.execute("print(2)")["output"] == "2\n"
    assert sandbox.call("GET", "/health").status_code < 300, "what ran upstream runs on, under the same tokens"
    assert sandbox.kill() == 204
    [record] = gateway.json_command("audit", "search", "--action", "ledger.moved")
    assert record["sequence"] == before["sequence"] + 1
    assert record["record"]["after"] == {
        "file": "gateway.db", "hash": before["hash"], "sequence": before["sequence"]
    }
    assert "The chain holds" in gateway.command("audit", "verify")
    gateway.stop()
    assert gateway.json_command("ledger", "check")["findings"] == []


def test_a_ledger_in_use_does_not_move(gateway: Gateway, tenant: Tenant, address: str, postgresql: PostgreSQL) -> None:
    done = migrate(gateway, address)
    assert done.returncode == 1 and "Stop it" in done.stderr
    assert postgresql.value("SELECT count(*) FROM pg_class WHERE relname = 'chain'", address) == "0"
    assert tenant.client.execute("print(1)")["output"] == "1\n"


def test_what_cannot_be_is_said(gateway: Gateway, address: str, tmp_path: pathlib.Path) -> None:
    gateway.stop()

    def complaint(*words: str, **settings: str) -> str:
        done = gateway.run("ledger", "migrate", *words, **{"PGPASSWORD": PASSWORD} | settings)
        assert done.returncode == 1, done.stdout
        assert PASSWORD not in done.stderr
        return done.stderr

    to = ("--to", without_password(address))
    assert "--to postgres://" in complaint()
    assert "--from must be sqlite:PATH" in complaint("--from", "gateway.db", *to)
    assert "say --from sqlite:PATH" in complaint("--from", address.split("?")[0].replace(PASSWORD, "x"), *to)
    assert f"no ledger at {tmp_path}/other" in complaint("--from", f"sqlite:{tmp_path}/other", *to)
    (tmp_path / "other").write_bytes(b"\xa5" * 9000)
    assert "not a ledger" in complaint(
        "--from", f"sqlite:{tmp_path}/other", *to, GATEWAY_ROOT_KEY_FILE=str(gateway.root_key_file))
    assert "28P01" in complaint(*to, PGPASSWORD="wrong") or "password" in complaint(*to, PGPASSWORD="wrong")
    (tmp_path / "wrong.key").write_text("00" * 32 + "\n")
    (tmp_path / "wrong.key").chmod(0o600)
    assert "does not open the ledger" in complaint(*to, GATEWAY_ROOT_KEY_FILE=str(tmp_path / "wrong.key"))
    assert gateway.json_command("ledger", "check")["sound"], "and nothing was changed"


def test_another_ledger_is_not_touched(
    gateway: Gateway, address: str, contract: Contract, local_e2b: LocalE2B, tmp_path: pathlib.Path
) -> None:
    gateway.stop()
    (tmp_path / "other").mkdir()
    other = Gateway(tmp_path / "other", contract, local_e2b.url).initialise()
    assert migrate(other, address).returncode == 0
    done = migrate(gateway, address)
    assert done.returncode == 1 and "another ledger" in done.stderr
    gateway.start()


def test_killed_at_any_moment_it_is_repeated(gateway: Gateway, tenant: Tenant, address: str, postgresql: PostgreSQL) -> None:
    for number in range(20):
        tenant.client.execute(f"print({number})")
    gateway.stop()
    head = gateway.json_command("ledger", "check")["sequence"]
    name = address.rsplit("/", 1)[-1]
    words = ["ledger", "migrate", "--from", f"sqlite:{gateway.ledger}", "--to", without_password(address)]
    for waits_for in ("CREATE", "INSERT INTO execution", "INSERT INTO audit", "WITH|SELECT"):
        process = subprocess.Popen(
            [str(BINARY), *words], cwd=gateway.folder, env=environment(**gateway.settings, PGPASSWORD=PASSWORD),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        seen = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND query ~ '{waits_for}'"
        eventually(
            lambda: process.poll() is not None or postgresql.value(seen) != "0", within=30, what="it is at work", pause=0
        )
        process.kill()
        process.wait(10)
        assert gateway.ledger.exists() != pathlib.Path(f"{gateway.ledger}.moved").exists()
    done = migrate(gateway, address)
    assert done.returncode == 0, done.stderr
    serve_from(gateway, address)
    assert tenant.client.execute("print(1)")["output"] == "1\n"
    [record] = gateway.json_command("audit", "search", "--action", "ledger.moved")
    assert record["sequence"] == head + 1, "once"


def test_going_back_before_anything_was_served(gateway: Gateway, tenant: Tenant, address: str) -> None:
    gateway.stop()
    assert migrate(gateway, address).returncode == 0
    pathlib.Path(f"{gateway.ledger}.moved").rename(gateway.ledger)
    gateway.start()
    assert tenant.client.execute("print(1)")["output"] == "1\n"
    gateway.stop()
    done = migrate(gateway, address)
    assert done.returncode == 1 and "went on by themselves" in done.stderr


def test_a_terminal_sees_how_far_it_is(gateway: Gateway, address: str) -> None:
    gateway.stop()
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), "ledger", "migrate", "--from", f"sqlite:{gateway.ledger}"], cwd=gateway.folder,
        env=environment(**gateway.settings | {"GATEWAY_LEDGER": address}), stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the end, on Linux
        pass
    os.close(ours)
    assert process.wait(20) == 0, shown
    for words in ("checking …", "Kept", "Sound", "GATEWAY_ROOT_KEY_FILE"):
        assert words in shown.decode()
    assert PASSWORD not in shown.decode()
