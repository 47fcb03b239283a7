"""HAProxy before gateways, as a process with a configuration of its own."""

import collections
import csv
import io
import pathlib
import shutil
import socket
import subprocess

from harness.free_port import free_port
from harness.service import environment
from harness.waiting import eventually

# A gateway is sent calls while its `/readyz` says so. What may have reached one is never sent to another: only a connection
# that could not be made is made anew, to the next. Answers are passed on as they come.
_CONFIGURATION = """
global
    maxconn 8000
    stats socket {socket} mode 600 level admin

defaults
    mode http
    timeout connect 2s
    timeout client 90s
    timeout server 90s
    timeout http-keep-alive 60s
    timeout queue 5s
    timeout check 5s
    option http-no-delay
    option abortonclose
    option redispatch 1
    retries 3
    retry-on conn-failure

frontend callers
    bind 127.0.0.1:{port}
    default_backend gateways

backend gateways
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 200ms fall 2 rise 1
"""


class HAProxy:
    """Spreads calls over those of the gateways, by name and port of this machine, that are ready: each to the next."""

    def __init__(self, folder: pathlib.Path, gateways: dict[str, int]):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._socket = folder / "haproxy.socket"
        configuration = folder / "haproxy.cfg"
        servers = [f"    server {name} 127.0.0.1:{port}\n" for name, port in gateways.items()]
        configuration.write_text(_CONFIGURATION.format(port=self.port, socket=self._socket) + "".join(servers))
        self.log = folder / "haproxy.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", str(configuration)],
                cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._socket.exists, within=20, what="HAProxy listens")

    def wait_for(self, *names: str, within: float = 20) -> None:
        """Until exactly these are sent calls."""
        eventually(lambda: self.serving() == set(names), within=within, what=f"HAProxy sends calls to {names} alone")

    def serving(self) -> set[str]:
        return {name for name, row in self._rows().items() if row["status"].startswith("UP")}

    def calls(self) -> collections.Counter[str]:
        """How many calls each was sent so far."""
        return collections.Counter({name: int(row["req_tot"] or row["stot"] or 0) for name, row in self._rows().items()})

    def _rows(self) -> dict[str, dict[str, str]]:
        table = csv.DictReader(io.StringIO(self._ask("show stat").removeprefix("# ")))
        return {row["svname"]: row for row in table if row["pxname"] == "gateways" and row["svname"] != "BACKEND"}

    def _ask(self, command: str) -> str:
        assert self._process.poll() is None, f"HAProxy ended: {self.log.read_text()[-2000:]}"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self._socket))
            connection.sendall(command.encode() + b"\n")
            answer = b""
            while piece := connection.recv(1 << 16):
                answer += piece
        return answer.decode()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)
