"""A sandbox from its making to its end."""

import datetime
import re
import time
import uuid

import e2b
import pytest

from harness.waiting import eventually
from sdk.program import Program

NOWHERE = "i" + "0" * 20


@pytest.mark.call("Sandbox.create")
def test_create(sdk: Program) -> None:
    sandbox = sdk.create(metadata={"purpose": "a test"}, envs={"GREETING": "it's \"me\""})
    assert re.fullmatch("i[a-z0-9]{20}", sandbox.sandbox_id)
    assert sandbox.is_running()
    assert sandbox.get_info().metadata == {"purpose": "a test"}
    assert sandbox.run_code("import os; os.environ['GREETING']").text == "it's \"me\""


@pytest.mark.gateway
def test_a_sandbox_has_tokens_of_the_gateways(sdk: Program, sandbox) -> None:
    """Both, so that every call that the SDK makes carries one; and the same at each connect, since objects keep theirs."""
    real = sdk.real_tokens()
    tokens = [sandbox.traffic_access_token, sandbox._envd_access_token]
    assert all(re.fullmatch("[0-9a-f]{64}", token) and token not in real for token in tokens)
    assert tokens[0] != tokens[1]
    again = sdk.Sandbox.connect(sandbox.sandbox_id)
    assert [again.traffic_access_token, again._envd_access_token] == tokens


@pytest.mark.call("Sandbox.create")
def test_create_with_the_options_that_programs_have(sdk: Program) -> None:
    sandbox = sdk.create(template="code-interpreter-v1", timeout=60, secure=True, allow_internet_access=True)
    assert sandbox.run_code("6 * 7").text == "42"


@pytest.mark.call("Sandbox.create(idempotency_key=…)", since="2.63")
@pytest.mark.gateway
def test_create_with_an_idempotency_key(sdk: Program) -> None:
    key = str(uuid.uuid4())
    first = sdk.create(idempotency_key=key)
    assert sdk.create(idempotency_key=key).sandbox_id == first.sandbox_id
    with pytest.raises(e2b.SandboxException) as refused:
        sdk.create(idempotency_key=key, metadata={"another": "request"})
    assert refused.value.status_code == 409
    assert sdk.create(idempotency_key=str(uuid.uuid4())).sandbox_id != first.sandbox_id


@pytest.mark.call("e2b.Sandbox.create")
@pytest.mark.gateway
def test_create_with_the_plain_sdk(sdk: Program) -> None:
    """Its own default template is `base`; a policy names which there are."""
    sandbox = sdk.BaseSandbox.create(template="code-interpreter-v1", timeout=60)
    assert sandbox.commands.run("echo hello").stdout == "hello\n"
    assert sandbox.kill()


@pytest.mark.call("Sandbox.connect")
def test_connect_by_id(sdk: Program, sandbox) -> None:
    sandbox.run_code("kept = 'as it was'")
    same = sdk.Sandbox.connect(sandbox.sandbox_id)
    assert same.sandbox_id == sandbox.sandbox_id
    assert same.traffic_access_token == sandbox.traffic_access_token
    assert same.run_code("kept").text == "as it was"


@pytest.mark.call("Sandbox.connect")
def test_connect_an_object(sandbox) -> None:
    assert sandbox.connect().sandbox_id == sandbox.sandbox_id
    assert sandbox.run_code("'still here'").text == "still here"


@pytest.mark.call("Sandbox.connect")
def test_connect_extends_and_never_shortens(sdk: Program) -> None:
    sandbox = sdk.create(timeout=60)
    before = sandbox.get_info().end_at
    sandbox.connect(timeout=300)
    extended = sandbox.get_info().end_at
    assert extended - before > datetime.timedelta(seconds=200)
    sandbox.connect(timeout=10)
    assert sandbox.get_info().end_at == extended


def test_connect_to_none(sdk: Program) -> None:
    with pytest.raises(e2b.SandboxNotFoundException):
        sdk.Sandbox.connect(NOWHERE)


