"""`e2b-gateway run --sign`: the token signs and never travels."""

import contextlib
import json
import pathlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from harness import raw
from harness.gateway import Gateway, Tenant
from harness.leaks import spellings
from harness.service import BINARY, environment
from harness.signing import TokenKey, admitted
from harness.tokens import for_subject, with_timeout

Run = Callable[..., subprocess.CompletedProcess]

class Recorder:
    """Stands before a gateway and keeps every byte that callers send there."""

    def __init__(self, target: str):
        self._target = urlsplit(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._is_over = threading.Event()
        self._sent: list[bytearray] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def connections(self) -> list[bytes]:
        """What was sent on each connection so far."""
        return [bytes(sent) for sent in self._sent]

    @property
    def only(self) -> bytes:
        [sent] = self.connections
        return sent

    def __enter__(self) -> "Recorder":
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._listener.close()

    def _listen(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(OSError):
                caller, _ = self._listener.accept()
                self._join(caller)

    def _join(self, caller: socket.socket) -> None:
        gateway = socket.create_connection((self._target.hostname, self._target.port))
        sent = bytearray()
        self._sent.append(sent)
        threading.Thread(target=_pump, args=(caller, gateway, sent.extend), daemon=True).start()
        threading.Thread(target=_pump, args=(gateway, caller, lambda _: None), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, note: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            note(data)
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def recorder(gateway: Gateway) -> Iterator[Recorder]:
    with Recorder(gateway.url) as recorder:
        yield recorder


@pytest.fixture(scope="module")
def tenant(gateway: Gateway) -> Tenant:
    """A tenant of this file's own, so that its audit tells what ran."""
    return gateway.tenant("--rate", "10000/s", "--burst", "10000", "--runtime", "86400s/day")


@pytest.fixture
def run(gateway: Gateway, tenant: Tenant, recorder: Recorder) -> Run:
    """The command, through the recorder and with the tenant's token unless told otherwise."""

    def run(*arguments: str, code: str = "print(6 * 7)", **settings: str) -> subprocess.CompletedProcess:
        given = {"GATEWAY_URL": recorder.url, "GATEWAY_TOKEN": tenant.token} | settings
        return gateway.run("run", "-", *arguments, input=code, **given)

    return run


def fields(sent: bytes) -> dict[str, str]:
    """The header fields of one request."""
    head = sent.split(b"\r\n\r\n")[0].decode("latin-1")
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])}


def secrets_of(token: str) -> list[bytes]:
    """What proves a token and what signs with it, in the spellings in which they could travel."""
    tag = bytes.fromhex(token[-64:])
    return [spelling for secret in (tag, TokenKey(token).secret) for spelling in spellings(secret)]


def assert_signed_with(token: str, sent: bytes) -> None:
    """By name, and with nothing by which anybody could sign another."""
    present = fields(sent)
    assert f'keyid="{token[:-64]}"' in present["signature-input"]
    assert present["signature"] and present["content-digest"]
    assert not {"authorization", "x-api-key", "cookie"} & set(present)
    for secret in secrets_of(token):
        assert secret not in sent


# That the token never travels


def test_without_signing_the_recorder_sees_the_token(run: Run, recorder: Recorder, tenant: Tenant) -> None:
    """Else the tests beside this one would show nothing."""
    assert run().returncode == 0
    assert fields(recorder.only)["authorization"] == f"Bearer {tenant.token}"
    assert tenant.token[-64:].encode() in recorder.only


