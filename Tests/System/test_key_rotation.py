"""A tenant's keys from their issue over their rotation to their end, and what callers notice of it."""

import collections
import concurrent.futures
import contextlib
import datetime
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from conftest import NewGateway
from harness.client import Client, EventStream
from harness.fake_e2b import Exchange, FakeE2B
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.tokens import for_subject
from harness.waiting import eventually

DAY = 86_400
HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"
PLENTY = ("--rate", "10000/s", "--burst", "10000", "--executions", "60", "--runtime", "none/day")


def rotate(tenant: Tenant, *options: str) -> Tenant:
    """The same tenant with the successor of its key."""
    return with_key(tenant, tenant.gateway.json_command("key", "rotate", tenant.key_id, *options))


def second_key(tenant: Tenant) -> Tenant:
    """The same tenant with another key of its own."""
    return with_key(tenant, tenant.gateway.json_command("key", "issue", tenant.name))


def with_key(tenant: Tenant, issued: dict) -> Tenant:
    tenant.gateway.secrets.add(issued["token"])
    return Tenant(tenant.gateway, issued["tenant"], issued["key_id"], issued["token"])


def listed(tenant: Tenant) -> dict:
    """What `key list` says of this key."""
    [key] = [key for key in tenant.gateway.json_command("key", "list", tenant.name) if key["key_id"] == tenant.key_id]
    return key


def row(tenant: Tenant) -> str:
    """The line about this key in the table for people."""
    table = tenant.gateway.command("key", "list", tenant.name)
    return next(line for line in table.splitlines() if tenant.key_id in line)


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def works(tenant: Tenant) -> bool:
    reply = tenant.client.get("/v1/whoami")
    if reply.status != 200:
        reply.problem("invalid-token")
        return False
    assert reply.document["key_id"] == tenant.key_id
    return True


@pytest.fixture
def administrator(gateway: Gateway) -> Client:
    return Client(gateway.admin_url, gateway.admin_token, gateway.contract)


# Rotation


@pytest.mark.parametrize("options", [["--overlap", "24h"], []], ids=["named", "by default"])
def test_both_keys_are_good_for_the_overlap(tenant: Tenant, options: list[str]) -> None:
    before = time.time()
    successor = rotate(tenant, *options)
    assert successor.name == tenant.name
    assert successor.key_id != tenant.key_id
    assert successor.token.startswith(f"e2b_01{successor.key_id}")
    assert works(tenant) and works(successor)
    assert tenant.client.execute("print('old')")["output"] == "old\n"
    assert successor.client.execute("print('new')")["output"] == "new\n"

    old, new = listed(tenant), listed(successor)
    assert (old["state"], old["successor"]) == ("retiring", successor.key_id)
    assert before - 1 < moment(old["expires_at"]) - DAY < time.time() + 1
    assert "revoked_at" not in old
    assert new["state"] == "active"
    assert not {"expires_at", "successor", "revoked_at"} & new.keys()
    assert f"retiring until {old['expires_at']}" in row(tenant)
    assert "active" in row(successor)


def test_a_stopped_gateways_keys_can_be_rotated(resting: Gateway) -> None:
    tenant = resting.tenant()
    successor = rotate(tenant, "--overlap", "7d")
    assert (listed(tenant)["state"], listed(tenant)["successor"]) == ("retiring", successor.key_id)
    assert moment(listed(tenant)["expires_at"]) > time.time() + 6 * DAY
    assert listed(successor)["state"] == "active"


def test_the_token_is_printed_for_people_as_well(tenant: Tenant) -> None:
    text = tenant.gateway.command("key", "rotate", tenant.key_id, "--overlap", "1h")
    [token] = [word for word in text.split() if word.startswith("e2b_")]
    tenant.gateway.secrets.add(token)
    assert "once" in text
    assert tenant.client.with_token(token).get("/v1/whoami").status == 200


