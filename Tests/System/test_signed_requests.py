"""Requests signed by clients that nobody here wrote are accepted, once; whatever was changed on the way is refused."""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms
from http_message_signatures.digests import ContentDigest
from requests import PreparedRequest

from conftest import NewGateway
from harness import raw
from harness.client import NDJSON, SSE, Reply
from harness.gateway import Gateway, Tenant
from harness.signing import COMPONENTS, Signer, admitted, structured, usual_components
from harness.tokens import expiring, for_subject, for_templates, narrowed, with_timeout
from harness.waiting import eventually

Change = Callable[[PreparedRequest], object]
Narrowed = Callable[..., Signer]
Admits = Callable[[int], contextlib.AbstractContextManager]

SOME_EXECUTION = "/v1/executions/exe_000000000000000000000000"
FREE = ("--rate", "10000/s", "--burst", "10000", "--executions", "20", "--runtime", "86400s/day")


@pytest.fixture(scope="module")
def tenant(gateway: Gateway) -> Tenant:
    """A tenant of this file's own, whose rate is no obstacle, so that its audit tells what ran."""
    return gateway.tenant(*FREE)


@pytest.fixture(scope="module")
def signer(tenant: Tenant) -> Signer:
    return Signer(tenant.gateway, tenant.token)


@pytest.fixture(scope="module")
def full(gateway: Gateway) -> Signer:
    """Signs for a tenant without room: refused for want of it is whoever was let in, and nothing need be run."""
    return Signer(gateway, gateway.tenant(*FREE, "--executions", "0").token)


def assert_accepted(full: Signer, order: PreparedRequest) -> None:
    full.send(order).problem("concurrency-exceeded")


@pytest.fixture
def narrow(tenant: Tenant) -> Narrowed:
    """Somebody who signs with the tenant's token, narrowed."""

    def narrow(narrowing: Callable[..., str], *how: object) -> Signer:
        token = narrowing(tenant.token, *how)
        tenant.gateway.secrets.add(token)
        return Signer(tenant.gateway, token)

    return narrow


@pytest.fixture
def admits(tenant: Tenant) -> Admits:
    """A block in which so many executions are admitted."""

    @contextlib.contextmanager
    def admits(count: int) -> Iterator[None]:
        before = admitted(tenant)
        yield
        assert len(admitted(tenant)) == len(before) + count

    return admits


@pytest.fixture
def nothing_runs(admits: Admits) -> Iterator[None]:
    """Whatever the test does, no execution is admitted."""
    with admits(0):
        yield


def events(reply: Reply, signer: Signer) -> list[dict]:
    """The events of a streamed reply in NDJSON, each held against openapi.yaml."""
    assert reply.headers["content-type"].startswith(NDJSON)
    events = [json.loads(line) for line in reply.body.splitlines()]
    for event in events:
        signer.gateway.contract.check_event(event)
    return events


# Clients that nobody here wrote


def with_message_signatures(signer: Signer, request: PreparedRequest) -> PreparedRequest:
    return signer.sign(request)


def with_requests_http_signature(signer: Signer, request: PreparedRequest) -> PreparedRequest:
    return signer.auth()(request)


both_libraries = pytest.mark.parametrize("sign", [with_message_signatures, with_requests_http_signature])


@both_libraries
def test_a_signed_execution(signer: Signer, tenant: Tenant, sign: Callable) -> None:
    reply = signer.send(sign(signer, signer.plain("POST", "/v1/executions", {"code": "print('é')"})))
    document = reply.document
    assert (reply.status, document["outcome"], document["output"]) == (200, "completed", "é\n")
    assert document["id"] in admitted(tenant)


@both_libraries
def test_a_signed_execution_streams(signer: Signer, sign: Callable) -> None:
    order = signer.plain("POST", "/v1/executions", {"code": "print('out')\n1/0"}, accept=NDJSON)
    reply = signer.send(sign(signer, order))
    streamed = events(reply, signer)
    assert [event["type"] for event in streamed] == ["started", "stdout", "exception", "finished"]
    assert streamed[1]["text"] == "out\n"
    assert streamed[-1]["outcome"] == "failed"


@both_libraries
@pytest.mark.parametrize("path", ["/v1/whoami", "/v1/usage", "/v1/whoami?a=%C3%A9&b&c=1+2"])
def test_a_signed_look(signer: Signer, tenant: Tenant, sign: Callable, path: str) -> None:
    reply = signer.send(sign(signer, signer.plain("GET", path)))
    assert (reply.status, reply.document["tenant"]) == (200, tenant.name)


@pytest.fixture(scope="module")
def finished(signer: Signer) -> str:
    """The path of an execution that is over."""
    return f"/v1/executions/{signer.execute('print(1)')['id']}"


@both_libraries
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_every_other_call_is_signed_alike(signer: Signer, finished: str, sign: Callable, method: str) -> None:
    record = signer.send(sign(signer, signer.plain(method, finished))).document
    assert (record["state"], record["outcome"]) == ("finished", "completed")


