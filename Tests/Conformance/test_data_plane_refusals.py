"""Every refusal of the data plane, as the exception that a program sees."""

from collections.abc import Callable
from typing import Any

import e2b
import httpx
import pytest
from packaging.version import Version

from harness.gateway import Tenant
from sdk.generations import SANDBOX_GONE
from sdk.program import Program

pytestmark = pytest.mark.gateway


def calls(sandbox: Any) -> dict[str, tuple[type[Exception], Callable[[], object]]]:
    """One call of each kind, and what it raises when there is no such sandbox."""
    return {
        "run_code": (e2b.TimeoutException, lambda: sandbox.run_code("1")),
        "contexts": (e2b.TimeoutException, sandbox.list_code_contexts),
        "command": (SANDBOX_GONE, lambda: sandbox.commands.run("true")),
        "processes": (SANDBOX_GONE, sandbox.commands.list),
        "terminal": (SANDBOX_GONE, lambda: sandbox.pty.kill(1)),
        "folder": (SANDBOX_GONE, lambda: sandbox.files.list("/")),
        "read": (SANDBOX_GONE, lambda: sandbox.files.read("/etc/hosts")),
        "write": (SANDBOX_GONE, lambda: sandbox.files.write("/tmp/x", "x")),
    }


def assert_gone(sandbox: Any) -> None:
    assert sandbox.is_running() is False
    for name, (kind, call) in calls(sandbox).items():
        with pytest.raises(e2b.TimeoutException, match="was not found") as raised:
            call()
        assert type(raised.value) is kind, name


@pytest.mark.call("502: sandbox ended, unknown or another tenant's; wrong token", answer=SANDBOX_GONE.__name__)
def test_a_sandbox_that_never_was(sdk: Program, sandbox) -> None:
    assert_gone(remade(sdk, sandbox, sandbox_id="i" + "0" * 20))


def remade(sdk: Program, sandbox: Any, **changes: str) -> Any:
    """The object that a program would have that got hold of other ids and tokens."""
    parts = {
        "sandbox_id": sandbox.sandbox_id,
        "envd_access_token": sandbox._envd_access_token,
        "traffic_access_token": sandbox.traffic_access_token,
    } | changes
    headers = {
        "E2b-Sandbox-Id": parts["sandbox_id"],
        "E2b-Sandbox-Port": "49983",
        "X-Access-Token": parts["envd_access_token"],
    }
    return sdk.Sandbox(
        sandbox_domain=sandbox.sandbox_domain,
        envd_version=Version("0.6.13"),
        connection_config=e2b.ConnectionConfig(extra_sandbox_headers=headers),
        **parts,
    )


def test_a_sandbox_that_was_killed(sdk: Program) -> None:
    sandbox = sdk.create()
    sandbox.kill()
    assert_gone(sandbox)


def test_a_sandbox_of_somebody_else(sdk: Program, other_tenant: Tenant, sandbox) -> None:
    other = sdk.create(api_key=other_tenant.token)
    assert_gone(remade(sdk, other, sandbox_id=sandbox.sandbox_id))
    assert_gone(remade(sdk, sandbox, sandbox_id=other.sandbox_id))


def test_a_wrong_token(sdk: Program, sandbox) -> None:
    assert_gone(remade(sdk, sandbox, envd_access_token="0" * 64, traffic_access_token="0" * 64))
    remade(sdk, sandbox).run_code("1")


def test_a_port_that_is_not_open(sdk: Program, sandbox) -> None:
    """A user's ports are closed unless the policy opens them."""
    headers = {
        "e2b-sandbox-id": sandbox.sandbox_id,
        "e2b-sandbox-port": "8080",
        "e2b-traffic-access-token": sandbox.traffic_access_token,
    }
    reply = httpx.get(sdk.door.url, headers=headers, trust_env=False)
    assert reply.status_code == 502
    assert "port is not open" in reply.json()["message"]
    assert reply.json()["port"] == 8080
