"""Pseudo-terminals."""

import concurrent.futures

import e2b
import pytest

from harness.waiting import eventually
from sdk.program import Program
from sdk.styles import Terminal


def shows(terminal: Terminal, text: str) -> None:
    eventually(lambda: text in terminal.shown, within=20, what=f"the terminal shows {text!r}")


def ended(terminal: Terminal) -> None:
    """What a terminal's end says differs by how it ended; that it ends is what counts here."""
    concurrent.futures.wait([terminal.end], 20)
    assert terminal.end.done()


@pytest.mark.call("pty.create")
def test_create(sdk: Program, sandbox) -> None:
    terminal = sdk.style.terminal(sandbox.pty, e2b.PtySize(rows=24, cols=80), cwd="/tmp", envs={"VALUE": "set"})
    sandbox.pty.send_stdin(terminal.pid, b"echo $VALUE-$PWD; stty size; tty\n")
    shows(terminal, "set-/tmp")
    shows(terminal, "24 80")
    shows(terminal, "/dev/pts/")
    sandbox.pty.send_stdin(terminal.pid, b"exit\n")
    assert terminal.end.result(20).exit_code == 0


@pytest.mark.call("pty.send_stdin")
def test_keys(sdk: Program, sandbox) -> None:
    terminal = sdk.style.terminal(sandbox.pty, e2b.PtySize(rows=24, cols=80))
    sandbox.pty.send_stdin(terminal.pid, b"bash -c 'echo read''y; sleep 1000'\n")
    shows(terminal, "ready")  # what is typed is shown as well, but not so
    sandbox.pty.send_stdin(terminal.pid, b"\x03")
    sandbox.pty.send_stdin(terminal.pid, b"echo inter$((1 + 1))rupted\n")
    shows(terminal, "inter2rupted")
    sandbox.pty.kill(terminal.pid)
    ended(terminal)


@pytest.mark.call("pty.resize")
def test_resize(sdk: Program, sandbox) -> None:
    terminal = sdk.style.terminal(sandbox.pty, e2b.PtySize(rows=24, cols=80))
    sandbox.pty.resize(terminal.pid, e2b.PtySize(rows=30, cols=100))
    sandbox.pty.send_stdin(terminal.pid, b"stty size\n")
    shows(terminal, "30 100")
    sandbox.pty.kill(terminal.pid)
    ended(terminal)


@pytest.mark.call("pty.connect")
def test_connect(sdk: Program, sandbox) -> None:
    terminal = sdk.style.terminal(sandbox.pty, e2b.PtySize(rows=24, cols=80))
    same = sdk.style.join_terminal(sandbox.pty, terminal.pid)
    assert same.pid == terminal.pid
    sandbox.pty.send_stdin(terminal.pid, b"echo both $((20 + 22))\n")
    shows(same, "both 42")
    sandbox.pty.kill(terminal.pid)
    ended(same)
    ended(terminal)


@pytest.mark.call("pty.kill")
def test_kill(sdk: Program, sandbox) -> None:
    terminal = sdk.style.terminal(sandbox.pty, e2b.PtySize(rows=24, cols=80))
    assert sandbox.pty.kill(terminal.pid) is True
    ended(terminal)
    eventually(lambda: not sandbox.pty.kill(terminal.pid), within=10, what="it is known no more")


@pytest.mark.call("pty.stream_input", since="2.63")
def test_a_stream_of_keys(sdk: Program, sandbox) -> None:
    terminal = sdk.style.terminal(sandbox.pty, e2b.PtySize(rows=24, cols=80))
    sdk.style.stream_input(sandbox.pty, terminal.pid, ["echo str", "eamed $((40 + 2))\n"])
    shows(terminal, "streamed 42")
    sandbox.pty.kill(terminal.pid)
    ended(terminal)