def test_as_the_libraries_own_page_has_it(gateway: Gateway, signer: Signer) -> None:
    """A session with `auth=` and nothing of ours in between."""
    with signer.session() as session:
        session.auth = signer.auth()
        assert session.get(f"{gateway.url}/v1/whoami").json()["key_id"] == signer.key.name[6:22]
        order = {"json": {"code": "print(6 * 7)"}, "headers": {"accept": SSE}, "stream": True}
        with session.post(f"{gateway.url}/v1/executions", **order) as reply:
            lines = [line.decode() for line in reply.iter_lines() if not line.startswith(b":")]
    assert [line for line in lines if line.startswith("event: ")] == [
        "event: started", "event: stdout", "event: finished",
    ]
    assert json.loads(lines[lines.index("event: stdout") + 1].removeprefix("data: "))["text"] == "42\n"


@both_libraries
def test_a_narrowed_token_signs_as_what_it_is(tenant: Tenant, narrow: Narrowed, sign: Callable) -> None:
    token = with_timeout(for_subject(tenant.token, "user-42"), 2_000)
    signer = narrow(lambda _: token)
    whoami = signer.send(sign(signer, signer.plain("GET", "/v1/whoami"))).document
    assert (whoami["tenant"], whoami["subject"]) == (tenant.name, "user-42")
    reply = signer.send(sign(signer, signer.plain("POST", "/v1/executions", {"code": "print(1)"})))
    assert reply.document["granted_timeout_ms"] == 2_000
    [subject] = {record["record"]["subject"] for record in tenant.gateway.audit(reply.document["id"])}
    assert subject == "user-42"


def test_libraries_may_cover_and_say_more(full: Signer) -> None:
    """Other fields, `@target-uri`, `tag`, any label, an empty body's digest, no `alg`."""
    order = full.plain("POST", "/v1/executions", {"code": "print(1)"}, x_request_id="chat-1")
    covering = ("@target-uri", "@scheme", "@request-target", "content-type", "x-request-id", "@method")
    assert_accepted(full, full.sign(order, covering=covering, tag="app", label="mine", expires_in=30))
    assert full.send(full.look(include_alg=False)).status == 200
    assert full.send(full.look(body=b"")).status == 200


@pytest.mark.parametrize("names", [["sha-256"], ["sha-512"], ["sha-256", "sha-512"], ["md5", "sha-256"]], ids=str)
def test_digests(full: Signer, names: list[str]) -> None:
    """The two of RFC 9530 count; what else is there is passed over."""
    order = full.plain("POST", "/v1/executions", {"code": "print(1)"})
    components = usual_components(order)
    order.headers["Content-Digest"] = digest_field(order.body, *names)
    components[-1] = (components[-1][0], order.headers["Content-Digest"])
    assert_accepted(full, full.by_hand(order, components))


def test_a_digest_of_the_libraries_own_with_sha_512(full: Signer) -> None:
    class Sha512(ContentDigest):
        algorithm = "sha-512"

    order = full.plain("POST", "/v1/executions", {"code": "print(1)"})
    Sha512.add(order.headers, order.body)
    assert_accepted(full, full.sign(order, use_existing_digest=True))


def digest_field(body: bytes, *names: str) -> str:
    hashes = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512, "md5": hashlib.md5}
    return ", ".join(f"{name}={structured(hashes[name](body).digest())}" for name in names)


def test_another_signature_may_stand_beside_it(signer: Signer) -> None:
    """Such as a proxy's, whether it signed before or after."""
    for is_first in (True, False):
        request = signer.plain("GET", "/v1/whoami")
        for signs in [sign_as_proxy, signer.sign] if is_first else [signer.sign, sign_as_proxy]:
            signs(request, append_if_signature_exists=True, label="proxy" if signs is sign_as_proxy else "app")
        assert request.headers["Signature-Input"].count("keyid") == 2
        assert signer.send(request).status == 200


def sign_as_proxy(request: PreparedRequest, **options: object) -> None:
    keys = {"proxy-1": b"a secret of the proxy's own"}
    resolver = MappingKeyResolver(public_keys=keys, private_keys=keys)
    HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=resolver).sign(
        request, key_id="proxy-1", **options
    )


def test_behind_a_proxy_that_ends_tls(gateway: Gateway, tenant: Tenant) -> None:
    """The scheme is the caller's, if a trusted proxy says so; a proxy's port is its own affair."""
    signer = Signer(gateway, tenant.token, seen_at="https://Sandboxes.Example")
    covering = ("@method", "@target-uri")
    request = signer.look("/v1/whoami?x", covering=covering)
    request.headers["X-Forwarded-Proto"] = "https"
    assert signer.send(request).status == 200
    signer.send(signer.look("/v1/whoami?x", covering=covering)).problem("invalid-signature")


# Every byte that is covered


def header(name: str, value: str) -> Change:
    return lambda request: request.headers.__setitem__(name, value)


def replaced(name: str, old: str, new: str) -> Change:
    """Another text at the place of one that must be there."""

    def change(request: PreparedRequest) -> None:
        assert old in request.headers[name], f"{old} is not in {request.headers[name]}"
        request.headers[name] = request.headers[name].replace(old, new, 1)

    return change


def matching(name: str, pattern: str, new: str) -> Change:
    """As `replaced`, with a pattern."""

    def change(request: PreparedRequest) -> None:
        changed = re.sub(pattern, new, request.headers[name], count=1)
        assert changed != request.headers[name]
        request.headers[name] = changed

    return change


def url(old: str, new: str) -> Change:
    def change(request: PreparedRequest) -> None:
        request.headers["Host"] = place(request)
        assert old in request.url
        request.url = request.url.replace(old, new, 1)

    return change


