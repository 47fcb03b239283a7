"""What is measured, and how it is shown: in both forms, bounded, and without anybody's secrets."""

import concurrent.futures
import contextlib
import json
import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from conftest import NewGateway
from harness.certificates import Certificates
from harness.client import Client
from harness.contract import Contract
from harness.counting_e2b import CountingE2B, Task
from harness.fleet import Fleet
from harness.free_port import free_port
from harness.gateway import Gateway, Tenant
from harness.postgresql import PostgreSQL
from harness.receiver import Receiver, new_secret
from harness.sandboxes import Door
from harness.scrape import OPENMETRICS, Scrape, documented, promtool
from harness.service import ROOT
from harness.waiting import eventually

SECRET = new_secret()
AMPLE = ("--rate", "100000/s", "--burst", "100000", "--executions", "100", "--runtime", "86400s/day")


@pytest.fixture(scope="module")
def gateway(session_gateway: NewGateway, upstream: CountingE2B, tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    return session_gateway(upstream.url, GATEWAY_AUDIT_FILE=str(tmp_path_factory.mktemp("sink") / "audit.log"))


@pytest.fixture
def tenant(gateway: Gateway) -> Tenant:
    return gateway.tenant(*AMPLE)


@contextlib.contextmanager
def counted(gateway: Gateway) -> Iterator[list]:
    """What the metrics have grown by at the end of the block, as a function of their name and labels."""
    before, grown = Scrape.of(gateway), []
    yield grown
    after = Scrape.of(gateway)
    grown.append(lambda name, **labels: after.value(name, **labels) - before.value(name, **labels))


# How it is shown


def test_both_forms_are_what_their_readers_take(gateway: Gateway, tenant: Tenant) -> None:
    tenant.client.execute(Task().code)
    tenant.client.post(1).problem("invalid-request")
    text, openmetrics = Scrape.of(gateway), Scrape.of(gateway, openmetrics=True)
    promtool(text.text)
    assert openmetrics.text.endswith("\n# EOF\n") and "# EOF" not in text.text
    for scrape in (text, openmetrics):
        scrape.assert_histograms_hold()
    created = {sample.name for sample in openmetrics.samples if sample.name.endswith("_created")}
    counters = {name for name, kind in openmetrics.types.items() if kind in ("counter", "histogram")}
    assert created == {f"{name}_created" for name in counters}
    assert not any(sample.name.endswith("_created") for sample in text.samples)
    names = {sample.name for sample in text.samples}
    assert names == {sample.name for sample in openmetrics.samples} - created
    began = text.value("process_start_time_seconds")
    assert all(
        began - 1 < sample.value <= time.time() for sample in openmetrics.samples if sample.name.endswith("_created")
    )


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "text/plain"), ("*/*", "text/plain"), ("text/plain", "text/plain"), ("application/json", "text/plain"),
        (OPENMETRICS, "application/openmetrics-text"), ("application/openmetrics-text", "application/openmetrics-text"),
        ("application/openmetrics-text;q=0.1, text/plain;q=0.9", "text/plain"),
    ],
)  # fmt: skip
def test_the_form_is_asked_for(gateway: Gateway, contract: Contract, accept: str | None, kind: str) -> None:
    reply = Client(gateway.admin_url, None, contract).get("/metrics", headers={"accept": accept} if accept else {})
    assert reply.headers["content-type"].split(";")[0] == kind
    assert reply.headers["vary"] == "Accept"


def test_every_metric_is_documented_and_nothing_else(gateway: Gateway) -> None:
    catalogue = "".join(path.read_text() for path in (ROOT / "Sources/Gateway/Metrics/Catalogue").glob("*.swift"))
    names = set(re.findall(r'"((?:e2b_gateway|process)_\w+)"', catalogue))
    assert documented((ROOT / "docs/metrics.md").read_text()) == names
    shown = Scrape.of(gateway)
    bare = {re.sub("_(bucket|sum|count)$", "", sample.name) for sample in shown.samples}
    assert bare <= names


# What is counted


