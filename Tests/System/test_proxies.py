"""The gateway behind the proxies of deploy/proxies: streams, callers who leave, who the caller is, what is not repeated."""

import concurrent.futures
import pathlib
import queue
import threading
from collections.abc import Iterator

import httpx
import pytest

from conftest import NewGateway
from harness.certificates import Certificates
from harness.free_port import free_port
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.http2 import HTTP2
from harness.reverse_proxy import ReverseProxy
from harness.scripted import ScriptedExchange, ScriptedServer
from harness.signing import Signer
from harness.waiting import eventually

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=ReverseProxy.KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def proxy(
    kind: str, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, gateway: Gateway
) -> Iterator[ReverseProxy]:
    """In front of one gateway, and of one that is not there."""
    proxy = ReverseProxy(kind, tmp_path_factory.mktemp(kind), certificates, NOBODY, gateway.url)
    yield proxy
    proxy.stop()


@pytest.fixture
def caller(proxy: ReverseProxy, certificates: Certificates) -> Iterator[HTTP2]:
    with HTTP2(proxy.url, certificates.context(), at="127.0.0.1") as connection:
        yield connection


def test_events_arrive_while_the_code_runs(caller: HTTP2, tenant: Tenant) -> None:
    code = "import time\nfor n in range(3):\n print(n, flush=True)\n time.sleep(2)"
    stream = caller.execute(tenant.token, code)
    caller.until(lambda: len(caller.lines(stream)) >= 2)
    started, first, *rest = caller.lines(stream)
    assert (started["type"], first["text"], rest) == ("started", "0\n", [])
    assert tenant.client.execution(started["id"])["state"] == "running"
    caller.whole(stream)
    assert caller.lines(stream)[-1]["outcome"] == "completed"


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json"])
def test_a_caller_who_leaves_ends_the_execution(
    caller: HTTP2, tenant: Tenant, local_e2b: LocalE2B, accept: str
) -> None:
    """During the reply, and before there is any."""
    before = set(local_e2b.sandboxes())
    stream = caller.execute(tenant.token, "import time\ntime.sleep(28)", accept=accept)

    def new() -> set[str]:
        return set(local_e2b.sandboxes()) - before

    [sandbox] = eventually(new, within=20, what="a sandbox is held")
    caller.reset(stream)
    # Before the gateway sends its next sign of life into nothing.
    eventually(lambda: sandbox not in local_e2b.sandboxes(), within=8, what="it is gone")


def test_a_body_is_passed_on_as_it_comes(caller: HTTP2, tenant: Tenant) -> None:
    """The gateway refuses what is announced before any of it is sent, in its own words."""
    stream = caller.request(
        "POST", "/v1/executions", tenant.token, ends=False, content_type="application/json", content_length="99999999"
    )
    assert caller.headers(stream)[":status"] == "413"
    caller.until(lambda: b"/problems/payload-too-large" in caller.data(stream))


def test_where_the_caller_is(
    kind: str, tmp_path: pathlib.Path, certificates: Certificates, gateway: Gateway, proxy: ReverseProxy
) -> None:
    """What the proxy says is believed, and not what the caller says of itself."""
    transport = httpx.HTTPTransport(verify=certificates.context(), local_address="127.0.0.2")
    url = proxy.url.replace("localhost", "127.0.0.1")
    with httpx.Client(transport=transport, trust_env=False) as client:
        reply = client.get(
            f"{url}/healthz",
            headers={"X-Forwarded-For": "203.0.113.9", "X-Request-Id": f"where-{kind}", "Host": "localhost"},
            extensions={"sni_hostname": "localhost"},
        )
    assert reply.status_code == 200
    [line] = [line for line in gateway.service.log_lines() if line.get("request_id") == f"where-{kind}"]
    assert line["source"] == "127.0.0.2"