def place(request: PreparedRequest) -> str:
    """Where the gateway is, as its caller wrote it."""
    return urlsplit(request.url).netloc


def body(change_body: Callable[[bytes], bytes], *, is_digested: bool = False) -> Change:
    """Another body, with the digest of the one that was signed, or else with its own."""

    def change(request: PreparedRequest) -> None:
        request.body = change_body(request.body)
        request.headers["Content-Length"] = str(len(request.body))
        if is_digested:
            request.headers["Content-Digest"] = ContentDigest.create(request.body)

    return change


def without(*names: str) -> Change:
    return lambda request: [request.headers.pop(name) for name in names]


def flipped(text: str, position: int) -> str:
    """With one bit of one character changed, so that it stays printable."""
    return text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]


CHANGES: dict[str, Change] = {
    "query: a value": url("a=1", "a=2"),
    "query: its order": url("a=1&b=2", "b=2&a=1"),
    "query: a parameter more": url("a=1", "a=1&c"),
    "query: none": url("?a=1&b=2", ""),
    "query: another encoding": url("a=1", "a=%31"),
    "authority: another name": header("Host", "another.example"),
    "authority: another port": lambda request: header("Host", place(request) + "1")(request),
    "body: other code": body(lambda signed: signed.replace(b"print(1)", b"print(2)")),
    "body: other code and its digest": body(lambda signed: signed.replace(b"(1)", b"(2)"), is_digested=True),
    "body: a space more": body(lambda signed: signed + b" "),
    "body: a byte less": body(lambda signed: signed[:-1]),
    "body: none": body(lambda signed: b""),
    "body: none, and no digest": lambda request: (body(lambda _: b"")(request), without("Content-Digest")(request)),
    "digest: not there": without("Content-Digest"),
    "digest: another spelling": replaced("Content-Digest", "sha-256", "SHA-256"),
    "digest: a second one": lambda request: header(
        "Content-Digest", digest_field(request.body, "sha-256", "sha-512")
    )(request),
    "covered field: another": header("X-Covered", "other"),
    "covered field: other case": header("X-Covered", "Value"),
    "covered field: not there": without("X-Covered"),
    "created: a second later": lambda request: matching(
        "Signature-Input", r"created=\d+", f"created={created_of(request) + 1}"
    )(request),
    "created: not there": matching("Signature-Input", r"created=\d+;", ""),
    "nonce: another": matching("Signature-Input", r'nonce="\w+"', 'nonce="another"'),
    "nonce: not there": matching("Signature-Input", r';nonce="\w+"', ""),
    "alg: not there": replaced("Signature-Input", ';alg="hmac-sha256"', ""),
    "expires: there": matching("Signature-Input", "$", ";expires=4102444800"),
    "keyid: another key": matching("Signature-Input", r'keyid="e2b_01\w{16}', f'keyid="e2b_01{"0" * 16}'),
    "keyid: a caveat more": matching("Signature-Input", r'(keyid="\w+)', r"\g<1>050008000000000000ffff"),
    "components: another order": replaced("Signature-Input", '"@path" "@query"', '"@query" "@path"'),
    "components: one less": replaced("Signature-Input", ' "x-covered"', ""),
    "components: one more": replaced("Signature-Input", '"x-covered"', '"x-covered" "host"'),
    "signature: cut": matching("Signature", r"=:.{4}", "=:"),
    "signature: longer": matching("Signature", r"=:", "=:AAAA"),
    "signature: empty": matching("Signature", r":.*:", "::"),
    "signature: without padding": matching("Signature", "=:$", ":"),
    "signature: not there": without("Signature"),
    "signature: under another label": matching("Signature", r"^\w+", "other"),
    "signature input: not there": without("Signature-Input"),
}


def created_of(request: PreparedRequest) -> int:
    return int(re.search(r"created=(\d+)", request.headers["Signature-Input"]).group(1))


def an_order(signer: Signer) -> PreparedRequest:
    order = signer.plain("POST", "/v1/executions?a=1&b=2", {"code": "print(1)"}, x_covered="value")
    return signer.sign(order, covering=(*COMPONENTS, "x-covered"))


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_is_refused(signer: Signer, what: str) -> None:
    order = an_order(signer)
    CHANGES[what](order)
    signer.send(order).problem("invalid-signature")


def test_another_method_is_refused(signer: Signer) -> None:
    for signed, sent in (("GET", "DELETE"), ("DELETE", "GET")):
        request = signer.sign(signer.plain(signed, SOME_EXECUTION))
        request.method = sent
        signer.send(request).problem("invalid-signature")


def test_another_path_is_refused(signer: Signer) -> None:
    for new in ("/v1/usage", "/v1/whoami?x", SOME_EXECUTION):
        look = signer.look()
        url("/v1/whoami", new)(look)
        signer.send(look).problem("invalid-signature")


@pytest.mark.parametrize("spelling", ["/v1/executions/", "//v1/executions", "/v1/%65xecutions", "/v1/./executions"])
@pytest.mark.usefixtures("nothing_runs")
def test_another_spelling_of_the_path_is_refused(signer: Signer, connection: socket.socket, spelling: str) -> None:
    """Not one that openapi.yaml names; but wherever it leads, it was not signed."""
    order = signer.addressed(signer.order())
    order.url = order.url.replace("/v1/executions", spelling)
    connection.sendall(wire(order, Content_Length=str(len(order.body))) + order.body)
    assert answered(connection)[0] in (401, 404)


