"""The commands, with and without a running gateway, and what they say when they cannot."""

import json
import sqlite3
import stat

import pytest

from conftest import NewGateway
from harness.gateway import Gateway


@pytest.fixture(params=["running", "resting"])
def administered(request: pytest.FixtureRequest, gateway: Gateway, resting: Gateway) -> Gateway:
    return gateway if request.param == "running" else resting


def test_tenants_keys_and_quotas(administered: Gateway) -> None:
    name = f"team-{len(administered.json_command('tenant', 'list'))}"
    tenant = administered.json_command("tenant", "create", name)
    assert (tenant["name"], tenant["disabled"]) == (name, False)
    assert administered.json_command("tenant", "show", name) == tenant
    assert tenant in administered.json_command("tenant", "list")

    issued = administered.json_command("key", "issue", name)
    administered.secrets.add(issued["token"])
    assert issued["tenant"] == name
    assert issued["token"].startswith(f"e2b_01{issued['key_id']}")
    [key] = administered.json_command("key", "list", name)
    assert (key["key_id"], key["state"]) == (issued["key_id"], "active")
    assert issued["token"] not in json.dumps(key)

    words = ["--rate", "7/min", "--burst", "9", "--executions", "2", "--runtime", "60s/hour", "--timeout", "5s"]
    words += ["--guaranteed", "3"]
    changed = administered.json_command("quota", "set", name, *words)
    assert changed == administered.json_command("quota", "get", name)
    assert changed["rate"] == {"permits": 7, "period_seconds": 60, "burst": 9}
    assert (changed["executions"], changed["timeout_seconds"]) == (2, 5)
    assert changed["runtime_seconds"]["hour"] == 60
    assert changed["guaranteed_sandboxes"] == 3

    revoked = administered.json_command("key", "revoke", issued["key_id"])
    assert revoked["state"] == "revoked"
    assert administered.json_command("key", "list", name) == [revoked]


def test_every_change_is_audited_with_its_actor(administered: Gateway) -> None:
    name = f"audited-{len(administered.json_command('tenant', 'list'))}"
    administered.command("tenant", "create", name)
    administered.command("quota", "set", name, "--executions", "3")
    records = [
        record["record"]
        for record in administered.json_command("audit", "search", "--tenant", name, "--limit", "1000")
    ]
    assert [record["action"] for record in records] == ["tenant.created", "policy.set"]
    assert all(record["actor"].startswith("local") for record in records)
    assert (records[1]["before"]["executions"], records[1]["after"]["executions"]) == (5, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tenant", "show", "nobody"], "nobody"),
        (["tenant", "create", "Not A Name"], "a-z"),
        (["tenant", "create", ""], "name"),
        (["key", "issue", "nobody"], "nobody"),
        (["key", "revoke", "0123456789abcdef"], "0123456789abcdef"),
        (["key", "revoke", "not-a-key"], "not-a-key"),
        (["quota", "get", "nobody"], "nobody"),
        (["quota", "set", "nobody", "--executions", "1"], "nobody"),
        (["quota", "set", "nobody"], "limit"),
        (["quota", "set", "somebody", "--rate", "fast"], "10/s"),
        (["quota", "set", "somebody", "--runtime", "1s/fortnight"], "fortnight"),
        (["quota", "set", "somebody", "--executions", "-1"], "executions"),
        (["tenant", "explode"], ""),
        (["no-such-command"], ""),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_says_why(administered: Gateway, arguments: list[str], said: str) -> None:
    administered.run("tenant", "create", "somebody")
    done = administered.run(*arguments)
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert done.stdout == ""
    assert "Fatal" not in done.stderr


def test_a_tenant_cannot_be_made_twice(administered: Gateway) -> None:
    name = f"twice-{len(administered.json_command('tenant', 'list'))}"
    administered.command("tenant", "create", name)
    done = administered.run("tenant", "create", name)
    assert done.returncode != 0
    assert "exists" in done.stderr


def test_tables_are_for_people(administered: Gateway) -> None:
    name = f"table-{len(administered.json_command('tenant', 'list'))}"
    assert name in administered.command("tenant", "create", name)
    assert "executions" in administered.command("quota", "get", name)
    assert name in administered.command("tenant", "list")


def test_init_keeps_secrets_to_their_owner(gateway: Gateway) -> None:
    for path in (gateway.ledger, gateway.root_key_file, gateway.folder / "gateway.db.socket"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_init_does_not_overwrite(gateway: Gateway) -> None:
    before = gateway.root_key_file.read_bytes()
    assert gateway.run("init").returncode != 0
    assert gateway.root_key_file.read_bytes() == before


def test_a_wrong_root_key_is_said(resting: Gateway) -> None:
    done = resting.run("tenant", "list", GATEWAY_ROOT_KEY="0" * 64)
    assert done.returncode != 0
    assert "root key" in done.stderr.lower()


def test_a_missing_ledger_is_said(gateway: Gateway, tmp_path) -> None:
    done = gateway.run("tenant", "list", GATEWAY_LEDGER=f"sqlite:{tmp_path}/none.db")
    assert done.returncode != 0
    assert "init" in done.stderr, "what to do about it"


def test_init_says_as_json_what_it_made(gateway: Gateway, tmp_path) -> None:
    ledger, root_key_file = tmp_path / "new.db", tmp_path / "new.key"
    done = gateway.run(
        "init", "--output", "json", GATEWAY_LEDGER=f"sqlite:{ledger}", GATEWAY_ROOT_KEY_FILE=str(root_key_file)
    )
    made = json.loads(done.stdout)
    gateway.secrets.add(made.pop("admin_token"))
    assert made == {"ledger": str(ledger), "root_key_file": str(root_key_file)}
    secret = root_key_file.read_text().strip()
    assert len(secret) == 64
    assert secret not in done.stdout + done.stderr



def test_an_intact_audit_verifies(administered: Gateway) -> None:
    verification = administered.json_command("audit", "verify")
    assert verification["intact"] is True
    assert verification["verified"] >= 2
    assert str(verification["verified"]) in administered.command("audit", "verify")


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET record = replace(record, '\"actor\":', '\"acto\":') WHERE sequence = 4",
        "DELETE FROM audit WHERE sequence = 4",
        "UPDATE audit SET sequence = sequence + 1000 WHERE sequence >= 4",
    ],
    ids=["altered", "deleted", "moved"],
)
def test_a_tampered_audit_does_not(new_gateway: NewGateway, tampering: str) -> None:
    gateway = new_gateway()
    for executions in ("5", "5", "5"):
        gateway.tenant("--executions", executions)
    gateway.stop()
    ledger = sqlite3.connect(gateway.ledger)
    with ledger:
        assert ledger.execute(tampering).rowcount > 0
    ledger.close()
    done = gateway.run("audit", "verify", "--output", "json")
    assert done.returncode == 1
    verification = json.loads(done.stdout)
    assert (verification["intact"], verification["verified"]) == (False, 3)
    assert verification["problem"]
    gateway.was_tampered_with = True


def test_help_names_every_command(gateway: Gateway) -> None:
    text = gateway.command("--help")
    for command in ("init", "serve", "demo", "local-e2b", "run", "tenant", "key", "quota", "config", "audit"):
        assert command in text
