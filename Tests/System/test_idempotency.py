"""`Idempotency-Key` on executions: the code runs once, and whoever repeats the request is told what came of it."""

import collections
import concurrent.futures
import http.client
import itertools
import json
from collections.abc import Callable, Iterator

import pytest

from conftest import NewGateway
from harness import raw
from harness.client import NDJSON, SSE, Client, Reply
from harness.fake_e2b import SANDBOX, Exchange, FakeE2B
from harness.gateway import Gateway, Tenant
from harness.signing import COMPONENTS, Signer
from harness.tokens import for_subject, scoped, with_timeout
from harness.waiting import eventually

DOCUMENT = "application/json"
FORMS = [DOCUMENT, NDJSON, SSE]

# What it prints is another thing each time it runs.
CODE = """
import sys, uuid
print(uuid.uuid4(), 'é\u2028😀', context_data)
print('careful', file=sys.stderr)
display({'a': 1})
print('and so on')
1/0
"""
UNIQUE = "import uuid; print(uuid.uuid4())"
SLOW = "import time\nprint('on', flush=True)\ntime.sleep(25)"

_keys = itertools.count(1)


@pytest.fixture
def key() -> dict[str, str]:
    """The header with a key that nobody has used."""
    return {"idempotency-key": f"key-{next(_keys)}"}


class Told:
    """What a caller was told of an execution, in whichever form."""

    def __init__(self, client: Client, form: str, key: dict[str, str], code: str = CODE, **fields: object):
        self.accept = form
        if form == DOCUMENT:
            reply = client.post(code, headers={"accept": form} | key, **fields)
            assert reply.status == 200, reply.body
            self.headers, self.document = reply.headers, reply.document
            return
        with client.stream(code, accept=form, headers=key, **fields) as stream:
            self.headers, self.events = stream.response.headers, stream.all()
        self.document = self._gathered()

    def _gathered(self) -> dict:
        """The document that says what the events say."""
        texts, results, exceptions = [], [], []
        for event in self.events:
            members = {name: value for name, value in event.items() if name not in ("type", "at")}
            match event["type"]:
                case "stdout": texts.append(event["text"])
                case "result": results.append(members)
                case "exception": exceptions.append(members)
                case "finished": last = members
        assert self.events[0]["id"] == last["id"]
        gathered = last | {"output": "".join(texts), "results": results}
        return gathered | ({"exception": exceptions[0]} if exceptions else {})

    @property
    def was_replayed(self) -> bool:
        assert self.headers.get("idempotency-replayed") in (None, "true")
        return "idempotency-replayed" in self.headers


def admitted(tenant: Tenant) -> int:
    """How many executions of the tenant were let in."""
    records = tenant.gateway.json_command("audit", "search", "--tenant", tenant.name, "--limit", "10000")
    return collections.Counter(record["record"]["action"] for record in records)["execution.admitted"]


def state(tenant: Tenant, reply: Reply, slug: str) -> dict:
    """The execution of which a conflict tells."""
    problem = reply.problem(slug)
    assert reply.status == 409
    execution = problem["execution"]
    assert reply.headers["execution-id"] == execution["id"]
    return execution


# Its reply again


@pytest.mark.parametrize("again", FORMS)
@pytest.mark.parametrize("first", FORMS)
def test_the_same_reply_in_either_form(gateway: Gateway, tenant: Tenant, key: dict[str, str], first: str, again: str) -> None:
    told = Told(tenant.client, first, key, context_data={"a": [1, 2.5]})
    assert not told.was_replayed
    assert told.document["outcome"] == "failed" and told.document["results"] and told.document["exception"]
    records = len(gateway.audit(told.document["id"]))
    usage = tenant.client.usage()
    for _ in range(2):
        repeated = Told(tenant.client, again, key, context_data={"a": [1, 2.5]})
        assert repeated.was_replayed
        assert repeated.document == told.document
        assert repeated.headers["execution-id"] == told.document["id"]
        assert repeated.headers["granted-timeout-ms"] == told.headers["granted-timeout-ms"]
        assert "ratelimit" in repeated.headers
    assert tenant.client.usage()["runtime"] == usage["runtime"]
    assert admitted(tenant) == 1 and len(gateway.audit(told.document["id"])) == records