@pytest.mark.parametrize("name", ["Signature-Input", "Signature", "Content-Digest", "X-Covered"])
@pytest.mark.usefixtures("nothing_runs")
def test_every_byte_of_the_fields_counts(signer: Signer, name: str) -> None:
    order = an_order(signer)
    value = order.headers[name]
    # The label is nobody's secret and is not covered.
    start = value.index("=") + 1 if name.startswith("Signature") else 0
    for position in range(start, len(value)):
        changed = order.copy()
        changed.headers[name] = flipped(value, position)
        reply = signer.send(changed)
        assert reply.status == 401, f"{value!r} at {position}: {reply.body!r}"
        reply.problem("invalid-signature")


@pytest.mark.usefixtures("nothing_runs")
def test_every_byte_of_the_body_counts(signer: Signer) -> None:
    order = an_order(signer)
    for position in range(len(order.body)):
        changed = order.copy()
        body(lambda signed: flipped(signed.decode(), position).encode())(changed)
        signer.send(changed).problem("invalid-signature")


def test_what_was_refused_did_not_use_up_the_request(signer: Signer, admits: Admits) -> None:
    """Whoever spoils a copy of it must not keep the true one from being accepted."""
    order = an_order(signer)
    for change in CHANGES.values():
        changed = order.copy()
        change(changed)
        signer.send(changed).problem("invalid-signature")
    with admits(1):
        assert signer.send(order).document["output"] == "1\n"


UNCOVERED: dict[str, Change] = {
    "another field": header("User-Agent", "somebody/1"),
    "a field more": header("X-More", "on the way"),
    "the content type's case": header("Content-Type", "Application/JSON"),
    "the host's case": lambda request: header("Host", place(request).upper())(request),
    "spaces around a value": header("X-Covered", "  value  "),
    "the label": lambda request: (
        matching("Signature-Input", r"^\w+", "other")(request), matching("Signature", r"^\w+", "other")(request),
    ),
    "spaces within the list": replaced("Signature-Input", '("', '(  "'),
}


@pytest.mark.parametrize("what", UNCOVERED)
def test_what_is_not_covered_may_change(full: Signer, what: str) -> None:
    signer = full.seeing("http://sandboxes.example:8080")
    order = an_order(signer)
    UNCOVERED[what](order)
    assert_accepted(signer, order)


# Once


def test_an_execution_is_accepted_once(signer: Signer, admits: Admits) -> None:
    order = signer.order()
    with admits(1):
        assert signer.send(order).status == 200
        for _ in range(2):
            signer.send(order).problem("replayed")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/whoami", 200),
        ("GET", "/v1/usage", 200),
        ("GET", SOME_EXECUTION, 404),
        ("DELETE", SOME_EXECUTION, 404),
    ],
)
def test_any_other_call_is_accepted_once(signer: Signer, method: str, path: str, status: int) -> None:
    request = signer.sign(signer.plain(method, path))
    assert signer.send(request).status == status
    signer.send(request).problem("replayed")


def test_a_nonce_serves_one_request_of_a_key(gateway: Gateway, signer: Signer, narrow: Narrowed) -> None:
    """Whatever the request is, and whichever of the key's tokens signs; other keys have nonces of their own."""
    nonce = "just-once-" + str(time.time_ns())
    assert signer.send(signer.look(nonce=nonce)).status == 200
    signer.send(signer.look("/v1/usage", nonce=nonce)).problem("replayed")
    signer.send(signer.order(nonce=nonce)).problem("replayed")
    signer.send(signer.look(nonce=nonce, age=5)).problem("replayed")
    subject = narrow(for_subject, "user-1")
    subject.send(subject.look(nonce=nonce)).problem("replayed")
    other = gateway.tenant()
    stranger = Signer(gateway, other.token)
    assert stranger.send(stranger.look(nonce=nonce)).status == 200
    assert signer.send(signer.look(nonce=nonce.upper())).status == 200


def test_replays_are_known_after_a_restart(new_gateway: NewGateway) -> None:
    """Whether the gateway ended in good order or was killed right after its answer."""
    gateway = new_gateway()
    tenant = gateway.tenant()
    signer = Signer(gateway, tenant.token, seen_at="http://sandboxes.example")
    used = []
    for ends in (gateway.stop, lambda: gateway.service.kill()):
        order, look = signer.order(), signer.look()
        assert (signer.send(order).status, signer.send(look).status) == (200, 200)
        used += [order, look]
        ends()
        gateway.start()
        for request in used:
            signer.send(request).problem("replayed")
    assert signer.send(signer.look()).status == 200
    assert len(admitted(tenant)) == 2


def at_once(signer: Signer, request: PreparedRequest, count: int) -> list[Reply]:
    """The same request from several threads at the same time."""
    together = threading.Barrier(count)

    def send(_: int) -> Reply:
        together.wait(10)
        return signer.send(request)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(send, range(count)))


def assert_one_of(replies: list[Reply], status: int) -> None:
    """One of several equal requests was accepted, whichever it was."""
    assert sorted(reply.status for reply in replies) == sorted([status] + [401] * (len(replies) - 1))
    for reply in replies:
        assert reply.status == status or reply.problem("replayed")


