"""Credentials that are not right: what a refusal gives away, several at once, and ones of absurd size."""

import contextlib
import http.client
import json
import struct
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from requests import PreparedRequest

from harness import raw
from harness.client import Reply
from harness.gateway import Gateway, Tenant
from harness.leaks import WITNESS
from harness.service import resident_bytes
from harness.signing import Signer, admitted, another_address
from harness.tokens import expiring, for_subject, narrowed, scoped

UNKNOWN = "e2b_01" + "0" * 80
FOREVER = 4_102_444_800

Credentials = list[tuple[str, str]]


@pytest.fixture(scope="module")
def tenant(gateway: Gateway) -> Tenant:
    """A tenant of this file's own, so that its audit tells what ran."""
    return gateway.tenant("--rate", "10000/s", "--burst", "10000")


@pytest.fixture(scope="module")
def revoked(gateway: Gateway, tenant: Tenant) -> Signer:
    issued = gateway.json_command("key", "issue", tenant.name)
    gateway.secrets.add(issued["token"])
    gateway.command("key", "revoke", issued["key_id"])
    return Signer(gateway, issued["token"])


@pytest.fixture(scope="module")
def retired(gateway: Gateway, tenant: Tenant) -> Signer:
    """Signs with a key that has given way to its successor."""
    issued = gateway.json_command("key", "issue", tenant.name)
    successor = gateway.json_command("key", "rotate", issued["key_id"], "--overlap", "0s")
    gateway.secrets |= {issued["token"], successor["token"]}
    return Signer(gateway, issued["token"])


@pytest.fixture(autouse=True)
def nothing_runs(tenant: Tenant) -> Iterator[None]:
    """Nothing in this file is a credential."""
    yield
    assert not admitted(tenant)


# What a refusal gives away

SAME_REQUEST = {"x_request_id": "always-the-same"}