def test_texts_of_a_repeated_stream_are_joined(tenant: Tenant, key: dict[str, str]) -> None:
    code = "import sys\nfor n in range(3):\n    print(n, flush=True)\nprint('e', file=sys.stderr, flush=True)\nprint('last')"
    told = [Told(tenant.client, NDJSON, key, code) for _ in range(2)]
    kinds = [event["type"] for event in told[1].events]
    assert kinds == ["started", "stdout", "stderr", "stdout", "finished"]
    assert told[0].document == told[1].document


@pytest.mark.parametrize("form", FORMS)
def test_a_timeout_is_a_reply(busy_tenant: Tenant, key: dict[str, str], form: str) -> None:
    code = "print('on', flush=True)\nwhile True: pass"
    told = [Told(busy_tenant.client, form, key, code, timeout_seconds=4) for _ in range(2)]
    assert told[0].document == told[1].document
    assert told[1].was_replayed and told[1].document["outcome"] == "timed_out"
    assert told[1].document["output"] == "on\n"


def test_without_a_key_it_runs_each_time(tenant: Tenant) -> None:
    outputs = {tenant.client.execute(UNIQUE)["output"] for _ in range(2)}
    assert len(outputs) == 2


def test_a_document_is_cut_as_it_was(gateway: Gateway, key: dict[str, str]) -> None:
    tenant = gateway.tenant("--output-bytes", "5000")
    told = [Told(tenant.client, DOCUMENT, key, "print('é' * 4000)") for _ in range(2)]
    gateway.command("quota", "set", tenant.name, "--output-bytes", "9000")
    told.append(Told(tenant.client, DOCUMENT, key, "print('é' * 4000)"))
    assert told[0].document == told[1].document == told[2].document
    assert told[0].document["truncated"]


