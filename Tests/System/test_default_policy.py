"""What new tenants get, and that those which exist keep theirs."""


import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway


@pytest.fixture(scope="module")
def founded(session_gateway: NewGateway) -> Gateway:
    """A gateway for this module, since the default is everybody's."""
    return session_gateway()


def test_new_tenants_get_it_and_old_ones_keep_theirs(founded: Gateway) -> None:
    old = founded.tenant()
    changed = founded.json_command(
        "quota", "set", "--default", "--rate", "3/s", "--timeout", "2s", "--subject-executions", "1"
    )
    assert changed == founded.json_command("quota", "get", "--default")
    assert (changed["rate"]["permits"], changed["executions"], changed["subject"]["executions"]) == (3, 5, 1)
    new = founded.tenant()
    assert founded.json_command("quota", "get", new.name) == changed
    assert new.client.execute("print(1)")["granted_timeout_ms"] == 2000
    assert old.client.execute("print(1)")["granted_timeout_ms"] == 30_000


def test_it_survives_a_restart(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    gateway.command("quota", "set", "--default", "--executions", "2")
    gateway.stop()
    assert gateway.json_command("quota", "get", "--default")["executions"] == 2, "the ledger itself knows"
    gateway.start()
    assert gateway.json_command("quota", "get", gateway.tenant().name)["executions"] == 2


def test_the_api_speaks_the_same_and_the_audit_knows(founded: Gateway) -> None:
    admin = Client(founded.admin_url, founded.admin_token, founded.contract)
    before = admin.get("/admin/v1/default-policy").document
    changed = admin.call("PATCH", "/admin/v1/default-policy", json={"executions": 9}).document
    assert changed == before | {"executions": 9}
    records = [record["record"] for record in founded.json_command("audit", "search", "--limit", "1000")]
    last = [record for record in records if record["action"] == "default_policy.set"][-1]
    assert (last["before"]["executions"], last["after"]["executions"]) == (before["executions"], 9)
    assert last["actor"] == "admin:first"
    admin.call("PATCH", "/admin/v1/default-policy", json={"templates": []}).problem("invalid-request")
    assert admin.get("/admin/v1/default-policy").document == changed


@pytest.mark.parametrize(
    "words",
    [["get"], ["get", "acme", "--default"], ["set", "--executions", "1"], ["set", "acme", "--default", "--executions", "1"]],
    ids=" ".join,
)
def test_a_tenant_or_the_default_and_not_both(founded: Gateway, words: list[str]) -> None:
    done = founded.run("quota", *words)
    assert done.returncode != 0
    assert "one of the two" in done.stderr, done.stderr
    assert done.stdout == ""
