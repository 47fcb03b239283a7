"""`e2b-gateway doctor`: all is well, each thing that can be wrong by a real cause, and nothing is left behind."""

import dataclasses
import json
import pathlib
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from conftest import NewGateway
from harness.certificates import Certificates
from harness.client import Client
from harness.contract import Contract
from harness.fake_e2b import SANDBOX, Exchange, FakeE2B, unreachable_url
from harness.gateway import Gateway, LocalE2B
from harness.leaks import WITNESS
from harness.service import BINARY, environment

SANDBOX_CHECKS = ["sandbox-create", "sandbox-execute", "sandbox-destroy"]
CHECKS = [
    "settings", "root-key", "disk", "open-files", "memory", "ledger", "ledger-write", "readiness", "pause",
    "control-plane-name", "sandbox-name", "control-plane", "certificate", "clock", "upstream-key",
]  # fmt: skip
LABEL = "e2b-gateway-doctor"


@dataclasses.dataclass
class Diagnosis:
    code: int
    findings: list[dict]
    errors: str

    def __getitem__(self, name: str) -> dict:
        (finding,) = (finding for finding in self.findings if finding["name"] == name)
        return finding

    def named(self, status: str) -> list[str]:
        return [finding["name"] for finding in self.findings if finding["status"] == status]


