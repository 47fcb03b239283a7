"""Calls to the sandboxes that tenants drive themselves: what crosses, who may, and that nothing is held back or lost."""

import base64
import hashlib
import http.client
import json
import queue
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from conftest import NewGateway
from harness.client import KEEP_ALL
from harness.gateway import Gateway, Tenant
from harness.ports import DAEMON, INTERPRETER, REAL_ENVD, REAL_TRAFFIC, OwnSandbox, PortExchange, Ports, echo
from harness.service import resident_bytes
from harness.waiting import eventually

DOMAIN = "gateway.test"
ROOM = ("--sandboxes", "50", "--rate", "1000/s", "--burst", "1000")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Ports]:
    with Ports() as ports:
        yield ports


@pytest.fixture(scope="module")
def gateway(upstream: Ports, session_gateway: NewGateway) -> Gateway:
    return session_gateway(upstream.origin, GATEWAY_DOMAIN=DOMAIN)


@pytest.fixture
def ports(upstream: Ports) -> Iterator[Ports]:
    upstream.behave()
    yield upstream
    upstream.behave()


@pytest.fixture
def tenant(gateway: Gateway) -> Tenant:
    return gateway.tenant(*ROOM)


@pytest.fixture
def sandbox(ports: Ports, tenant: Tenant) -> OwnSandbox:
    return OwnSandbox(tenant)


def arrival(ports: Ports):
    return ports.arrived.get(timeout=20)


def not_found(reply: httpx.Response, sandbox_id: str) -> None:
    assert reply.status_code == 502
    assert reply.headers["should-retry"] == "false"
    assert reply.json() == {"sandboxId": sandbox_id, "message": "The sandbox was not found", "code": 502}


# What crosses


@pytest.mark.parametrize(
    ("method", "path", "port", "envd", "traffic"),
    [
        ("GET", "/health", DAEMON, REAL_ENVD, None),
        ("POST", "/process.Process/List", DAEMON, REAL_ENVD, None),
        ("POST", "/process.Process/Start", DAEMON, REAL_ENVD, None),
        ("POST", "/execute", INTERPRETER, REAL_ENVD, REAL_TRAFFIC),
        ("POST", "/contexts", INTERPRETER, None, REAL_TRAFFIC),
        ("DELETE", "/contexts/abc-1", INTERPRETER, None, REAL_TRAFFIC),
        ("POST", "/contexts/abc-1/restart", INTERPRETER, None, REAL_TRAFFIC),
        ("GET", "/health", INTERPRETER, None, REAL_TRAFFIC),
    ],
)
def test_upstream_gets_its_own_tokens_and_no_others(
    ports: Ports, sandbox: OwnSandbox, method: str, path: str, port: int, envd: str | None, traffic: str | None
) -> None:
    more = {
        "cookie": "a=b", "x-api-key": sandbox.api_token, "x-forwarded-for": "192.0.2.1", "via": "1.1 x",
        "connect_protocol_version": "1", "keepalive_ping_interval": "50",
    }
    reply = sandbox.call(method, path, port, more, **({"content": b"{}"} if method == "POST" else {}))
    assert reply.status_code == 200, reply.text
    seen = arrival(ports)
    assert (seen.method, seen.target) == (method, path)
    assert (seen.headers.get("x-access-token"), seen.headers.get("e2b-traffic-access-token")) == (envd, traffic)
    assert (seen.headers["e2b-sandbox-id"], seen.headers["e2b-sandbox-port"]) == (sandbox.id, str(port))
    assert seen.headers["connect-protocol-version"] == "1" and seen.headers["keepalive-ping-interval"] == "50"
    assert not {"cookie", "x-api-key", "x-forwarded-for", "via"} & seen.headers.keys()
    told = json.dumps(seen.headers)
    for secret in (sandbox.envd, sandbox.traffic, sandbox.api_token):
        assert secret not in told