def test_help_tells_the_overlap_in_the_words_of_people(gateway: Gateway) -> None:
    text = gateway.command("help", "key", "rotate")
    assert "24h" in text.partition("--overlap <overlap>     ")[2]
    assert "DurationArgument" not in text


def test_a_rotation_over_http(administrator: Client, tenant: Tenant) -> None:
    path = f"/admin/v1/keys/{tenant.key_id}/rotation"
    reply = administrator.call("POST", path, json={"overlap_seconds": 1800.5})
    assert reply.status == 201
    successor = with_key(tenant, reply.document)
    assert works(tenant) and works(successor)
    assert abs(moment(listed(tenant)["expires_at"]) - time.time() - 1800.5) < 5


def test_no_overlap_ends_the_old_key_at_once(tenant: Tenant) -> None:
    assert works(tenant)
    successor = rotate(tenant, "--overlap", "0s")
    assert not works(tenant)
    tenant.client.post("print(1)").problem("invalid-token")
    assert works(successor)
    old = listed(tenant)
    assert (old["state"], old["successor"]) == ("revoked", successor.key_id)
    assert "revoked" in row(tenant)


def test_the_old_key_ends_at_its_deadline(tenant: Tenant) -> None:
    """Not before it, and neither do those that were narrowed from it; the new key is good all the time."""
    narrowed = tenant.client.with_token(for_subject(tenant.token, "user-42"))
    tenant.gateway.secrets.add(narrowed.token)
    successor = rotate(tenant, "--overlap", "6s")
    deadline = moment(listed(tenant)["expires_at"])
    assert narrowed.get("/v1/whoami").status == 200

    def is_over() -> bool:
        assert works(successor)
        return not works(tenant)

    eventually(is_over, within=15, what="the old key is refused", pause=0.2)
    assert time.time() >= deadline
    narrowed.get("/v1/whoami").problem("invalid-token")
    tenant.client.post("print(1)").problem("invalid-token")
    old = listed(tenant)
    assert old["state"] == "revoked"
    assert moment(old["revoked_at"]) == deadline


def test_an_execution_outlives_its_keys_deadline(tenant: Tenant) -> None:
    """The overlap is for changing over without a failed call; only revocation ends what is running."""
    with tenant.client.stream("import time\ntime.sleep(2)") as stream:
        events = iter(stream)
        next(events)
        rotate(tenant, "--overlap", "500ms")
        eventually(lambda: not works(tenant), within=10, what="the old key is refused", pause=0.2)
        *_, finished = events
    assert (finished["type"], finished["outcome"]) == ("finished", "completed")


def test_generations(tenant: Tenant) -> None:
    second = rotate(tenant, "--overlap", "1h")
    third = rotate(second, "--overlap", "1h")
    assert works(tenant) and works(second) and works(third)
    assert [listed(key)["state"] for key in (tenant, second, third)] == ["retiring", "retiring", "active"]
    tenant.gateway.command("key", "revoke", second.key_id)
    assert [works(key) for key in (tenant, second, third)] == [True, False, True]