def test_of_executions_at_the_same_time_one_runs(signer: Signer, admits: Admits) -> None:
    with admits(2):
        for _ in range(2):
            assert_one_of(at_once(signer, signer.order(), 4), 200)


def test_of_requests_at_the_same_time_one_is_accepted(full: Signer) -> None:
    for _ in range(5):
        assert_one_of(at_once(full, full.order(), 6), 429)
        assert_one_of(at_once(full, full.look(), 6), 200)


def test_a_nonce_is_used_up_by_a_refusal_for_want_of_quota(gateway: Gateway) -> None:
    """Else it could be kept and run when there is room again."""
    tenant = gateway.tenant("--executions", "0")
    signer = Signer(gateway, tenant.token)
    order = signer.order()
    signer.send(order).problem("concurrency-exceeded")
    signer.send(order).problem("replayed")
    gateway.command("quota", "set", tenant.name, "--executions", "5")
    signer.send(order).problem("replayed")
    assert not admitted(tenant)
    assert signer.execute("print(1)")["output"] == "1\n"


# When


@pytest.mark.parametrize("age", [65, 600, 1e9, -65, -600, -1e9])
@pytest.mark.usefixtures("nothing_runs")
def test_a_clock_that_is_wrong(signer: Signer, age: float) -> None:
    for request in (signer.order(age=age), signer.look(age=age)):
        problem = signer.send(request).problem("clock-skew")
        told = int(re.search(r"\b\d{10}\b", problem["detail"]).group())
        assert abs(told - time.time()) < 5, "the server's time"


@pytest.mark.parametrize("age", [50, -50])
def test_a_clock_that_is_right_enough(full: Signer, age: float) -> None:
    assert_accepted(full, full.order(age=age))


def test_a_request_that_has_expired(signer: Signer) -> None:
    assert signer.send(signer.look(age=30, expires_in=30)).status == 200
    signer.send(signer.look(age=30, expires_in=-5)).problem("clock-skew")
    signer.send(signer.look(age=70, expires_in=30)).problem("clock-skew")


def test_only_whoever_signed_is_told_the_time(signer: Signer) -> None:
    late = signer.look(age=600)
    late.headers["Host"] = "another.example"
    assert not re.search(r"\d{10}", signer.send(late).problem("invalid-signature")["detail"])


# What must be said


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"alg": '"rsa-pss-sha512"'}, "hmac-sha256"),
        ({"alg": '"hmac-sha512"'}, "hmac-sha256"),
        ({"alg": '""'}, "hmac-sha256"),
        ({"alg": "hmac-sha256"}, "parameter"),
        ({"created": None}, "created"),
        ({"created": '"1800000000"'}, "parameter"),
        ({"created": "1800000000.5"}, "parameter"),
        ({"nonce": None}, "nonce"),
        ({"nonce": '""'}, "nonce"),
        ({"nonce": f'"{"x" * 129}"'}, "nonce"),
        ({"nonce": "17"}, "parameter"),
        ({"nonce": '"a\tb"'}, "string"),
        ({"keyid": None}, "keyid"),
        ({"keyid": '"somebody"'}, "keyid"),
        ({"expires": '"never"'}, "parameter"),
        ({"context": '"x"'}, "parameter"),
    ],
    ids=str,
)
def test_parameters_that_are_missing_or_wrong(signer: Signer, parameters: dict[str, str | None], said: str) -> None:
    order = signer.plain("POST", "/v1/executions", {"code": "print(1)"})
    problem = signer.send(signer.by_hand(order, **parameters)).problem("invalid-signature")
    assert said in problem["detail"]


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("keyid", ['"e2b_"', '"e2b_01"', "upper case", "with its tag", "odd"])
def test_a_keyid_that_is_no_token(signer: Signer, tenant: Tenant, keyid: str) -> None:
    name = signer.key.name
    forms = {"upper case": "e2b_" + name[4:].upper(), "with its tag": tenant.token, "odd": name[:-1]}
    written = f'"{forms[keyid]}"' if keyid in forms else keyid
    order = signer.plain("POST", "/v1/executions", {"code": "print(1)"})
    reply = signer.send(signer.by_hand(order, keyid=written))
    reply.problem("invalid-signature")
    assert tenant.token[-64:] not in reply.body.decode()


def test_signed_by_hand_it_would_be_right(full: Signer) -> None:
    """Else the tests beside this one would show nothing."""
    assert_accepted(full, full.by_hand(full.plain("POST", "/v1/executions", {"code": "print(1)"})))
    assert full.send(full.by_hand(full.plain("GET", "/v1/whoami"), nonce=f'"{"x" * 128}"')).status == 200


@pytest.mark.parametrize("missing", ["@method", "@authority", "@path", "@query", "content-digest"])
@pytest.mark.usefixtures("nothing_runs")
def test_components_that_must_be_covered(signer: Signer, missing: str) -> None:
    order = signer.plain("POST", "/v1/executions", {"code": "print(1)"})
    covered = [(name, value) for name, value in usual_components(order) if name != f'"{missing}"']
    assert len(covered) == 4
    problem = signer.send(signer.by_hand(order, covered)).problem("invalid-signature")
    assert missing in problem["detail"].lower()


