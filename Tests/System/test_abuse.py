"""Whoever guesses: how often, what it learns, and from where it seems to come."""

import itertools
import json
import socket
import struct
import time

import httpx
import pytest

from conftest import NewGateway
from harness.client import Client, Reply
from harness.gateway import Gateway, Tenant
from harness.tokens import expiring, narrowed, scoped
from harness.waiting import eventually

UNKNOWN = "e2b_01" + "0" * 80
PER_MINUTE = 60

_numbers = itertools.count(1)


@pytest.fixture
def address() -> str:
    """An address that nobody has called from yet."""
    number = next(_numbers)
    return f"100.64.0.{number}"


def from_address(address: str) -> dict[str, str]:
    return {"x-forwarded-for": address}


def fail_until_refused(client: Client, path: str, headers: dict[str, str]) -> tuple[int, Reply]:
    """Calls without a valid credential until that is too much: how many got their 401, and the first that did not."""
    for count in range(4 * PER_MINUTE):
        reply = client.get(path, headers=headers)
        if reply.status != 401:
            return count, reply
    raise AssertionError(f"{4 * PER_MINUTE} failures and no end")


def refusal_by_limit(client: Client, address: str) -> dict:
    """What a caller without a valid credential is told once the limit is met. A permit comes back each second, so that
    one such reply says nothing of the next."""
    _, reply = fail_until_refused(client, "/v1/whoami", from_address(address))
    return reply.problem("rate-limited")


# How often


@pytest.mark.parametrize("token", [None, "nonsense", UNKNOWN], ids=["missing", "malformed", "unknown"])
def test_so_many_failures_a_minute_and_no_more(gateway: Gateway, address: str, token: str | None) -> None:
    started = time.monotonic()
    count, reply = fail_until_refused(gateway.client(token), "/v1/whoami", from_address(address))
    assert PER_MINUTE <= count <= PER_MINUTE + (time.monotonic() - started) + 1
    problem = reply.problem("rate-limited")
    assert reply.headers["retry-after"] == "1"
    assert 0 < problem["retry_after_ms"] <= 1000, "one more each second"
    assert "address" in problem["detail"], "the tenant's own rate it is not"