def doctor(gateway: Gateway, *options: str, under: Sequence[str] = (), **settings: str) -> Diagnosis:
    """The command's JSON, with this gateway's settings."""
    done = subprocess.run(
        [*under, str(BINARY), "doctor", "--output", "json", *options],
        cwd=gateway.folder,
        env=environment(**(gateway.settings | settings)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    WITNESS.note((done.stdout + done.stderr).encode())
    before = {path.name for path in gateway.folder.iterdir()}
    assert not [name for name in before if ".speed-" in name], "what was written to measure is removed"
    return Diagnosis(done.returncode, json.loads(done.stdout)["findings"] if done.stdout else [], done.stderr)


def computing(exchange: Exchange) -> None:
    exchange.begin_events()
    exchange.event({"type": "result", "text": "2", "extra": {}, "is_main_result": True})
    exchange.event({"type": "end_of_execution"})
    exchange.end_events()


@pytest.fixture
def fake() -> Iterator[FakeE2B]:
    with FakeE2B() as fake:
        fake.execute = computing
        yield fake


@pytest.fixture
def idle(tmp_path: pathlib.Path, contract: Contract, fake: FakeE2B) -> Gateway:
    """A gateway that does not run: the command examines by itself."""
    return Gateway(tmp_path, contract, fake.url).initialise()


# All is well


def test_without_a_gateway(tmp_path: pathlib.Path, contract: Contract, local_e2b: LocalE2B) -> None:
    gateway = Gateway(tmp_path, contract, local_e2b.url).initialise()
    before = set(local_e2b.sandboxes())
    diagnosis = doctor(gateway)
    assert diagnosis.code == 0, diagnosis
    assert [finding["name"] for finding in diagnosis.findings] == CHECKS + SANDBOX_CHECKS
    assert diagnosis.named("failed") == []
    assert diagnosis.named("skipped") == ["readiness", "certificate"]
    assert not set(local_e2b.sandboxes()) - before


def test_by_the_gateway_that_runs(new_gateway: NewGateway, local_e2b: LocalE2B) -> None:
    gateway = new_gateway()
    diagnosis = doctor(gateway)
    assert diagnosis.code == 0, diagnosis
    assert [finding["name"] for finding in diagnosis.findings] == CHECKS + SANDBOX_CHECKS
    assert diagnosis.named("skipped") == ["certificate"]
    assert diagnosis["readiness"]["detail"].startswith("ready")
    assert diagnosis["upstream-key"]["detail"].startswith("uk_"), "the ledger's key, not the environment's"
    for name, figure in {"ledger-write": "p99_ms", "disk": "free_bytes", "sandbox-create": "took_ms"}.items():
        assert diagnosis[name]["measured"][figure] > 0
    assert not [sandbox for sandbox in local_e2b.sandboxes().values() if LABEL in (sandbox.get("metadata") or {})]


def test_by_the_administrators_door(new_gateway: NewGateway, tmp_path: pathlib.Path) -> None:
    gateway = new_gateway()
    settings = {
        "GATEWAY_ADMIN_URL": gateway.admin_url,
        "GATEWAY_ADMIN_TOKEN": gateway.admin_token,
        "GATEWAY_LEDGER": f"sqlite:{tmp_path}/elsewhere.db",
    }
    assert doctor(gateway, "--no-sandbox", **settings)["ledger"]["detail"].startswith(str(gateway.ledger))


def test_without_a_sandbox(idle: Gateway, fake: FakeE2B) -> None:
    diagnosis = doctor(idle, "--no-sandbox")
    assert diagnosis.code == 0, diagnosis
    assert [finding["name"] for finding in diagnosis.findings] == CHECKS
    assert not fake.created


def test_every_key_is_tried(new_gateway: NewGateway, fake: FakeE2B) -> None:
    gateway = new_gateway(fake.url)
    spare = gateway.note_upstream_key("e2b_" + "ab" * 20)
    added = gateway.run("upstream-key", "add", "--team", "default", input=spare)
    assert added.returncode == 0, added.stderr

    def probe(exchange: Exchange) -> None:
        known = exchange.headers["X-API-Key"] != spare
        exchange.answer(200 if known else 401, [] if known else {"code": 401, "message": "no"})

    fake.probe = probe
    diagnosis = doctor(gateway, "--no-sandbox")
    keys = [finding for finding in diagnosis.findings if finding["name"] == "upstream-key"]
    assert [finding["status"] for finding in keys] == ["ok", "warning"]
    assert "standby" in keys[1]["detail"] and "retire" in keys[1]["advice"]
    assert diagnosis.code == 0, "the active key is taken"


# For people


def test_people_see_each_part_as_it_is_done(idle: Gateway, fake: FakeE2B) -> None:
    asked, let = threading.Event(), threading.Event()

    def create(exchange: Exchange) -> None:
        asked.set()
        let.wait(60)
        exchange.answer(201, SANDBOX)

    fake.create = create
    command = subprocess.Popen(
        [str(BINARY), "doctor"], cwd=idle.folder, env=environment(**idle.settings), stdout=subprocess.PIPE, text=True
    )
    try:
        assert asked.wait(60)
        lines = [command.stdout.readline() for _ in CHECKS]
        assert any(line.startswith("ok       disk ") for line in lines), lines
        let.set()
        rest = command.stdout.read()
        assert "sandbox-execute" in rest and "\nok       sandbox-destroy" in rest
        assert command.wait(60) == 0
    finally:
        let.set()
        command.kill()
        command.wait()


# What can be wrong with the machine


def test_few_open_files(new_gateway: NewGateway, fake: FakeE2B, tmp_path: pathlib.Path, contract: Contract) -> None:
    limited = Gateway(tmp_path, contract, fake.url).initialise()
    limited.start(under=("prlimit", "--nofile=512:1024"))
    try:
        diagnosis = doctor(limited, "--no-sandbox")
    finally:
        limited.stop()
    assert diagnosis["open-files"]["status"] == "warning", "the gateway's limit, not the command's"
    assert diagnosis["open-files"]["measured"] == {"soft_limit": 1024, "hard_limit": 1024}
    assert diagnosis.code == 0


def test_a_root_key_that_others_may_read(new_gateway: NewGateway, fake: FakeE2B) -> None:
    gateway = new_gateway(fake.url)
    gateway.root_key_file.chmod(0o644)
    try:
        diagnosis = doctor(gateway, "--no-sandbox")
    finally:
        gateway.root_key_file.chmod(0o600)
    assert diagnosis.named("failed") == ["root-key"]
    assert "0644" in diagnosis["root-key"]["detail"] and "chmod 600" in diagnosis["root-key"]["advice"]
    assert diagnosis.code == 1


def test_no_ledger(tmp_path: pathlib.Path, contract: Contract, fake: FakeE2B) -> None:
    diagnosis = doctor(Gateway(tmp_path, contract, fake.url))
    assert diagnosis.code == 1
    assert diagnosis["ledger"]["status"] == "failed" and "e2b-gateway init" in diagnosis["ledger"]["detail"]
    assert diagnosis["sandbox-destroy"]["status"] == "ok", "the rest is examined all the same"


# What can be wrong with upstream


def out_of_reach(diagnosis: Diagnosis, *failed: str) -> None:
    assert diagnosis.code == 1
    assert diagnosis.named("failed") == list(failed)
    assert diagnosis["sandbox"]["status"] == "skipped"
    assert all(finding.get("advice") for finding in diagnosis.findings if finding["status"] == "failed")


def test_a_name_without_an_address(idle: Gateway, fake: FakeE2B) -> None:
    diagnosis = doctor(idle, E2B_API_URL="http://nowhere.invalid")
    out_of_reach(diagnosis, "control-plane-name")
    assert "nowhere.invalid" in diagnosis["control-plane-name"]["detail"]


def test_sandboxes_whose_name_has_no_address(idle: Gateway, fake: FakeE2B) -> None:
    diagnosis = doctor(idle, E2B_SANDBOX_URL="http://nowhere.invalid")
    assert diagnosis["sandbox-name"]["status"] == "warning"
    assert diagnosis.named("failed") == ["sandbox-execute"]
    assert fake.destroyed == [SANDBOX["sandboxID"]]


def test_nobody_listens(idle: Gateway) -> None:
    with unreachable_url() as url:
        diagnosis = doctor(idle, E2B_API_URL=url)
    out_of_reach(diagnosis, "control-plane")
    assert "nothing listens" in diagnosis["control-plane"]["detail"]


def test_the_running_gateway_tells_what_it_cannot_reach(tmp_path: pathlib.Path, contract: Contract) -> None:
    with unreachable_url() as url:
        gateway = Gateway(tmp_path, contract, url).initialise().start()
        try:
            diagnosis = doctor(gateway)
        finally:
            gateway.stop()
    out_of_reach(diagnosis, "readiness", "control-plane")


def test_a_key_that_upstream_refuses(idle: Gateway, fake: FakeE2B) -> None:
    fake.probe = lambda exchange: exchange.answer(401, {"code": 401, "message": "no"})
    diagnosis = doctor(idle)
    out_of_reach(diagnosis, "upstream-key")
    assert not fake.created


def test_no_key(idle: Gateway, fake: FakeE2B) -> None:
    diagnosis = doctor(idle, E2B_API_KEY="")
    out_of_reach(diagnosis, "upstream-key")
    assert "upstream-key add" in diagnosis["upstream-key"]["advice"]


@pytest.mark.parametrize(
    ("ahead", "status", "word"), [(30, "warning", "behind"), (-30, "warning", "ahead of"), (600, "failed", "behind")]
)
def test_a_clock_that_is_wrong(idle: Gateway, fake: FakeE2B, ahead: int, status: str, word: str) -> None:
    fake.seconds_ahead = ahead
    diagnosis = doctor(idle)
    assert diagnosis["clock"]["status"] == status
    assert word in diagnosis["clock"]["detail"]
    assert abs(diagnosis["clock"]["measured"]["skew_s"] + ahead) <= 2
    assert diagnosis.code == (1 if status == "failed" else 0)


class SecureE2B(FakeE2B):
    """Over TLS."""

    def __init__(self, certificates: Certificates):
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate, certificates.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = self.origin.replace("http://127.0.0.1", "https://localhost")
        self.execute = computing


@pytest.fixture
def certificates(tmp_path: pathlib.Path) -> Certificates:
    return Certificates(tmp_path / "certificates")


@pytest.mark.parametrize(("days", "status"), [(2, "warning"), (90, "ok")])
def test_a_certificate(idle: Gateway, certificates: Certificates, days: int, status: str) -> None:
    certificates.renew(days)
    with SecureE2B(certificates) as e2b:
        settings = {"E2B_API_URL": e2b.url, "E2B_SANDBOX_URL": e2b.url, "SSL_CERT_FILE": str(certificates.authority)}
        diagnosis = doctor(idle, **settings)
    assert diagnosis.code == 0, diagnosis
    assert diagnosis["certificate"]["status"] == status
    assert days - 1 <= diagnosis["certificate"]["measured"]["left_days"] <= days
    assert diagnosis["control-plane"]["measured"]["tls_ms"] > 0


def test_a_certificate_that_has_expired(idle: Gateway, certificates: Certificates) -> None:
    certificates.renew(-1)
    with SecureE2B(certificates) as e2b:
        diagnosis = doctor(idle, E2B_API_URL=e2b.url, SSL_CERT_FILE=str(certificates.authority))
    out_of_reach(diagnosis, "control-plane")
    assert "expired" in diagnosis["control-plane"]["detail"]


def test_a_certificate_of_an_unknown_authority(idle: Gateway, certificates: Certificates) -> None:
    with SecureE2B(certificates) as e2b:
        diagnosis = doctor(idle, E2B_API_URL=e2b.url)
    out_of_reach(diagnosis, "control-plane")
    assert "CURL_CA_BUNDLE" in diagnosis["control-plane"]["advice"]


# What can be wrong with a sandbox


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_sandbox_that_cannot_be_made(idle: Gateway, fake: FakeE2B, status: int) -> None:
    fake.create = lambda exchange: exchange.answer(status, {"code": status, "message": "no"})
    diagnosis = doctor(idle)
    assert diagnosis.code == 1
    assert diagnosis.named("failed") == ["sandbox-create"]
    assert diagnosis["sandbox-create"]["advice"]
    assert not fake.destroyed


def test_a_create_whose_answer_is_lost_leaves_nothing(idle: Gateway, fake: FakeE2B) -> None:
    made: list[dict] = []

    def create(exchange: Exchange) -> None:
        made.append(SANDBOX | {"state": "running", "metadata": exchange.order["metadata"]})
        exchange.break_off()

    fake.create = create
    fake.probe = lambda exchange: exchange.answer(200, made[:1])
    diagnosis = doctor(idle)
    assert diagnosis.named("failed") == ["sandbox-create"]
    assert LABEL in made[0]["metadata"]
    assert fake.destroyed == [SANDBOX["sandboxID"]]


def refused(exchange: Exchange) -> None:
    exchange.answer(500, {"code": 500, "message": "no"})


def wrong(exchange: Exchange) -> None:
    exchange.begin_events()
    exchange.event({"type": "result", "text": "3", "extra": {}, "is_main_result": True})
    exchange.event({"type": "end_of_execution"})
    exchange.end_events()


@pytest.mark.parametrize("execute", [refused, wrong])
def test_a_sandbox_that_runs_nothing_is_destroyed(
    idle: Gateway, fake: FakeE2B, execute: Callable[[Exchange], None]
) -> None:
    fake.execute = execute
    diagnosis = doctor(idle)
    assert diagnosis.code == 1
    assert diagnosis.named("failed") == ["sandbox-execute"]
    assert fake.destroyed == [SANDBOX["sandboxID"]]


def test_a_sandbox_that_cannot_be_destroyed_is_named(idle: Gateway, fake: FakeE2B) -> None:
    fake.destroy = refused
    diagnosis = doctor(idle)
    assert diagnosis.named("failed") == ["sandbox-destroy"]
    assert SANDBOX["sandboxID"] in diagnosis["sandbox-destroy"]["detail"]
    assert fake.created[0]["timeout"] <= 60, "upstream ends it then"


# What cannot be examined


@pytest.mark.parametrize(
    "settings",
    [
        {"GATEWAY_DRAIN_SECONDS": "soon"},
        {"E2B_API_URL": "not a URL"},
        {"GATEWAY_ADMIN_URL": "http://127.0.0.1:1", "GATEWAY_ADMIN_TOKEN": "e2b_00"},
    ],
    ids=["settings", "upstream", "gateway"],
)
def test_what_cannot_be_examined(idle: Gateway, settings: dict[str, str]) -> None:
    diagnosis = doctor(idle, **settings)
    assert diagnosis.code == 2
    assert not diagnosis.findings
    assert diagnosis.errors.startswith("Error: ")


# By HTTP


def test_parts_by_http(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    administrator = Client(gateway.admin_url, gateway.admin_token, gateway.contract)
    path = "/admin/v1/diagnosis"
    reply = administrator.call("POST", path, json={"parts": ["ledger", "machine"]})
    assert reply.status == 200, reply.body
    assert [finding["name"] for finding in reply.document["findings"]] == CHECKS[:9]
    problem = administrator.call("POST", path, json={"parts": ["moon"]}).problem("invalid-request")
    assert "machine, ledger, upstream, sandbox" in problem["detail"]
    everything = administrator.call("POST", path, json={}).document["findings"]
    assert [finding["name"] for finding in everything] == CHECKS + SANDBOX_CHECKS
