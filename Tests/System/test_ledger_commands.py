"""`ledger check`, `ledger backup`, `ledger restore`, as an administrator uses them."""

import contextlib
import json
import pathlib
import sqlite3
import stat
import threading

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway, Tenant
from harness.terminal import on_a_terminal


@pytest.fixture
def backup(new_gateway: NewGateway) -> tuple[Tenant, pathlib.Path]:
    """A backup made while the gateway serves, and the tenant it knows."""
    gateway = new_gateway()
    tenant = gateway.tenant()
    tenant.client.execute("print(1)")
    path = gateway.folder / "backup.db"
    gateway.command("ledger", "backup", str(path))
    return tenant, path


def say(gateway: Gateway, *words: str) -> str:
    """What a command complains of that must fail."""
    done = gateway.run(*words)
    assert done.returncode != 0, done.stdout
    return done.stderr


def head(gateway: Gateway, *options: str) -> int:
    check = gateway.json_command("ledger", "check", *options)
    assert check["sound"] and check["findings"] == []
    return check["sequence"]


# Check


def test_a_check_beside_a_gateway_that_works(gateway: Gateway, busy_tenant: Tenant) -> None:
    with busy_tenant.client.stream("import time\ntime.sleep(25)") as stream:
        events = iter(stream)
        execution_id = next(events)["id"]
        assert "Sound" in gateway.command("ledger", "check")
        check = gateway.json_command("ledger", "check")
        assert check["sound"] is True
        assert {"chain", "leases", "outcomes", "usage"} <= set(check["checked"])
        busy_tenant.client.cancel(execution_id)
        list(events)
    assert head(gateway) > check["sequence"]


def test_a_check_needs_no_root_key_and_changes_nothing(backup: tuple[Tenant, pathlib.Path]) -> None:
    tenant, path = backup
    before = path.read_bytes()
    gateway = tenant.gateway
    done = gateway.run("ledger", "check", "--file", str(path), GATEWAY_ROOT_KEY_FILE="/nowhere")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before
    assert sorted(entry.name for entry in path.parent.glob("backup*")) == [path.name], "and leaves nothing beside"


def test_what_is_broken_is_said_in_a_line_each(backup: tuple[Tenant, pathlib.Path]) -> None:
    tenant, path = backup
    with contextlib.closing(sqlite3.connect(path)) as ledger:
        [[execution, charged]] = ledger.execute("SELECT id, charged FROM execution")
        ledger.execute("UPDATE execution SET charged = charged + 1")
        ledger.execute("DELETE FROM audit WHERE sequence = 2")
        ledger.commit()
    done = tenant.gateway.run("ledger", "check", "--file", str(path))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert f"outcomes: execution/{execution} is completed, charged {charged + 1} ms; " in done.stdout
    assert "chain: audit/2 the record is missing" in lines
    assert any(line.startswith(f"usage: usage/{tenant.name} says {charged} ms used in the day") for line in lines)
    document = json.loads(
        tenant.gateway.run("ledger", "check", "--file", str(path), "--output", "json").stdout
    )
    assert document["sound"] is False
    assert {finding["invariant"] for finding in document["findings"]} == {
        "chain", "outcomes", "usage", "subjects", "consumption",
    }