@pytest.mark.parametrize(
    "component",
    [
        ('"@method"', "POST"),
        ('"@method";req', "POST"),
        ('"content-type";sf', "application/json"),
        ('"@status"', "200"),
        ('"@query-param"', "a"),
        ('"Content-Type"', "application/json"),
        ('"x-not-there"', ""),
        ("@method", "POST"),
    ],
    ids=lambda component: component[0],
)
@pytest.mark.usefixtures("nothing_runs")
def test_components_that_cannot_be(signer: Signer, component: tuple[str, str]) -> None:
    order = signer.plain("POST", "/v1/executions", {"code": "print(1)"})
    signer.send(signer.by_hand(order, [*usual_components(order), component])).problem("invalid-signature")


@pytest.mark.usefixtures("nothing_runs")
def test_two_signatures_with_our_keys(signer: Signer, narrow: Narrowed) -> None:
    """Which of the two it is that speaks must never be a question."""
    for second in (signer, narrow(for_subject, "user-7")):
        order = signer.order(label="one")
        second.sign(order, label="two", append_if_signature_exists=True, use_existing_digest=True)
        assert order.headers["Signature-Input"].count("keyid") == 2
        signer.send(order).problem("invalid-signature")


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    "digest",
    ["none", "not covered", "of another body", "one of two wrong", "other two wrong", "of an unknown kind", "no bytes"],
)
def test_a_body_needs_its_digest(signer: Signer, digest: str) -> None:
    order = signer.plain("POST", "/v1/executions", {"code": "print(1)"})
    other = b'{"code": "print(2)"}'
    fields = {
        "of another body": digest_field(other, "sha-256"),
        "one of two wrong": digest_field(other, "sha-256") + ", " + digest_field(order.body, "sha-512"),
        "other two wrong": digest_field(order.body, "sha-256") + ", " + digest_field(other, "sha-512"),
        "of an unknown kind": digest_field(order.body, "md5"),
        "no bytes": 'sha-256="' + base64.b64encode(hashlib.sha256(order.body).digest()).decode() + '"',
    }
    components = usual_components(order)
    if digest in fields:
        order.headers["Content-Digest"] = fields[digest]
        components[-1] = (components[-1][0], fields[digest])
    else:
        components.pop()
    if digest == "none":
        del order.headers["Content-Digest"]
    signer.send(signer.by_hand(order, components)).problem("invalid-signature")


@pytest.mark.parametrize("method, path", [("GET", "/v1/whoami"), ("GET", SOME_EXECUTION), ("DELETE", SOME_EXECUTION)])
def test_a_body_needs_its_digest_wherever_it_comes(signer: Signer, method: str, path: str) -> None:
    """Also where no body is asked for: what was signed is what is accepted."""
    request = signer.sign(signer.plain(method, path))
    body(lambda _: b"smuggled")(request)
    signer.send(request).problem("invalid-signature")


def test_a_label_stands_once(signer: Signer) -> None:
    """Which of two lists it is that was signed must never be a question."""
    order = signer.order()
    for name in ("Signature-Input", "Signature"):
        changed = order.copy()
        changed.headers[name] = f"{order.headers[name]}, {order.headers[name]}"
        signer.send(changed).problem("invalid-signature")


@pytest.mark.parametrize(("label", "status"), [("proxy", 200), ("pyhms", 401)])
def test_a_field_on_several_lines_is_one(
    signer: Signer, connection: socket.socket, label: str, status: int
) -> None:
    """As a proxy writes it that adds a line of its own."""
    line = f"Signature-Input: {label}=();keyid=\"proxy-1\"\r\nSignature: {label}=:AAAA:\r\n\r\n"
    connection.sendall(wire(signer.addressed(signer.look())).removesuffix(b"\r\n") + line.encode())
    assert answered(connection)[0] == status


@pytest.mark.parametrize("name", ["Signature-Input", "Signature", "Content-Digest"])
def test_fields_that_are_too_long(signer: Signer, name: str) -> None:
    order = signer.order()
    order.headers[name] += ", x=" + structured(b"\0" * 15_000)
    started = time.monotonic()
    signer.send(order).problem("invalid-signature")
    assert time.monotonic() - started < 2


# Bodies as they travel


