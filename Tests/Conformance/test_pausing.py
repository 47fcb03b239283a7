"""A sandbox that is put to sleep and woken."""

import e2b
import pytest

from sdk.program import LIFETIME, Program


@pytest.mark.call("sandbox.pause")
def test_pause_and_connect(sdk: Program, sandbox) -> None:
    sandbox.run_code("kept = 'in memory'")
    sandbox.files.write("/home/user/kept.txt", "on disk")
    sandbox.pause()
    assert sandbox.get_info().state is e2b.SandboxState.PAUSED
    assert sandbox.is_running() is False
    assert sandbox.sandbox_id in paused(sdk)
    again = sdk.Sandbox.connect(sandbox.sandbox_id, timeout=LIFETIME)
    assert again.is_running() is True
    assert sandbox.sandbox_id not in paused(sdk)
    # The object from before works on as well, with the tokens that it has.
    for one in (again, sandbox):
        assert one.run_code("kept").text == "in memory"
        assert one.files.read("/home/user/kept.txt") == "on disk"


def paused(sdk: Program) -> list[str]:
    pages = sdk.Sandbox.list(query=e2b.SandboxQuery(metadata=sdk.label, state=[e2b.SandboxState.PAUSED]))
    return [one.sandbox_id for one in pages.next_items()]


@pytest.mark.call("Sandbox.pause")
def test_pause_by_id(sdk: Program, sandbox) -> None:
    sdk.Sandbox.pause(sandbox.sandbox_id)
    sandbox.connect(timeout=LIFETIME)
    assert sandbox.commands.run("echo awake").stdout == "awake\n"


@pytest.mark.call("sandbox.beta_pause")
def test_beta_pause(sandbox) -> None:
    sandbox.beta_pause()
    assert sandbox.get_info().state is e2b.SandboxState.PAUSED
    sandbox.connect(timeout=LIFETIME)
    assert sandbox.get_info().state is e2b.SandboxState.RUNNING


def test_a_paused_sandbox_answers_nothing(sdk: Program) -> None:
    sandbox = sdk.create()
    assert sandbox.pause() is True
    assert sandbox.pause() is False
    for call in (lambda: sandbox.run_code("1"), lambda: sandbox.commands.run("true"), lambda: sandbox.files.list("/")):
        with pytest.raises(e2b.TimeoutException):
            call()
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.set_timeout(60)
    assert sandbox.kill() is True
    with pytest.raises(e2b.SandboxNotFoundException):
        sdk.Sandbox.connect(sandbox.sandbox_id)


def test_a_command_sleeps_with_its_sandbox(sdk: Program, sandbox) -> None:
    started = sdk.style.start(sandbox.commands, "until test -e /tmp/awake; do sleep 0.02; done; rm /tmp/awake")
    sandbox.pause()
    sandbox.connect(timeout=LIFETIME)
    again = sandbox.commands.connect(started.pid)
    sandbox.files.write("/tmp/awake", "")
    assert again.wait().exit_code == 0
