"""`make demo KEEP=1`: what it prints can be done."""

import pathlib
import re
import signal
import subprocess

from harness.client import Client
from harness.contract import Contract
from harness.service import BINARY, environment


def test_what_the_demo_prints_works(tmp_path: pathlib.Path, contract: Contract) -> None:
    demo = subprocess.Popen(
        [str(BINARY), "demo", "--keep"], cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        text = ""
        while "Sign in with" not in text:
            line = demo.stdout.readline()
            assert line, text
            text += line
        assert "temperature" in text and "Runtime charged" in text and "execution.finished" in text
        assert (tmp_path / "demo-charts" / "chart-1.png").read_bytes().startswith(b"\x89PNG")

        url, token = re.search(r"curl -N (\S+)/v1/executions \\\n  -H 'Authorization: Bearer (\S+)'", text).groups()
        assert Client(url, token, contract).execute("print(6 * 7)")["output"] == "42\n"

        console, token = re.search(r"The console: (\S+)/console\nSign in with (\S+)", text).groups()
        administrator = Client(console, None, contract)
        assert administrator.get("/console").status == 200
        assert administrator.call("POST", "/console/session", json={"token": token}).status == 204
    finally:
        demo.send_signal(signal.SIGINT)
        assert demo.wait(60) == 0
