"""Who is signed in to the console at one gateway is signed in at all that share the ledger, and out of all at once."""

from collections.abc import Iterator

import pytest

from harness.client import Client
from harness.console import Session, cookie_of, sign_in
from harness.contract import Contract
from harness.counting_e2b import CountingE2B
from harness.fleet import CHANGE, Fleet
from harness.postgresql import PostgreSQL
from harness.waiting import eventually


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, postgresql: PostgreSQL, upstream: CountingE2B
) -> Iterator[Fleet]:
    with Fleet.start(tmp_path_factory.mktemp("fleet"), contract, upstream.url, postgresql) as fleet:
        yield fleet
        fleet.assert_sound()


def everywhere(fleet: Fleet, token: str) -> list[Session]:
    first, *_ = fleet
    cookie = cookie_of(sign_in(first, token))
    return [Session(member, cookie) for member in fleet]


def test_a_session_is_good_at_every_gateway_and_ends_at_every_gateway(fleet: Fleet) -> None:
    first, *_ = fleet
    sessions = everywhere(fleet, first.admin_token)
    for session in sessions:
        assert session.get("/admin/v1/tenants").status == 200
    assert sessions[-1].call("DELETE", "/console/session").status == 204
    for session in sessions:
        session.get("/admin/v1/tenants").problem("session-over")


def test_a_token_revoked_at_one_gateway_ends_its_sessions_at_all(fleet: Fleet) -> None:
    first, *_, last = fleet
    admin = Client(first.admin_url, first.admin_token, first.contract)
    issued = admin.call("POST", "/admin/v1/admin-tokens", json={"name": "leaver"}).document
    first.secrets.add(issued["token"])
    eventually(lambda: sign_in(last, issued["token"]).status == 204, within=CHANGE, what="it is known")
    sessions = everywhere(fleet, issued["token"])
    assert admin.call("DELETE", f"/admin/v1/admin-tokens/{issued['key_id']}").status == 200
    for session in sessions:
        eventually(lambda: session.get("/admin/v1/tenants").status == 401, within=CHANGE, what="it is over")
