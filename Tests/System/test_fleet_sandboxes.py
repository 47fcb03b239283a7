"""A sandbox that a tenant made through one gateway is served by all of them."""

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from harness.contract import Contract
from harness.fleet import CHANGE, Fleet
from harness.gateway import LocalE2B, Tenant
from harness.ports import INTERPRETER, OwnSandbox
from harness.postgresql import PostgreSQL
from harness.sandboxes import Door
from harness.service import ROOT, environment
from harness.waiting import eventually

AMPLE = ("--rate", "10000/s", "--burst", "10000", "--executions", "20", "--sandboxes", "10", "--runtime", "86400s/day")
SDK = ROOT / ".cache/conformance-current/bin/python"


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, postgresql: PostgreSQL, local_e2b: LocalE2B
) -> Iterator[Fleet]:
    with Fleet.start(tmp_path_factory.mktemp("fleet"), contract, local_e2b.url, postgresql) as fleet:
        yield fleet
        fleet.wait_until_settled()
        fleet.assert_sound()


@pytest.fixture
def tenant(fleet: Fleet) -> Tenant:
    return fleet.tenant(*AMPLE)


def test_the_official_sdk(fleet: Fleet, tenant: Tenant) -> None:
    """Through the proxy, which gives each call to another gateway than the one before."""
    before = fleet.proxy.calls()
    url = fleet.proxy.url
    done = subprocess.run(
        [str(SDK), str(ROOT / "Tests/System/sdk_program.py")],
        env=environment(E2B_API_URL=url, E2B_SANDBOX_URL=url, E2B_API_KEY=tenant.token),
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "well\n"), done.stdout + done.stderr
    served = fleet.proxy.calls() - before
    assert max(served.values()) - min(served[member.name] for member in fleet) <= 1, served
    assert min(served.values()) >= 5


def sandbox_at(fleet: Fleet, tenant: Tenant, index: int) -> OwnSandbox:
    """A sandbox made through one of the gateways, whose calls go through that one."""
    member = fleet[index]
    return OwnSandbox(Tenant(member, tenant.name, tenant.key_id, tenant.token))


def printing(response: httpx.Response) -> Iterator[bytes]:
    """What comes after its first output."""
    pieces = response.iter_bytes()
    assert any(b"stdout" in piece for piece in pieces)
    return pieces


@pytest.mark.parametrize("maker, killer", [(0, 1), (1, 2), (2, 0)])
def test_a_kill_ends_a_stream_at_another_gateway(fleet: Fleet, tenant: Tenant, maker: int, killer: int) -> None:
    sandbox = sandbox_at(fleet, tenant, maker)
    endless = {"code": "import time\nfor n in range(100):\n    print(n, flush=True)\n    time.sleep(0.2)"}
    with sandbox.stream("POST", "/execute", INTERPRETER, json=endless) as response:
        pieces = printing(response)
        assert Door(tenant, client=fleet[killer].client(tenant.token)).kill(sandbox.id).status == 204
        with pytest.raises(httpx.TransportError):
            for _ in pieces:
                pass
    for member in fleet:
        assert Door(tenant, client=member.client(tenant.token)).get(sandbox.id).status == 404


def test_a_pause_ends_a_stream_at_another_gateway(fleet: Fleet, tenant: Tenant) -> None:
    sandbox = sandbox_at(fleet, tenant, 0)
    door = Door(tenant, client=fleet[1].client(tenant.token))
    with sandbox.stream("POST", "/execute", INTERPRETER, json={"code": "import time\nprint(1)\ntime.sleep(60)"}) as response:
        pieces = printing(response)
        assert door.pause(sandbox.id).status == 204
        with pytest.raises(httpx.TransportError):
            for _ in pieces:
                pass
    woken = Door(tenant, client=fleet[2].client(tenant.token)).connect(sandbox.id, timeout=60)
    assert woken.status == 201
    eventually(
        lambda: sandbox.call("GET", "/health").status_code == 204, within=CHANGE, what="the first gateway serves it again"
    )
    assert door.kill(sandbox.id).status == 204