def test_deadlines_survive_a_restart(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    long, short = gateway.tenant(), gateway.tenant()
    successors = rotate(long, "--overlap", "24h"), rotate(short, "--overlap", "1s")
    before = listed(long)
    gateway.stop()
    gateway.start()
    assert listed(long) == before
    assert works(long) and all(works(key) for key in successors)
    eventually(lambda: not works(short), within=10, what="the old key is refused", pause=0.1)


# What cannot be rotated


def test_a_key_has_one_successor(administrator: Client, tenant: Tenant) -> None:
    successor = rotate(tenant, "--overlap", "1h")
    refuses_to_rotate(administrator, tenant)
    assert works(tenant) and works(successor)
    tenant.gateway.command("key", "revoke", tenant.key_id)
    refuses_to_rotate(administrator, tenant)


def test_a_revoked_key_has_none(administrator: Client, tenant: Tenant) -> None:
    tenant.gateway.command("key", "revoke", tenant.key_id)
    refuses_to_rotate(administrator, tenant)


def refuses_to_rotate(administrator: Client, tenant: Tenant) -> None:
    """Over both ways, and nothing is different afterwards."""
    before = tenant.gateway.json_command("key", "list", tenant.name)
    path = f"/admin/v1/keys/{tenant.key_id}/rotation"
    problem = administrator.call("POST", path, json={"overlap_seconds": 60}).problem("conflict")
    assert tenant.key_id in problem["detail"]
    done = tenant.gateway.run("key", "rotate", tenant.key_id)
    assert done.returncode != 0
    assert tenant.key_id in done.stderr
    assert done.stdout == ""
    assert tenant.gateway.json_command("key", "list", tenant.name) == before


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "overlap_seconds"),
        ({"overlap_seconds": -1}, "overlap_seconds"),
        ({"overlap_seconds": -0.001}, "overlap_seconds"),
        ({"overlap_seconds": 366 * DAY + 1}, "overlap_seconds"),
        ({"overlap_seconds": 1e300}, "overlap_seconds"),
        ({"overlap_seconds": "24h"}, "overlap_seconds"),
        ({"overlap_seconds": None}, "overlap_seconds"),
        ({"overlap_seconds": 60, "overlap": 60}, "overlap"),
    ],
    ids=str,
)
def test_an_overlap_that_makes_no_sense(administrator: Client, tenant: Tenant, body: dict, named: str) -> None:
    before = tenant.gateway.json_command("key", "list", tenant.name)
    reply = administrator.call("POST", f"/admin/v1/keys/{tenant.key_id}/rotation", json=body)
    assert named in reply.problem("invalid-request")["detail"]
    assert tenant.gateway.json_command("key", "list", tenant.name) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0123456789abcdef"], "0123456789abcdef"),
        (["not-a-key"], "not-a-key"),
        (["0123456789abcdef", "--overlap", "soon"], "24h"),
        (["0123456789abcdef", "--overlap=-1h"], "24h"),
        (["0123456789abcdef", "--overlap", "367d"], "366 days"),
    ],
    ids=" ".join,
)
def test_a_rotation_that_cannot_be_says_why(gateway: Gateway, arguments: list[str], said: str) -> None:
    done = gateway.run("key", "rotate", *arguments)
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert done.stdout == ""


# How much a key is used


def test_the_list_tells_how_much_a_key_is_used(tenant: Tenant) -> None:
    """The numbers of this moment, since they decide when the old key can go."""
    fresh = listed(tenant)
    assert (fresh["calls_last_hour"], fresh["calls_today"]) == (0, 0)
    assert "last_used_at" not in fresh
    assert "never" in row(tenant)

    successor = rotate(tenant)
    before = time.time()
    for _ in range(3):
        tenant.client.get("/v1/whoami")
    successor.client.execute("print(1)")
    old, new = listed(tenant), listed(successor)
    assert (old["calls_last_hour"], new["calls_last_hour"]) == (3, 1)
    assert before - 0.01 <= moment(old["last_used_at"]) <= moment(new["last_used_at"]) <= time.time()
    tenant.client.get("/v1/whoami")
    assert listed(tenant)["calls_last_hour"] == 4
    assert moment(listed(tenant)["last_used_at"]) > moment(old["last_used_at"])
    # Midnight UTC may have passed meanwhile.
    assert listed(tenant)["calls_today"] in (4, 1, 0)
    words = row(tenant).split()
    assert words[-2] == "4"
    assert listed(tenant)["last_used_at"] in words


def test_calls_that_prove_nothing_are_not_a_keys_use(tenant: Tenant) -> None:
    forged = tenant.token[:-64] + "0" * 64
    tenant.client.with_token(forged).get("/v1/whoami").problem("invalid-token")
    assert listed(tenant)["calls_last_hour"] == 0
    assert works(tenant)
    tenant.gateway.command("key", "revoke", tenant.key_id)
    assert not works(tenant)
    assert listed(tenant)["calls_last_hour"] == 1