def all_but_the_date(reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    return reply.status, reply.body, {name.lower(): value for name, value in reply.headers.items() if name != "Date"}


def looking(signer: Signer) -> PreparedRequest:
    return signer.plain("GET", "/v1/whoami", **SAME_REQUEST)


def ordering(signer: Signer) -> PreparedRequest:
    return signer.plain("POST", "/v1/executions", {"code": "print(1)"}, **SAME_REQUEST)


def bad_signers(tenant: Tenant, revoked: str, retired: str) -> dict[str, str]:
    """Tokens that sign in good form, and wrongly."""
    past = int(time.time()) - 60
    forged = tenant.token[:-64] + "0" * 64
    expired = expiring(tenant.token, past)
    tenant.gateway.secrets.add(expired)
    return {
        "unknown": UNKNOWN,
        "unknown, narrowed": expiring(UNKNOWN, FOREVER),
        "unknown, said to be expired": expiring(UNKNOWN, past),
        "revoked": revoked,
        "revoked, narrowed": for_subject(revoked, "user-1"),
        "retired": retired,
        "forged": forged,
        "forged, narrowed": scoped(forged, execute=True, read=True),
        "forged, said to be expired": expiring(forged, past),
        "forged, said to sign only": narrowed(forged, 0x09, b""),
        "forged, with a caveat nobody knows": narrowed(forged, 0x3F, b"?"),
        "with a caveat nobody knows": narrowed(tenant.token, 0x3F, b"?"),
        "expired, with the tag of one that is not": expired[:-64] + tenant.token[-64:],
        "widened": tenant.token[:-64] + expired[-64:],
        "a tag of another key": tenant.token[:-64] + revoked[-64:],
        "an administrator's": tenant.gateway.admin_token,
    }


@pytest.mark.parametrize("prepare", [looking, ordering])
def test_bad_signatures_look_alike(
    gateway: Gateway, tenant: Tenant, revoked: Signer, retired: Signer, prepare: Callable[[Signer], PreparedRequest]
) -> None:
    """To the byte, body and headers; and as a good one does for a request that was changed."""
    good = Signer(gateway, tenant.token)
    changed = good.sign(prepare(good))
    changed.headers["Host"] = "elsewhere.example"
    refusal = good.send(changed)
    refusal.problem("invalid-signature")
    expected = all_but_the_date(refusal)
    for name, token in bad_signers(tenant, revoked.key.token, retired.key.token).items():
        signer = Signer(gateway, token)
        assert all_but_the_date(signer.send(signer.sign(prepare(signer)))) == expected, name


@pytest.mark.parametrize("fault", ["its clock", "its expires", "its nonce", "its digest"])
def test_a_bad_signature_gives_nothing_else_away(gateway: Gateway, tenant: Tenant, fault: str) -> None:
    """What is wrong besides is told only when the signature holds."""
    forger = Signer(gateway, tenant.token[:-64] + "1" * 64)
    good = Signer(gateway, tenant.token)
    nonce = f"used-{time.time_ns()}"
    assert good.send(good.look(nonce=nonce)).status == 200
    how = {
        "its clock": {"age": 3600},
        "its expires": {"age": 30, "expires_in": -10},
        "its nonce": {"nonce": nonce},
        "its digest": {"body": b"not this one"},
    }[fault]
    expected = all_but_the_date(forger.send(forger.sign(ordering(forger))))
    assert all_but_the_date(forger.send(forger.sign(ordering(forger), **how))) == expected


def test_only_an_honest_signer_learns_that_it_is_over(gateway: Gateway, tenant: Tenant) -> None:
    past = expiring(tenant.token, int(time.time()) - 60)
    gateway.secrets.add(past)
    honest = Signer(gateway, past)
    honest.send(honest.sign(ordering(honest))).problem("expired-token")
    spoiled = honest.sign(ordering(honest))
    spoiled.headers["Host"] = "elsewhere.example"
    honest.send(spoiled).problem("invalid-signature")


@pytest.mark.parametrize("state", ["expired", "not begun", "late"])
def test_a_revoked_key_is_told_no_more_than_an_unknown_one(gateway: Gateway, revoked: Signer, state: str) -> None:
    """docs/signing.md: refused as such, before anything is said of the token or of the time."""
    token = {
        "expired": expiring(revoked.key.token, int(time.time()) - 60),
        "not begun": narrowed(revoked.key.token, 0x02, struct.pack(">q", FOREVER)),
        "late": revoked.key.token,
    }[state]
    gateway.secrets.add(token)
    signer = Signer(gateway, token)
    signer.send(signer.sign(ordering(signer), age=600 if state == "late" else 0)).problem("invalid-signature")


def test_a_retired_key_is_told_no_more_either(retired: Signer) -> None:
    retired.send(retired.sign(ordering(retired), age=600)).problem("invalid-signature")


def test_a_token_that_contradicts_itself(gateway: Gateway, tenant: Tenant) -> None:
    token = for_subject(for_subject(tenant.token, "one"), "another")
    gateway.secrets.add(token)
    signer = Signer(gateway, token)
    assert signer.send(signer.sign(ordering(signer))).status == 401
    gateway.client(token).post("print(1)").problem("invalid-token")


# Several at once


def with_credentials(gateway: Gateway, *credentials: tuple[str, str], method: str = "GET") -> Reply:
    """A call with these header lines, in this order."""
    path = "/v1/whoami" if method == "GET" else "/v1/executions"
    lines = [*credentials, ("x-forwarded-for", another_address())]
    body = None if method == "GET" else {"code": "print(1)"}
    response = httpx.request(method, gateway.url + path, headers=lines, json=body, trust_env=False)
    WITNESS.note(repr(response.headers).encode() + response.content)
    gateway.contract.check(method, path, response, response.content)
    return Reply(response, response.content)


@pytest.fixture
def lines(gateway: Gateway, tenant: Tenant) -> dict[str, Credentials]:
    """Credentials as header lines; those that are not called bad are good by themselves."""
    look = Signer(gateway, tenant.token).look()
    return {
        "bearer": [("authorization", f"Bearer {tenant.token}")],
        "bad bearer": [("authorization", f"Bearer {UNKNOWN}")],
        "no bearer": [("authorization", "")],
        "basic": [("authorization", "Basic dXNlcjpwYXNzd29yZA==")],
        "key": [("x-api-key", tenant.token)],
        "bad key": [("x-api-key", UNKNOWN)],
        "no key": [("x-api-key", "")],
        "signature": [("host", look.url.split("/")[2])]
        + [(name, look.headers[name]) for name in ("Signature-Input", "Signature")],
    }


@pytest.mark.parametrize("credential", ["bearer", "key", "signature"])
def test_each_credential_by_itself(gateway: Gateway, lines: dict[str, Credentials], credential: str) -> None:
    """Else the next test would show nothing."""
    assert with_credentials(gateway, *lines[credential]).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "credentials",
    [
        "bearer, bearer",
        "bearer, bad bearer",
        "bad bearer, bearer",
        "bearer, no bearer",
        "basic, bearer",
        "bearer, basic",
        "key, key",
        "key, bad key",
        "key, no key",
        "basic, key",
        "bad bearer, key",
        "bearer, bad key",
        "bad bearer, bad key",
        "bearer, signature",
        "signature, bearer",
        "key, signature",
        "bad key, signature",
        "basic, signature",
        "bearer, key, signature",
    ],
)
def test_several_credentials(
    gateway: Gateway, tenant: Tenant, lines: dict[str, Credentials], credentials: str, method: str
) -> None:
    """Which of them counts must not be guessed by anybody: not the gateway, nor a proxy before it."""
    several = [line for name in credentials.split(", ") for line in lines[name]]
    reply = with_credentials(gateway, *several, method=method)
    assert "credential" in reply.problem("invalid-request")["detail"]
    assert tenant.token[-64:] not in reply.body.decode()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("authorization", "Basic dXNlcjpwYXNzd29yZA=="),
        ("authorization", ""),
        ("authorization", "Bearer"),
        ("authorization", "{token}"),
        ("authorization", "Bearer {token}, Bearer {token}"),
        ("authorization", "Bearer {token} {token}"),
        ("authorization", 'Bearer "{token}"'),
        ("authorization", "Bearer={token}"),
        ("x-api-key", ""),
        ("x-api-key", "Bearer {token}"),
        ("x-api-key", "{token},{token}"),
    ],
)
def test_a_credential_that_cannot_be_read(gateway: Gateway, tenant: Tenant, name: str, written: str) -> None:
    for method in ("GET", "POST"):
        reply = with_credentials(gateway, (name, written.format(token=tenant.token)), method=method)
        reply.problem("invalid-token")
        assert tenant.token[-64:] not in reply.body.decode()


