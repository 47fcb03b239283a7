"""Every refusal of the control plane: what a program sees, and how often the SDK asks before it raises that."""

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator

import e2b
import httpx
import pytest

from conftest import AMPLE, NewGateway
from harness.fake_e2b import FakeE2B, unreachable_url
from harness.gateway import Gateway, Tenant
from harness.tokens import expiring, for_templates, scoped
from harness.waiting import eventually
from sdk.generations import SERVICE_BUSY, has
from sdk.program import Program
from sdk.styles import beside

pytestmark = pytest.mark.gateway

FOREIGN = "i" + "f" * 20

_marks = itertools.count(1)


class Refused:
    """What a call raised, and a way to tell how often the SDK had asked."""

    def __init__(self, gateway: Gateway, exception: Exception, before: int):
        self.exception, self.text = exception, str(exception)
        self._gateway, self._before = gateway, before

    @property
    def status(self) -> int:
        """In 2.45 only the text has it."""
        return getattr(self.exception, "status_code", None) or int(self.text.split(":")[0])

    def assert_asked(self, times: int) -> None:
        """The last request is logged last, so that none is missed."""
        eventually(lambda: self._asked() >= times, within=10, what=f"{times} requests are logged")
        assert self._asked() == times

    def _asked(self) -> int:
        return requests(self._gateway) - self._before


def refused(gateway: Gateway, kind: type[Exception], call: Callable[[], object]) -> Refused:
    """What a call raises, which must be of exactly this class: a program tells it from others by that."""
    before = settled_requests(gateway)
    with pytest.raises(kind) as raised:
        call()
    assert type(raised.value) is kind
    return Refused(gateway, raised.value, before)


def requests(gateway: Gateway) -> int:
    """Those of callers: administration is none of theirs."""
    return sum(
        line["message"] == "request answered" and "administrator" not in line for line in gateway.service.log_lines()
    )


def settled_requests(gateway: Gateway) -> int:
    """Once the log shows a request of our own: those before it are there as well."""
    mark = f"mark-{next(_marks)}"
    httpx.get(f"{gateway.url}/healthz", headers={"x-request-id": mark}, trust_env=False, verify=False)
    eventually(lambda: f'"{mark}"' in gateway.service.log.read_text(), within=10, what="the mark is logged")
    return requests(gateway)


# Who may not


def spoiled(token: str) -> dict[str, str]:
    return {
        "forged": token[:-1] + ("0" if token[-1] != "0" else "1"),
        "unknown": "e2b_01" + "0" * 80,
        "an E2B key": "e2b_" + "a" * 40,
        "expired": expiring(token, int(time.time()) - 60),
    }


@pytest.mark.call("401: wrong, expired or revoked key; signed requests only", answer="AuthenticationException")
@pytest.mark.parametrize("fault", spoiled("e2b_00"))
def test_a_wrong_key(sdk: Program, fault: str) -> None:
    key = spoiled(sdk.tenant.token)[fault]
    told = refused(sdk.gateway, e2b.AuthenticationException, lambda: sdk.Sandbox.create(api_key=key))
    assert key not in told.text


def test_a_revoked_key(sdk: Program, other_tenant: Tenant) -> None:
    sandbox = sdk.create(api_key=other_tenant.token)
    sdk.gateway.command("key", "revoke", other_tenant.key_id)
    refused(sdk.gateway, e2b.AuthenticationException, sandbox.get_info)
    refused(sdk.gateway, e2b.AuthenticationException, lambda: sdk.Sandbox.create(api_key=other_tenant.token))
    assert sandbox.is_running() is False
    for call in (lambda: sandbox.run_code("1"), lambda: sandbox.commands.run("true"), lambda: sandbox.files.list("/")):
        with pytest.raises(e2b.TimeoutException):
            call()


def test_a_key_that_expires_takes_its_sandbox_along(sdk: Program) -> None:
    soon = int(time.time()) + 8
    sandbox = sdk.create(api_key=expiring(sdk.tenant.token, soon), timeout=600)
    assert sandbox.get_info().end_at.timestamp() <= soon + 1

    def is_gone() -> bool:
        try:
            return not sandbox.is_running()
        except e2b.AuthenticationException:  # for the moment between the key's end and the sandbox's
            return False

    eventually(is_gone, within=30, what="the sandbox ends with the key")
    refused(sdk.gateway, e2b.AuthenticationException, sandbox.get_info)


