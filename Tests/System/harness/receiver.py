"""A receiver of webhooks that verifies what comes with the specification's own library, and behaves as it is told."""

import base64
import dataclasses
import json
import os
import secrets
import time
from collections.abc import Callable

from standardwebhooks.webhooks import Webhook

from harness.scripted import ScriptedExchange, ScriptedServer
from harness.waiting import eventually


def new_secret() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


@dataclasses.dataclass
class Event:
    """One attempt as it came, its signature verified."""

    id: str
    at: float
    document: dict
    headers: dict[str, str]
    body: bytes


class Delivery(ScriptedExchange["Receiver"]):
    """One attempt and the ways to answer it."""

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def garbage(self) -> None:
        self.wfile.write(b"220 mail.example.com ESMTP\r\n\r\n")
        self.close_connection = True

    def break_off(self) -> None:
        self.close_connection = True
        self.connection.close()

    def endless(self) -> None:
        """Takes the event, and then never comes to the end of what it says."""
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        while not self.owner.closed.is_set():
            self.wfile.write(b"x" * 65_536)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.owner
        if self.path.split("?")[0] != receiver.path:
            # Somebody's who was told of a receiver that had this port before.
            return self.answer(404)
        assert self.headers["Content-Type"] == "application/json"
        try:
            for secret in receiver.secrets:
                Webhook(secret).verify(body, dict(self.headers.items()))
        except Exception as fault:
            receiver.faults.append(f"{type(fault).__name__}: {fault}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.events.append(Event(headers["webhook-id"], time.monotonic(), json.loads(body), headers, body))
        try:
            answer = receiver.answers.pop(0)
        except IndexError:
            answer = taken
        answer(self)

    def do_GET(self) -> None:
        if self.path.split("?")[0] == self.owner.path:
            self.owner.faults.append("a GET: somebody followed a redirect")
        self.answer(200)


Answer = Callable[[Delivery], None]


def taken(delivery: Delivery) -> None:
    delivery.answer(204)


def refuse(status: int, **headers: str) -> Answer:
    return lambda delivery: delivery.answer(status, **headers)


class Receiver(ScriptedServer):
    """Listens while the block lasts, at a path of its own; answers in turn as told, and takes everything once it was told no
    more."""

    def __init__(self, *answers: Answer, secret: str, port: int = 0, path: str | None = None):
        self.secrets = secret.split()
        self.path = path or f"/in/{secrets.token_hex(8)}"
        self.answers = list(answers)
        self.events: list[Event] = []
        self.faults: list[str] = []
        super().__init__(Delivery, port)
        self.url = f"{self.origin}{self.path}?key=not-for-logs"

    def wait(self, count: int, within: float = 10) -> list[Event]:
        """The events, once there are so many."""
        eventually(lambda: len(self.events) >= count, within=within, what=f"{count} events came")
        assert not self.faults, self.faults
        return self.events[:count]

    def __exit__(self, *how: object) -> None:
        super().__exit__(*how)
        assert not self.faults, self.faults
