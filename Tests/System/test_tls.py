"""Callers over TLS: HTTP/2 and HTTP/1.1, certificates good and bad, and ends of every kind."""

import pathlib
import socket
import ssl
from urllib.parse import urlsplit

import h2.events
import httpx
import pytest
from cryptography import x509

from conftest import NewGateway
from harness.certificates import Certificates
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.http2 import HTTP2
from harness.service import resident_bytes
from harness.signing import Signer
from harness.waiting import eventually

SLEEP = "import time\nprint('on', flush=True)\ntime.sleep(25)"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def gateway(session_gateway: NewGateway, certificates: Certificates) -> Gateway:
    return session_gateway(**certificates.settings)


@pytest.fixture
def caller(gateway: Gateway, certificates: Certificates):
    with HTTP2(gateway.url, certificates.context()) as connection:
        yield connection


def connect(gateway: Gateway, context: ssl.SSLContext) -> ssl.SSLSocket:
    address = urlsplit(gateway.url)
    tcp = socket.create_connection((address.hostname, address.port), timeout=20)
    return context.wrap_socket(tcp, server_hostname=address.hostname)


# What is served


@pytest.mark.parametrize(("http2", "version"), [(True, "HTTP/2"), (False, "HTTP/1.1")])
def test_both_versions_are_served(
    gateway: Gateway, certificates: Certificates, tenant: Tenant, http2: bool, version: str
) -> None:
    assert gateway.url.startswith("https://")
    with httpx.Client(verify=certificates.context(), http2=http2, trust_env=False) as client:
        assert client.get(f"{gateway.url}/healthz").http_version == version
    caller = gateway.client(tenant.token, http2=http2)
    assert caller.execute("print(6 * 7)")["output"] == "42\n"
    with caller.stream("print('a')") as stream:
        assert [event["type"] for event in stream] == ["started", "stdout", "finished"]