@pytest.mark.call("403: key without the scope, or narrowed otherwise", answer="SandboxException")
def test_a_key_that_may_only_read(sdk: Program, sandbox) -> None:
    reader = scoped(sdk.tenant.token, execute=False, read=True)
    assert sdk.Sandbox.get_info(sandbox.sandbox_id, api_key=reader).sandbox_id == sandbox.sandbox_id
    assert sdk.Sandbox.list(api_key=reader).next_items()
    for call in (
        lambda: sdk.Sandbox.create(api_key=reader),
        lambda: sdk.Sandbox.connect(sandbox.sandbox_id, api_key=reader),
        lambda: sdk.Sandbox.kill(sandbox.sandbox_id, api_key=reader),
        lambda: sdk.Sandbox.set_timeout(sandbox.sandbox_id, 1, api_key=reader),
        lambda: sdk.Sandbox.pause(sandbox.sandbox_id, api_key=reader),
    ):
        told = refused(sdk.gateway, e2b.SandboxException, call)
        assert told.status == 403
        told.assert_asked(1)


def test_a_narrower_key_gets_no_tokens_of_a_wider_one(sdk: Program, sandbox) -> None:
    narrower = for_templates(sdk.tenant.token, "code-interpreter-v1")
    told = refused(sdk.gateway, e2b.SandboxException, lambda: sdk.Sandbox.connect(sandbox.sandbox_id, api_key=narrower))
    assert told.status == 403
    own = sdk.create(api_key=narrower)
    assert sdk.Sandbox.connect(own.sandbox_id).run_code("1").text == "1", "the wider one reaches it"


@pytest.mark.call("401: wrong, expired or revoked key; signed requests only", answer="AuthenticationException")
def test_a_tenant_that_takes_signed_requests_only(sdk: Program) -> None:
    """Sandbox tokens are bearer tokens: there is no SDK door for it."""
    tenant = sdk.gateway.tenant("--signed-only")
    told = refused(sdk.gateway, e2b.AuthenticationException, lambda: sdk.Sandbox.create(api_key=tenant.token))
    told.assert_asked(1)
    assert "signed" in told.text


@pytest.mark.call("403: suspended tenant", answer="SandboxException")
def test_a_tenant_that_is_suspended(sdk: Program, other_tenant: Tenant) -> None:
    sdk.gateway.command("tenant", "suspend", other_tenant.name, "--yes")
    told = refused(sdk.gateway, e2b.SandboxException, lambda: sdk.Sandbox.create(api_key=other_tenant.token))
    assert told.status == 403
    told.assert_asked(1)


# How much


@pytest.mark.call("429: rate, sandboxes or runtime used up", answer="RateLimitException")
def test_more_requests_than_the_rate(sdk: Program) -> None:
    tenant = sdk.gateway.tenant("--rate", "1/min", "--burst", "1")
    listing = sdk.Sandbox.list(api_key=tenant.token, request_timeout=10)
    assert listing.next_items() == []
    again = sdk.Sandbox.list(api_key=tenant.token, request_timeout=10)
    told = refused(sdk.gateway, e2b.RateLimitException, again.next_items)
    told.assert_asked(1)  # the wait would be longer than the request may take


def test_the_sdk_waits_where_that_helps(sdk: Program) -> None:
    tenant = sdk.gateway.tenant("--rate", "1/s", "--burst", "1")
    before = settled_requests(sdk.gateway)
    for _ in range(2):
        assert sdk.Sandbox.list(api_key=tenant.token).next_items() == []
    assert requests(sdk.gateway) - before >= 3


@pytest.mark.call("429: rate, sandboxes or runtime used up", answer="RateLimitException")
@pytest.mark.parametrize("limit", [("--sandboxes", "0"), ("--runtime", "0s/day")])
def test_no_room_for_a_sandbox(sdk: Program, limit: tuple[str, str]) -> None:
    tenant = sdk.gateway.tenant(*limit)
    told = refused(sdk.gateway, e2b.RateLimitException, lambda: sdk.Sandbox.create(api_key=tenant.token))
    told.assert_asked(1)  # asking again would not help


def test_a_sandbox_counts_until_it_is_killed(sdk: Program) -> None:
    tenant = sdk.gateway.tenant(*AMPLE, "--sandboxes", "1")
    first = sdk.create(api_key=tenant.token)
    refused(sdk.gateway, e2b.RateLimitException, lambda: sdk.Sandbox.create(api_key=tenant.token))
    first.kill()
    assert sdk.create(api_key=tenant.token).is_running()


def test_a_sandbox_lives_no_longer_than_its_runtime(sdk: Program) -> None:
    """What is left is given; nothing left is a refusal."""
    tenant = sdk.gateway.tenant(*AMPLE, "--runtime", "5s/day")
    sandbox = sdk.create(api_key=tenant.token, timeout=600)
    info = sandbox.get_info()
    assert (info.end_at - info.started_at).total_seconds() <= 6
    refused(sdk.gateway, e2b.RateLimitException, lambda: sdk.Sandbox.create(api_key=tenant.token))
    sdk.wait_until_gone(sandbox)