def test_how_the_body_is_written_does_not_matter(tenant: Tenant, key: dict[str, str]) -> None:
    bodies = [
        {"code": UNIQUE, "env_vars": {"A": "1", "B": "2"}, "timeout_seconds": 5},
        {"timeout_seconds": 5.0, "env_vars": {"B": "2", "A": "1"}, "language": "python", "code": UNIQUE, "context_data": None},
    ]
    headers = key | {"content-type": "application/json"}
    replies = [
        tenant.client.call("POST", "/v1/executions", content=json.dumps(body, indent=indent).encode(), headers=headers)
        for body, indent in zip(bodies, (None, 4))
    ]
    assert replies[0].document == replies[1].document


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "change",
    [
        {"code": "print(2)"},
        {"context_data": "b"},
        {"env_vars": {"A": "2"}},
        {"timeout_seconds": 30},
        {"template": "code-interpreter-v1"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_body_is_refused(busy_tenant: Tenant, key: dict[str, str], form: str, change: dict) -> None:
    """Also where it would come to the same: the template is the default, and so is the time."""
    body = {"code": "print(1)", "context_data": "a", "env_vars": {"A": "1"}}
    first = busy_tenant.client.call("POST", "/v1/executions", json=body, headers=key)
    assert first.status == 200
    reply = busy_tenant.client.call("POST", "/v1/executions", json=body | change, headers=key | {"accept": form})
    assert "execution" not in reply.problem("idempotency-mismatch")
    assert reply.status == 409 and reply.headers["should-retry"] == "false"


@pytest.mark.parametrize("value", ["", "two words", "a, b", "k" * 256, "tab\tbed"], ids=repr)
def test_what_is_no_key_is_refused(tenant: Tenant, value: str) -> None:
    reply = tenant.client.post("print(1)", headers={"idempotency-key": value})
    assert "Idempotency-Key" in reply.problem("invalid-request")["detail"]
    assert admitted(tenant) == 0


def test_two_keys_are_refused(gateway: Gateway, tenant: Tenant) -> None:
    body = json.dumps({"code": "print(1)"})
    connection = raw.begin_post(
        gateway, tenant, f"Idempotency-Key: a\r\nIdempotency-Key: a\r\nContent-Length: {len(body)}")
    connection.sendall(body.encode())
    response = http.client.HTTPResponse(connection)
    response.begin()
    assert response.status == 400 and b"Idempotency-Key" in response.read()


def test_the_longest_key_is_one(tenant: Tenant) -> None:
    key = {"idempotency-key": "".join(chr(33 + n % 94) for n in range(255))}
    assert tenant.client.post(UNIQUE, headers=key).document == tenant.client.post(UNIQUE, headers=key).document


# While it runs, and when somebody stops it


@pytest.mark.parametrize("form", FORMS)
def test_while_it_runs_its_repetition_is_told_so(tenant: Tenant, key: dict[str, str], form: str) -> None:
    with tenant.client.stream(SLOW, headers=key) as stream:
        events = iter(stream)
        started = next(events)
        assert next(events)["type"] == "stdout"
        reply = tenant.client.post(SLOW, headers=key | {"accept": form})
        assert state(tenant, reply, "idempotency-in-progress") == {"id": started["id"], "state": "running"}
        assert reply.headers["retry-after"] == "1"
        tenant.client.post("print(1)", headers=key).problem("idempotency-mismatch")
        tenant.client.cancel(started["id"])
        *_, finished = events
    repeated = Told(tenant.client, form, key, SLOW)
    assert repeated.was_replayed
    assert (repeated.document["outcome"], repeated.document["output"]) == ("cancelled", "on\n")
    assert repeated.document["runtime_ms"] == finished["runtime_ms"]
    assert admitted(tenant) == 1


def test_a_caller_that_left_hears_on_its_return_how_far_the_code_came(
    gateway: Gateway, tenant: Tenant, key: dict[str, str]
) -> None:
    with tenant.client.stream(SLOW, headers=key) as stream:
        events = iter(stream)
        started = next(events)
        next(events)
    record = gateway.assert_settled(tenant, started["id"])
    repeated = Told(tenant.client, DOCUMENT, key, SLOW)
    assert repeated.was_replayed
    assert repeated.document["id"] == started["id"]
    assert (repeated.document["outcome"], repeated.document["output"]) == ("cancelled", "on\n")
    assert repeated.document["runtime_ms"] == record["runtime_ms"]
    assert admitted(tenant) == 1


def test_twenty_at_once_run_once(gateway: Gateway, key: dict[str, str]) -> None:
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000", "--executions", "30")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda form: tenant.client.post(UNIQUE, headers=key | {"accept": form}), FORMS * 6 + FORMS[:2]))
    ran = [reply for reply in replies if reply.status == 200 and "idempotency-replayed" not in reply.headers]
    assert len(replies) == 20 and len(ran) == 1
    [execution] = {reply.headers["execution-id"] for reply in replies}
    for reply in replies:
        if reply.status != 200:
            assert state(tenant, reply, "idempotency-in-progress") == {"id": execution, "state": "running"}
    assert admitted(tenant) == 1


# Whose key it is


def test_a_key_is_the_tenants_and_the_subjects_own(gateway: Gateway, tenant: Tenant, key: dict[str, str]) -> None:
    subjects = [for_subject(tenant.token, name) for name in ("user-1", "user-2")]
    gateway.secrets |= set(subjects)
    callers = [tenant.token, *subjects, gateway.tenant().token]
    outputs = [gateway.client(token).post(UNIQUE, headers=key).document["output"] for token in callers]
    assert len(set(outputs)) == 4
    # Whichever token of the subject's it is, and whatever else it is narrowed to, if it may ask for this at all.
    narrowed = with_timeout(subjects[0], 2_000)
    unable = scoped(subjects[0], execute=False, read=True)
    gateway.secrets |= {narrowed, unable}
    assert gateway.client(narrowed).post(UNIQUE, headers=key).document["output"] == outputs[1]
    gateway.client(unable).post(UNIQUE, headers=key).problem("insufficient-scope")


def test_another_key_of_the_tenant_is_as_good(gateway: Gateway, tenant: Tenant, key: dict[str, str]) -> None:
    first = tenant.client.post(UNIQUE, headers=key).document
    issued = gateway.json_command("key", "issue", tenant.name)
    gateway.secrets.add(issued["token"])
    assert gateway.client(issued["token"]).post(UNIQUE, headers=key).document == first


def test_a_signed_request_is_repeated_with_another_nonce(tenant: Tenant, key: dict[str, str]) -> None:
    signer = Signer(tenant.gateway, tenant.token)
    replies = []
    for covering in ([], ["idempotency-key"]):
        request = signer.plain("POST", "/v1/executions", {"code": UNIQUE}, idempotency_key=key["idempotency-key"])
        replies.append(signer.send(signer.sign(request, covering=(*COMPONENTS, *covering))))
    assert [reply.status for reply in replies] == [200, 200]
    assert replies[0].document == replies[1].document
    assert replies[1].headers["idempotency-replayed"] == "true"
    assert admitted(tenant) == 1


# When there is no reply


def test_a_refused_request_leaves_its_key_free(gateway: Gateway, key: dict[str, str]) -> None:
    tenant = gateway.tenant("--executions", "1")
    with tenant.client.stream(SLOW) as stream:
        started = next(iter(stream))
        tenant.client.post(UNIQUE, headers=key).problem("concurrency-exceeded")
    gateway.assert_settled(tenant, started["id"])
    assert not Told(tenant.client, DOCUMENT, key, UNIQUE).was_replayed


def test_a_reply_too_large_to_keep_leaves_its_state(tenant: Tenant, key: dict[str, str]) -> None:
    code = "print('x' * 700_000)\nimport sys\nprint('y' * 700_000, file=sys.stderr)"
    first = tenant.client.post(code, headers=key).document
    assert len(first["output"]) == 700_001
    for form in FORMS:
        reply = tenant.client.post(code, headers=key | {"accept": form})
        told = state(tenant, reply, "idempotency-reply-unavailable")
        assert told == {
            "id": first["id"], "state": "finished", "outcome": "completed", "runtime_ms": first["runtime_ms"]
        }
        assert "larger" in reply.document["detail"] and reply.headers["should-retry"] == "false"
    assert admitted(tenant) == 1


def test_killed_in_the_middle_nothing_runs_twice(new_gateway: NewGateway, key: dict[str, str]) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    kept = Told(tenant.client, NDJSON, {"idempotency-key": "before"})
    with tenant.client.stream(SLOW, headers=key) as stream:
        events = iter(stream)
        started = next(events)
        next(events)
        gateway.service.kill()
    gateway.start()
    for form in FORMS:
        reply = tenant.client.post(SLOW, headers=key | {"accept": form})
        told = state(tenant, reply, "idempotency-reply-unavailable")
        assert told == {
            "id": started["id"], "state": "finished", "outcome": "killed", "reason": "gateway_restarted",
            "runtime_ms": 30_000,
        }
        assert reply.headers["should-retry"] == "false"
    tenant.client.post("print(1)", headers=key).problem("idempotency-mismatch")
    repeated = Told(tenant.client, DOCUMENT, {"idempotency-key": "before"})
    assert repeated.was_replayed and repeated.document == kept.document
    assert admitted(tenant) == 2
    gateway.command("ledger", "check")


def test_a_rotation_of_the_root_key_changes_nothing(new_gateway: NewGateway, key: dict[str, str]) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    marker = "a-text-that-only-this-code-prints"
    code = f"print('{marker[:9]}' + '{marker[9:]}')"
    told = Told(tenant.client, DOCUMENT, key, code)
    assert marker in told.document["output"]
    gateway.stop()
    old = gateway.root_key_file.read_text().strip()
    gateway.command("root-key", "rotate")
    gateway.secrets |= {old, gateway.root_key_file.read_text().strip()}
    gateway.start()
    assert Told(tenant.client, DOCUMENT, key, code).document == told.document
    files = b"".join(path.read_bytes() for path in gateway.folder.glob("gateway.db*") if path.is_file())
    assert marker.encode() not in files


# When the sandbox cloud fails


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeE2B]:
    with FakeE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def fragile(session_gateway: NewGateway, fake: FakeE2B) -> Gateway:
    return session_gateway(fake.url)


@pytest.fixture
def caller(fragile: Gateway, fake: FakeE2B) -> Tenant:
    fake.behave()
    return fragile.tenant()


def breaks_off(exchange: Exchange) -> None:
    exchange.begin_events()
    exchange.event({"type": "stdout", "text": "on\n"})
    exchange.break_off()


@pytest.mark.parametrize(
    "create", [lambda exchange: exchange.answer(400, {"code": 400, "message": "no"}), lambda exchange: exchange.break_off()],
    ids=["refused", "broken off"],
)
def test_where_no_sandbox_was_made_a_repetition_runs(
    fake: FakeE2B, caller: Tenant, key: dict[str, str], create: Callable[[Exchange], None]
) -> None:
    fake.create = create
    assert caller.client.post("print(1)", headers=key).status == 502
    fake.create = lambda exchange: exchange.answer(201, SANDBOX)
    assert not Told(caller.client, DOCUMENT, key, "print(1)").was_replayed
    assert Told(caller.client, DOCUMENT, key, "print(1)").was_replayed
    assert len(fake.received) == 1


@pytest.mark.parametrize("first", FORMS)
def test_what_broke_off_is_not_run_again(fake: FakeE2B, caller: Tenant, key: dict[str, str], first: str) -> None:
    fake.execute = breaks_off
    told = caller.client.post("print(1)", headers=key | {"accept": first})
    problem = told.document if first == DOCUMENT else None
    fake.behave()
    reply = caller.client.post("print(1)", headers=key)
    repeated = reply.problem("upstream-broken")
    assert reply.headers["idempotency-replayed"] == "true" and reply.headers["should-retry"] == "false"
    assert reply.headers["execution-id"] == told.headers["execution-id"]
    if problem:
        assert repeated | {"request_id": ""} == problem | {"request_id": ""}
    for form in (NDJSON, SSE):
        with caller.client.stream("print(1)", accept=form, headers=key) as stream:
            events = stream.all()
            request_id = stream.response.headers["x-request-id"]
        assert [event["type"] for event in events] == ["started", "stdout", "failed"]
        assert events[-1]["problem"] == repeated | {"request_id": request_id}
    assert not fake.received and not fake.created


def waiting(tenant: Tenant) -> str:
    """The execution that waits for its sandbox."""

    def admitted() -> list[str]:
        records = tenant.gateway.json_command("audit", "search", "--tenant", tenant.name)
        return [record["record"]["execution"] for record in records if record["record"]["action"] == "execution.admitted"]

    [execution] = eventually(admitted, within=10, what="the execution is admitted")
    return execution


def test_stopped_by_name_before_it_ran_it_stays_stopped(fake: FakeE2B, caller: Tenant, key: dict[str, str]) -> None:
    fake.create = lambda exchange: exchange.hang()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(caller.client.post, "print(1)", headers=key)
        assert caller.client.cancel(waiting(caller)).status == 202
        first = asked.result(10).document
    fake.create = lambda exchange: exchange.answer(201, SANDBOX)
    repeated = Told(caller.client, NDJSON, key, "print(1)")
    assert first["outcome"] == "cancelled" and repeated.document == first
    assert not fake.received


def test_left_before_it_ran_it_runs_when_it_is_repeated(
    fragile: Gateway, fake: FakeE2B, caller: Tenant, key: dict[str, str]
) -> None:
    fake.create = lambda exchange: exchange.hang()
    body = json.dumps({"code": "print(1)"})
    connection = raw.begin_post(
        fragile, caller, f"Idempotency-Key: {key['idempotency-key']}\r\nContent-Length: {len(body)}")
    connection.sendall(body.encode())
    execution = waiting(caller)
    connection.close()
    fragile.assert_settled(caller, execution)
    fake.create = lambda exchange: exchange.answer(201, SANDBOX)
    assert not Told(caller.client, DOCUMENT, key, "print(1)").was_replayed
    assert len(fake.received) == 1