def test_something_else_is_no_ledger(gateway: Gateway, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "other"
    assert str(other) in say(gateway, "ledger", "check", "--file", str(other))
    other.write_bytes(b"\xa5" * 9000)
    assert "not a ledger" in say(gateway, "ledger", "check", "--file", str(other))


def test_a_broken_backup_is_not_restored(backup: tuple[Tenant, pathlib.Path]) -> None:
    tenant, path = backup
    with contextlib.closing(sqlite3.connect(path)) as ledger:
        ledger.execute("UPDATE execution SET charged = charged + 1")
        ledger.commit()
    tenant.gateway.stop()
    before = head(tenant.gateway)
    complaint = say(tenant.gateway, "ledger", "restore", str(path), "--keep-keys")
    assert "not sound" in complaint and "outcomes: execution/" in complaint
    assert head(tenant.gateway) == before


# Backup


def test_a_backup_while_serving(gateway: Gateway, busy_tenant: Tenant, tmp_path: pathlib.Path) -> None:
    path, is_over = tmp_path / "backup.db", threading.Event()

    def call() -> None:
        while not is_over.is_set():
            busy_tenant.client.execute("print(1)")

    caller = threading.Thread(target=call)
    caller.start()
    try:
        for number in range(3):
            made = gateway.json_command("ledger", "backup", str(tmp_path / f"{number}.db"))
            assert made["check"]["sound"] is True
            assert made["bytes"] == (tmp_path / f"{number}.db").stat().st_size
        said = gateway.command("ledger", "backup", str(path))
    finally:
        is_over.set()
        caller.join()
    check = gateway.json_command("ledger", "check", "--file", str(path))
    assert f"{check['sequence']} {check['hash']}" in said, "where the audit ends in it"
    assert "root key is not in it" in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.name in say(gateway, "ledger", "backup", str(path)), "nothing is overwritten"
    assert len(list(tmp_path.iterdir())) == 4, "and nothing left beside"


# Restore


def test_a_ledger_in_use_is_not_replaced(backup: tuple[Tenant, pathlib.Path]) -> None:
    tenant, path = backup
    before = head(tenant.gateway)
    assert "Stop it" in say(tenant.gateway, "ledger", "restore", str(path), "--keep-keys")
    assert head(tenant.gateway) == before
    assert tenant.client.execute("print(2)")["output"] == "2\n"


def test_what_comes_back_to_life_is_said_and_asked(backup: tuple[Tenant, pathlib.Path]) -> None:
    tenant, path = backup
    gateway = tenant.gateway
    gateway.command("key", "revoke", tenant.key_id)
    gateway.stop()
    before = head(gateway)
    complaint = say(gateway, "ledger", "restore", str(path))
    for word in ("--revoke-all-keys", "--keep-keys", "1 keys", "accepted again", "Nothing was changed"):
        assert word in complaint
    assert head(gateway) == before
    assert "not both" in say(gateway, "ledger", "restore", str(path), "--keep-keys", "--revoke-all-keys")

    restored = gateway.json_command("ledger", "restore", str(path), "--keep-keys")
    assert "admin_token" not in restored
    assert head(gateway, "--file", restored["kept_at"]) == before
    assert head(gateway) == restored["sequence"] + 1
    [last] = gateway.json_command("audit", "search", "--after", str(restored["sequence"]))
    said = last["record"]
    assert said["action"] == "ledger.restored"
    assert said["after"] == {"sequence": restored["sequence"], "hash": restored["hash"]}
    gateway.start()
    assert tenant.client.execute("print(2)")["output"] == "2\n", "the revoked key is alive again: so it was said"


def test_all_keys_revoked(backup: tuple[Tenant, pathlib.Path]) -> None:
    tenant, path = backup
    gateway = tenant.gateway
    gateway.stop()
    restored = gateway.json_command("ledger", "restore", str(path), "--revoke-all-keys")
    assert (restored["revoked_keys"], restored["revoked_admin_tokens"]) == (1, 1)
    gateway.secrets.add(restored["admin_token"])
    gateway.start()
    tenant.client.get("/v1/whoami").problem("invalid-token")
    old, new = (
        Client(gateway.admin_url, token, gateway.contract) for token in (gateway.admin_token, restored["admin_token"])
    )
    old.get("/admin/v1/tenants").problem("invalid-token")
    assert [known["name"] for known in new.get("/admin/v1/tenants").document] == [tenant.name]
    assert gateway.tenant().client.execute("print(3)")["output"] == "3\n"
    head(gateway)


@pytest.mark.parametrize(
    ("answer", "is_restored", "is_revoked"), [("revoke", True, True), ("keep", True, False), ("what?", False, False)]
)
def test_asked_on_a_terminal(
    backup: tuple[Tenant, pathlib.Path], answer: str, is_restored: bool, is_revoked: bool
) -> None:
    tenant, path = backup
    gateway = tenant.gateway
    gateway.stop()
    before = gateway.json_command("ledger", "check")["hash"]
    shown = on_a_terminal(gateway, answer, "ledger", "restore", str(path))
    assert "accepted again" in shown and "revoke" in shown
    assert ("Nothing was changed" in shown) != is_restored
    assert bool(list(gateway.folder.glob("*before-restore*"))) == is_restored
    assert (gateway.json_command("ledger", "check")["hash"] == before) != is_restored
    [state] = [key["state"] for key in gateway.json_command("key", "list", tenant.name)]
    assert (state == "revoked") == is_revoked
    if is_revoked:
        [token] = [word for word in shown.split() if word.startswith("e2b_")]
        gateway.secrets.add(token)


def test_a_backup_under_another_root_key_is_not_taken(backup: tuple[Tenant, pathlib.Path]) -> None:
    tenant, path = backup
    gateway = tenant.gateway
    gateway.stop()
    old = gateway.root_key_file.read_text().strip()
    gateway.command("root-key", "rotate")
    gateway.secrets |= {old, gateway.root_key_file.read_text().strip()}
    before = head(gateway)
    complaint = say(gateway, "ledger", "restore", str(path), "--keep-keys")
    assert str(gateway.root_key_file) in complaint and ".old" in complaint
    assert head(gateway) == before

    # As the complaint says: the key of that time in place, restore, rotate again.
    gateway.root_key_file.with_name(gateway.root_key_file.name + ".old").replace(gateway.root_key_file)
    gateway.command("ledger", "restore", str(path), "--keep-keys")
    gateway.command("root-key", "rotate")
    gateway.secrets.add(gateway.root_key_file.read_text().strip())
    gateway.start()
    assert tenant.client.execute("print(2)")["output"] == "2\n"


def test_what_ran_when_the_backup_was_made_is_settled_at_the_start(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    path = gateway.folder / "backup.db"
    with tenant.client.stream("import time\ntime.sleep(10)", timeout_seconds=20) as stream:
        events = iter(stream)
        execution = next(events)["id"]
        gateway.command("ledger", "backup", str(path))
        assert list(events)[-1]["outcome"] == "completed"
    gateway.stop()
    gateway.command("ledger", "restore", str(path), "--keep-keys")
    gateway.start()
    record = gateway.assert_settled(tenant, execution)
    assert (record["outcome"], record["reason"], record["runtime_ms"]) == ("killed", "gateway_restarted", 20_000)
    head(gateway)