def test_without_alpn_it_is_http_1(gateway: Gateway, certificates: Certificates) -> None:
    with connect(gateway, certificates.context()) as connection:
        assert connection.selected_alpn_protocol() is None
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("version", "is_served"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions_of_tls(
    gateway: Gateway, certificates: Certificates, version: ssl.TLSVersion, is_served: bool
) -> None:
    context = certificates.context("h2")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
    if is_served:
        connect(gateway, context).close()
    else:
        with pytest.raises(ssl.SSLError, match="(?i)version|alert"):
            connect(gateway, context)


def test_a_hundred_streams_at_once(caller: HTTP2, tenant: Tenant) -> None:
    assert caller.streams_allowed >= 100
    streams = [caller.request("GET", "/healthz") for _ in range(100)]
    assert {caller.headers(stream)[":status"] for stream in streams} == {"200"}


def test_events_arrive_while_the_code_runs(caller: HTTP2, tenant: Tenant) -> None:
    stream = caller.execute(tenant.token, "import time\nfor n in range(3):\n print(n, flush=True)\n time.sleep(1)")
    caller.until(lambda: len(caller.lines(stream)) >= 2)
    started, first, *rest = caller.lines(stream)
    assert (started["type"], first["text"], rest) == ("started", "0\n", [])
    assert tenant.client.execution(started["id"])["state"] == "running"
    caller.whole(stream)
    assert caller.lines(stream)[-1]["outcome"] == "completed"
    empty = [e for e in caller.seen(h2.events.DataReceived) if not e.data and not e.stream_ended]
    assert empty == []


def test_the_reply_says_nothing_of_the_connection(caller: HTTP2, tenant: Tenant) -> None:
    """A refusal that closes an HTTP/1.1 connection is one among many streams here."""
    stream = caller.request(
        "POST", "/v1/executions", tenant.token, ends=False, content_type="application/json", content_length="999999999"
    )
    headers = caller.headers(stream)
    assert headers[":status"] == "413"
    assert not {"connection", "keep-alive", "transfer-encoding"} & headers.keys()
    # The stream is cut off, so that nobody goes on sending what nobody reads; the connection lives.
    caller.until(lambda: [e for e in caller.seen(h2.events.StreamReset) if e.stream_id == stream])
    assert caller.headers(caller.request("GET", "/healthz"))[":status"] == "200"


# Callers who leave


def test_a_reset_stream_ends_its_execution(
    gateway: Gateway, local_e2b: LocalE2B, caller: HTTP2, tenant: Tenant
) -> None:
    other = caller.execute(tenant.token, "import time\ntime.sleep(6)\nprint('to its end')")
    stream = caller.execute(tenant.token, SLEEP)
    caller.until(lambda: len(caller.lines(stream)) >= 2)
    execution_id = caller.lines(stream)[0]["id"]
    caller.reset(stream)
    record = eventually(
        lambda: finished(tenant, execution_id), within=20, what="the execution is over", pause=0.2
    )
    assert record["outcome"] == "cancelled"
    local_e2b.assert_gone(execution_id, within=15)
    # Its neighbour on the connection knows nothing of it.
    caller.whole(other)
    assert caller.lines(other)[-1]["outcome"] == "completed"


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json"])
def test_a_reset_before_the_reply(
    gateway: Gateway, local_e2b: LocalE2B, caller: HTTP2, tenant: Tenant, accept: str
) -> None:
    before = set(local_e2b.sandboxes())
    stream = caller.execute(tenant.token, SLEEP, accept=accept)
    [sandbox] = eventually(lambda: marked(local_e2b, before), within=20, what="a sandbox is held")
    caller.reset(stream)
    eventually(lambda: sandbox not in local_e2b.sandboxes(), within=15, what="it is gone")


@pytest.mark.parametrize("http2", [True, False])
@pytest.mark.parametrize("politely", [True, False])
def test_a_closed_connection_ends_its_execution(
    gateway: Gateway, local_e2b: LocalE2B, certificates: Certificates, tenant: Tenant, http2: bool, politely: bool
) -> None:
    if http2:
        caller = HTTP2(gateway.url, certificates.context())
        stream = caller.execute(tenant.token, SLEEP)
        caller.until(lambda: len(caller.lines(stream)) >= 2)
        execution_id, connection = caller.lines(stream)[0]["id"], caller.socket
    else:
        connection = connect(gateway, certificates.context())
        body = b'{"code": "import time\\ntime.sleep(25)"}'
        connection.sendall(
            b"POST /v1/executions HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
            b"Accept: application/x-ndjson\r\n"
            + f"Authorization: Bearer {tenant.token}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        with connection.makefile("rb") as reader:
            while not (line := reader.readline()).lower().startswith(b"execution-id:"):
                assert line
        execution_id = line.split()[1].decode()
    if politely:
        # Says goodbye in TLS, and waits for no answer.
        connection.settimeout(0.2)
        try:
            connection.unwrap()
        except OSError:
            pass
    connection.close()
    record = eventually(lambda: finished(tenant, execution_id), within=20, what="it is over", pause=0.2)
    assert record["outcome"] == "cancelled"
    local_e2b.assert_gone(execution_id, within=15)


def test_a_reader_that_stands_still(gateway: Gateway, caller: HTTP2) -> None:
    """Nothing piles up for a stream whose window is full, and others go on."""
    tenant = gateway.tenant()
    before = resident_bytes(gateway.service.pid)
    stream = caller.execute(tenant.token, "while True: print('x' * 10_000)", timeout_seconds=4)
    caller.until(lambda: len(caller.data(stream)) >= 60_000, takes=False)
    execution_id = caller.lines(stream)[0]["id"]
    peak = 0

    def settled() -> dict | None:
        nonlocal peak
        peak = max(peak, resident_bytes(gateway.service.pid))
        return finished(tenant, execution_id)

    record = eventually(settled, within=20, what="the deadline ended it", pause=0.2)
    assert record["outcome"] == "timed_out"
    assert peak - before < 20_000_000


def finished(tenant: Tenant, execution_id: str) -> dict | None:
    record = tenant.client.execution(execution_id)
    return record if record["state"] == "finished" else None


def marked(local_e2b: LocalE2B, before: set[str]) -> list[str]:
    return [one for one in local_e2b.sandboxes() if one not in before]


# Signatures


def test_a_signed_request(gateway: Gateway, certificates: Certificates, tenant: Tenant) -> None:
    """What is covered says https and, on HTTP/2, `:authority`."""
    signer = Signer(gateway, tenant.token)
    covered = [("@method", "@target-uri"), ("@method", "@authority", "@path", "@query")]
    for http2 in (True, False):
        with httpx.Client(verify=certificates.context(), http2=http2, trust_env=False) as http:
            for components in covered:
                order = signer.order("print('signed')", covering=(*components, "content-digest"))
                fields = {**order.headers, "X-Forwarded-For": "198.19.255.1"}
                reply = http.post(order.url, headers=fields, content=order.body, timeout=60)
                assert reply.status_code == 200, reply.text
                assert reply.json()["output"] == "signed\n"
                assert http.post(order.url, headers=fields, content=order.body).status_code == 401, "a replay"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_the_run_command(gateway: Gateway, tenant: Tenant, tmp_path: pathlib.Path, variable: str) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('over TLS')")
    authority = gateway.settings["SSL_CERT_FILE"]
    settings = {"GATEWAY_URL": gateway.url, "GATEWAY_TOKEN": tenant.token, "SSL_CERT_FILE": "", variable: authority}
    for options in ([], ["--sign"]):
        done = gateway.run("run", *options, str(script), **settings)
        assert (done.returncode, done.stdout) == (0, "over TLS\n"), done.stderr


def test_the_run_command_trusts_nobody_else(gateway: Gateway, tenant: Tenant, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("print('over TLS')")
    done = gateway.run("run", str(script), GATEWAY_URL=gateway.url, GATEWAY_TOKEN=tenant.token, SSL_CERT_FILE="")
    assert done.returncode == 125
    assert "certificate" in done.stderr.lower(), done.stderr


# Certificates


@pytest.fixture
def own(tmp_path: pathlib.Path) -> Certificates:
    """Files that a test may spoil."""
    return Certificates(tmp_path / "certificates")


def spoil_certificate(own: Certificates) -> None:
    own.certificate.write_text("nothing of the kind")


def spoil_key(own: Certificates) -> None:
    own.key.write_text("nothing of the kind")


def swap_key(own: Certificates) -> None:
    certificate = own.certificate.read_bytes()
    own.renew()
    own.certificate.write_bytes(certificate)


@pytest.mark.parametrize(
    ("spoil", "setting", "file", "reason"),
    [
        (lambda own: own.certificate.unlink(), "GATEWAY_TLS_CERT", "server.pem", "cannot be read"),
        (lambda own: own.key.unlink(), "GATEWAY_TLS_KEY", "server.key", "cannot be read"),
        (spoil_certificate, "GATEWAY_TLS_CERT", "server.pem", "certificates in PEM"),
        (spoil_key, "GATEWAY_TLS_KEY", "server.key", "private key in PEM"),
        (swap_key, "GATEWAY_TLS_KEY", "server.key", "does not hold the key of"),
        (lambda own: own.key.chmod(0o604), "GATEWAY_TLS_KEY", "server.key", "chmod o="),
    ],
    ids=["no certificate", "no key", "bad certificate", "bad key", "another key", "open key"],
)
def test_files_that_cannot_be_used_stop_the_start(
    resting: Gateway, own: Certificates, spoil, setting: str, file: str, reason: str
) -> None:
    spoil(own)
    for command in (["serve"], ["config", "check"]):
        done = resting.run(*command, **own.settings)
        assert done.returncode != 0
        for said in (setting, file, reason):
            assert said in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"GATEWAY_TLS_CERT": "x.pem"}, "GATEWAY_TLS_KEY is not"),
        ({"GATEWAY_TLS_KEY": "x.key"}, "GATEWAY_TLS_CERT is not"),
        ({"GATEWAY_DOMAIN": "https://sandboxes.example.com"}, "GATEWAY_DOMAIN"),
    ],
)
def test_settings_that_cannot_be_used(resting: Gateway, settings: dict[str, str], named: str) -> None:
    done = resting.run("config", "check", **settings)
    assert done.returncode != 0
    assert named in done.stderr, done.stderr


