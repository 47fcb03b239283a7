"""A sandbox that is put to sleep and woken."""

import e2b
import pytest

from sdk.program import Program


@pytest.mark.call("Sandbox.pause")
def test_pause_and_connect(sdk: Program) -> None:
    sandbox = sdk.create()
    sandbox.run_code("kept = 'in memory'")
    sandbox.files.write("/home/user/kept.txt", "on disk")
    sandbox.pause()
    assert sandbox.get_info().state is e2b.SandboxState.PAUSED
    assert sandbox.is_running() is False
    again = sdk.Sandbox.connect(sandbox.sandbox_id)
    assert again.sandbox_id == sandbox.sandbox_id
    assert again.is_running() is True
    assert again.run_code("kept").text == "in memory"
    assert again.files.read("/home/user/kept.txt") == "on disk"


@pytest.mark.call("Sandbox.pause")
def test_the_object_works_on_after_connect(sdk: Program) -> None:
    """It keeps the tokens that it has."""
    sandbox = sdk.create()
    sdk.Sandbox.pause(sandbox.sandbox_id)
    sandbox.connect()
    assert sandbox.run_code("2 + 2").text == "4"
    assert sandbox.commands.run("echo awake").stdout == "awake\n"


@pytest.mark.call("Sandbox.beta_pause")
def test_beta_pause(sdk: Program) -> None:
    sandbox = sdk.create()
    sandbox.beta_pause()
    assert sandbox.get_info().state is e2b.SandboxState.PAUSED
    sandbox.connect()
    assert sandbox.get_info().state is e2b.SandboxState.RUNNING


def test_pause_twice(sdk: Program) -> None:
    sandbox = sdk.create()
    assert sandbox.pause() is True
    assert sandbox.pause() is False


def test_pause_none(sdk: Program) -> None:
    with pytest.raises(e2b.SandboxNotFoundException):
        sdk.Sandbox.pause("i" + "0" * 20)


def test_a_paused_sandbox_can_be_killed(sdk: Program) -> None:
    sandbox = sdk.create()
    sandbox.pause()
    assert sandbox.kill() is True
    with pytest.raises(e2b.SandboxNotFoundException):
        sdk.Sandbox.connect(sandbox.sandbox_id)


def test_a_paused_sandbox_answers_nothing(sdk: Program) -> None:
    sandbox = sdk.create()
    sandbox.pause()
    with pytest.raises(e2b.TimeoutException):
        sandbox.run_code("1")
    with pytest.raises(e2b.TimeoutException):
        sandbox.commands.run("true")
    with pytest.raises(e2b.SandboxNotFoundException):
        sandbox.set_timeout(60)
