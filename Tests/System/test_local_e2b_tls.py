"""The local E2B under a domain, over TLS with an authority of its own."""

import json
import pathlib
import ssl
import subprocess
from collections.abc import Iterator

import h2.events
import httpx
import pytest

from harness.gateway import UPSTREAM_KEY, LocalE2B
from harness.http2 import HTTP2
from harness.service import BINARY, environment

DOMAIN = "e2b.localhost"
# A create is answered when its sandbox is ready.
PATIENCE = 60


class UnderADomain(LocalE2B):
    """A local E2B as a client finds it that has set what it is told to set."""

    def __init__(self, folder: pathlib.Path):
        self.authority = folder / "ca.pem"
        options = ("--tls-domain", DOMAIN, "--tls-port", "0", "--tls-ca", str(self.authority), "--warm", "0")
        super().__init__(folder, *options)
        self.domain = self.service.ready["domain"]

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.service.ready["authority"])
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    def call(self, method: str, path: str, http2: bool = True, **sent: object) -> httpx.Response:
        """To `api.DOMAIN`, which no name server needs to know."""
        name = f"api.{DOMAIN}"
        port = self.domain.rpartition(":")[2]
        with httpx.Client(verify=self.context(), http2=http2, trust_env=False, timeout=PATIENCE) as client:
            return client.request(
                method,
                f"https://127.0.0.1:{port}{path}",
                headers={"Host": f"{name}:{port}", "X-API-Key": UPSTREAM_KEY},
                extensions={"sni_hostname": name},
                **sent,
            )

    def connect(self, label: str) -> HTTP2:
        """An HTTP/2 connection to `LABEL.DOMAIN`."""
        return HTTP2(f"https://{label}.{self.domain}", self.context(), at="127.0.0.1")


@pytest.fixture(scope="module")
def e2b(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnderADomain]:
    e2b = UnderADomain(tmp_path_factory.mktemp("e2b-tls"))
    yield e2b
    e2b.service.stop()


@pytest.fixture(scope="module")
def sandbox(e2b: UnderADomain) -> dict:
    reply = e2b.call("POST", "/sandboxes", json={"templateID": "base", "timeout": 300, "secure": True})
    assert reply.status_code == 201, reply.text
    assert reply.http_version == "HTTP/2"
    return reply.json()


def execute(caller: HTTP2, sandbox: dict, code: str) -> int:
    body = json.dumps({"code": code}).encode()
    stream = caller.request(
        "POST", "/execute", ends=False, content_type="application/json", x_access_token=sandbox["envdAccessToken"]
    )
    caller.send(stream, body, ends=True)
    return stream


def test_both_versions_are_served_under_every_name(e2b: UnderADomain) -> None:
    for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):
        reply = e2b.call("GET", "/health", http2=http2)
        assert (reply.status_code, reply.http_version) == (200, version)
    for name in ("localhost", "127.0.0.1"):
        port = e2b.domain.rpartition(":")[2]
        with httpx.Client(verify=e2b.context(), trust_env=False) as client:
            assert client.get(f"https://{name}:{port}/health").status_code == 200


def test_a_sandbox_is_reached_under_the_domain_it_names(e2b: UnderADomain, sandbox: dict) -> None:
    assert sandbox["domain"] == e2b.domain
    assert e2b.call("GET", f"/sandboxes/{sandbox['sandboxID']}").json()["domain"] == e2b.domain
    with e2b.connect(f"49999-{sandbox['sandboxID']}") as caller:
        stream = execute(caller, sandbox, "print(6 * 7)")
        headers = caller.headers(stream)
        assert headers[":status"] == "200"
        assert "connection" not in headers
        caller.whole(stream)
        assert [line["text"] for line in caller.lines(stream) if line["type"] == "stdout"] == ["42\n"]


def test_the_plain_listener_names_no_domain(e2b: UnderADomain, sandbox: dict) -> None:
    reply = httpx.get(
        f"{e2b.url}/sandboxes/{sandbox['sandboxID']}", headers={"X-API-Key": UPSTREAM_KEY}, trust_env=False
    )
    assert reply.status_code == 200
    assert reply.json()["domain"] is None


def test_a_reset_stream_interrupts_its_code(e2b: UnderADomain, sandbox: dict) -> None:
    with e2b.connect(f"49999-{sandbox['sandboxID']}") as caller:
        endless = execute(caller, sandbox, "print('on', flush=True)\nwhile True: pass")
        caller.until(lambda: any(line.get("text") == "on\n" for line in caller.lines(endless)))
        caller.reset(endless)
        # Waits in line behind it, in the same context.
        stream = execute(caller, sandbox, "print('next')")
        caller.whole(stream)
        assert any(line.get("text") == "next\n" for line in caller.lines(stream))


def test_it_says_what_to_set(tmp_path: pathlib.Path) -> None:
    process = subprocess.Popen(
        [BINARY, "local-e2b", "--port", "0", "--warm", "0", "--tls-domain", DOMAIN, "--tls-port", "0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said = [process.stdout.readline().rstrip("\n") for _ in range(4)]
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
    assert said[0].startswith("Local E2B on http://127.0.0.1:")
    assert said[2].startswith(f"E2B_DOMAIN={DOMAIN}:")
    assert said[3] == f"SSL_CERT_FILE={tmp_path / 'local-e2b-ca.pem'}"
    ssl.create_default_context(cafile=tmp_path / "local-e2b-ca.pem")
    assert not list(tmp_path.glob("*key*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tls-domain", "https://e2b.localhost"], "the domain for TLS"),
        (["--tls-domain", "127.0.0.1"], "the domain for TLS"),
        (["--tls-domain", DOMAIN, "--tls-port", "65536"], "the port for TLS"),
        (["--tls-domain", DOMAIN, "--tls-ca", "mine.txt"], "mine.txt (another file is there)"),
        (["--tls-domain", DOMAIN, "--tls-ca", "nowhere/ca.pem"], "nowhere/ca.pem"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: pathlib.Path, options: list[str], said: str) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("not to be overwritten")
    done = subprocess.run(
        [BINARY, "local-e2b", "--port", "0", "--warm", "0", *options],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert mine.read_text() == "not to be overwritten"


def test_who_does_not_listen_is_not_waited_for_at_the_end(tmp_path: pathlib.Path) -> None:
    e2b = UnderADomain(tmp_path)
    with e2b.connect("api") as deaf:
        deaf.whole(deaf.request("GET", "/health"))
        e2b.service.terminate()
        assert e2b.service.wait(within=60) == 0
        while deaf.read():
            pass
        assert deaf.seen(h2.events.ConnectionTerminated)
