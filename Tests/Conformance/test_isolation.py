"""No tenant learns anything of another's sandboxes, by any route, method, address or credential.

Raw HTTP, without an SDK: every reply about another tenant's sandbox is the same, byte for byte, as for one that never
was.
"""

import base64
import dataclasses
import hashlib
import itertools
import json
import re
import struct
import uuid
from collections.abc import Iterator

import httpx
import pytest

from conftest import AMPLE, NewGateway
from harness.client import KEEP_ALL
from harness.gateway import Gateway, Tenant

pytestmark = pytest.mark.gateway

DOMAIN = "sandboxes.test"
DAEMON, INTERPRETER, USER_PORT = 49983, 49999, 8080
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
NOWHERE = "i" + "0" * 20
METADATA = {"owner": "a"}

_addresses = itertools.count(1)


@dataclasses.dataclass
class Owned:
    """A tenant's sandbox, and what it was told of it."""

    id: str
    daemon: str
    traffic: str


class Caller:
    """Sends requests, and gives replies in a form in which two can be compared."""

    def __init__(self, gateway: Gateway):
        self.http = httpx.Client(base_url=gateway.url, trust_env=False, timeout=30, limits=KEEP_ALL)

    def send(self, method: str, path: str, headers: dict[str, str], content: bytes = b"") -> httpx.Response:
        # From an address of its own each time, since guesses are limited by address.
        address = f"198.18.{next(_addresses) // 250 % 250}.{next(_addresses) % 250}"
        sent = {"x-request-id": "the-same", "x-forwarded-for": address} | headers
        return self.http.request(method, path, headers=sent, content=content)