@pytest.mark.call("400: timeout out of range, malformed request", answer="SandboxException")
def test_a_timeout_out_of_range(sdk: Program, sandbox) -> None:
    for call in (
        lambda: sdk.Sandbox.create(timeout=-1),
        lambda: sdk.Sandbox.create(timeout=90_000),
        lambda: sandbox.set_timeout(90_000),
        lambda: sdk.Sandbox.connect(sandbox.sandbox_id, timeout=90_000),
    ):
        told = refused(sdk.gateway, e2b.SandboxException, call)
        assert told.status == 400
        told.assert_asked(1)
        assert "timeout" in told.text


# What there is not


@pytest.mark.call("404: unknown sandbox, or another tenant's", answer="SandboxNotFoundException")
def test_a_sandbox_of_somebody_else(sdk: Program, other_tenant: Tenant, sandbox) -> None:
    """It looks like one that never was."""
    texts = []
    for id in (sandbox.sandbox_id, FOREIGN):
        assert sdk.Sandbox.kill(id, api_key=other_tenant.token) is False
        for call in (sdk.Sandbox.connect, sdk.Sandbox.get_info, sdk.Sandbox.get_metrics, sdk.Sandbox.pause):
            told = refused(sdk.gateway, e2b.SandboxNotFoundException, lambda: call(id, api_key=other_tenant.token))
            texts.append(told.text.replace(id, "ID"))
    assert texts[: len(texts) // 2] == texts[len(texts) // 2 :]
    assert sandbox.is_running()


@pytest.mark.call("403: template outside the policy", answer="SandboxException")
def test_a_template_that_the_policy_does_not_have(sdk: Program) -> None:
    told = refused(sdk.gateway, e2b.SandboxException, lambda: sdk.Sandbox.create(template="somebody-elses"))
    assert told.status == 403
    told.assert_asked(1)


def not_offered(sdk: Program) -> dict[str, tuple[type[Exception], Callable[[object], object]]]:
    """Calls by their names: what is raised, and the call, which gets a sandbox."""
    template = e2b.Template().from_python_image()
    return {
        "fork": (e2b.SandboxException, lambda sandbox: sandbox.fork()),
        "create_snapshot": (e2b.SandboxException, lambda sandbox: sandbox.create_snapshot()),
        "list_snapshots": (e2b.SandboxException, lambda sandbox: sandbox.list_snapshots().next_items()),
        "delete_snapshot": (e2b.SandboxException, lambda sandbox: sdk.Sandbox.delete_snapshot("snap")),
        "update_network": (
            e2b.SandboxException,
            lambda sandbox: sandbox.update_network({"allow_internet_access": True}),
        ),
        "Template.build": (e2b.BuildException, lambda sandbox: sdk.Template.build(template, "mine")),
        "Template.get_tags": (e2b.TemplateException, lambda sandbox: sdk.Template.get_tags("mine")),
        "Volume.create": (e2b.VolumeException, lambda sandbox: sdk.Volume.create("mine")),
        "Volume.list": (e2b.VolumeException, lambda sandbox: sdk.Volume.list()),
        "Secret.create": (e2b.SecretException, lambda sandbox: sdk.Secret.create("mine", "value")),
        "Secret.list": (e2b.SecretException, lambda sandbox: sdk.Secret.list().next_items()),
    }


@pytest.mark.parametrize(
    "name",
    [
        "fork",
        "create_snapshot",
        "list_snapshots",
        "delete_snapshot",
        "update_network",
        "Template.build",
        "Template.get_tags",
        "Volume.create",
        "Volume.list",
        "Secret.create",
        "Secret.list",
    ],
)
@pytest.mark.call(
    "403: fork, snapshots, network, templates, volumes, secrets",
    answer="SandboxException, BuildException, TemplateException, VolumeException, SecretException",
)
def test_what_is_not_offered(sdk: Program, sandbox, name: str) -> None:
    kind, call = not_offered(sdk)[name]
    told = refused(sdk.gateway, kind, lambda: call(sandbox))
    assert told.status == 403
    told.assert_asked(1)
    assert "not offered" in told.text


def extras() -> dict[str, dict]:
    return {
        "mcp": {"mcp": {"duckduckgo": {}}},
        "volumes": {"volume_mounts": {"/mnt": "volume"}},
        "egress": {"network": {"allow_out": ["1.1.1.1"]}},
        "resuming": {"lifecycle": {"on_timeout": "pause", "auto_resume": True}},
    }


@pytest.mark.call("403: create with mcp, iam, volumes, auto_resume, network rules", answer="SandboxException")
@pytest.mark.parametrize("name", extras())
def test_a_create_that_asks_for_more(sdk: Program, name: str) -> None:
    told = refused(
        sdk.gateway, e2b.SandboxException, lambda: sdk.create(template="code-interpreter-v1", **extras()[name])
    )
    assert told.status == 403
    told.assert_asked(1)


# What is down


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeE2B]:
    with FakeE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def before_a_fake(new_gateway: NewGateway, fake: FakeE2B) -> Gateway:
    return new_gateway(fake.url)