def test_config_check_shows_them(gateway: Gateway) -> None:
    rows = {row["setting"]: row["value"] for row in gateway.json_command("config", "check")}
    for name in ("GATEWAY_TLS_CERT", "GATEWAY_TLS_KEY", "GATEWAY_DOMAIN"):
        assert rows[name] == gateway.settings[name]


def test_a_renewed_certificate_needs_no_restart(new_gateway: NewGateway, own: Certificates) -> None:
    gateway = new_gateway(**own.settings)
    with HTTP2(gateway.url, own.context()) as standing:
        first = shown(gateway, own)
        renewed = own.renew()
        assert first != renewed
        eventually(lambda: shown(gateway, own) == renewed, within=30, what="the new one is shown", pause=0.2)
        assert standing.headers(standing.request("GET", "/healthz"))[":status"] == "200"

    spoil_key(own)
    said = "certificate not reloaded; the one before stays"
    eventually(
        lambda: any(line["message"] == said for line in gateway.service.log_lines()), within=30, what="it says so"
    )
    assert shown(gateway, own) == renewed


def shown(gateway: Gateway, certificates: Certificates) -> int:
    """The serial number of the only certificate that a new connection is shown, beside none of its issuers'."""
    with connect(gateway, certificates.context("h2")) as connection:
        return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True)).serial_number