def test_use_is_remembered_over_a_restart(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    for _ in range(5):
        assert works(tenant)
    before = listed(tenant)
    gateway.stop()
    assert listed(tenant) == before
    gateway.start()
    assert listed(tenant) == before
    assert works(tenant)
    assert listed(tenant)["calls_last_hour"] == 6


# Rotation under load

CALLERS = 50


class BusyUpstream:
    """An upstream that can hold all executions back, to see how many run at once."""

    def __init__(self, fake: FakeE2B):
        self.gate = threading.Event()
        self.running: set[int] = set()
        self._create, self._execute = fake.create, fake.execute
        fake.execute = self.execute

    def execute(self, exchange: Exchange) -> None:
        self.running.add(id(exchange))
        self.gate.wait(30)
        self.running.discard(id(exchange))
        self._execute(exchange)


class Callers:
    """Callers who call again as soon as they are answered, each with the key that is current at that moment."""

    def __init__(self, key: Tenant):
        self.key = key
        self.calls: collections.Counter[str] = collections.Counter()
        self.in_flight: collections.Counter[str] = collections.Counter()
        self.failures: list[str] = []
        self._lock = threading.Lock()
        self._is_over = threading.Event()

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
            callers = [pool.submit(self._call_again_and_again, number) for number in range(CALLERS)]
            try:
                yield
            finally:
                self._is_over.set()
            for caller in callers:
                caller.result()

    def change_to(self, key: Tenant) -> None:
        self.key = key

    def has_called(self, key: Tenant, times: int) -> None:
        target = self.calls[key.key_id] + times
        eventually(
            lambda: self.failures or self.calls[key.key_id] >= target, within=60, what=f"{times} more calls are over"
        )

    def has_left(self, key: Tenant) -> None:
        eventually(lambda: self.in_flight[key.key_id] == 0, within=60, what="nobody uses the old key any more")

    def _call_again_and_again(self, number: int) -> None:
        call = [self._document, self._stream, self._document, self._whoami][number % 4]
        while not self._is_over.is_set():
            with self._lock:
                key = self.key
                self.in_flight[key.key_id] += 1
            count = 0
            try:
                count = call(key.client)
            except Exception as fault:
                self.failures.append(repr(fault)[:500])
            with self._lock:
                self.in_flight[key.key_id] -= 1
                self.calls[key.key_id] += count

    # Each makes its calls and returns how many those were.

    @staticmethod
    def _document(client: Client) -> int:
        assert client.execute("pass")["outcome"] == "completed"
        return 1

    @staticmethod
    def _stream(client: Client) -> int:
        with client.stream("pass") as stream:
            assert stream.all()[-1]["outcome"] == "completed"
        return 1

    @classmethod
    def _whoami(cls, client: Client) -> int:
        assert client.get("/v1/whoami").status == 200
        return 1 + cls._document(client)


def test_rotation_under_load_fails_no_call(new_gateway: NewGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 calls in flight all the time: when the key gets its successor, while callers change over, when it ends."""
    # Python's servers let five connections wait, and the kernel breaks off some of those beyond.
    monkeypatch.setattr(socketserver.TCPServer, "request_queue_size", 2 * CALLERS)
    with FakeE2B() as fake:
        upstream = BusyUpstream(fake)
        gateway = new_gateway(fake.url)
        old = gateway.tenant(*PLENTY)
        callers = Callers(old)
        with callers.calling():
            eventually(lambda: len(upstream.running) == CALLERS, within=30, what=f"{CALLERS} executions run at once")
            new = rotate(old, "--overlap", "24h")
            assert len(upstream.running) == CALLERS
            upstream.gate.set()
            callers.has_called(old, 2 * CALLERS)
            callers.change_to(new)
            callers.has_called(new, CALLERS)
            callers.has_left(old)
            gateway.command("key", "revoke", old.key_id)
            callers.has_called(new, CALLERS)
        assert not callers.failures, callers.failures[:3]
        assert listed(old)["calls_last_hour"] == callers.calls[old.key_id] > 2 * CALLERS
        assert listed(new)["calls_last_hour"] == callers.calls[new.key_id] > 2 * CALLERS
        assert new.client.usage()["executions"]["running"] == 0


# Revocation

Revoke = Callable[[Tenant], None]


@pytest.fixture(params=["command", "listener"])
def revoke(request: pytest.FixtureRequest, administrator: Client) -> Revoke:
    """Either way to revoke a key."""
    if request.param == "command":
        return lambda key: key.gateway.command("key", "revoke", key.key_id)

    def over_http(key: Tenant) -> None:
        assert administrator.call("DELETE", f"/admin/v1/keys/{key.key_id}").document["state"] == "revoked"

    return over_http


def test_a_revoked_key_opens_nothing_from_the_next_call_on(tenant: Tenant, revoke: Revoke) -> None:
    other = second_key(tenant)
    narrowed = tenant.client.with_token(for_subject(tenant.token, "user-42"))
    tenant.gateway.secrets.add(narrowed.token)
    assert works(tenant) and narrowed.get("/v1/whoami").status == 200
    revoke(tenant)
    assert not works(tenant)
    narrowed.get("/v1/whoami").problem("invalid-token")
    tenant.client.post("print(1)").problem("invalid-token")
    assert works(other)
    assert listed(tenant)["state"] == "revoked"
    assert listed(other)["state"] == "active"


def test_revoking_again_changes_nothing(tenant: Tenant, revoke: Revoke) -> None:
    revoke(tenant)
    before = listed(tenant)
    assert before["state"] == "revoked"
    revoke(tenant)
    assert listed(tenant) == before


def begun(stream: EventStream) -> tuple[str, Iterator[dict]]:
    """The id and the other events of a stream whose code is running."""
    events = iter(stream)
    execution_id = next(events)["id"]
    assert next(events)["text"] == "on\n"
    return execution_id, events


def held(tenant: Tenant, local_e2b: LocalE2B) -> int:
    """How many of a new tenant's executions have their sandboxes."""
    records = tenant.gateway.json_command("audit", "search", "--tenant", tenant.name)
    executions = {record["record"].get("execution") for record in records} - {None}
    return sum(len(local_e2b.sandboxes_of(execution)) for execution in executions)


def test_revoking_ends_what_the_key_is_running(tenant: Tenant, revoke: Revoke, local_e2b: LocalE2B) -> None:
    """Streams and documents of that key, and of no other key of the tenant."""
    other, gateway = second_key(tenant), tenant.gateway
    narrowed = tenant.client.with_token(for_subject(tenant.token, "user-42"))
    gateway.secrets.add(narrowed.token)
    with (
        tenant.client.stream(HOLD) as stream,
        narrowed.stream(HOLD) as narrowed_stream,
        other.client.stream(HOLD) as others_stream,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        document = pool.submit(tenant.client.post, HOLD)
        ended = [begun(stream), begun(narrowed_stream)]
        others_id, others_events = begun(others_stream)
        eventually(lambda: held(tenant, local_e2b) == 4, within=10, what="all four have their sandboxes", pause=0.1)

        revoke(tenant)
        revoked_at = time.time()
        for execution_id, events in ended:
            *_, last = events
            assert last["at"] - revoked_at < 10, "not by itself"
            assert (last["type"], last["outcome"]) == ("finished", "killed")
            assert last["error"], "never taken for a success"
        reply = document.result()
        assert time.time() - revoked_at < 10
        assert reply.status == 200
        assert reply.document["outcome"] == "killed"
        assert reply.document["error"]
        for execution_id in [execution_id for execution_id, _ in ended] + [reply.document["id"]]:
            local_e2b.assert_gone(execution_id)

        goes_on(other, others_id, others_events, local_e2b)

    for execution_id in [execution_id for execution_id, _ in ended] + [reply.document["id"]]:
        record = gateway.assert_settled(other, execution_id)
        assert (record["outcome"], record["reason"]) == ("killed", "key_revoked")
        assert record["runtime_ms"] < 20_000, "what was used, not what was reserved"


def goes_on(key: Tenant, execution_id: str, events: Iterator[dict], local_e2b: LocalE2B) -> None:
    """The execution is running, and ends only when it is told to."""
    assert key.client.execution(execution_id)["state"] == "running"
    assert local_e2b.sandboxes_of(execution_id)
    assert key.client.cancel(execution_id).status == 202
    *_, finished = events  # keepalives may come before it on a slow machine
    assert finished["outcome"] == "cancelled"


def test_revoking_a_retiring_key_leaves_its_successor_alone(tenant: Tenant, local_e2b: LocalE2B) -> None:
    successor = rotate(tenant, "--overlap", "24h")
    with (
        tenant.client.stream(HOLD) as old_stream,
        successor.client.stream(HOLD) as new_stream,
    ):
        (old_id, old_events), (new_id, new_events) = begun(old_stream), begun(new_stream)
        tenant.gateway.command("key", "revoke", tenant.key_id)
        assert list(old_events)[-1]["outcome"] == "killed"
        goes_on(successor, new_id, new_events, local_e2b)
    local_e2b.assert_gone(old_id)
    assert not works(tenant)
    assert works(successor)


def test_revoking_reaches_an_execution_that_has_no_sandbox_yet(new_gateway: NewGateway) -> None:
    """It waits for upstream; its caller is told at once, and the sandbox that comes is destroyed."""
    with FakeE2B() as fake:
        gateway = new_gateway(fake.url)
        tenant = gateway.tenant()
        other = second_key(tenant)
        create, go_on = fake.create, threading.Event()

        def late(exchange: Exchange) -> None:
            go_on.wait(30)
            create(exchange)

        fake.create = late
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            call = pool.submit(tenant.client.post, "print(1)")
            eventually(lambda: fake.created, within=5, what="a sandbox is asked for")
            gateway.command("key", "revoke", tenant.key_id)
            revoked_at = time.time()
            reply = call.result()
            assert time.time() - revoked_at < 10
            assert (reply.status, reply.document["outcome"]) == (200, "killed")
            assert reply.document["error"]
            go_on.set()
        eventually(lambda: fake.destroyed, within=5, what="the sandbox that nobody needs is destroyed")
        assert not fake.received, "its code was never run"
        record = gateway.assert_settled(other, reply.document["id"])
        assert (record["outcome"], record["reason"], record["runtime_ms"]) == ("killed", "key_revoked", 0)


def test_the_audit_tells_the_story_of_a_key(tenant: Tenant) -> None:
    successor = rotate(tenant, "--overlap", "1h")
    tenant.gateway.command("key", "revoke", tenant.key_id)
    tenant.gateway.command("key", "revoke", successor.key_id)
    page = tenant.gateway.json_command("audit", "search", "--tenant", tenant.name, "--limit", "1000")
    records = [record["record"] for record in page]
    acts = [(record["action"], record["key_id"]) for record in records if record["action"].startswith("key.")]
    assert acts == [
        ("key.issued", tenant.key_id),
        ("key.issued", successor.key_id),
        ("key.rotated", tenant.key_id),
        ("key.revoked", tenant.key_id),
        ("key.revoked", successor.key_id),
    ]
    states = [record["before"]["state"] for record in records if record["action"] == "key.revoked"]
    assert states == ["retiring", "active"]
    assert tenant.token[-64:] not in json.dumps(records)
    assert successor.token[-64:] not in json.dumps(records)