def seen(reply: httpx.Response, id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """All that a caller gets, but for the clock, what is left of a rate, and the id that it sent itself."""
    headers = sorted((name, value) for name, value in reply.headers.items() if name not in ("date", "ratelimit"))
    text = json.dumps(headers).replace(id, "ID")
    return reply.status_code, json.loads(text), reply.content.replace(id.encode(), b"ID")


@pytest.fixture(scope="module")
def gateway(new_gateway: NewGateway) -> Gateway:
    return new_gateway(GATEWAY_DOMAIN=DOMAIN)


@pytest.fixture(scope="module")
def caller(gateway: Gateway) -> Caller:
    return Caller(gateway)


@pytest.fixture(scope="module")
def tenants(gateway: Gateway) -> tuple[Tenant, Tenant]:
    return gateway.tenant(*AMPLE), gateway.tenant(*AMPLE)


def made(caller: Caller, tenant: Tenant, metadata: dict[str, str] = METADATA, **headers: str) -> Owned:
    body = json.dumps({"templateID": "code-interpreter-v1", "timeout": 600, "metadata": metadata}).encode()
    reply = caller.send("POST", "/v2/sandboxes", {"x-api-key": tenant.token} | headers, body)
    assert reply.status_code == 201, reply.text
    document = reply.json()
    return Owned(document["sandboxID"], document["envdAccessToken"], document["trafficAccessToken"])


@pytest.fixture(scope="module")
def theirs(caller: Caller, tenants: tuple[Tenant, Tenant]) -> Iterator[list[Owned]]:
    """Two sandboxes of the tenant that is attacked."""
    sandboxes = [made(caller, tenants[0]) for _ in range(2)]
    yield sandboxes
    for sandbox in sandboxes:
        caller.send("DELETE", f"/sandboxes/{sandbox.id}", {"x-api-key": tenants[0].token})


@pytest.fixture(scope="module")
def mine(caller: Caller, tenants: tuple[Tenant, Tenant]) -> Iterator[Owned]:
    """A sandbox of the tenant that attacks."""
    sandbox = made(caller, tenants[1])
    yield sandbox
    caller.send("DELETE", f"/sandboxes/{sandbox.id}", {"x-api-key": tenants[1].token})


# The control plane

CONTROL_PATHS = [
    "/sandboxes/{id}",
    "/v2/sandboxes/{id}",
    *(
        f"/sandboxes/{{id}}/{call}"
        for call in (
            "timeout",
            "refreshes",
            "connect",
            "pause",
            "resume",
            "fork",
            "snapshots",
            "network",
            "metrics",
            "logs",
            "unknown",
        )
    ),
    *(f"/v2/sandboxes/{{id}}/{call}" for call in ("connect", "logs", "timeout", "metrics")),
    "/sandboxes/{id}-6532622b",
    "/sandboxes/{id}-6532622b/connect",
    "/v2/sandboxes/{id}-6532622b/connect",
    "/sandboxes/metrics?sandbox_ids={id}",
    "/snapshots?sandboxID={id}",
    "/templates/{id}",
    "/v1/executions/{id}",
]
BODIES = {"none": b"", "a timeout": b'{"timeout": 60, "duration": 60}', "empty": b"{}", "broken": b"{"}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("path", CONTROL_PATHS)
def test_the_control_plane(caller: Caller, tenants, theirs: list[Owned], path: str, body: str) -> None:
    mine = {"x-api-key": tenants[1].token, "content-type": "application/json"}
    for method in METHODS:
        replies = [
            seen(caller.send(method, path.format(id=id), mine, BODIES[body]), id) for id in (theirs[0].id, NOWHERE)
        ]
        assert replies[0] == replies[1], method
        assert theirs[0].daemon.encode() not in replies[0][2]
    assert_untouched(caller, tenants[0], theirs[0])


def assert_untouched(caller: Caller, owner: Tenant, sandbox: Owned) -> None:
    reply = caller.send("GET", f"/sandboxes/{sandbox.id}", {"x-api-key": owner.token})
    assert (reply.status_code, reply.json()["state"], reply.json()["metadata"]) == (200, "running", METADATA)


def test_the_control_plane_answers_the_owner(caller: Caller, tenants, theirs: list[Owned]) -> None:
    """What was asked for above is there to be had, by whoever may."""
    owner = {"x-api-key": tenants[0].token}
    for method, path, body, status in (
        ("GET", "/sandboxes/{id}", b"", 200),
        ("GET", "/sandboxes/{id}/metrics", b"", 200),
        ("GET", "/sandboxes/metrics?sandbox_ids={id}", b"", 200),
        ("GET", "/v2/sandboxes/{id}/logs", b"", 200),
        ("POST", "/sandboxes/{id}/timeout", b'{"timeout": 600}', 204),
        ("POST", "/sandboxes/{id}/refreshes", b'{"duration": 60}', 204),
        ("POST", "/v2/sandboxes/{id}/connect", b'{"timeout": 600}', 200),
        ("POST", "/sandboxes/{id}-6532622b/connect", b'{"timeout": 600}', 200),
    ):
        assert caller.send(method, path.format(id=theirs[0].id), owner, body).status_code == status, path


def listed(caller: Caller, tenant: Tenant, path: str) -> tuple[set[str], httpx.Response]:
    reply = caller.send("GET", path, {"x-api-key": tenant.token})
    assert reply.status_code == 200, reply.text
    return {sandbox["sandboxID"] for sandbox in reply.json()}, reply


def test_lists(caller: Caller, tenants, theirs: list[Owned], mine: Owned) -> None:
    """Of the same metadata, of all states, of both versions."""
    owned = {sandbox.id for sandbox in theirs}
    for query in (
        "",
        "?metadata=owner%3Da",
        "?state=running,paused",
        "?state=running",
        "?limit=100&order=asc",
        "?template=code-interpreter-v1",
    ):
        for version in ("/v2", ""):
            assert listed(caller, tenants[0], f"{version}/sandboxes{query}")[0] == owned
            assert listed(caller, tenants[1], f"{version}/sandboxes{query}")[0] == {mine.id}
    assert listed(caller, tenants[0], "/v2/sandboxes")[1].headers["x-total-running"] == "2"
    assert listed(caller, tenants[1], "/v2/sandboxes")[1].headers["x-total-running"] == "1"


def test_a_stolen_cursor(caller: Caller, tenants, theirs: list[Owned], mine: Owned) -> None:
    """It says where to go on in one's own list, and names nothing that anybody could use."""
    for order in ("asc", "desc"):
        ids, reply = listed(caller, tenants[0], f"/v2/sandboxes?limit=1&order={order}")
        cursor = reply.headers["x-next-token"]
        decoded = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)) if cursor.isalnum() else b""
        assert not any(sandbox.id in cursor or sandbox.id.encode() in decoded for sandbox in theirs)
        assert listed(caller, tenants[1], f"/v2/sandboxes?limit=1&order={order}&nextToken={cursor}")[0] <= {mine.id}


def test_measurements_of_many(caller: Caller, tenants, theirs: list[Owned], mine: Owned) -> None:
    ids = [mine.id, theirs[0].id, NOWHERE]
    for order in itertools.permutations(ids):
        reply = caller.send("GET", f"/sandboxes/metrics?sandbox_ids={','.join(order)}", {"x-api-key": tenants[1].token})
        assert reply.status_code == 200
        assert not {theirs[0].id, NOWHERE} & reply.json()["sandboxes"].keys()


def test_a_stolen_idempotency_key(caller: Caller, tenants) -> None:
    """The same key and the same request of another tenant are another sandbox."""
    key = uuid.uuid4().hex
    first, second = (made(caller, tenant, {"from": "a key"}, **{"idempotency-key": key}) for tenant in tenants)
    assert first.id != second.id
    assert not {first.daemon, first.traffic} & {second.daemon, second.traffic}
    for tenant, sandbox in zip(tenants, (first, second), strict=True):
        assert caller.send("DELETE", f"/sandboxes/{sandbox.id}", {"x-api-key": tenant.token}).status_code == 204