def test_bodies_queries_and_encodings_cross_as_they_are(ports: Ports, sandbox: OwnSandbox) -> None:
    body = bytes(range(256)) * 700
    headers = {
        "content-type": "application/octet-stream", "content-encoding": "gzip", "authorization": "Basic cm9vdDo=",
        "x-metadata-owner": "me", "range": "bytes=0-9", "accept-encoding": "gzip",
    }

    def answer(exchange: PortExchange) -> None:
        exchange.read_body()
        exchange.whole(206, b"\x1f\x8bnot really", Content_Encoding="gzip", Content_Range="bytes 0-9/100", ETag='"x"',
                       Set_Cookie="a=b", Server="edge", Via="1.1 edge", Alt_Svc="h3")

    ports.answer = answer
    with httpx.Client(base_url=sandbox.gateway.url, trust_env=False) as client:
        request = client.build_request(
            "POST", "/files?path=%2Fa%20b+c&username=root", headers=sandbox.headers() | headers, content=body)
        reply = client.send(request, stream=True)
        raw = b"".join(reply.iter_raw())
    seen = arrival(ports)
    assert seen.target == "/files?path=%2Fa%20b+c&username=root" and seen.body == body
    assert {name: seen.headers[name] for name in headers} == headers
    assert seen.headers["content-length"] == str(len(body))
    assert reply.status_code == 206 and raw == b"\x1f\x8bnot really"
    assert reply.headers["content-encoding"] == "gzip" and reply.headers["content-range"] == "bytes 0-9/100"
    assert reply.headers["etag"] == '"x"' and "content-type" not in reply.headers
    assert not {"set-cookie", "server", "via", "alt-svc"} & reply.headers.keys()
    assert reply.headers["x-request-id"]


def test_a_host_name_is_an_address_too(ports: Ports, sandbox: OwnSandbox) -> None:
    host = f"{DAEMON}-{sandbox.id.upper()}.{DOMAIN}:8443"
    reply = httpx.get(
        f"{sandbox.gateway.url}/files?path=x", headers={"host": host, "x-access-token": sandbox.envd}, trust_env=False)
    assert reply.status_code == 200
    assert arrival(ports).target == "/files?path=x"
    # Whatever the path is called there.
    reply = httpx.get(
        f"{sandbox.gateway.url}/v1/usage", headers={"host": host, "x-access-token": sandbox.envd}, trust_env=False)
    assert (reply.status_code, reply.json()) == (404, {"code": 404, "message": "not found"})
    disagreeing = {"host": host, "x-access-token": sandbox.envd, "e2b-sandbox-id": "iother"}
    reply = httpx.get(f"{sandbox.gateway.url}/health", headers=disagreeing, trust_env=False)
    assert (reply.status_code, reply.text) == (400, "the routing headers do not agree with the host name")


def test_half_an_address(sandbox: OwnSandbox) -> None:
    reply = sandbox.call("GET", "/health", headers={"e2b_sandbox_port": None})
    assert (reply.status_code, reply.text) == (400, "missing E2b-Sandbox-Port header")
    reply = sandbox.call("GET", "/health", headers={"e2b_sandbox_id": None})
    assert (reply.status_code, reply.text) == (400, "missing E2b-Sandbox-Id header")


def test_routing_headers_do_not_divert_the_gateways_own_calls(sandbox: OwnSandbox) -> None:
    reply = sandbox.call("GET", "/v1/whoami", headers={"x_api_key": sandbox.api_token})
    assert (reply.status_code, reply.json()["tenant"]) == (200, sandbox.tenant.name)
    assert sandbox.call("DELETE", f"/sandboxes/{sandbox.id}", headers={"x_api_key": sandbox.api_token}).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "port"),
    [
        ("POST", "/init", DAEMON), ("POST", "/freeze", DAEMON), ("GET", "/files/../init", DAEMON),
        ("GET", "/%2e%2e/files", DAEMON), ("GET", "//files", DAEMON), ("GET", "/files%2F", DAEMON),
        ("DELETE", "/files", DAEMON), ("GET", "/docs", INTERPRETER), ("POST", "/contexts/a/b", INTERPRETER),
    ],
)
def test_what_is_not_offered_is_not_there(
    ports: Ports, sandbox: OwnSandbox, method: str, path: str, port: int
) -> None:
    connection = http.client.HTTPConnection(sandbox.gateway.url.removeprefix("http://"), timeout=20)
    connection.request(method, path, headers=sandbox.headers(port))  # httpx would tidy the path up
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())) == (404, {"code": 404, "message": "not found"})
    assert ports.arrivals == []


# Who may


def test_nobody_learns_of_sandboxes_that_are_not_theirs(
    gateway: Gateway, ports: Ports, sandbox: OwnSandbox, tenant: Tenant
) -> None:
    other = OwnSandbox(gateway.tenant(*ROOM))
    ended = OwnSandbox(tenant)
    assert ended.kill() == 204
    calls = [("GET", "/health", DAEMON), ("POST", "/process.Process/List", DAEMON), ("POST", "/execute", INTERPRETER),
             ("GET", "/contexts", INTERPRETER), ("GET", "/files?path=a", DAEMON), ("GET", "/", 8000)]
    wrong = {"x_access_token": "0" * 64, "e2b_traffic_access_token": "0" * 64}
    none = {"x_access_token": None, "e2b_traffic_access_token": None}
    ours = {"x_access_token": sandbox.envd, "e2b_traffic_access_token": sandbox.traffic}
    swapped = {"x_access_token": sandbox.traffic, "e2b_traffic_access_token": sandbox.envd}
    for method, path, port in calls:
        for headers in (wrong, none, swapped):
            not_found(sandbox.call(method, path, port, headers), sandbox.id)
        for target in (other.id, ended.id, "i" + "9" * 20):
            not_found(sandbox.call(method, path, port, ours | {"e2b_sandbox_id": target}), target)
        not_found(ended.call(method, path, port), ended.id)
    assert ports.arrivals == []