def test_a_call_is_counted_by_what_was_called_and_each_of_its_stages_is_timed(gateway: Gateway, tenant: Tenant) -> None:
    with counted(gateway) as grown:
        reply = tenant.client.post(Task(prints="x" * 1000).code)
        assert reply.status == 200
    [more] = grown
    called = {"door": "callers", "operation": "createExecution"}
    assert more("e2b_gateway_calls_total", status="2xx", outcome="completed", **called) == 1
    assert more("e2b_gateway_call_duration_seconds_count", **called) == 1
    assert more("e2b_gateway_time_to_first_byte_seconds_count", **called) == 1
    for stage in ("authenticate", "admit", "queue", "create", "execute", "settle"):
        assert more("e2b_gateway_stage_duration_seconds_count", stage=stage) == 1, stage
    whole = more("e2b_gateway_call_duration_seconds_sum", **called)
    assert 0 < more("e2b_gateway_stage_duration_seconds_sum") <= whole
    assert more("e2b_gateway_executions_total", outcome="completed") == 1
    charged = reply.document["runtime_ms"] / 1000
    assert more("e2b_gateway_runtime_seconds_total", kind="execution") == pytest.approx(charged)
    assert more("e2b_gateway_tenant_runtime_seconds_total", tenant=tenant.name) == pytest.approx(charged)
    assert more("e2b_gateway_tenant_calls_total", tenant=tenant.name, outcome="completed") == 1
    assert more("e2b_gateway_body_bytes_total", door="callers", direction="out") == len(reply.body)
    assert more("e2b_gateway_body_bytes_total", door="callers", direction="in") > 10
    for operation in ("create", "execute"):
        assert more("e2b_gateway_upstream_calls_total", operation=operation, result="2xx") == 1
        assert more("e2b_gateway_upstream_call_duration_seconds_count", operation=operation) == 1
    commits = more("e2b_gateway_ledger_commits_total", result="written")
    assert 2 <= commits == more("e2b_gateway_ledger_commit_duration_seconds_count")
    assert more("e2b_gateway_ledger_commit_writes_sum") >= commits