# The data plane

PROCEDURES = [
    *(
        f"/process.Process/{name}"
        for name in (
            "Start",
            "Connect",
            "List",
            "SendInput",
            "StreamInput",
            "SendSignal",
            "CloseStdin",
            "Update",
            "Unknown",
        )
    ),
    *(
        f"/filesystem.Filesystem/{name}"
        for name in (
            "Stat",
            "MakeDir",
            "Move",
            "ListDir",
            "Remove",
            "WatchDir",
            "CreateWatcher",
            "GetWatcherEvents",
            "RemoveWatcher",
        )
    ),
]
DATA_PATHS = {
    DAEMON: [
        *PROCEDURES,
        "/health",
        "/files?path=/etc/passwd",
        "/files?path=/tmp/x&username=root",
        "/files",
        "/envs",
        "/metrics",
        "/init",
        "/freeze",
        "/files/compose",
        "/",
        "/a/../health",
        "//health",
    ],
    INTERPRETER: [
        "/execute",
        "/contexts",
        "/contexts/some",
        "/contexts/some/restart",
        "/health",
        "/",
        "/execute/more",
        "/docs",
    ],
    USER_PORT: ["/", "/any/thing?at=all"],
}
PLACES = [
    (port, path, method)
    for port, paths in DATA_PATHS.items()
    for path in paths
    for method in (["GET", "POST"] if path in PROCEDURES else METHODS)
]
STREAM = struct.pack(">BI", 0, 2) + b"{}"


def address(how: str, id: str, port: int) -> dict[str, str]:
    if how == "host":
        return {"host": f"{port}-{id}.{DOMAIN}"}
    headers = {"e2b-sandbox-id": id, "e2b-sandbox-port": str(port)}
    return headers | {"host": f"{port}-{id}.{DOMAIN}"} if how == "both" else headers


def credentials(tenants: tuple[Tenant, Tenant], theirs: list[Owned], mine: Owned) -> dict[str, dict[str, str]]:
    """All that an attacker may have: what is its own, and what it stole of others, which fits another sandbox."""
    return {
        "none": {},
        "own tokens": tokens(mine.daemon, mine.traffic),
        "tokens of their other sandbox": tokens(theirs[1].daemon, theirs[1].traffic),
        "random tokens": tokens("0" * 64, "f" * 64),
        "empty tokens": tokens("", ""),
        "own key": {"x-api-key": tenants[1].token, "authorization": f"Bearer {tenants[1].token}"},
        "own key as tokens": tokens(tenants[1].token, tenants[1].token),
        "a user's name": {"authorization": "Basic cm9vdDo="},
    }


def tokens(daemon: str, traffic: str) -> dict[str, str]:
    return {"x-access-token": daemon, "e2b-traffic-access-token": traffic}


CREDENTIALS = [
    "none",
    "own tokens",
    "tokens of their other sandbox",
    "random tokens",
    "empty tokens",
    "own key",
    "own key as tokens",
    "a user's name",
]


@pytest.mark.parametrize(
    ("how", "credential"),
    [*itertools.product(["headers", "host"], CREDENTIALS), ("both", "none"), ("both", "own tokens")],
)
def test_the_data_plane(caller: Caller, tenants, theirs: list[Owned], mine: Owned, how: str, credential: str) -> None:
    shown = credentials(tenants, theirs, mine)[credential]
    for port, path, method in PLACES:
        kind = "application/connect+json" if path.endswith(("Start", "Connect", "WatchDir")) else "application/json"
        headers = {"content-type": kind, "connect-protocol-version": "1"} | shown
        body = STREAM if "connect+" in kind else b"{}"
        replies = [
            seen(caller.send(method, path, headers | address(how, id, port), body if method != "GET" else b""), id)
            for id in (theirs[0].id, NOWHERE)
        ]
        assert replies[0] == replies[1], f"{method} {port} {path}"
        assert replies[0][0] in (400, 404, 405, 502), f"{method} {port} {path}: {replies[0]}"


