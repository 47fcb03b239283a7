"""Commands that ask whoever sits at a terminal."""

import contextlib
import os
import pty
import subprocess

from harness.gateway import Gateway
from harness.service import BINARY, environment


def on_a_terminal(gateway: Gateway, answer: str, *words: str) -> str:
    """All that a terminal shows of a command whose question is answered so."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [str(BINARY), *words], cwd=gateway.folder, env=environment(**gateway.settings), stdin=its, stdout=its, stderr=its
    )
    os.close(its)
    os.write(ours, answer.encode() + b"\n")
    shown = b""
    with contextlib.suppress(OSError):  # the end, on Linux
        while chunk := os.read(ours, 4096):
            shown += chunk
    process.wait(20)
    os.close(ours)
    return shown.decode()