@pytest.mark.call("Sandbox.get_info")
def test_get_info(sdk: Program, sandbox) -> None:
    for info in (sandbox.get_info(), sdk.Sandbox.get_info(sandbox.sandbox_id)):
        assert info.sandbox_id == sandbox.sandbox_id
        assert info.state is e2b.SandboxState.RUNNING
        assert info.started_at <= datetime.datetime.now(datetime.timezone.utc) < info.end_at
        assert info.template_id and info.cpu_count >= 1 and info.memory_mb >= 1 and info.envd_version


def test_get_info_of_none(sdk: Program) -> None:
    with pytest.raises(e2b.SandboxNotFoundException):
        sdk.Sandbox.get_info(NOWHERE)


@pytest.mark.call("Sandbox.is_running")
def test_is_running(sdk: Program) -> None:
    sandbox = sdk.create()
    assert sandbox.is_running() is True
    sandbox.kill()
    assert sandbox.is_running() is False


@pytest.mark.call("Sandbox.set_timeout")
def test_set_timeout(sdk: Program) -> None:
    sandbox = sdk.create(timeout=60)
    sandbox.set_timeout(300)
    longer = sandbox.get_info().end_at
    sdk.Sandbox.set_timeout(sandbox.sandbox_id, 30)
    assert longer - sandbox.get_info().end_at > datetime.timedelta(seconds=200), "it can be made shorter"


@pytest.mark.call("Sandbox.set_timeout")
def test_a_sandbox_ends_at_its_timeout(sdk: Program) -> None:
    sandbox = sdk.create()
    sandbox.set_timeout(1)
    sdk.is_gone(sandbox)
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.get_info()
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.set_timeout(60)


@pytest.mark.call("Sandbox.kill")
def test_kill(sdk: Program) -> None:
    sandbox = sdk.create()
    assert sandbox.kill() is True
    assert sandbox.kill() is False
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.get_info()


@pytest.mark.call("Sandbox.kill")
def test_kill_by_id(sdk: Program) -> None:
    sandbox = sdk.create()
    assert sdk.Sandbox.kill(sandbox.sandbox_id) is True
    assert sdk.Sandbox.kill(sandbox.sandbox_id) is False
    assert sdk.Sandbox.kill(NOWHERE) is False


@pytest.mark.call("Sandbox.kill")
def test_leaving_the_block_kills(sdk: Program) -> None:
    with sdk.create() as sandbox:
        assert sandbox.run_code("1").text == "1"
    assert sandbox.is_running() is False


@pytest.mark.call("Sandbox.get_metrics")
def test_get_metrics(sandbox) -> None:
    def measured() -> list:
        return sandbox.get_metrics()

    [*_, newest] = eventually(measured, within=20, what="there are metrics", pause=0.2)
    assert newest.cpu_count >= 1
    assert 0 < newest.mem_used <= newest.mem_total
    assert 0 <= newest.disk_used <= newest.disk_total
    now = datetime.datetime.now(datetime.timezone.utc)
    assert sandbox.get_metrics(start=now + datetime.timedelta(hours=1)) == []


@pytest.mark.call("Sandbox.get_host")
def test_get_host(sdk: Program, sandbox) -> None:
    host = sandbox.get_host(8080)
    assert host.startswith(f"8080-{sandbox.sandbox_id}.")
    if sdk.door.mode == "wildcard":
        assert host.removeprefix(f"8080-{sandbox.sandbox_id}.") == sdk.door.variables["E2B_DOMAIN"]


def test_two_sandboxes_share_nothing(sdk: Program, sandbox) -> None:
    other = sdk.create()
    sandbox.run_code("secret = 1; open('/tmp/secret', 'w').write('x')")
    assert other.run_code("secret").error.name == "NameError"
    assert other.run_code("import os; os.path.exists('/tmp/secret')").text == "False"


def test_there_is_no_network(sandbox) -> None:
    code = "import socket; socket.create_connection(('1.1.1.1', 53), 3)"
    assert sandbox.run_code(code).error.name in ("OSError", "TimeoutError", "ConnectionRefusedError")


def test_a_sandbox_lives_as_long_as_it_was_given(sdk: Program) -> None:
    asked = time.time()
    sandbox = sdk.create(timeout=120)
    ends = sandbox.get_info().end_at.timestamp()
    assert asked + 119 <= ends <= time.time() + 121