# Absurd sizes

MEGABYTE = 1_000_000


def answer_to(gateway: Gateway, head: str) -> tuple[int, bytes]:
    """Status and body of what comes back for a head, which may be cut off while it is being sent."""
    with raw.connect(gateway) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(f"{head}\r\nX-Forwarded-For: {another_address()}\r\n\r\n".encode())
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def heads(size: int) -> dict[str, str]:
    """Requests with one credential of that many characters."""
    digits = "0" * size
    look = "GET /v1/whoami HTTP/1.1\r\nHost: gateway\r\n"
    signed = f'sig=("@method");created=1;nonce="n";keyid="e2b_01{digits}"'
    return {
        "bearer": f"{look}Authorization: Bearer e2b_{digits}",
        "key": f"{look}X-API-Key: e2b_{digits}",
        "basic": f"{look}Authorization: Basic {digits}",
        "keyid": f"{look}Signature-Input: {signed}\r\nSignature: sig=:AAAA:",
        "signature": f"{look}Signature-Input: sig=();keyid=\"e2b_01\"\r\nSignature: sig=:{digits}:",
        "many lines": look + "\r\n".join(["Authorization: Bearer e2b_" + "0" * 80] * (size // 100)),
        "query": f"GET /v1/whoami?{digits} HTTP/1.1\r\nHost: gateway",
    }


@pytest.mark.parametrize("where", heads(0))
def test_a_megabyte_of_credential(gateway: Gateway, tenant: Tenant, where: str) -> None:
    """Refused as soon as it is too long, whatever it is, and the gateway goes on."""
    head = heads(MEGABYTE)[where]
    started = time.monotonic()
    status, _ = answer_to(gateway, head)
    assert status in (400, 401, 414, 431)
    assert time.monotonic() - started < 10, "and not when the connection is given up"
    assert tenant.client.get("/v1/whoami").status == 200


@pytest.mark.parametrize(
    ("where", "slug"),
    [
        ("bearer", "invalid-token"),
        ("key", "invalid-token"),
        ("basic", "invalid-token"),
        ("keyid", "invalid-signature"),
        ("signature", "invalid-signature"),
        ("many lines", "invalid-request"),
    ],
)
def test_a_credential_too_long_for_any_token(gateway: Gateway, where: str, slug: str) -> None:
    """And short enough to be read."""
    status, body = answer_to(gateway, heads(20_000)[where])
    assert json.loads(body)["type"] == f"/problems/{slug}"
    assert json.loads(body)["status"] == status
    assert "0" * 100 not in body.decode()


def test_megabytes_of_credentials_stay_nowhere(gateway: Gateway) -> None:
    for head in heads(MEGABYTE).values():
        answer_to(gateway, head)
    before = resident_bytes(gateway.service.pid)
    sent = 0
    for _ in range(20):
        for head in heads(MEGABYTE).values():
            answer_to(gateway, head)
            sent += MEGABYTE
    assert resident_bytes(gateway.service.pid) - before < sent / 3, "the allocator keeps some, the gateway nothing"


def test_the_greatest_length_of_a_token(gateway: Gateway, tenant: Tenant) -> None:
    """4,096 characters, presented or signed with: what signs is no longer token than what travels."""
    names = [128] * 15 + [66]
    longest = narrowed(tenant.token, 0x06, b"".join(bytes([length]) + b"a" * length for length in names))
    assert len(longest) == 4_096
    too_long = narrowed(longest, 0x09, b"")
    gateway.secrets |= {longest, too_long}
    signer = Signer(gateway, longest)
    assert signer.send(signer.look()).status == 200
    assert gateway.client(longest).get("/v1/whoami").status == 200
    signer = Signer(gateway, too_long)
    signer.send(signer.look()).problem("invalid-signature")
    gateway.client(too_long).get("/v1/whoami").problem("invalid-token")