def test_listeners_that_others_can_reach(new_gateway: NewGateway, certificates: Certificates) -> None:
    """With a certificate no proxy needs to be trusted, and administrators are served over TLS as well."""
    everywhere = {"GATEWAY_LISTEN": "0.0.0.0:0", "GATEWAY_ADMIN_LISTEN": "0.0.0.0:0", "GATEWAY_TRUSTED_PROXIES": ""}
    gateway = new_gateway(**certificates.settings, **everywhere)
    for url in (gateway.url, gateway.admin_url):
        assert url.startswith("https://0.0.0.0:")
        with httpx.Client(verify=certificates.context(), http2=True, trust_env=False) as client:
            assert client.get(url.replace("0.0.0.0", "localhost") + "/healthz").status_code == 200


def test_administrators_on_this_machine_are_served_in_clear(gateway: Gateway) -> None:
    assert gateway.admin_url.startswith("http://127.0.0.1:")
    assert httpx.get(f"{gateway.admin_url}/healthz", trust_env=False).status_code == 200


# Whoever speaks something else


def test_plain_http_is_not_kept_waiting(gateway: Gateway) -> None:
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: gateway\r\n\r\n")
        answer = b""
        try:
            while more := connection.recv(1000):
                answer += more
        except ConnectionResetError:
            pass
    assert b"HTTP" not in answer
    assert gateway.client(None).get("/healthz").status == 200


@pytest.mark.long
def test_a_silent_connection_is_not_kept(gateway: Gateway) -> None:
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        assert connection.recv(1) == b""


# The end


def test_the_drain(new_gateway: NewGateway, certificates: Certificates) -> None:
    """What runs is finished, the caller is told to go elsewhere (GOAWAY), and who does not listen is not waited for."""
    gateway = new_gateway(**certificates.settings)
    tenant = gateway.tenant()
    with HTTP2(gateway.url, certificates.context()) as deaf, HTTP2(gateway.url, certificates.context()) as caller:
        deaf.whole(deaf.request("GET", "/healthz"))
        stream = caller.execute(tenant.token, "import time\ntime.sleep(3)\nprint('to its end')")
        caller.until(lambda: caller.lines(stream))
        gateway.service.terminate()
        caller.whole(stream)
        assert [line["type"] for line in caller.lines(stream)] == ["started", "stdout", "finished"]
        while caller.read():
            pass
        assert caller.seen(h2.events.ConnectionTerminated)
        # Not for as long as services may take to stop, which is more.
        assert gateway.service.wait(within=60) == 0
