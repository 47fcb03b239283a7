"""No limit is exceeded by a single call or millisecond, however many gateways judge it at once."""

import collections
import concurrent.futures
import itertools
import random
from collections.abc import Iterator

import pytest

from harness.client import Client, Reply
from harness.contract import Contract
from harness.counting_e2b import CountingE2B, Task
from harness.fleet import Fleet
from harness.gateway import Tenant
from harness.postgresql import PostgreSQL
from harness.sandboxes import Door
from harness.signing import Signer
from harness.storm import Answer, Call, Storm, share
from harness.tokens import for_subject
from harness.waiting import eventually

CALLERS = 300
# No obstacle in a test that is about another limit.
AMPLE = {"--rate": "100000/s", "--burst": "100000", "--executions": "1000", "--runtime": "86400s/day"}
SUBJECTS = ["alice", "bob", "carol"]


@pytest.fixture(scope="module")
def fleet(
    tmp_path_factory: pytest.TempPathFactory, contract: Contract, postgresql: PostgreSQL, upstream: CountingE2B
) -> Iterator[Fleet]:
    with Fleet.start(tmp_path_factory.mktemp("fleet"), contract, upstream.url, postgresql, GATEWAY_LOG_LEVEL="notice") as fleet:
        yield fleet
        fleet.wait_until_settled()
        fleet.assert_sound()


def tenant(fleet: Fleet, **limits: str) -> Tenant:
    given = AMPLE | {"--" + name.replace("_", "-"): value for name, value in limits.items()}
    return fleet.tenant(*itertools.chain.from_iterable(given.items()))