def test_a_refusal_says_nothing_but_the_id_it_was_given(sandbox: OwnSandbox, gateway: Gateway) -> None:
    """Byte for byte but for the request's id and the time."""
    other = OwnSandbox(gateway.tenant(*ROOM))

    def told(target: str) -> tuple:
        reply = sandbox.call("GET", "/health", headers={"e2b_sandbox_id": target})
        headers = {name: value for name, value in reply.headers.items() if name not in ("x-request-id", "date")}
        return reply.status_code, headers, reply.text.replace(target, "ID")

    assert told(other.id) == told("i" + "9" * 20)


def test_execute_takes_either_token_and_contexts_one(ports: Ports, sandbox: OwnSandbox) -> None:
    no_envd, no_traffic = {"x_access_token": None}, {"e2b_traffic_access_token": None}
    for headers in (no_envd, no_traffic):
        assert sandbox.call("POST", "/execute", INTERPRETER, headers, content=b"{}").status_code == 200
    assert sandbox.call("GET", "/contexts", INTERPRETER, no_envd).status_code == 200
    not_found(sandbox.call("GET", "/contexts", INTERPRETER, no_traffic), sandbox.id)


def test_a_sandbox_lives_by_the_token_that_made_it(gateway: Gateway, tenant: Tenant, ports: Ports) -> None:
    def narrowed(*caveats: str) -> OwnSandbox:
        done = gateway.run("token", "narrow", *caveats, GATEWAY_TOKEN=tenant.token)
        token = done.stdout.strip()
        gateway.secrets.add(token)
        return OwnSandbox(tenant, token)

    local = narrowed("--source", "127.0.0.0/8")
    assert local.call("GET", "/health").status_code == 200
    elsewhere = local.call("GET", "/health", headers={"x_forwarded_for": "198.51.100.7"})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, 403)
    assert "address" in elsewhere.json()["message"]
    # Who has not got the sandbox's token is not told even that.
    not_found(
        local.call("GET", "/health", headers={"x_forwarded_for": "198.51.100.7", "x_access_token": "0" * 64}), local.id)


def test_a_revoked_key_closes_what_it_made(gateway: Gateway, ports: Ports) -> None:
    tenant = gateway.tenant(*ROOM)
    sandbox = OwnSandbox(tenant)
    ports.answer = lambda exchange: (exchange.begin(), exchange.chunk(b"on"), exchange.wait_for_departure())
    with sandbox.stream("POST", "/process.Process/Connect") as stream:
        pieces = stream.iter_raw()
        assert next(pieces) == b"on"
        gateway.command("key", "revoke", tenant.key_id)
        with pytest.raises(httpx.TransportError):
            next(pieces)
    not_found(sandbox.call("GET", "/health"), sandbox.id)


def test_a_suspended_tenants_sandboxes_answer_nobody(gateway: Gateway, ports: Ports) -> None:
    tenant = gateway.tenant(*ROOM)
    sandbox = OwnSandbox(tenant)
    gateway.command("tenant", "suspend", tenant.name, "--yes", "--let-running-finish")
    reply = sandbox.call("GET", "/health")
    assert (reply.status_code, reply.json()["message"]) == (403, "The tenant is suspended.")
    assert ports.arrivals == []


# As it comes


def test_an_answer_is_passed_on_as_it_comes(ports: Ports, sandbox: OwnSandbox) -> None:
    go_on: queue.Queue[bytes | None] = queue.Queue()

    def answer(exchange: PortExchange) -> None:
        exchange.begin(Content_Type="application/connect+json")
        while piece := go_on.get(timeout=20):
            exchange.chunk(piece)
        exchange.end()

    ports.answer = answer
    with sandbox.stream("POST", "/process.Process/Connect", content=b"\0\0\0\0\2{}") as stream:
        assert stream.headers["content-type"] == "application/connect+json"
        pieces = stream.iter_raw()
        for word in (b"first", b"keepalive", b"last"):
            go_on.put(word)
            assert next(pieces) == word
        go_on.put(None)
        assert list(pieces) == []