@pytest.mark.parametrize("how", ["headers", "host", "both"])
def test_tokens_are_not_for_each_others_ports(caller: Caller, theirs: list[Owned], how: str) -> None:
    """The daemon's token opens no contexts and no user's port, the traffic token no daemon."""
    sandbox = theirs[0]
    daemon, traffic = {"x-access-token": sandbox.daemon}, {"e2b-traffic-access-token": sandbox.traffic}
    places = [
        *((DAEMON, path, {**traffic, "x-access-token": sandbox.traffic}) for path in DATA_PATHS[DAEMON]),
        *((DAEMON, path, traffic) for path in DATA_PATHS[DAEMON]),
        *((INTERPRETER, path, daemon) for path in ("/contexts", "/contexts/some", "/contexts/some/restart")),
        *((USER_PORT, path, daemon) for path in DATA_PATHS[USER_PORT]),
        *((INTERPRETER, path, tokens(sandbox.traffic, sandbox.daemon)) for path in DATA_PATHS[INTERPRETER]),
    ]
    for (port, path, shown), method in itertools.product(places, METHODS):
        replies = [seen(caller.send(method, path, shown | address(how, id, port)), id) for id in (sandbox.id, NOWHERE)]
        assert replies[0] == replies[1], f"{method} {port} {path}"


@pytest.mark.parametrize("how", ["headers", "host", "both"])
def test_the_data_plane_answers_the_owner(caller: Caller, theirs: list[Owned], how: str) -> None:
    sandbox = theirs[0]
    shown = tokens(sandbox.daemon, sandbox.traffic) | {"content-type": "application/json"}
    for port, method, path, body, status in (
        (DAEMON, "GET", "/health", b"", 204),
        (DAEMON, "POST", "/process.Process/List", b"{}", 200),
        (DAEMON, "POST", "/filesystem.Filesystem/ListDir", b'{"path": "/home/user", "depth": 1}', 200),
        (DAEMON, "GET", "/files?path=/etc/hosts", b"", 200),
        (INTERPRETER, "GET", "/contexts", b"", 200),
        (INTERPRETER, "POST", "/execute", b'{"code": "1"}', 200),
    ):
        reply = caller.send(method, path, shown | address(how, sandbox.id, port), body)
        assert reply.status_code == status, f"{path}: {reply.text}"


def test_addresses_that_disagree(caller: Caller, theirs: list[Owned], mine: Owned) -> None:
    """The name of one's own sandbox with another's headers, and the other way round, with the tokens of either."""
    for shown in (tokens(mine.daemon, mine.traffic), tokens(theirs[0].daemon, theirs[0].traffic)):
        for host_of, headers_of in ((lambda id: mine.id, lambda id: id), (lambda id: id, lambda id: mine.id)):
            replies = [
                seen(
                    caller.send(
                        "GET",
                        "/health",
                        shown | address("headers", headers_of(id), DAEMON) | address("host", host_of(id), DAEMON),
                    ),
                    id,
                )
                for id in (theirs[0].id, NOWHERE)
            ]
            assert replies[0] == replies[1]
            assert replies[0][0] == 400


# Signed URLs


def signed(path: str, operation: str, token: str, *, user: str = "", expiration: int | None = None) -> str:
    """As the SDK makes them."""
    text = f"{path}:{operation}:{user}:{token}" + (f":{expiration}" if expiration else "")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    query = {"path": path, "signature": f"v1_{digest}"}
    if user:
        query["username"] = user
    if expiration:
        query["signature_expiration"] = str(expiration)
    return f"/files?{httpx.QueryParams(query)}"


@pytest.mark.parametrize("how", ["headers", "host", "both"])
def test_signed_urls(caller: Caller, theirs: list[Owned], mine: Owned, how: str) -> None:
    for token in (mine.daemon, mine.traffic, theirs[0].traffic, theirs[1].daemon, "", "0" * 64):
        for operation, end, user in itertools.product(("read", "write"), (None, 4_102_444_800, 1), ("", "root")):
            url = signed("/etc/passwd", operation, token, user=user, expiration=end)
            for method in ("GET", "POST", "HEAD"):
                replies = [
                    seen(caller.send(method, url, address(how, id, DAEMON)), id) for id in (theirs[0].id, NOWHERE)
                ]
                assert replies[0] == replies[1], f"{method} {operation} {end} {user}"


def test_signed_urls_without_an_address(caller: Caller, theirs: list[Owned], mine: Owned) -> None:
    """Each opens the sandbox whose token made it, and none else: the home folders differ."""
    for sandbox, name in ((theirs[0], "theirs"), (mine, "mine")):
        shown = tokens(sandbox.daemon, sandbox.traffic) | address("headers", sandbox.id, DAEMON)
        sent = shown | {"content-type": "application/octet-stream"}
        assert caller.send("POST", "/files?path=/home/user/whose", sent, name.encode()).status_code == 200
    for sandbox, name in ((theirs[0], "theirs"), (mine, "mine")):
        assert caller.send("GET", signed("/home/user/whose", "read", sandbox.daemon), {}).text == name
    ended = re.sub("v1_.", "v1_!", signed("/home/user/whose", "read", theirs[0].daemon))
    assert seen(caller.send("GET", ended, {}), "-") == seen(
        caller.send("GET", signed("/home/user/whose", "read", "0" * 64), {}), "-"
    )