def wire(request: PreparedRequest, **framing: str) -> bytes:
    """The request's head, with other framing than its own."""
    fields = {name: value for name, value in request.headers.items() if name != "Content-Length"}
    fields |= {name.replace("_", "-"): value for name, value in framing.items()}
    lines = [f"{request.method} {request.path_url} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture
def connection(gateway: Gateway) -> Iterator[socket.socket]:
    with raw.connect(gateway) as connection:
        yield connection


def answered(connection: socket.socket) -> tuple[int, dict]:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, json.loads(response.read() or b"{}")


def is_over(gateway: Gateway, request_id: str) -> bool:
    """Whether the gateway has done with a request."""
    return any(request_id in json.dumps(line) for line in gateway.service.log_lines())


def test_a_signed_body_in_chunks(full: Signer) -> None:
    """A digest is of the body's bytes, not of how they were cut."""
    order = full.order()
    in_chunks(order, order.body[:5], order.body[5:])
    assert_accepted(full, order)


@pytest.mark.usefixtures("nothing_runs")
def test_chunks_that_were_not_signed(signer: Signer) -> None:
    for chunks in ([b'{"code": "print(2)"}'], lambda signed: [signed, b" "], lambda signed: [signed[:-1]]):
        order = signer.order()
        in_chunks(order, *(chunks(order.body) if callable(chunks) else chunks))
        signer.send(order).problem("invalid-signature")


def in_chunks(request: PreparedRequest, *chunks: bytes) -> None:
    request.body = iter(chunks)
    del request.headers["Content-Length"]
    request.headers["Transfer-Encoding"] = "chunked"


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("leave", ["closing", "half-closing"])
def test_a_body_shorter_than_announced(
    gateway: Gateway, signer: Signer, connection: socket.socket, leave: str
) -> None:
    """What was signed came whole, and still it is not what was announced."""
    request_id = f"shorter-{leave}"
    order = signer.addressed(signer.order())
    order.headers["X-Request-Id"] = request_id
    connection.sendall(wire(order, Content_Length=str(len(order.body) + 10)) + order.body)
    if leave == "closing":
        connection.close()
    else:
        connection.shutdown(socket.SHUT_WR)
        assert_refused_or_closed(connection)
    eventually(lambda: is_over(gateway, request_id), within=10, what="the gateway has given up on it")


def assert_refused_or_closed(connection: socket.socket) -> None:
    try:
        status, document = answered(connection)
    except (http.client.HTTPException, ConnectionError):
        return
    assert (status, document.get("type")) == (400, "/problems/invalid-request")


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("announced", [-1, 1])
def test_another_length_than_that_of_what_was_signed(
    signer: Signer, connection: socket.socket, announced: int
) -> None:
    order = signer.addressed(signer.order())
    sent = (order.body + b" ")[: len(order.body) + announced]
    connection.sendall(wire(order, Content_Length=str(len(sent))) + order.body + b" ")
    status, problem = answered(connection)
    assert (status, problem["type"]) == (401, "/problems/invalid-signature")


def test_what_comes_after_the_body_is_no_part_of_it(
    signer: Signer, connection: socket.socket, admits: Admits
) -> None:
    """Neither run with it nor covered by its signature."""
    order = signer.addressed(signer.order())
    stowaway = b'{"code": "print(2)"}'
    with admits(1):
        connection.sendall(wire(order, Content_Length=str(len(order.body))) + order.body + stowaway)
        status, document = answered(connection)
        # What comes after it is no request, so the connection may end before the execution does.
        assert (status, document["output"]) in ((200, "1\n"), (200, "")), document
        rest = b"".join(iter(lambda: connection.recv(65536), b""))
        assert not rest or rest.startswith(b"HTTP/1.1 400"), rest


def test_a_signature_is_good_for_one_request_of_a_connection(signer: Signer, connection: socket.socket) -> None:
    look = signer.addressed(signer.look())
    connection.sendall(wire(look))
    assert answered(connection)[0] == 200
    # Only now: what reads the first answer would take the beginning of the second with it.
    connection.sendall(b"GET /v1/whoami HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
    status, problem = answered(connection)
    assert (status, problem["type"]) == (401, "/problems/missing-credential")


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("order_of_lines", ["length first", "chunks first"])
def test_two_ways_to_tell_the_length(signer: Signer, connection: socket.socket, order_of_lines: str) -> None:
    """A request that two servers could cut differently is not run."""
    order = signer.addressed(signer.order())
    framing = {"Content_Length": str(len(order.body)), "Transfer_Encoding": "chunked"}
    if order_of_lines == "chunks first":
        framing = dict(reversed(framing.items()))
    connection.sendall(wire(order, **framing) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(order.body), order.body))
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.status in (400, 401)


# Whose


def test_a_tenant_that_accepts_signed_requests_only(gateway: Gateway) -> None:
    tenant = gateway.tenant("--signed-only")
    signer = Signer(gateway, tenant.token)
    assert gateway.json_command("quota", "get", tenant.name)["signed_only"] is True
    for bearer in ({"authorization": f"Bearer {tenant.token}"}, {"x-api-key": tenant.token}):
        client = gateway.client(None)
        client.get("/v1/whoami", headers=bearer).problem("invalid-signature")
        client.post("print(1)", headers=bearer).problem("invalid-signature")
    assert not admitted(tenant)
    assert signer.execute("print(1)")["output"] == "1\n"
    assert signer.send(signer.look("/v1/usage")).document["policy"]["signed_only"] is True

    gateway.command("quota", "set", tenant.name, "--no-signed-only")
    assert tenant.client.execute("print(2)")["output"] == "2\n"
    assert signer.send(signer.look()).status == 200


def test_a_token_that_signs_only(gateway: Gateway, tenant: Tenant, narrow: Narrowed, admits: Admits) -> None:
    token = narrowed(tenant.token, 0x09, b"")
    signer = narrow(lambda _: token)
    bearer = gateway.client(token)
    with admits(1):
        assert "signed" in bearer.get("/v1/whoami").problem("invalid-signature")["detail"]
        bearer.post("print(1)").problem("invalid-signature")
        assert signer.execute("print(1)")["output"] == "1\n"
    assert gateway.client(tenant.token).get("/v1/whoami").status == 200, "the token it was made from"


def test_a_signature_from_where_the_token_allows(narrow: Narrowed) -> None:
    network = struct.pack(">BB4s", 4, 24, socket.inet_aton("203.0.113.0"))
    signer = narrow(narrowed, 0x08, network)
    for address, status in (("203.0.113.7", 200), ("203.0.114.7", 403), ("203.0.113.9, 198.51.100.1", 403)):
        look = signer.look()
        look.headers["X-Forwarded-For"] = address
        reply = signer.send(look)
        assert reply.status == status
        assert status == 200 or "address" in reply.problem("insufficient-scope")["detail"]


@pytest.mark.parametrize(
    ("narrowing", "how", "field"),
    [
        (for_templates, ("another",), {}),
        (narrowed, (0x07, b"\x0ajavascript"), {}),
        (narrowed, (0x07, b"\x0ajavascript"), {"language": "python"}),
        (narrowed, (0x03, struct.pack(">I", 2)), {}),
    ],
    ids=["templates", "languages", "languages, named", "scopes"],
)
@pytest.mark.usefixtures("nothing_runs")
def test_a_signature_opens_no_more_than_its_token(
    narrow: Narrowed, narrowing: Callable[..., str], how: tuple, field: dict
) -> None:
    signer = narrow(narrowing, *how)
    order = signer.plain("POST", "/v1/executions", {"code": "print(1)"} | field)
    signer.send(signer.sign(order)).problem("insufficient-scope")
    assert signer.send(signer.look()).status == 200


def test_a_signature_runs_no_longer_than_its_token(narrow: Narrowed) -> None:
    signer = narrow(with_timeout, 700)
    document = signer.execute("import time\ntime.sleep(20)")
    assert (document["outcome"], document["granted_timeout_ms"]) == ("timed_out", 700)
    order = signer.plain("POST", "/v1/executions", {"code": "print(1)", "timeout_seconds": 5})
    signer.send(signer.sign(order)).problem("invalid-request")


def test_a_signature_is_good_when_its_token_is(narrow: Narrowed) -> None:
    now = int(time.time())
    early = narrow(narrowed, 0x02, struct.pack(">q", now + 600))
    assert "not valid yet" in early.send(early.look()).problem("invalid-token")["detail"]
    begun = narrow(narrowed, 0x02, struct.pack(">q", now - 5))
    assert begun.send(begun.look()).status == 200
    late = narrow(expiring, now - 5)
    late.send(late.look()).problem("expired-token")
    ending = narrow(expiring, now + 600)
    assert ending.send(ending.look()).status == 200


# Administrators


@pytest.fixture
def administrator(gateway: Gateway) -> Signer:
    return Signer(gateway, gateway.admin_token, is_admin=True)


@both_libraries
def test_administrators_sign_alike(gateway: Gateway, administrator: Signer, sign: Callable) -> None:
    name = f"signed-{sign.__name__.replace('_', '-')}"[:40]
    made = administrator.send(sign(administrator, administrator.plain("POST", "/admin/v1/tenants", {"name": name})))
    assert (made.status, made.document["name"]) == (201, name)
    path = f"/admin/v1/tenants/{name}/policy"
    changed = administrator.send(sign(administrator, administrator.plain("PATCH", path, {"executions": 2})))
    assert changed.document["executions"] == 2
    looked = administrator.send(sign(administrator, administrator.plain("GET", path)))
    assert looked.document == changed.document
    actors = [record_of(record)["actor"] for record in gateway.json_command("audit", "search", "--tenant", name)]
    assert len(actors) == 2
    assert len(set(actors)) == 1 and actors[0].startswith("admin:")


def record_of(record: dict) -> dict:
    return record["record"]


def test_administrators_requests_are_accepted_once(administrator: Signer) -> None:
    order = administrator.sign(administrator.plain("POST", "/admin/v1/tenants", {"name": "just-once"}))
    assert administrator.send(order).status == 201
    administrator.send(order).problem("replayed")
    look = administrator.look("/admin/v1/tenants")
    assert administrator.send(look).status == 200
    administrator.send(look).problem("replayed")


ADMIN_CHANGES: dict[str, Change] = {
    "body": body(lambda signed: signed.replace(b"honest", b"forged")),
    "body and digest": body(lambda signed: signed.replace(b"honest", b"forged"), is_digested=True),
    "digest": without("Content-Digest"),
    "path": url("/admin/v1/tenants", "/admin/v1/admin-tokens"),
    "query": url("/admin/v1/tenants", "/admin/v1/tenants?x"),
    "nonce": matching("Signature-Input", r'nonce="\w+"', 'nonce="another"'),
}


@pytest.mark.parametrize("what", ADMIN_CHANGES)
def test_administrators_requests_that_were_changed(gateway: Gateway, administrator: Signer, what: str) -> None:
    """They are refused, change nothing, and leave the true request good."""
    name = f"honest-{what.replace(' ', '-')}"
    order = administrator.sign(administrator.plain("POST", "/admin/v1/tenants", {"name": name}))
    changed = order.copy()
    ADMIN_CHANGES[what](changed)
    administrator.send(changed).problem("invalid-signature")
    assert f"forged-{what}" not in gateway.command("tenant", "list")
    assert administrator.send(order).status == 201


def test_a_signature_opens_one_door_only(gateway: Gateway, tenant: Tenant) -> None:
    """A tenant's token signs nothing for administrators, nor theirs for callers."""
    as_admin = Signer(gateway, tenant.token, is_admin=True)
    as_admin.send(as_admin.look("/admin/v1/tenants")).problem("invalid-signature")
    as_caller = Signer(gateway, gateway.admin_token)
    as_caller.send(as_caller.look()).problem("invalid-signature")