def test_both_directions_flow_at_once(ports: Ports, sandbox: OwnSandbox) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin()
        for piece in exchange.pieces():
            exchange.chunk(piece.upper())
        exchange.end()

    ports.answer = answer
    connection = sandbox.begin("POST", "/process.Process/StreamInput", "Transfer-Encoding: chunked")
    reader = connection.makefile("rb")
    assert b" 200 " in reader.readline()
    while reader.readline().strip():
        pass
    for word in (b"one", b"two", b"three"):
        connection.sendall(b"%x\r\n%s\r\n" % (len(word), word))
        assert int(reader.readline(), 16) == len(word)
        assert reader.readline() == word.upper() + b"\r\n"
    connection.sendall(b"0\r\n\r\n")
    assert reader.readline() == b"0\r\n"
    assert ports.arrivals[0].headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("length", [None, 1000])
def test_an_answer_that_breaks_off_is_never_taken_for_whole(
    ports: Ports, sandbox: OwnSandbox, length: int | None
) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin(length=length)
        exchange.wfile.write(b"some") if length else exchange.chunk(b"some")
        exchange.break_off()

    ports.answer = answer
    with (
        pytest.raises(httpx.RemoteProtocolError, match="incomplete|peer closed"),
        sandbox.stream("GET", "/files?path=x") as stream,
    ):
        assert b"".join(stream.iter_raw()) == b"never"


def test_a_caller_that_leaves_is_missed_upstream_at_once(ports: Ports, sandbox: OwnSandbox) -> None:
    seen: queue.Queue[bool] = queue.Queue()

    def silent(exchange: PortExchange) -> None:
        seen.put(exchange.wait_for_departure())

    def talking(exchange: PortExchange) -> None:
        exchange.begin()
        exchange.chunk(b"on")
        seen.put(exchange.wait_for_departure())

    ports.answer = silent  # before the head
    connection = sandbox.begin("POST", "/process.Process/Connect", "Content-Length: 0")
    arrival(ports)
    connection.close()
    assert seen.get(timeout=20), "the gateway kept the connection"

    ports.answer = talking  # in the middle of the answer
    with sandbox.stream("POST", "/process.Process/Connect") as stream:
        assert next(stream.iter_raw()) == b"on"
    assert seen.get(timeout=20), "the gateway kept the connection"


def test_an_upload_that_breaks_off_is_never_taken_for_whole(ports: Ports, sandbox: OwnSandbox) -> None:
    ended: queue.Queue[str] = queue.Queue()

    def answer(exchange: PortExchange) -> None:
        exchange.close_connection = True
        try:
            exchange.read_body()
            ended.put("whole")
        except (ConnectionError, ValueError):
            ended.put("broken")

    ports.answer = answer
    connection = sandbox.begin("POST", "/files?path=x", "Transfer-Encoding: chunked")
    connection.sendall(b"5\r\nsome \r\n")
    arrival(ports)
    connection.close()
    assert ended.get(timeout=20) == "broken"


def test_an_upload_that_is_refused_early_hears_why(ports: Ports, sandbox: OwnSandbox) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.whole(507, b'{"code":507,"message":"no space"}', Content_Type="application/json")
        exchange.linger()

    ports.answer = answer
    reply = sandbox.call("POST", "/files?path=x", content=(bytes(1 << 16) for _ in range(64)))
    assert (reply.status_code, reply.json()["code"]) == (507, 507)


def test_what_ends_the_sandbox_cuts_its_calls(ports: Ports, sandbox: OwnSandbox) -> None:
    gone: queue.Queue[bool] = queue.Queue()

    def answer(exchange: PortExchange) -> None:
        exchange.begin()
        exchange.chunk(b"on")
        gone.put(exchange.wait_for_departure())

    ports.answer = answer
    with sandbox.stream("POST", "/process.Process/Connect") as stream:
        pieces = stream.iter_raw()
        assert next(pieces) == b"on"
        assert sandbox.kill() == 204
        with pytest.raises(httpx.TransportError):
            next(pieces)
    assert gone.get(timeout=20)
    not_found(sandbox.call("GET", "/health"), sandbox.id)


# Memory

MEGABYTE = 1 << 20
# What the allocator keeps varies with the machine's load; wrong would be to hold much of this.
LARGE = 200 * MEGABYTE


def growth(gateway: Gateway, during: threading.Thread) -> int:
    before = highest = resident_bytes(gateway.service.pid)
    during.start()
    while during.is_alive():
        highest = max(highest, resident_bytes(gateway.service.pid))
        during.join(0.05)
    return highest - before