def announcing(gateway: Gateway, call: str, token: str) -> int:
    """The status of a call that announces a body longer than any, and sends none of it."""
    address = urlsplit(gateway.url)
    head = (
        f"{call} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {1 << 60}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head.encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_of_bodies_what_was_read_is_counted_and_not_what_is_announced(gateway: Gateway, tenant: Tenant) -> None:
    admin = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    code, change = (json.dumps(body).encode() for body in ({"code": Task().code}, {"executions": 50}))
    headers = {"content-type": "application/json"}
    with counted(gateway) as grown:
        assert tenant.client.call("POST", "/v1/executions", content=code, headers=headers).status == 200
        reply = admin.call("PATCH", f"/admin/v1/tenants/{tenant.name}/policy", content=change, headers=headers)
        assert reply.status == 200
    [more] = grown
    assert more("e2b_gateway_body_bytes_total", door="callers", direction="in") == len(code)
    assert more("e2b_gateway_body_bytes_total", door="administrators", direction="in") == len(change)
    with counted(gateway) as grown:
        assert announcing(gateway, "GET /v1/whoami", tenant.token) == 200
        assert announcing(gateway, "POST /v1/executions", tenant.token) == 413
    [more] = grown
    assert more("e2b_gateway_body_bytes_total", direction="in") == 0


def test_refusals_are_counted_by_what_their_callers_are_told_and_by_door(gateway: Gateway, tenant: Tenant) -> None:
    stranger = tenant.client.with_token(None)
    with counted(gateway) as grown:
        stranger.get("/v1/whoami").problem("missing-credential")
        tenant.client.get("/v1/nothing").problem("not-found")
        tenant.client.post(1).problem("invalid-request")
        Client(gateway.admin_url, None, gateway.contract).get("/admin/v1/tenants").problem("missing-credential")
    [more] = grown
    assert more("e2b_gateway_refusals_total", door="callers", type="missing-credential") == 1
    assert more("e2b_gateway_refusals_total", door="administrators", type="missing-credential") == 1
    assert more("e2b_gateway_refusals_total", type="not-found") == 1
    assert more("e2b_gateway_calls_total", operation="none", status="4xx", outcome="refused") == 1
    assert more("e2b_gateway_calls_total", operation="whoAmI", status="4xx", outcome="refused") == 1
    # Whom nobody knows, no tenant is charged with.
    assert more("e2b_gateway_tenant_refusals_total") == 1
    assert more("e2b_gateway_tenant_refusals_total", tenant=tenant.name, type="invalid-request") == 1


def test_what_upstream_refuses_and_what_becomes_of_it(gateway: Gateway, tenant: Tenant, upstream: CountingE2B) -> None:
    create = upstream.create
    upstream.create = lambda exchange: exchange.answer(400, {"code": 400, "message": "no"})
    try:
        with counted(gateway) as grown:
            tenant.client.post("1").problem("upstream-refused")
    finally:
        upstream.create = create
    [more] = grown
    assert more("e2b_gateway_upstream_calls_total", operation="create", result="4xx") == 1
    assert more("e2b_gateway_calls_total", operation="createExecution", status="5xx", outcome="failed") == 1
    assert more("e2b_gateway_executions_total", outcome="killed") == 1
    assert more("e2b_gateway_stage_duration_seconds_count", stage="create") == 1
    assert more("e2b_gateway_stage_duration_seconds_count", stage="execute") == 0


def test_streams_are_open_until_they_end_and_a_caller_that_leaves_breaks_one_off(gateway: Gateway, tenant: Tenant) -> None:
    def streams() -> float:
        return Scrape.of(gateway).value("e2b_gateway_streams_open", door="callers")

    with counted(gateway) as grown:
        with tenant.client.stream(Task(seconds=30).code) as stream:
            assert next(iter(stream))["type"] == "started"
            assert streams() == 1
            assert Scrape.of(gateway).value("e2b_gateway_executions_running") == 1
            assert Scrape.of(gateway).value("e2b_gateway_calls_in_flight", door="callers") == 1
        eventually(lambda: streams() == 0, within=10, what="the stream is over")
        eventually(
            lambda: Scrape.of(gateway).value("e2b_gateway_executions_running") == 0, within=10, what="and its execution"
        )
    [more] = grown
    assert more("e2b_gateway_calls_total", operation="createExecution", outcome="broken_off") == 1
    assert more("e2b_gateway_executions_total", outcome="cancelled") == 1
    with counted(gateway) as grown:
        with tenant.client.stream(Task(prints="y" * 500).code) as stream:
            assert [event["type"] for event in stream] == ["started", "stdout", "finished"]
        eventually(
            lambda: Scrape.of(gateway).value("e2b_gateway_calls_in_flight", door="callers") == 0, within=10, what="it is counted"
        )
    [more] = grown
    assert more("e2b_gateway_calls_total", operation="createExecution", outcome="completed") == 1
    assert more("e2b_gateway_body_bytes_total", door="callers", direction="out") > 500


def test_calls_of_sandboxes_and_of_their_ports(gateway: Gateway) -> None:
    tenant = gateway.tenant("--sandboxes", "5", "--rate", "1000/s", "--burst", "1000")
    door = Door(tenant)
    with counted(gateway) as grown:
        sandbox = door.create().document
        httpx.post(
            f"{gateway.url}/execute", json={"code": Task().code}, trust_env=False,
            headers={"e2b-sandbox-id": sandbox["sandboxID"], "e2b-sandbox-port": "49999",
                     "x-access-token": sandbox["envdAccessToken"]},
        ).raise_for_status()  # fmt: skip
        eventually(
            lambda: Scrape.of(gateway).value("e2b_gateway_calls_in_flight", door="callers") == 0, within=10, what="all ended"
        )
        assert door.kill(sandbox["sandboxID"]).status == 204
    [more] = grown
    [consumed] = [row for row in gateway.json_command("usage", "--by", "tenant")["rows"] if row["tenant"] == tenant.name]
    assert consumed["charged_ms"] > 0
    charged = pytest.approx(consumed["charged_ms"] / 1000)
    assert more("e2b_gateway_runtime_seconds_total", kind="sandbox") == charged
    assert more("e2b_gateway_runtime_seconds_total", kind="execution") == 0
    assert more("e2b_gateway_tenant_runtime_seconds_total", tenant=tenant.name) == charged
    assert more("e2b_gateway_calls_total", operation="sandbox", status="2xx", outcome="completed") == 1
    assert more("e2b_gateway_upstream_calls_total", operation="forward", result="2xx") == 1
    assert more("e2b_gateway_stage_duration_seconds_count", stage="admit") == 1
    assert more("e2b_gateway_body_bytes_total", door="callers", direction="in") > 0
    assert sandbox["sandboxID"] not in Scrape.of(gateway).text


def test_nothing_is_lost_and_nothing_contradicts_itself_while_many_call(gateway: Gateway, tenant: Tenant) -> None:
    def read() -> None:
        for form in (False, True) * 10:
            Scrape.of(gateway, openmetrics=form).assert_histograms_hold()

    with counted(gateway) as grown, concurrent.futures.ThreadPoolExecutor(10) as threads:
        calls = [threads.submit(tenant.client.get, "/v1/whoami") for _ in range(200)]
        readers = [threads.submit(read) for _ in range(2)]
        assert all(call.result().status == 200 for call in calls)
        for reader in readers:
            reader.result()
    [more] = grown
    called = {"door": "callers", "operation": "whoAmI"}
    assert more("e2b_gateway_calls_total", **called) == more("e2b_gateway_call_duration_seconds_count", **called) == 200
    assert more("e2b_gateway_tenant_calls_total", tenant=tenant.name) == 200


# How it stands


def test_the_process_and_its_surroundings(gateway: Gateway) -> None:
    scrape = Scrape.of(gateway)
    process = gateway.service.pid
    assert abs(scrape.value("process_start_time_seconds") - time.time()) < 3600
    assert 1 <= scrape.value("process_threads") < 100
    assert 10 <= scrape.value("process_open_fds") < scrape.value("process_max_fds")
    status = dict(re.findall(r"^(\w+):\s+(\d+)", open(f"/proc/{process}/status").read(), re.MULTILINE))
    assert scrape.value("process_resident_memory_bytes") == pytest.approx(int(status["VmRSS"]) * 1024, rel=0.2)
    assert scrape.value("process_virtual_memory_bytes") > scrape.value("process_resident_memory_bytes")
    assert scrape.value("process_cpu_seconds_total") > 0
    assert scrape.labels("e2b_gateway_build_info", "version") == {gateway.command("--version").strip()}
    for part in ("all", "ledger", "upstream", "open"):
        eventually(lambda part=part: Scrape.of(gateway).value("e2b_gateway_ready", part=part) == 1, within=20, what=part)
    eventually(lambda: Scrape.of(gateway).value("e2b_gateway_task_lag_seconds_count") > 0, within=20, what="a lag")
    assert scrape.value("e2b_gateway_elected") == 1
    assert "e2b_gateway_peers_living" not in scrape.text and "certificate" not in scrape.text


def test_the_audit_logs_ways_out(gateway: Gateway, tenant: Tenant) -> None:
    tenant.client.execute(Task().code)
    eventually(
        lambda: Scrape.of(gateway).value("e2b_gateway_audit_sink_records_behind", sink="file") == 0, within=20, what="shipped"
    )
    scrape = Scrape.of(gateway)
    assert scrape.value("e2b_gateway_audit_sink_up", sink="file") == 1
    assert scrape.value("e2b_gateway_audit_sink_failures_total", sink="file") == 0
    assert 0 <= scrape.value("e2b_gateway_checkpoint_age_seconds") < 3600

    def behind() -> float:
        tenant.client.execute(Task().code)
        return Scrape.of(gateway).value("e2b_gateway_checkpoint_records_behind")

    # Not just after one that is made by itself.
    eventually(lambda: behind() > 0, within=20, what="there are records since the last")
    gateway.command("audit", "checkpoint")
    assert Scrape.of(gateway).value("e2b_gateway_checkpoint_records_behind") <= 3


def test_a_sink_that_fails_falls_behind(new_gateway: NewGateway, upstream: CountingE2B) -> None:
    gateway = new_gateway(upstream.url, GATEWAY_AUDIT_COLLECTOR_URL="http://127.0.0.1:9/records")

    def fails() -> bool:
        scrape = Scrape.of(gateway)
        return (
            scrape.value("e2b_gateway_audit_sink_failures_total", sink="collector") > 0
            and scrape.value("e2b_gateway_audit_sink_up", sink="collector") == 0
            and scrape.value("e2b_gateway_audit_sink_records_behind", sink="collector") > 0
        )

    eventually(fails, within=30, what="the sink fails")


def test_an_upstream_that_is_gone_is_not_ready(new_gateway: NewGateway) -> None:
    gateway = new_gateway(f"http://127.0.0.1:{free_port()}")
    tenant = gateway.tenant(*AMPLE)
    tenant.client.post("1").problem("upstream-unreachable")
    eventually(lambda: Scrape.of(gateway).value("e2b_gateway_ready", part="upstream") == 0, within=30, what="not ready")
    scrape = Scrape.of(gateway)
    assert scrape.value("e2b_gateway_ready", part="all") == 0
    assert scrape.value("e2b_gateway_ready", part="ledger") == 1
    assert scrape.value("e2b_gateway_upstream_calls_total", operation="create", result="unreachable") >= 1
    assert scrape.value("e2b_gateway_refusals_total", type="upstream-unreachable") == 1


def test_a_certificate_says_when_it_ends(
    new_gateway: NewGateway, upstream: CountingE2B, tmp_path_factory: pytest.TempPathFactory
) -> None:
    certificates = Certificates(tmp_path_factory.mktemp("certificates"))
    gateway = new_gateway(upstream.url, **certificates.settings)
    ends = Scrape.of(gateway).value("e2b_gateway_tls_certificate_expiry_timestamp_seconds")
    assert time.time() + 86_400 < ends < time.time() + 3 * 86_400
    certificates.renew(days=9)
    eventually(
        lambda: Scrape.of(gateway).value("e2b_gateway_tls_certificate_expiry_timestamp_seconds") > ends + 5 * 86_400,
        within=20, what="the new one's end",
    )  # fmt: skip


def test_gateways_that_share_a_ledger_count_each_other(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, postgresql: PostgreSQL, upstream: CountingE2B
) -> None:
    folder = tmp_path_factory.mktemp("fleet")
    with Fleet.start(folder, contract, upstream.url, postgresql, count=2) as fleet:
        for member in fleet:
            eventually(lambda member=member: Scrape.of(member).value("e2b_gateway_peers_living") == 2, within=20, what="both")
            assert 0 <= Scrape.of(member).value("e2b_gateway_peer_sight_age_seconds") < 5
        epochs = {Scrape.of(member).value("e2b_gateway_peer_epoch") for member in fleet}
        assert epochs == {float(epoch) for epoch, is_alive in fleet.epochs().items() if is_alive}
        eventually(
            lambda: sum(Scrape.of(member).value("e2b_gateway_elected") for member in fleet) == 1, within=20, what="an election"
        )
        assert len([member for member in fleet if "checkpoint_age" in Scrape.of(member).text]) == 1
        fleet[1].stop()
        eventually(lambda: Scrape.of(fleet[0]).value("e2b_gateway_peers_living") == 1, within=40, what="one is left")


# Who is named


def test_no_more_tenants_are_named_than_may_be(new_gateway: NewGateway, upstream: CountingE2B) -> None:
    gateway = new_gateway(upstream.url, GATEWAY_METRICS_TENANTS="1")
    first, second, third = (gateway.tenant() for _ in range(3))
    for tenant in (first, second, third, first):
        tenant.client.execute(Task().code)
    scrape = Scrape.of(gateway)
    assert scrape.labels("e2b_gateway_tenant_calls_total", "tenant") == {first.name, "other"}
    assert scrape.value("e2b_gateway_tenant_calls_total", tenant="other") == 2
    assert scrape.labels("e2b_gateway_tenant_runtime_seconds_total", "tenant") <= {first.name, "other"}
    assert second.name not in scrape.text


def test_no_tenant_is_named_where_none_may_be(new_gateway: NewGateway, upstream: CountingE2B) -> None:
    gateway = new_gateway(upstream.url, GATEWAY_METRICS_TENANTS="0")
    tenant = gateway.tenant()
    tenant.client.execute(Task().code)
    scrape = Scrape.of(gateway)
    assert tenant.name not in scrape.text and "e2b_gateway_tenant" not in scrape.text
    assert scrape.value("e2b_gateway_executions_total") == 1


def test_no_key_no_subject_no_execution_is_named(gateway: Gateway, tenant: Tenant) -> None:
    token = gateway.run("token", "narrow", "--subject", "somebody-special", GATEWAY_TOKEN=tenant.token).stdout.strip()
    document = tenant.client.with_token(token).execute(Task().code)
    text = Scrape.of(gateway).text + Scrape.of(gateway, openmetrics=True).text
    for secret in (tenant.key_id, "somebody-special", document["id"], "req_", *gateway.secrets):
        assert secret not in text


def test_notifications_are_counted_by_what_came_of_them(
    new_gateway: NewGateway, upstream: CountingE2B
) -> None:
    with Receiver(secret=SECRET) as receiver:
        gateway = new_gateway(
            upstream.url, GATEWAY_WEBHOOK_URL=receiver.url, GATEWAY_WEBHOOK_SECRET=SECRET
        )  # fmt: skip
        tenant = gateway.tenant("--rate", "1000/s", "--burst", "100", "--runtime", "1s/day")
        for _ in range(3):
            if tenant.client.post(Task(seconds=0.9).code, timeout_seconds=1).status == 429:
                break
        eventually(
            lambda: Scrape.of(gateway).value("e2b_gateway_webhook_deliveries_total", result="delivered") > 0,
            within=30, what="a delivery",
        )  # fmt: skip
        eventually(lambda: Scrape.of(gateway).value("e2b_gateway_notifications_waiting") == 0, within=30, what="none waits")