@pytest.fixture(scope="module")
def nowhere(new_gateway: NewGateway) -> Iterator[Gateway]:
    with unreachable_url() as url:
        yield new_gateway(url)


def through(gateway: Gateway) -> dict[str, str]:
    """The options with which a call goes to that gateway."""
    return {"api_url": gateway.url, "sandbox_url": gateway.url, "api_key": gateway.tenant(*AMPLE).token}


def test_upstream_cannot_be_reached(sdk: Program, nowhere: Gateway) -> None:
    """Nothing can have happened, so that the SDK asks again."""
    told = refused(nowhere, e2b.SandboxException, lambda: sdk.Sandbox.create(**through(nowhere)))
    assert told.status == 502
    told.assert_asked(4 if has("2.63") else 1)


def test_upstream_breaks_off_a_create(sdk: Program, before_a_fake: Gateway, fake: FakeE2B) -> None:
    """One call of the SDK leaves one sandbox at the most."""
    fake.behave()
    fake.create = lambda exchange: exchange.break_off()
    told = refused(before_a_fake, e2b.SandboxException, lambda: sdk.Sandbox.create(**through(before_a_fake)))
    assert told.status == 502
    told.assert_asked(1)
    # The gateway asks again, for the same sandbox: upstream that honours idempotency keys makes one.
    assert len(fake.created) == 3
    assert all(order == fake.created[0] for order in fake.created)


def test_upstream_refuses_the_gateway(sdk: Program, before_a_fake: Gateway, fake: FakeE2B) -> None:
    """A key of the gateway's own that is refused is no fault of the caller's."""
    fake.behave()
    fake.create = lambda exchange: exchange.answer(401, {"code": 401, "message": "Invalid API key"})
    told = refused(before_a_fake, e2b.SandboxException, lambda: sdk.Sandbox.create(**through(before_a_fake)))
    assert told.status == 502
    told.assert_asked(1)


def test_upstream_has_no_room(sdk: Program, new_gateway: NewGateway, fake: FakeE2B) -> None:
    """Of a gateway of its own: it holds creates back for a minute afterwards."""
    gateway = new_gateway(fake.url)
    fake.behave()
    fake.create = lambda exchange: exchange.answer(429, {"code": 429, "message": "too many"}, Retry_After="120")
    told = refused(
        gateway, SERVICE_BUSY, lambda: sdk.Sandbox.create(**through(gateway), request_timeout=20)
    )
    told.assert_asked(1)  # the wait would be longer than the request may take


@contextlib.contextmanager
def locked(gateway: Gateway) -> Iterator[None]:
    """Nobody can write its ledger meanwhile."""
    blocker = sqlite3.connect(gateway.ledger, isolation_level=None, timeout=10)
    blocker.execute("BEGIN IMMEDIATE")
    yield
    blocker.execute("ROLLBACK")
    blocker.close()


@pytest.mark.call("503: ledger down, no room upstream, shutting down", answer=SERVICE_BUSY.__name__)
def test_the_ledger_is_down(sdk: Program) -> None:
    with locked(sdk.gateway):
        told = refused(sdk.gateway, SERVICE_BUSY, lambda: sdk.Sandbox.create(request_timeout=2))
    assert "ledger" in told.text
    assert sdk.first.run_code("1").text == "1", "it recovers by itself"


def test_a_gateway_that_shuts_down(sdk: Program, new_gateway: NewGateway) -> None:
    """What runs goes on, and nothing new begins."""
    gateway = new_gateway()
    options = through(gateway)
    sandbox = sdk.create(**options)
    seen: list[object] = []
    run = beside(
        lambda: sandbox.run_code("import time; print('on', flush=True); time.sleep(2); 'done'", on_stdout=seen.append)
    )
    eventually(lambda: seen, within=20, what="the code runs")
    gateway.service.terminate()
    eventually(lambda: is_draining(gateway), within=10, what="it is draining")
    with pytest.raises((SERVICE_BUSY, httpx.ConnectError)):
        sdk.Sandbox.create(**options, request_timeout=2)
    assert run.result(30).text == "done"
    assert gateway.service.wait(within=30) == 0


def is_draining(gateway: Gateway) -> bool:
    try:
        return httpx.get(f"{gateway.url}/readyz", trust_env=False).json()["status"] == "draining"
    except httpx.TransportError:
        return True