def test_a_slow_reader_holds_the_sandbox_back(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    sent = 0

    def answer(exchange: PortExchange) -> None:
        nonlocal sent
        exchange.begin(length=LARGE)
        block = bytes(MEGABYTE)
        for _ in range(LARGE // MEGABYTE):
            exchange.wfile.write(block)
            sent += MEGABYTE

    ports.answer = answer
    before = resident_bytes(gateway.service.pid)
    with sandbox.stream("GET", "/files?path=x") as stream:
        pieces = stream.iter_raw()
        next(pieces)
        # Until nothing moves any more: what is under way then lies in the sockets' buffers.
        last = -1
        while sent != last:
            last = sent
            time.sleep(0.5)
        assert sent < LARGE // 2, "nobody held the sandbox back"
        assert resident_bytes(gateway.service.pid) - before < 32 * MEGABYTE
        received = sum(map(len, pieces))
    assert received > LARGE - MEGABYTE
    assert resident_bytes(gateway.service.pid) - before < 128 * MEGABYTE


def test_a_slow_sandbox_holds_the_upload_back(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    go_on = threading.Event()
    received = 0

    def answer(exchange: PortExchange) -> None:
        nonlocal received
        go_on.wait(60)
        for piece in exchange.pieces():
            received += len(piece)
        exchange.whole(200, b"[]")

    ports.answer = answer
    given = 0

    def source() -> Iterator[bytes]:
        nonlocal given
        block = bytes(MEGABYTE)
        for _ in range(LARGE // MEGABYTE):
            given += MEGABYTE
            yield block

    before = resident_bytes(gateway.service.pid)
    replies: list[httpx.Response] = []
    uploading = threading.Thread(
        target=lambda: replies.append(sandbox.call("POST", "/files?path=x", content=source())))
    uploading.start()
    last = -1
    while given == 0 or given != last:
        last = given
        time.sleep(0.5)
    assert given < LARGE // 2, "nobody held the caller back"
    assert resident_bytes(gateway.service.pid) - before < 32 * MEGABYTE
    go_on.set()
    uploading.join(120)
    assert replies[0].status_code == 200 and received == LARGE
    assert resident_bytes(gateway.service.pid) - before < 128 * MEGABYTE


def test_many_open_streams(ports: Ports, gateway: Gateway, tenant: Tenant) -> None:
    """Two sandboxes with 150 streams each; each sandbox has room for 256."""

    def answer(exchange: PortExchange) -> None:
        exchange.begin()
        exchange.chunk(b"on")
        exchange.hang()

    ports.answer = answer
    sandboxes = [OwnSandbox(tenant), OwnSandbox(tenant)]
    before = resident_bytes(gateway.service.pid)
    connections = []
    try:
        for number in range(300):
            connections.append(
                sandboxes[number % 2].begin("POST", "/process.Process/Connect", "Content-Length: 0"))
        for connection in connections:
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert resident_bytes(gateway.service.pid) - before < 120 * MEGABYTE
    finally:
        for connection in connections:
            connection.close()


def test_calls_at_once_are_bounded(ports: Ports, tenant: Tenant) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.begin()
        exchange.chunk(b"on")
        exchange.hang()

    ports.answer = answer
    sandbox = OwnSandbox(tenant)
    connections = []
    try:
        for _ in range(256):
            connections.append(sandbox.begin("POST", "/process.Process/Connect", "Content-Length: 0"))
        for connection in connections:
            assert connection.recv(12) == b"HTTP/1.1 200"
        reply = sandbox.call("GET", "/health")
        assert (reply.status_code, reply.json()["code"]) == (429, 429)
        connections.pop().close()
        ports.answer = echo
        eventually(lambda: sandbox.call("GET", "/health").status_code == 200, within=20, what="one has left")
    finally:
        for connection in connections:
            connection.close()


def test_calls_are_limited_by_tenant(ports: Ports, gateway: Gateway) -> None:
    sandbox, other = OwnSandbox(gateway.tenant(*ROOM)), OwnSandbox(gateway.tenant(*ROOM))
    with httpx.Client(base_url=gateway.url, trust_env=False, limits=KEEP_ALL) as client:
        statuses: set[int] = set()
        headers = sandbox.headers() | {"x-access-token": sandbox.envd}

        def flood() -> None:
            while 429 not in statuses:
                reply = client.get("/health", headers=headers)
                statuses.add(reply.status_code)
                if reply.status_code == 429:
                    assert reply.json()["code"] == 429 and reply.headers["retry-after"] == "1"

        threads = [threading.Thread(target=flood, daemon=True) for _ in range(16)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        for thread in threads:
            thread.join(max(0, until - time.monotonic()))
        if 429 not in statuses:
            pytest.skip("this machine is too slow to exceed 200 calls a second")
    assert other.call("GET", "/health").status_code == 200


# What upstream does wrong


@pytest.mark.parametrize(
    ("status", "body", "told", "message"),
    [
        (502, {"sandboxId": "x", "message": "The sandbox was not found", "code": 502}, 502, "The sandbox was not found"),
        (502, {"message": "node 10.1.2.3 is down", "code": 502}, 502, "The sandbox could not be reached"),
        (503, {"message": "at https://edge.example"}, 502, "The sandbox could not be reached"),
        (504, {}, 504, "The sandbox did not answer in time"),
        (429, {"message": "team fleet is over its cap", "code": 429}, 429, "The sandbox cloud is busy"),
    ],
)
def test_what_the_edge_says_is_told_in_words_of_ours(
    ports: Ports, sandbox: OwnSandbox, status: int, body: dict, told: int, message: str
) -> None:
    ports.answer = lambda exchange: exchange.whole(status, json.dumps(body).encode(), Content_Type="application/json")
    reply = sandbox.call("GET", "/health")
    assert (reply.status_code, reply.json()) == (told, {"sandboxId": sandbox.id, "message": message, "code": told})


def test_what_the_daemon_says_is_passed_on(ports: Ports, sandbox: OwnSandbox) -> None:
    for status in (400, 401, 404, 409, 500, 507):
        body = {"code": status, "message": "of the daemon's own"}
        ports.answer = lambda exchange, status=status, body=body: exchange.whole(status, json.dumps(body).encode())
        reply = sandbox.call("GET", "/files?path=x")
        assert (reply.status_code, reply.json()) == (status, body)


def test_an_upstream_that_is_not_there(session_gateway: NewGateway) -> None:
    with Ports() as ports:
        gateway = session_gateway(ports.origin)
        sandbox = OwnSandbox(gateway.tenant(*ROOM))
    reply = sandbox.call("GET", "/health")
    assert reply.status_code == 502, reply.text
    assert reply.json()["message"] == "The sandbox could not be reached"
    assert reply.headers["should-retry"] == "false" and ports.origin not in reply.text


# Bodies that start something


def test_what_starts_code_may_be_as_large_as_the_policy_says(ports: Ports, gateway: Gateway) -> None:
    sandbox = OwnSandbox(gateway.tenant(*ROOM, "--body-bytes", "2000"))
    assert sandbox.call("POST", "/execute", INTERPRETER, content=bytes(2000)).status_code == 200
    reply = sandbox.call("POST", "/execute", INTERPRETER, content=bytes(2001))
    assert (reply.status_code, reply.json()) == (413, {"code": 413, "message": "The body may have up to 2000 bytes."})
    assert sandbox.call("POST", "/files?path=x", content=bytes(100_000)).status_code == 200, "files are bound by nothing"


# Signed URLs


def signed(sandbox: OwnSandbox, operation: str, path: str, *, user: str = "", ends: int | None = None) -> dict[str, str]:
    message = f"{path}:{operation}:{user}:{sandbox.envd}" + (f":{ends}" if ends else "")
    signature = "v1_" + base64.b64encode(hashlib.sha256(message.encode()).digest()).decode().rstrip("=")
    query = {"path": path, "signature": signature}
    return query | ({"username": user} if user else {}) | ({"signature_expiration": str(ends)} if ends else {})


def test_a_signed_url_stands_for_the_token(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    OwnSandbox(sandbox.tenant)  # not the only one
    path, ends = "/home/user/ä b.txt", int(time.time()) + 600
    query = signed(sandbox, "read", path, user="root", ends=ends)
    named = {"e2b-sandbox-id": sandbox.id, "e2b-sandbox-port": str(DAEMON)}
    hosted = {"host": f"{DAEMON}-{sandbox.id}.{DOMAIN}"}
    for headers in ({}, named, hosted):
        reply = httpx.get(f"{gateway.url}/files", params=query, headers=headers, trust_env=False)
        assert reply.status_code == 200, reply.text
        seen = arrival(ports)
        assert seen.headers["x-access-token"] == REAL_ENVD and seen.headers["e2b-sandbox-id"] == sandbox.id
        assert "signature" not in seen.target and "username=root" in seen.target
    reply = httpx.post(
        f"{gateway.url}/files", params=signed(sandbox, "write", "x"), content=b"content", trust_env=False)
    assert reply.status_code == 200 and arrival(ports).body == b"content"


def test_a_signature_that_does_not_hold(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    good = signed(sandbox, "read", "a")
    named = {"e2b-sandbox-id": sandbox.id, "e2b-sandbox-port": str(DAEMON)}
    for query in (good | {"path": "b"}, good | {"username": "root"}, good | {"signature": "v1_x"}):
        not_found(httpx.get(f"{gateway.url}/files", params=query, headers=named, trust_env=False), sandbox.id)
        not_found(httpx.get(f"{gateway.url}/files", params=query, trust_env=False), "")
    not_found(httpx.post(f"{gateway.url}/files", params=good, headers=named, trust_env=False), sandbox.id)
    late = signed(sandbox, "read", "a", ends=int(time.time()) - 1)
    reply = httpx.get(f"{gateway.url}/files", params=late, trust_env=False)
    assert (reply.status_code, reply.json()) == (401, {"code": 401, "message": "signature is already expired"})
    # A token that is there must be right, whatever is signed.
    wrong = named | {"x-access-token": "0" * 64}
    not_found(httpx.get(f"{gateway.url}/files", params=good, headers=wrong, trust_env=False), sandbox.id)
    assert ports.arrivals == []


def test_guessing_signatures_is_slowed_down(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    source = {"x-forwarded-for": "198.51.100.99"}
    guess = signed(sandbox, "read", "a") | {"signature": "v1_guess"}
    with httpx.Client(base_url=gateway.url, trust_env=False, headers=source) as client:
        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 500:  # what is allowed grows with time
            statuses.append(client.get("/files", params=guess).status_code)
        assert set(statuses[:60]) == {502} and statuses[-1] == 429
        assert client.get("/files", params=signed(sandbox, "read", "a")).status_code == 200


# Ports of the tenant's own


def test_user_ports_are_closed_unless_the_policy_opens_them(ports: Ports, gateway: Gateway) -> None:
    tenant = gateway.tenant(*ROOM)
    sandbox = OwnSandbox(tenant)
    reply = sandbox.call("GET", "/", 8000)
    closed = {"sandboxId": sandbox.id, "message": reply.json()["message"], "port": 8000, "code": 502}
    assert (reply.status_code, reply.json()) == (502, closed)
    assert "port is not open" in closed["message"] and ports.arrivals == []

    gateway.command("quota", "set", tenant.name, "--user-ports", "8000")
    own = {"cookie": "session=1", "authorization": "Bearer of-the-app", "x-anything": "y", "x-access-token": "of-the-app"}
    reply = sandbox.call("PUT", "/any//path%2Fx?at=all", 8000, own, content=b"body")
    assert (reply.status_code, reply.content) == (200, b"body")
    seen = arrival(ports)
    assert (seen.method, seen.target) == ("PUT", "/any//path%2Fx?at=all")
    assert seen.headers["cookie"] == "session=1" and seen.headers["authorization"] == "Bearer of-the-app"
    assert seen.headers["e2b-traffic-access-token"] == REAL_TRAFFIC and "x-access-token" not in seen.headers
    not_found(sandbox.call("GET", "/", 8000, {"e2b_traffic_access_token": None}), sandbox.id)
    assert sandbox.call("GET", "/", 8001).json()["port"] == 8001

    ports.answer = lambda exchange: exchange.whole(
        502, json.dumps({"sandboxId": "x", "message": "The sandbox is running but port is not open", "port": 8000,
                         "code": 502}).encode(), Content_Type="application/json")
    assert sandbox.call("GET", "/", 8000).json() == closed, "what nobody listens at looks like what is not opened"
    ports.answer = lambda exchange: exchange.whole(502, b'{"of":"the app"}', Content_Type="application/json")
    assert sandbox.call("GET", "/", 8000).json() == {"of": "the app"}

    reply = sandbox.call("GET", "/", 8000, {"connection": "Upgrade", "upgrade": "websocket"})
    assert (reply.status_code, reply.json()["code"]) == (501, 501)


# What is recorded


def records(gateway: Gateway, sandbox: OwnSandbox, action: str) -> list[dict]:
    found = gateway.json_command("audit", "search", "--tenant", sandbox.tenant.name, "--action", action, "--limit", "1000")
    return [record["record"] for record in found]


def test_code_and_processes_are_recorded_before_they_start(
    ports: Ports, gateway: Gateway, sandbox: OwnSandbox
) -> None:
    def answer(exchange: PortExchange) -> None:
        exchange.read_body()
        starts = records(gateway, sandbox, "sandbox.code_started") + records(gateway, sandbox, "sandbox.process_started")
        exchange.whole(200, json.dumps(starts).encode())

    ports.answer = answer
    body = b'{"code":"1+1"}'
    known = sandbox.call("POST", "/execute", INTERPRETER, {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}, content=body)
    (start,) = known.json()
    assert start["action"] == "sandbox.code_started" and start["sandbox"] == sandbox.id
    assert start["body_bytes"] == len(body) and len(start["body_digest"]) == 64
    assert (start["port"], start["path_class"], start["method"]) == (INTERPRETER, "execute", "POST")
    assert (start["tenant"], start["key_id"]) == (sandbox.tenant.name, sandbox.tenant.key_id)
    assert start["source_address"] == "127.0.0.1" and start["trace_id"] == "ab" * 16
    assert start["request_id"] == known.headers["x-request-id"]
    known = sandbox.call("POST", "/process.Process/Start", content=body)
    assert known.json()[-1]["path_class"] == "process.Process/Start"
    assert known.json()[-1]["body_digest"] == start["body_digest"]
    log = gateway.service.log.read_text()
    assert sandbox.envd not in log and sandbox.traffic not in log


def test_other_calls_are_recorded_within_a_second_and_folded(
    ports: Ports, gateway: Gateway, sandbox: OwnSandbox
) -> None:
    for _ in range(5):
        assert sandbox.call("POST", "/files?path=secret-name", content=b"12345").status_code == 200
    assert sandbox.call("GET", "/files?path=secret-name", headers={"range": "bytes=0-"}).status_code == 200

    def all_recorded() -> list[dict]:
        called = [record for record in records(gateway, sandbox, "sandbox.called") if record["path_class"] == "files"]
        return called if sum(record.get("count", 1) for record in called) == 6 else []

    called = eventually(all_recorded, within=10, what="the calls are recorded")
    posts = [record for record in called if record["method"] == "POST"]
    assert sum(record["bytes_in"] for record in posts) == 25 == sum(record["bytes_out"] for record in posts)
    assert all(record["status"] == 200 and record["outcome"] == "completed" for record in called)
    assert all(record["duration_ms"] >= 0 and record["port"] == DAEMON for record in called)
    assert "secret-name" not in json.dumps(called) and "secret-name" not in gateway.service.log.read_text()


def test_what_lasts_is_recorded_while_it_does(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    ports.answer = lambda exchange: (exchange.begin(), exchange.chunk(b"on"), exchange.hang())
    with sandbox.stream("POST", "/filesystem.Filesystem/WatchDir", content=b"{}") as stream:
        pieces = stream.iter_raw()  # held, for a generator that nobody holds closes the connection
        assert next(pieces) == b"on"
        (opened,) = eventually(
            lambda: records(gateway, sandbox, "sandbox.call_opened"), within=10, what="it is recorded while it lasts")
        assert opened["path_class"] == "filesystem.Filesystem/WatchDir" and "outcome" not in opened
    (called,) = eventually(
        lambda: [record for record in records(gateway, sandbox, "sandbox.called") if record["bytes_out"]], within=10,
        what="its end is recorded")
    assert called["outcome"] == "caller_left" and called["request_id"] == opened["request_id"]


def test_refused_calls_are_recorded_and_folded(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    source = "198.51.100.42"
    for number in range(20):
        sandbox.call("GET", "/health", headers={
            "x_access_token": f"{number:064x}", "x_forwarded_for": source, "e2b_sandbox_id": f"i{number:020d}x"})

    def told() -> list[dict]:
        found = gateway.json_command("audit", "search", "--action", "authentication.refused", "--limit", "1000")
        return [record["record"] for record in found if record["record"].get("source_address") == source]

    (record,) = eventually(told, within=10, what="the refusal is recorded")
    assert (record["reason"], record["cause"], record["port"]) == ("invalid-token", "unknown sandbox", DAEMON)
    assert record["path_class"] == "health" and "tenant" not in record

    own = gateway.tenant(*ROOM)
    closed = OwnSandbox(own)
    closed.call("GET", "/", 8000)
    (record,) = eventually(
        lambda: records(gateway, closed, "call.refused"), within=10, what="the tenant's refusal is recorded")
    assert (record["reason"], record["port"], record["path_class"]) == ("not-offered", 8000, "user")


def test_nothing_starts_that_cannot_be_recorded(ports: Ports, gateway: Gateway, sandbox: OwnSandbox) -> None:
    blocker = sqlite3.connect(gateway.ledger, isolation_level=None, timeout=10)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        for method, path, port in (
            ("POST", "/execute", INTERPRETER), ("POST", "/process.Process/Start", DAEMON), ("GET", "/health", DAEMON)
        ):
            reply = sandbox.call(method, path, port, content=b"{}")
            assert (reply.status_code, reply.json()["code"]) == (503, 503), path
        assert ports.arrivals == []
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    eventually(lambda: sandbox.call("GET", "/health").status_code == 200, within=10, what="calls are taken again")


def test_the_books_agree_afterwards(gateway: Gateway, sandbox: OwnSandbox) -> None:
    assert sandbox.call("GET", "/health").status_code == 200
    gateway.command("audit", "verify")