def test_every_kind_of_failure_counts(gateway: Gateway, tenant: Tenant, address: str) -> None:
    """Expired and signed-only tokens, too: they are refused with 401, whatever their holder knows."""
    expired = expiring(tenant.token, int(time.time()) - 60)
    signed_only = narrowed(tenant.token, 0x09, b"")
    gateway.secrets |= {expired, signed_only}
    clients = [gateway.client(token) for token in (None, "nonsense", UNKNOWN, expired, signed_only)]
    for _ in range(PER_MINUTE // len(clients)):
        assert {client.get("/v1/whoami", headers=from_address(address)).status for client in clients} == {401}
    count, _ = fail_until_refused(gateway.client(None), "/v1/whoami", from_address(address))
    assert count < PER_MINUTE // 2
    for client in clients:
        refusal_by_limit(client, address)


def test_a_flood_locks_nobody_out(gateway: Gateway, tenant: Tenant, address: str) -> None:
    """Not the honest caller at the same address, not one with the name of the tenant's key, not anybody elsewhere."""
    forged = tenant.token[:-64] + "0" * 64
    for _ in range(3):
        refusal_by_limit(gateway.client(forged), address)
        assert tenant.client.get("/v1/whoami", headers=from_address(address)).status == 200
    reply = tenant.client.post("print(1)", headers=from_address(address))
    assert reply.document["output"] == "1\n"
    gateway.client(forged).get("/v1/whoami", headers=from_address("100.64.1.1")).problem("invalid-token")
    assert tenant.client.get("/v1/whoami", headers=from_address("100.64.1.1")).status == 200


def test_what_a_valid_token_may_not_is_no_failure_to_authenticate(
    gateway: Gateway, busy_tenant: Tenant, address: str
) -> None:
    """403, 404 and the like are answers to somebody who is known."""
    reader = gateway.client(scoped(busy_tenant.token, execute=False, read=True))
    gateway.secrets.add(reader.token)
    for _ in range(PER_MINUTE + 10):
        reader.call("DELETE", "/v1/executions/x", headers=from_address(address)).problem("insufficient-scope")
    gateway.client(UNKNOWN).get("/v1/whoami", headers=from_address(address)).problem("invalid-token")


def test_what_needs_no_credential_is_not_limited(gateway: Gateway, address: str) -> None:
    fail_until_refused(gateway.client(None), "/v1/whoami", from_address(address))
    for path in ("/healthz", "/readyz", "/problems/rate-limited"):
        assert gateway.client(None).get(path, headers=from_address(address)).status == 200
    gateway.client(None).get("/nowhere", headers=from_address(address)).problem("not-found")


def test_permission_to_fail_comes_back_bit_by_bit(gateway: Gateway, address: str) -> None:
    """When the refusal said, and then a second's worth; asking meanwhile does not put it off."""
    client, headers = gateway.client(None), from_address(address)
    fail_until_refused(client, "/v1/whoami", headers)
    eventually(lambda: client.get("/v1/whoami", headers=headers).status == 401, within=10, what="one may fail again")
    started = time.monotonic()
    count, _ = fail_until_refused(client, "/v1/whoami", headers)
    assert count <= time.monotonic() - started + 1


def test_administrators_listener_is_guarded_alike(gateway: Gateway, address: str) -> None:
    """A tenant's token is as wrong there as any; and the first admin token still opens."""
    tenant = gateway.tenant()
    guesser = Client(gateway.admin_url, tenant.token, gateway.contract)
    count, reply = fail_until_refused(guesser, "/admin/v1/tenants", from_address(address))
    assert count >= PER_MINUTE
    reply.problem("rate-limited")
    assert int(reply.headers["retry-after"]) >= 1
    first = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    assert first.get("/admin/v1/tenants", headers=from_address(address)).status == 200
    guesser.get("/admin/v1/tenants", headers=from_address("100.64.1.2")).problem("invalid-token")


# What it learns


SAME_REQUEST = {"x-request-id": "always-the-same"}


def all_but_the_date(reply: Reply) -> tuple[int, bytes, dict]:
    return reply.status, reply.body, {name: value for name, value in reply.headers.items() if name != "date"}


@pytest.fixture
def bad_tokens(gateway: Gateway, tenant: Tenant) -> dict[str, str]:
    """Tokens that are wrong in different ways."""
    revoked, retired, ended = (gateway.json_command("key", "issue", tenant.name) for _ in range(3))
    gateway.command("key", "revoke", revoked["key_id"])
    successor = gateway.json_command("key", "rotate", retired["key_id"], "--overlap", "0s")
    past = expiring(tenant.token, int(time.time()) - 60)
    bad = {
        "unknown": UNKNOWN,
        "unknown, with a caveat": expiring(UNKNOWN, int(time.time()) + 60),
        "unknown and expired": expiring(UNKNOWN, int(time.time()) - 60),
        "revoked": revoked["token"],
        "revoked, narrowed": scoped(revoked["token"], execute=True, read=True),
        "retired": retired["token"],
        "forged": tenant.token[:-64] + "0" * 64,
        "forged and expired": past[:-64] + "0" * 64,
        "forged, caveat cut off": tenant.token[:22] + past[-64:],
        "of another key": tenant.token[:22] + ended["token"][22:],
        "malformed": tenant.token[:-1],
    }
    genuine = {"revoked", "revoked, narrowed", "retired"}
    gateway.secrets |= {ended["token"], successor["token"], past, *(bad[name] for name in genuine)}
    return bad


def test_bad_tokens_look_alike(gateway: Gateway, bad_tokens: dict[str, str]) -> None:
    """To the byte, body and headers."""
    refusal = gateway.client(UNKNOWN).get("/v1/whoami", headers=SAME_REQUEST)
    refusal.problem("invalid-token")
    expected = all_but_the_date(refusal)
    for name, token in bad_tokens.items():
        for credential in ({"authorization": f"Bearer {token}"}, {"x-api-key": token}):
            reply = gateway.client(None).get("/v1/whoami", headers=SAME_REQUEST | credential)
            assert all_but_the_date(reply) == expected, name
        reply = gateway.client(token).post("print(1)", headers=SAME_REQUEST)
        assert all_but_the_date(reply) == expected, name


def test_bad_tokens_look_alike_to_whoever_is_limited(
    gateway: Gateway, bad_tokens: dict[str, str], address: str
) -> None:
    """429 must not become the way to find out."""
    seen = set()
    for token in bad_tokens.values():
        problem = refusal_by_limit(gateway.client(token), address)
        seen.add(json.dumps(problem | {"request_id": "", "retry_after_ms": 0}))
    assert len(seen) == 1


def test_only_an_honest_holder_learns_that_it_is_over(gateway: Gateway, tenant: Tenant) -> None:
    past = expiring(tenant.token, int(time.time()) - 60)
    gateway.secrets.add(past)
    gateway.client(past).get("/v1/whoami").problem("expired-token")
    flipped = past[:-1] + ("0" if past[-1] != "0" else "1")
    gateway.client(flipped).get("/v1/whoami").problem("invalid-token")


# From where


def only_from(gateway: Gateway, tenant: Tenant, address: str) -> Client:
    """A caller whose token is good at this one address: whether it is let in tells where it seems to come from."""
    kind, family = (6, socket.AF_INET6) if ":" in address else (4, socket.AF_INET)
    packed = socket.inet_pton(family, address)
    token = narrowed(tenant.token, 0x08, struct.pack(">BB", kind, 8 * len(packed)) + packed)
    gateway.secrets.add(token)
    return gateway.client(token)


def recorded_source(gateway: Gateway, execution_id: str) -> str:
    """Where the audit says that an execution was asked for."""
    records = [record["record"] for record in gateway.audit(execution_id)]
    [source] = {record["source_address"] for record in records if record["action"] == "execution.admitted"}
    return source


@pytest.fixture(scope="module")
def unproxied(session_gateway: NewGateway) -> Gateway:
    """A gateway that callers reach without anybody in between."""
    return session_gateway(GATEWAY_TRUSTED_PROXIES="")


@pytest.fixture(scope="module")
def proxied(session_gateway: NewGateway) -> Gateway:
    """A gateway behind proxies on this machine and in a network."""
    return session_gateway(GATEWAY_TRUSTED_PROXIES="127.0.0.1,10.0.0.0/8")


@pytest.fixture(scope="module")
def direct_tenant(unproxied: Gateway) -> Tenant:
    return unproxied.tenant("--rate", "1000/s", "--burst", "1000")


@pytest.fixture(scope="module")
def tenant_behind(proxied: Gateway) -> Tenant:
    return proxied.tenant("--rate", "1000/s", "--burst", "1000")


@pytest.mark.parametrize("claimed", ["", "203.0.113.7", "203.0.113.7, 127.0.0.1", "127.0.0.1, 203.0.113.7"])
def test_without_a_proxy_the_header_is_nothing(unproxied: Gateway, direct_tenant: Tenant, claimed: str) -> None:
    here = only_from(unproxied, direct_tenant, "127.0.0.1")
    assert here.get("/v1/whoami", headers=from_address(claimed)).status == 200
    there = only_from(unproxied, direct_tenant, "203.0.113.7")
    problem = there.get("/v1/whoami", headers=from_address(claimed)).problem("insufficient-scope")
    assert "address" in problem["detail"]
    document = direct_tenant.client.post("print(1)", headers=from_address(claimed)).document
    assert recorded_source(unproxied, document["id"]) == "127.0.0.1"


def test_without_a_proxy_a_guesser_cannot_change_its_address(unproxied: Gateway, direct_tenant: Tenant) -> None:
    guesser = unproxied.client(UNKNOWN)
    statuses = [guesser.get("/v1/whoami", headers=from_address(f"203.0.113.{n}")).status for n in range(200)]
    assert statuses[:PER_MINUTE] == [401] * PER_MINUTE
    assert 429 in statuses
    assert direct_tenant.client.get("/v1/whoami").status == 200


@pytest.mark.parametrize(
    ("claimed", "source"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.7,10.1.2.3,127.0.0.1", "203.0.113.7"),
        ("203.0.113.7 ,   10.1.2.3", "203.0.113.7"),
        ("198.51.100.9, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("10.9.9.9, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("nonsense, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("2001:db8::7, 10.1.2.3", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, ::ffff:10.1.2.3", "203.0.113.7"),
        ("203.0.113.7:5555", "203.0.113.7"),
        ("[2001:db8::7]:99, 10.1.2.3:80", "2001:db8::7"),
        ("10.1.2.3, 10.1.2.4", "10.1.2.3"),
        ("", "127.0.0.1"),
        (",,", "127.0.0.1"),
    ],
)
def test_proxies_are_believed_from_the_right(
    proxied: Gateway, tenant_behind: Tenant, claimed: str, source: str
) -> None:
    """Up to the first address that is no proxy; what stands left of it anybody could have written."""
    caller = only_from(proxied, tenant_behind, source)
    assert caller.get("/v1/whoami", headers=from_address(claimed)).status == 200
    admin = Client(proxied.admin_url, only_admin_from(proxied, source), proxied.contract)
    assert admin.get("/admin/v1/tenants", headers=from_address(claimed)).status == 200


@pytest.mark.parametrize("claimed", ["nonsense", "203.0.113.7, nonsense, 10.1.2.3", "203.0.113.7:x", "fe80::1%eth0"])
def test_what_a_proxy_cannot_tell_is_in_no_network(proxied: Gateway, tenant_behind: Tenant, claimed: str) -> None:
    """Least of all in the proxy's own: tokens that are good inside must not be good for whoever comes through it."""
    everywhere = bytes([4, 0]) + bytes(4) + bytes([6, 0]) + bytes(16)
    token = narrowed(tenant_behind.token, 0x08, everywhere)
    proxied.secrets.add(token)
    client = proxied.client(token)
    assert client.get("/v1/whoami", headers=from_address("203.0.113.7")).status == 200
    client.get("/v1/whoami", headers=from_address(claimed)).problem("insufficient-scope")


def only_admin_from(gateway: Gateway, address: str) -> str:
    first = Tenant(gateway, "first", "", gateway.admin_token)
    return only_from(gateway, first, address).token


def test_the_audit_tells_the_source(proxied: Gateway, tenant_behind: Tenant) -> None:
    headers = from_address("198.51.100.9, 203.0.113.7, 10.1.2.3")
    document = tenant_behind.client.post("print(1)", headers=headers).document
    assert recorded_source(proxied, document["id"]) == "203.0.113.7"


def test_several_headers_are_one_list(proxied: Gateway, tenant_behind: Tenant) -> None:
    """Proxies may add a line of their own instead of appending to the one there is."""
    caller = only_from(proxied, tenant_behind, "203.0.113.7")
    headers = [
        ("authorization", f"Bearer {caller.token}"),
        ("x-forwarded-for", "198.51.100.9, 203.0.113.7"),
        ("x-forwarded-for", "10.1.2.3"),
    ]
    assert httpx.get(f"{proxied.url}/v1/whoami", headers=headers, trust_env=False).status_code == 200


def test_behind_proxies_a_guesser_cannot_change_its_address(proxied: Gateway, tenant_behind: Tenant) -> None:
    """Whatever it puts in front; and the proxy is not taken for the guesser."""
    guesser = proxied.client(UNKNOWN)
    spoofed = [f"198.51.100.{n}, 203.0.113.66, 10.1.2.3" for n in range(200)]
    statuses = [guesser.get("/v1/whoami", headers=from_address(claimed)).status for claimed in spoofed]
    assert statuses[:PER_MINUTE] == [401] * PER_MINUTE
    assert 429 in statuses
    guesser.get("/v1/whoami", headers=from_address("203.0.113.67, 10.1.2.3")).problem("invalid-token")
    guesser.get("/v1/whoami", headers=from_address("10.1.2.3")).problem("invalid-token")


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.0/33", "10.0.0.1/8", "127.0.0.1;10.0.0.0/8", "*"])
def test_proxies_that_make_no_sense_stop_the_start(gateway: Gateway, value: str) -> None:
    done = gateway.run("serve", GATEWAY_TRUSTED_PROXIES=value)
    assert done.returncode != 0
    assert "GATEWAY_TRUSTED_PROXIES" in done.stderr
