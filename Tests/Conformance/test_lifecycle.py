"""A sandbox from its making to its end."""

import datetime
import re
import time
import uuid

import e2b
import pytest

from harness.waiting import eventually
from sdk.program import LIFETIME, Program

NOWHERE = "i" + "0" * 20


@pytest.mark.call("Sandbox.create")
@pytest.mark.call("Sandbox.kill")
@pytest.mark.call("sandbox.is_running")
def test_from_the_beginning_to_the_end(sdk: Program) -> None:
    sandbox = sdk.create(
        template="code-interpreter-v1",
        timeout=120,
        metadata={"purpose": "a test"},
        envs={"GREETING": 'it\'s "me"'},
        secure=True,
        allow_internet_access=True,
    )
    assert re.fullmatch("i[a-z0-9]{20}", sandbox.sandbox_id)
    assert sandbox.is_running() is True
    assert sandbox.get_info().metadata == {"purpose": "a test"}
    assert "".join(sandbox.run_code("import os; print(os.environ['GREETING'])").logs.stdout) == 'it\'s "me"\n'
    assert sandbox.commands.run("echo $GREETING").stdout == 'it\'s "me"\n'
    assert sandbox.kill() is True
    assert sandbox.is_running() is False
    assert sandbox.kill() is False
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.get_info()


@pytest.mark.call("e2b.Sandbox.create")
@pytest.mark.call("sandbox.set_timeout")
def test_a_sandbox_of_the_plain_sdk_ends_at_its_timeout(sdk: Program) -> None:
    """The plain SDK's own default template is `base`; which there are says the tenant's policy."""
    sandbox = sdk.BaseSandbox.create(template="code-interpreter-v1", timeout=60)
    assert sandbox.commands.run("echo hello").stdout == "hello\n"
    sandbox.set_timeout(1)
    sdk.wait_until_gone(sandbox)
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.get_info()
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.set_timeout(60)


@pytest.mark.gateway
def test_a_sandbox_has_tokens_of_the_gateways(sdk: Program, sandbox) -> None:
    """Both, so that every call of the SDK carries one; and the same at each connect, since objects keep theirs."""
    tokens = [sandbox.traffic_access_token, sandbox._envd_access_token]
    assert all(re.fullmatch("[0-9a-f]{64}", token) for token in tokens)
    assert tokens[0] != tokens[1]
    assert not sdk.real_tokens() & set(tokens)
    again = sdk.Sandbox.connect(sandbox.sandbox_id)
    assert [again.traffic_access_token, again._envd_access_token] == tokens


@pytest.mark.call("Sandbox.create(idempotency_key=…)", since="2.63")
@pytest.mark.gateway
def test_create_with_an_idempotency_key(sdk: Program) -> None:
    key = str(uuid.uuid4())
    first = sdk.create(idempotency_key=key)
    assert sdk.create(idempotency_key=key).sandbox_id == first.sandbox_id
    with pytest.raises(e2b.SandboxException) as refused:
        sdk.create(idempotency_key=key, metadata={"another": "request"})
    assert refused.value.status_code == 409


@pytest.mark.call("Sandbox.connect")
def test_connect_by_id(sdk: Program, sandbox) -> None:
    sandbox.run_code("kept = 'as it was'")
    same = sdk.Sandbox.connect(sandbox.sandbox_id)
    assert same.sandbox_id == sandbox.sandbox_id
    assert same.traffic_access_token == sandbox.traffic_access_token
    assert same.run_code("kept").text == "as it was"


@pytest.mark.call("sandbox.connect")
def test_connect_an_object(sandbox) -> None:
    assert sandbox.connect().sandbox_id == sandbox.sandbox_id
    assert sandbox.run_code("'still here'").text == "still here"


def test_connect_extends_and_never_shortens(sandbox) -> None:
    sandbox.set_timeout(300)
    before = sandbox.get_info().end_at
    sandbox.connect(timeout=LIFETIME)
    extended = sandbox.get_info().end_at
    assert extended - before > datetime.timedelta(seconds=LIFETIME - 400)
    sandbox.connect(timeout=10)
    assert sandbox.get_info().end_at == extended


@pytest.mark.call("sandbox.get_info")
@pytest.mark.call("Sandbox.get_info")
def test_get_info(sdk: Program, sandbox) -> None:
    for info in (sandbox.get_info(), sdk.Sandbox.get_info(sandbox.sandbox_id)):
        assert info.sandbox_id == sandbox.sandbox_id
        assert info.state is e2b.SandboxState.RUNNING
        assert info.metadata == sdk.label
        assert info.started_at <= datetime.datetime.now(datetime.timezone.utc) < info.end_at
        assert info.template_id and info.cpu_count >= 1 and info.memory_mb >= 1 and info.envd_version


@pytest.mark.call("Sandbox.set_timeout")
def test_set_timeout(sdk: Program, sandbox) -> None:
    sandbox.set_timeout(300)
    shorter = sandbox.get_info().end_at
    sdk.Sandbox.set_timeout(sandbox.sandbox_id, LIFETIME)
    assert sandbox.get_info().end_at - shorter > datetime.timedelta(seconds=LIFETIME - 400)


@pytest.mark.call("sandbox.get_metrics")
def test_get_metrics(sandbox) -> None:
    [*_, newest] = eventually(sandbox.get_metrics, within=20, what="there are metrics", pause=0.2)
    assert newest.cpu_count >= 1
    assert 0 < newest.mem_used <= newest.mem_total
    assert 0 <= newest.disk_used <= newest.disk_total
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    assert sandbox.get_metrics(start=later) == []


@pytest.mark.call("sandbox.get_host")
def test_get_host(sdk: Program, sandbox) -> None:
    name, _, domain = sandbox.get_host(8080).partition(".")
    assert name == f"8080-{sandbox.sandbox_id}"
    if sdk.door.mode == "wildcard":
        assert domain == sdk.door.variables["E2B_DOMAIN"]


def test_what_there_is_not(sdk: Program) -> None:
    assert sdk.Sandbox.kill(NOWHERE) is False
    for call in (sdk.Sandbox.connect, sdk.Sandbox.get_info, sdk.Sandbox.get_metrics, sdk.Sandbox.pause):
        with pytest.raises(e2b.SandboxNotFoundException):
            call(NOWHERE)
    with pytest.raises(e2b.SandboxNotFoundException):
        sdk.Sandbox.set_timeout(NOWHERE, 60)


def test_leaving_the_block_kills(sdk: Program) -> None:
    with sdk.create() as sandbox:
        assert sandbox.run_code("1").text == "1"
    assert sandbox.is_running() is False
    assert sdk.Sandbox.kill(sandbox.sandbox_id) is False


def test_two_sandboxes_share_nothing(sdk: Program, sandbox) -> None:
    sandbox.run_code("secret = 1; open('/tmp/secret', 'w').write('x')")
    assert sdk.second.run_code("secret").error.name == "NameError"
    assert sdk.second.run_code("import os; os.path.exists('/tmp/secret')").text == "False"


def test_there_is_no_network(sandbox) -> None:
    code = "import socket; socket.create_connection(('1.1.1.1', 53), 3)"
    assert sandbox.run_code(code).error.name in ("OSError", "TimeoutError", "ConnectionRefusedError")


def test_a_sandbox_lives_as_long_as_it_was_given(sdk: Program) -> None:
    asked = time.time()
    sandbox = sdk.create(timeout=120)
    ends = sandbox.get_info().end_at.timestamp()
    assert asked + 119 <= ends <= time.time() + 121