def test_a_signed_document(run: Run, recorder: Recorder, tenant: Tenant) -> None:
    done = run("--sign", "--output", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["output"] == "42\n"
    assert_signed_with(tenant.token, recorder.only)
    assert json.loads(done.stdout)["id"] in admitted(tenant)


def test_a_signed_stream(run: Run, recorder: Recorder, tenant: Tenant) -> None:
    done = run("--sign", code="import sys\nprint('é')\nprint('careful', file=sys.stderr)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "é\n", "careful\n")
    assert fields(recorder.only)["accept"] == "application/x-ndjson"
    assert_signed_with(tenant.token, recorder.only)


def test_a_narrowed_token_signs_by_its_own_name(
    run: Run, recorder: Recorder, gateway: Gateway, tenant: Tenant
) -> None:
    """Neither its own proof travels nor that of the token it was made from."""
    narrowed = with_timeout(for_subject(tenant.token, "user-42"), 3_000)
    gateway.secrets.add(narrowed)
    done = run("--sign", "--output", "json", GATEWAY_TOKEN=narrowed)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["granted_timeout_ms"] == 3_000
    [subject] = {record["record"]["subject"] for record in gateway.audit(document["id"])}
    assert subject == "user-42"
    assert_signed_with(narrowed, recorder.only)
    for secret in secrets_of(tenant.token):
        assert secret not in recorder.only


def test_what_was_seen_on_the_way_cannot_be_used(
    run: Run, recorder: Recorder, gateway: Gateway, tenant: Tenant
) -> None:
    """The very bytes, sent again."""
    assert run("--sign").returncode == 0
    before = admitted(tenant)
    with raw.connect(gateway) as connection:
        connection.sendall(recorder.only)
        assert raw.answer(connection)["type"] == "/problems/replayed"
    with raw.connect(gateway) as connection:
        connection.sendall(recorder.only.replace(b"6 * 7", b"7 * 7"))
        assert raw.answer(connection)["status"] == 401
    assert admitted(tenant) == before


def test_each_run_signs_anew(run: Run, recorder: Recorder) -> None:
    for _ in range(2):
        assert run("--sign").returncode == 0
    first, second = (fields(sent) for sent in recorder.connections)
    assert first["content-digest"] == second["content-digest"]
    assert first["signature-input"] != second["signature-input"]
    assert first["signature"] != second["signature"]


def test_context_and_timeout_are_signed_with_the_code(run: Run, recorder: Recorder, tmp_path: pathlib.Path) -> None:
    context = tmp_path / "context"
    context.write_text("data é")
    done = run("--sign", "--context", str(context), "--timeout", "5s", code="print(context_data)")
    assert (done.returncode, done.stdout) == (0, "data é\n"), done.stderr
    assert b"context_data" in recorder.only


# As without signing


def test_a_signed_stream_comes_as_it_is_made(gateway: Gateway, tenant: Tenant, tmp_path: pathlib.Path) -> None:
    """The first line is there while the code still waits."""
    script = tmp_path / "script.py"
    script.write_text("import time\nprint('first', flush=True)\ntime.sleep(2)\nprint('last')")
    settings = environment(GATEWAY_URL=gateway.url, GATEWAY_TOKEN=tenant.token)
    with subprocess.Popen(
        [str(BINARY), "run", "--sign", str(script)], env=settings, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "first\n"
        came = time.monotonic()
        assert running.stdout.readline() == "last\n"
        assert time.monotonic() - came > 1
        assert running.wait(20) == 0


@pytest.mark.parametrize(
    ("code", "timeout", "exit_code"),
    [("1/0", "20s", 1), ("while True: pass", "900ms", 124)],
    ids=["failed", "timed out"],
)
def test_exit_codes_are_the_same(run: Run, code: str, timeout: str, exit_code: int) -> None:
    for output in ("table", "json"):
        assert run("--sign", "--timeout", timeout, "--output", output, code=code).returncode == exit_code


@pytest.mark.parametrize("place", ["http://127.0.0.1:{port}/", "http://localhost:{port}", "http://LOCALHOST:{port}"])
def test_however_the_gateways_place_is_written(run: Run, recorder: Recorder, tenant: Tenant, place: str) -> None:
    """What is signed is what libcurl then sends."""
    done = run("--sign", GATEWAY_URL=place.format(port=urlsplit(recorder.url).port))
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
    assert_signed_with(tenant.token, recorder.only)


def test_a_tenant_that_accepts_signed_requests_only(run: Run, gateway: Gateway) -> None:
    strict = gateway.tenant("--signed-only")
    refused = run(GATEWAY_TOKEN=strict.token)
    assert refused.returncode == 125
    assert "signed" in refused.stderr
    assert run("--sign", GATEWAY_TOKEN=strict.token).stdout == "42\n"


# What cannot sign


@pytest.mark.parametrize(
    "token",
    ["e2b_00", "nonsense", "e2b_" + "a" * 40, "e2b_01" + "0" * 79, "e2b_01" + "F" * 80, "e2b_01" + "00" * 5000],
    ids=["too short", "nonsense", "an E2B key", "odd", "upper case", "too long"],
)
@pytest.mark.parametrize("how", [["--sign"], []], ids=["signed", "bearer"])
def test_what_is_no_token_is_not_sent(run: Run, recorder: Recorder, token: str, how: list[str]) -> None:
    """Nothing is sent, and the message says in words what is wrong, without the token."""
    done = run(*how, GATEWAY_TOKEN=token)
    assert done.returncode == 125
    assert done.stdout == ""
    assert "GATEWAY_TOKEN is not a token" in done.stderr
    assert ("E2B API key" in done.stderr) >= (token == "e2b_" + "a" * 40)
    assert token not in done.stderr
    assert "(malformed(" not in done.stderr, "Swift's words are not for people"
    assert len(done.stderr.splitlines()) == 1
    assert not recorder.connections


def test_without_a_token(run: Run, recorder: Recorder) -> None:
    done = run("--sign", GATEWAY_TOKEN="")
    assert (done.returncode, done.stdout) == (125, "")
    assert "GATEWAY_TOKEN is not set" in done.stderr
    assert not recorder.connections


def test_a_token_the_gateway_does_not_know(run: Run, tenant: Tenant) -> None:
    for token in ("e2b_01" + "0" * 80, tenant.token[:-64] + "0" * 64):
        done = run("--sign", GATEWAY_TOKEN=token)
        assert (done.returncode, done.stdout) == (125, "")
        assert "signature" in done.stderr
        assert token not in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"GATEWAY_URL": "http://127.0.0.1:1"}, "GATEWAY_URL"), ({"GATEWAY_URL": "nonsense"}, "GATEWAY_URL")],
    ids=str,
)
def test_a_gateway_that_is_not_there(run: Run, settings: dict[str, str], said: str) -> None:
    done = run("--sign", **settings)
    assert done.returncode == 125
    assert said in done.stderr