def test_signatures_hold_through_it(
    certificates: Certificates, gateway: Gateway, proxy: ReverseProxy, tenant: Tenant
) -> None:
    """They cover the scheme, the host and its port as the caller wrote them."""
    order = Signer(gateway, tenant.token, seen_at=proxy.url).order(
        "print('signed')", covering=("@method", "@target-uri", "content-digest")
    )
    with httpx.Client(verify=certificates.context(), trust_env=False) as client:
        reply = client.post(f"{proxy.url}/v1/executions", headers=dict(order.headers), content=order.body, timeout=60)
    assert reply.status_code == 200, reply.text
    assert reply.json()["output"] == "signed\n"


def test_a_gateway_that_is_not_there_costs_no_call(
    certificates: Certificates, proxy: ReverseProxy, tenant: Tenant
) -> None:
    with httpx.Client(verify=certificates.context(), trust_env=False, timeout=60) as client:
        for _ in range(3):
            reply = client.post(
                f"{proxy.url}/v1/executions",
                headers={"Authorization": f"Bearer {tenant.token}"},
                json={"code": "print(1)"},
            )
            assert reply.status_code == 200, reply.text


class Exchange(ScriptedExchange["Stub"]):
    """Ready; a POST is noted once it is whole, and answered or broken off."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.owner.posts.put(self.path)
        if self.owner.together:
            self.owner.wait_for_others()
            self._answer()
        else:
            self.close_connection = True

    def _answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Stub(ScriptedServer):
    """What stands for another gateway."""

    def __init__(self, *, together: int = 0, port: int = 0):
        """It answers so many calls at once, or none."""
        self.together = together
        self.posts: queue.Queue[str] = queue.Queue()
        self._all = threading.Barrier(max(together, 1))
        super().__init__(Exchange, port)

    def wait_for_others(self) -> None:
        """Until all are here; they are not if somebody else was given one."""
        try:
            self._all.wait(1)
        except threading.BrokenBarrierError:
            self._all.reset()


def test_a_post_that_was_received_is_never_repeated(
    kind: str, tmp_path: pathlib.Path, certificates: Certificates
) -> None:
    with Stub() as first, Stub() as second:
        proxy = ReverseProxy(kind, tmp_path / kind, certificates, first.origin, second.origin)
        try:
            with httpx.Client(verify=certificates.context(), trust_env=False) as client:
                assert client.post(f"{proxy.url}/v1/executions", content=b"once").status_code == 502
        finally:
            proxy.stop()
        assert first.posts.qsize() + second.posts.qsize() == 1


# nginx does not ask /readyz.
@pytest.mark.parametrize("kind", ["haproxy", "caddy"])
def test_a_gateway_that_drains_gets_no_new_calls(
    kind: str, tmp_path: pathlib.Path, certificates: Certificates, new_gateway: NewGateway
) -> None:
    """It turns /readyz while what it runs goes on, and the proxy sends others elsewhere."""
    gateway = new_gateway()
    tenant = gateway.tenant()
    # The other comes when the first has something to do.
    port = free_port()
    proxy = ReverseProxy(kind, tmp_path / kind, certificates, gateway.url, f"http://127.0.0.1:{port}")
    try:
        with HTTP2(proxy.url, certificates.context(), at="127.0.0.1") as caller:
            stream = caller.execute(tenant.token, "import time\ntime.sleep(15)\nprint('to its end')")
            caller.until(lambda: caller.lines(stream))
            with (
                Stub(together=8, port=port),
                httpx.Client(base_url=proxy.url, verify=certificates.context(), trust_env=False) as client,
                concurrent.futures.ThreadPoolExecutor(8) as pool,
            ):
                gateway.service.terminate()

                def the_other_alone() -> bool:
                    """Of so many at once, whoever is ready gets some."""
                    calls = [pool.submit(client.post, "/v1/executions", content=b"") for _ in range(8)]
                    return {call.result().status_code for call in calls} == {200}

                eventually(the_other_alone, within=10, what="only the other is asked")
                assert gateway.service.is_alive
            caller.whole(stream)
            assert caller.lines(stream)[-1]["outcome"] == "completed"
    finally:
        proxy.stop()