class Caller:
    """Of two tenants, in turn; those of the second speak for subjects. Each has one call under way at any time."""

    def __init__(self, plain: Tenant, divided: Tenant, seconds: float):
        self._plain, self._divided, self._seconds = plain, divided, seconds
        self.tokens = {name: for_subject(divided.token, name) for name in SUBJECTS}
        divided.gateway.secrets |= set(self.tokens.values())

    def __call__(self, number: int, dice: random.Random) -> Call:
        seconds = dice.uniform(0, 2 * self._seconds)
        if number % 2:
            return Call(self._plain.token, {"code": Task(seconds=seconds, whose=self._plain.name).code, "timeout_seconds": 5})
        subject = SUBJECTS[number // 2 % len(SUBJECTS)]
        task = Task(seconds=seconds, whose=f"{self._divided.name}/{subject}")
        return Call(self.tokens[subject], {"code": task.code, "timeout_seconds": 5}, streams=number % 4 == 0)


def test_executions_at_once(fleet: Fleet, upstream: CountingE2B) -> None:
    """What ran at once is counted upstream."""
    plain, divided = tenant(fleet, executions="5"), tenant(fleet, executions="6", subject_executions="2")
    caller = Caller(plain, divided, seconds=0.1)
    storm = Storm(fleet.proxy.url, 2 * CALLERS, caller, rest=1).during(8)

    assert set(storm.statuses) <= {"200", "concurrency-exceeded"}, storm.statuses
    assert 1 < upstream.count(plain.name).most <= 5
    for name in SUBJECTS:
        assert 0 < upstream.count(f"{divided.name}/{name}").most <= 2
        assert share(storm.served(), caller.tokens[name])
    assert fleet.proxy.calls().keys() == {member.name for member in fleet}
    assert min(fleet.proxy.calls().values()) > 100
    for member in fleet:
        for someone in (plain, divided):
            assert member.client(someone.token).usage()["executions"]["running"] == 0


def test_rates(fleet: Fleet, upstream: CountingE2B) -> None:
    """In any span of time no more is admitted than the burst and what the rate gives in it."""
    plain = tenant(fleet, rate="20/s", burst="10")
    divided = tenant(fleet, rate="1000/s", burst="1000", subject_rate="5/s", subject_burst="3")
    caller = Caller(plain, divided, seconds=0)
    storm = Storm(fleet.proxy.url, 2 * CALLERS, caller, rest=1).during(6)

    assert set(storm.statuses) == {"200", "rate-limited"}, storm.statuses
    assert_rate(share(storm.served(), plain.token), rate=20, burst=10)
    for token in caller.tokens.values():
        assert_rate(share(storm.served(), token), rate=5, burst=3)


def assert_rate(served: list[Answer], *, rate: float, burst: int) -> None:
    """In any span: what was asked and answered within it took its permit within it, wherever that was given."""
    assert len(served) > burst, "more than the burst: the rate gave some"
    for begin in sorted(answer.began for answer in served):
        ends = sorted(answer.ended for answer in served if answer.began >= begin)
        for count, end in enumerate(ends, start=1):
            assert count <= burst + rate * (end - begin), (count, end - begin)


def test_the_runtime_budget(fleet: Fleet, upstream: CountingE2B) -> None:
    """What is charged is no more than there was, and no less than what ran."""
    budget = 12_000
    plain = tenant(fleet, runtime=f"{budget // 1000}s/day", executions="40")
    divided = tenant(fleet, runtime="3600s/day", subject_runtime="4s/day", executions="40")
    caller = Caller(plain, divided, seconds=0.2)
    with Storm(fleet.proxy.url, 2 * CALLERS, caller, rest=1) as storm:
        eventually(
            lambda: plain.client.usage()["runtime"][0]["remaining_ms"] == 0, within=60, pause=0.2, what="it is used up"
        )  # fmt: skip
    assert set(storm.statuses) <= {"200", "concurrency-exceeded", "runtime-exhausted"}, storm.statuses
    assert "runtime-exhausted" in storm.statuses

    charged = sum(charge for _, charge in fleet.executions(plain).values())
    assert upstream.count(plain.name).seconds * 1000 <= charged <= budget
    for member in fleet:
        [day] = member.client(plain.token).usage()["runtime"]
        assert (day["used_ms"], day["reserved_ms"]) == (charged, 0)
    for name in SUBJECTS:
        share_of = fleet[1].client(caller.tokens[name]).get("/v1/usage").document["subject"]["runtime"][0]
        assert share_of["used_ms"] <= 4_000 and share_of["reserved_ms"] == 0
        assert upstream.count(f"{divided.name}/{name}").seconds * 1000 <= share_of["used_ms"]


def test_a_limit_on_sandboxes_holds_for_all(fleet: Fleet) -> None:
    driver = tenant(fleet, sandboxes="3")
    doors = [Door(driver, client=member.client(driver.token)) for member in fleet]
    made = [door.made(timeout=60) for door in doors]
    for door in doors:
        assert door.create(timeout=60).problem("concurrency-exceeded")
        assert sorted(door.ids()) == sorted(made)
    assert doors[1].kill(made[0]).status == 204
    made.append(doors[2].made(timeout=60))
    for sandbox in made[1:]:
        assert doors[0].kill(sandbox).status == 204
    for door in doors:
        door.assert_nothing_held()


# What is accepted once


def at_all(fleet: Fleet, threads: concurrent.futures.Executor, ask, times: int = 2) -> list[Reply]:
    """What each gateway answers, all asked at the same time and some times over."""
    return [done.result(60) for done in [threads.submit(ask, member) for _ in range(times) for member in fleet]]


def test_a_signed_request_is_accepted_once(fleet: Fleet, upstream: CountingE2B) -> None:
    signer = Signer(fleet[0], tenant(fleet).token, seen_at="https://gateway.example.com")
    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        for number in range(20):
            name = f"signed-{number}"
            request = signer.order(Task(name=name).code)
            replies = at_all(fleet, threads, lambda member: send(signer, request, member))
            assert collections.Counter(reply.status for reply in replies) == {200: 1, 401: 5}
            assert all(reply.problem("replayed") for reply in replies if reply.status == 401)
            assert upstream.begun[name] == 1


def send(signer: Signer, request, member) -> Reply:
    """What was signed once, to any of the gateways."""
    copy = signer.addressed(request)
    copy.url = member.url + request.path_url
    response = signer.session().send(copy)
    return Reply(response, response.content)


def test_an_idempotency_key_stands_for_one_execution(fleet: Fleet, upstream: CountingE2B) -> None:
    token = tenant(fleet).token
    clients = [member.client(token) for member in fleet]

    def post(client: Client, number: int, key: str) -> Reply:
        return client.post(Task(name=key, seconds=0.1, prints=f"{number}\n").code, headers={"idempotency-key": key})

    with concurrent.futures.ThreadPoolExecutor(6) as threads:
        for number in range(15):
            key = f"of-all-{number}"
            asked = [threads.submit(post, client, number, key) for client in clients * 2]
            replies = [done.result(60) for done in asked]
            for reply in replies:
                assert reply.status == 200 or reply.problem("idempotency-in-progress")
            replies = [reply for reply in replies if reply.status == 200] + [post(client, number, key) for client in clients]
            documents = [reply.document for reply in replies]
            assert len({document["id"] for document in documents}) == 1, documents
            assert all(document == documents[0] for document in documents), documents
            assert documents[0]["output"] == f"{number}\n"
            assert upstream.begun[key] == 1
