"""Commands in the foreground and in the background, their input and their end."""

import shlex

import e2b
import pytest

from harness.waiting import eventually
from sdk.program import Program
from sdk.styles import beside

NO_PROCESS = 4_000_000


@pytest.mark.call("commands.run")
def test_run(sandbox) -> None:
    result = sandbox.commands.run("echo out; echo err >&2")
    assert (result.stdout, result.stderr, result.exit_code, result.error) == ("out\n", "err\n", 0, None)


@pytest.mark.call("commands.run")
def test_a_command_that_fails(sandbox) -> None:
    with pytest.raises(e2b.CommandExitException) as failed:
        sandbox.commands.run("echo out; echo err >&2; exit 3")
    assert (failed.value.stdout, failed.value.stderr, failed.value.exit_code) == ("out\n", "err\n", 3)


@pytest.mark.call("commands.run(on_stdout=…, on_stderr=…)")
def test_output_comes_while_the_command_runs(sandbox) -> None:
    out: list[str] = []
    err: list[str] = []
    command = "echo first; until test -e /tmp/go; do sleep 0.02; done; rm /tmp/go; echo second >&2"
    run = beside(lambda: sandbox.commands.run(command, on_stdout=out.append, on_stderr=err.append))
    eventually(lambda: out == ["first\n"], within=20, what="the first line is there")
    assert err == []
    sandbox.files.write("/tmp/go", "")
    assert run.result(30).exit_code == 0
    assert err == ["second\n"]


@pytest.mark.call("commands.run(envs=…, cwd=…, user=…)")
def test_where_and_as_whom(sandbox) -> None:
    value = 'it\'s $HOME "quoted"'
    run = sandbox.commands.run('echo "$VALUE"; pwd; whoami', envs={"VALUE": value}, cwd="/tmp", user="user")
    assert run.stdout.splitlines() == [value, "/tmp", "user"]
    assert sandbox.commands.run("pwd; whoami").stdout == "/home/user\nuser\n"


def test_a_folder_that_there_is_not(sandbox) -> None:
    with pytest.raises(e2b.SandboxException):
        sandbox.commands.run("true", cwd="/nowhere")


@pytest.mark.call("commands.run(timeout=…)")
def test_a_timeout(sandbox) -> None:
    with pytest.raises(e2b.TimeoutException):
        sandbox.commands.run("exec sleep 987", timeout=1)

    def runs_no_more() -> bool:
        return not any("sleep 987" in process.args[-1] for process in sandbox.commands.list())

    eventually(runs_no_more, within=20, what="the command is killed")


@pytest.mark.call("commands.run(background=True)")
def test_in_the_background(sdk: Program, sandbox) -> None:
    out: list[str] = []
    started = sdk.style.start(sandbox.commands, "echo hello; sleep 0.2; echo bye", on_stdout=out.append)
    result = started.wait()
    assert result.stdout == "hello\nbye\n"
    assert "".join(out) == result.stdout
    assert started.pid > 0


@pytest.mark.call("commands.list")
def test_list(sdk: Program, sandbox) -> None:
    started = sdk.style.start(sandbox.commands, "sleep 60", envs={"A": "1"}, cwd="/tmp")
    [process] = [process for process in sandbox.commands.list() if process.pid == started.pid]
    assert (process.cmd, process.args, process.cwd) == ("/bin/bash", ["-l", "-c", "sleep 60"], "/tmp")
    assert process.envs["A"] == "1"
    started.handle.kill()


@pytest.mark.call("commands.kill")
def test_kill(sdk: Program, sandbox) -> None:
    started = sdk.style.start(sandbox.commands, "sleep 60")
    assert sandbox.commands.kill(started.pid) is True
    with pytest.raises(e2b.CommandExitException):
        started.wait()
    eventually(lambda: not sandbox.commands.kill(started.pid), within=10, what="it is known no more")
    assert sandbox.commands.kill(NO_PROCESS) is False


@pytest.mark.call("CommandHandle.kill")
def test_kill_by_its_handle(sdk: Program, sandbox) -> None:
    started = sdk.style.start(sandbox.commands, "sleep 60")
    assert started.handle.kill() is True
    with pytest.raises(e2b.CommandExitException) as ended:
        started.wait()
    assert ended.value.exit_code != 0


@pytest.mark.call("commands.connect")
def test_connect_to_a_command(sdk: Program, sandbox) -> None:
    first = sdk.style.start(sandbox.commands, "until test -e /tmp/end; do sleep 0.02; done; rm /tmp/end; echo late")
    first.handle.disconnect()
    again = sandbox.commands.connect(first.pid)
    assert again.pid == first.pid
    sandbox.files.write("/tmp/end", "")
    assert again.wait().stdout == "late\n"


def test_connect_to_none(sandbox) -> None:
    with pytest.raises(e2b.NotFoundException):
        sandbox.commands.connect(NO_PROCESS)


@pytest.mark.call("commands.send_stdin")
def test_standard_input(sdk: Program, sandbox) -> None:
    started = sdk.style.start(sandbox.commands, "read line; echo got $line", stdin=True)
    sandbox.commands.send_stdin(started.pid, "a line\n")
    assert started.wait().stdout == "got a line\n"


@pytest.mark.call("commands.close_stdin")
def test_the_end_of_standard_input(sdk: Program, sandbox) -> None:
    started = sdk.style.start(sandbox.commands, "cat", stdin=True)
    started.handle.send_stdin("naïve ☃")
    sandbox.commands.close_stdin(started.pid)
    assert started.wait().stdout == "naïve ☃"


@pytest.mark.call("commands.stream_input", since="2.63")
def test_a_stream_of_input(sdk: Program, sandbox) -> None:
    started = sdk.style.start(sandbox.commands, "head -n 3", stdin=True)
    sdk.style.stream_input(sandbox.commands, started.pid, ["one\n", "two\nth", "ree\n"])
    assert started.wait().stdout == "one\ntwo\nthree\n"


def test_without_standard_input_there_is_none(sandbox) -> None:
    assert sandbox.commands.run("cat; echo done").stdout == "done\n"


def test_input_for_none(sandbox) -> None:
    with pytest.raises(e2b.NotFoundException):
        sandbox.commands.send_stdin(NO_PROCESS, "x")


@pytest.mark.call("commands.run")
def test_much_output(sandbox) -> None:
    result = sandbox.commands.run("head -c 3000000 /dev/zero | tr '\\0' x")
    assert len(result.stdout) == 3_000_000


def test_a_long_command_line(sandbox) -> None:
    text = "x" * 100_000
    assert sandbox.commands.run(f"printf %s {shlex.quote(text)} | wc -c").stdout.strip() == "100000"


def test_what_a_program_left_behind_can_be_seen_by_another(sdk: Program, sandbox) -> None:
    """A command outlives whoever started it, and another program finds it."""
    started = sdk.style.start(sandbox.commands, "sleep 60")
    started.handle.disconnect()
    same = sdk.Sandbox.connect(sandbox.sandbox_id)
    assert started.pid in [process.pid for process in same.commands.list()]
    assert same.commands.kill(started.pid)
