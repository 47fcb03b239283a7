"""The audit log as it is shipped: what its lines must say, and who receives them."""

import contextlib
import dataclasses
import hashlib
import json
import pathlib
import re
import socket
import struct
import threading
from collections.abc import Callable

from harness.gateway import Gateway
from harness.scripted import ScriptedExchange, ScriptedServer
from harness.waiting import eventually

_NOTHING = "0" * 64


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def records(lines: list[str]) -> list[dict]:
    """The lines that are records, each line being canonical."""
    documents = []
    for line in lines:
        document = json.loads(line)
        assert canonical(document) == line
        documents.append(document)
    return [document for document in documents if "record" in document]


def assert_chain(lines: list[str]) -> None:
    """Every record is linked to the one before it, from the first of all on, and each checkpoint names one that was there."""
    hashes, checkpoints, previous = {}, 0, _NOTHING
    for line in map(json.loads, lines):
        if "checkpoint" in line:
            checkpoints += 1
            assert line["checkpoint"]["number"] == checkpoints
            [head] = line["checkpoint"]["heads"]
            assert hashes[head["sequence"]] == head["hash"]
            continue
        record, sequence = line["record"], line["sequence"]
        assert sequence == record["sequence"] == len(hashes) + 1
        assert line["stream"] == record["stream"] == "main"
        assert line["previous"] == previous
        previous = hashlib.sha256(bytes.fromhex(previous) + canonical(record).encode()).hexdigest()
        assert line["hash"] == previous
        hashes[sequence] = previous


def audited(gateway: Gateway) -> dict[int, str]:
    """Every record in the ledger, by its number, as its canonical text."""
    lines = gateway.command("audit", "export").splitlines()
    return {line["sequence"]: canonical(line["record"]) for line in records(lines)}


def delivered(batches: list[list[str]]) -> list[str]:
    """The lines in order, once repetitions are taken out, which must be of whole batches."""
    lines: list[str] = []
    beginnings = []
    for batch in batches:
        if batch and batch[0] in lines:
            at = lines.index(batch[0])
            assert at in beginnings, "what is repeated begins where a batch began"
            assert batch[: len(lines) - at] == lines[at : at + len(batch)], "a repetition is the same"
            batch = batch[len(lines) - at :]
        beginnings.append(len(lines))
        lines += batch
    return lines


@dataclasses.dataclass
class Post:
    """One attempt to hand records to the collector."""

    lines: list[str]
    headers: dict[str, str]
    status: int = 0


class _Exchange(ScriptedExchange["Collector"]):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert body.endswith(b"\n")
        post = Post(body.decode("ascii").splitlines(), {name.lower(): value for name, value in self.headers.items()})
        collector = self.owner
        answer = collector.answers.pop(0) if collector.answers else collector.usually
        answer(self, post)
        collector.posts.append(post)

    def answer(self, post: Post, status: int, **headers: str) -> None:
        post.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()


Answer = Callable[[_Exchange, Post], None]


def take(exchange: _Exchange, post: Post) -> None:
    exchange.answer(post, 204)


def refuse(status: int, **headers: str) -> Answer:
    return lambda exchange, post: exchange.answer(post, status, **headers)


def refuse_more_than(count: int) -> Answer:
    return lambda exchange, post: exchange.answer(post, 413 if len(post.lines) > count else 200)


def break_off(exchange: _Exchange, _: Post) -> None:
    exchange.close_connection = True
    exchange.connection.close()


def hang(exchange: _Exchange, _: Post) -> None:
    exchange.owner.hanging.set()
    exchange.hang()


class Collector(ScriptedServer):
    """Answers in turn as told, and then as usual; listens while the block lasts."""

    def __init__(self, *answers: Answer, usually: Answer = take, port: int = 0):
        self.answers, self.usually = list(answers), usually
        self.posts: list[Post] = []
        self.hanging = threading.Event()
        super().__init__(_Exchange, port)
        self.url = f"{self.origin}/audit?key=not-for-logs"

    @property
    def batches(self) -> list[list[str]]:
        return [post.lines for post in list(self.posts) if post.status in range(200, 300)]


_MESSAGE = re.compile(
    r"<(109|108)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+) e2b-gateway (\d+) (\S+) "
    r'\[e2bAudit@32473 (?:sequence="(\d+)" stream="main"|checkpoint="(\d+)")\] (\{.*\})'
)


@dataclasses.dataclass
class Message:
    """One syslog message as it came."""

    priority: int
    at: str
    process: int
    kind: str
    sequence: int | None
    line: str


def _messages(received: bytes) -> list[Message]:
    """The messages that are complete, framed by their length."""
    messages = []
    while match := re.match(rb"(\d+) ", received):
        end = match.end() + int(match[1])
        if len(received) < end:
            break
        fields = _MESSAGE.fullmatch(received[match.end() : end].decode("ascii"))
        assert fields, received[match.end() : end]
        priority, at, _, process, kind, sequence, _, line = fields.groups()
        messages.append(Message(int(priority), at, int(process), kind, sequence and int(sequence), line))
        received = received[end:]
    return messages


@dataclasses.dataclass
class Connection:
    messages: list[Message]
    was_taken: bool


Conduct = Callable[[socket.socket, "SyslogReceiver"], bytes | None]


def read_to_the_end(connection: socket.socket, _: "SyslogReceiver") -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def reset(connection: socket.socket, _: "SyslogReceiver") -> None:
    """Reads a little and breaks off."""
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_at_the_end(connection: socket.socket, receiver: "SyslogReceiver") -> None:
    """Reads everything, and then breaks off all the same; over TCP, since a Unix socket knows no difference."""
    read_to_the_end(connection, receiver)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close_unread(connection: socket.socket, _: "SyslogReceiver") -> None:
    connection.recv(100)


def never_close(connection: socket.socket, receiver: "SyslogReceiver") -> None:
    """Reads everything and does not say so."""
    read_to_the_end(connection, receiver)
    receiver.hanging.set()
    receiver.closed.wait()


def never_read(_: socket.socket, receiver: "SyslogReceiver") -> None:
    receiver.hanging.set()
    receiver.closed.wait()


class SyslogReceiver:
    """Treats each connection as told, in turn, and then takes everything; listens while the block lasts."""

    def __init__(self, *conduct: Conduct, usually: Conduct = read_to_the_end, port: int = 0, path: pathlib.Path | None = None):
        self.conduct, self.usually = list(conduct), usually
        self.connections: list[Connection] = []
        self.faults: list[str] = []
        self.closed, self.hanging = threading.Event(), threading.Event()
        self._socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if path:
            self._socket.bind(str(path))
            self.address = f"unix://{path}"
        else:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(("127.0.0.1", port))
            self.address = f"tcp://127.0.0.1:{self._socket.getsockname()[1]}"
        self._socket.listen()

    @property
    def messages(self) -> list[Message]:
        return [message for connection in list(self.connections) for message in connection.messages]

    @property
    def batches(self) -> list[list[str]]:
        return [
            [message.line for message in connection.messages]
            for connection in list(self.connections)
            if connection.was_taken
        ]

    def _serve(self) -> None:
        while not self.closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        conduct = self.conduct.pop(0) if self.conduct else self.usually
        received = None
        with connection, contextlib.suppress(OSError):
            received = conduct(connection, self)
            if received is not None:
                # Before the close that says so: what was taken is on record once the gateway goes on.
                try:
                    self.connections.append(Connection(_messages(received), was_taken=True))
                except AssertionError as fault:
                    self.faults.append(str(fault))
        if received is None:
            self.connections.append(Connection([], was_taken=False))

    def __enter__(self) -> "SyslogReceiver":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        assert not self.faults


def wait_for_all(gateway: Gateway, *receivers: Collector | SyslogReceiver, within: float = 20) -> list[str]:
    """Once each has everything that is in the ledger by now: the lines, which are the same everywhere."""
    expected = audited(gateway)

    def arrived(receiver: Collector | SyslogReceiver) -> list[str] | None:
        lines = delivered(receiver.batches)
        return lines if len(records(lines)) >= len(expected) else None

    found = [eventually(lambda: arrived(one), within=within, pause=0.1, what="everything arrived") for one in receivers]
    for lines in found:
        assert_chain(lines)
        for line in records(lines):
            if line["sequence"] in expected:
                assert canonical(line["record"]) == expected[line["sequence"]]
    return found[0]


def file_lines(path: pathlib.Path) -> list[str]:
    """The complete lines of an audit file."""
    text = path.read_text("ascii") if path.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


class FileReader:
    """The audit file as a receiver: whatever is in it is one batch, for nothing may be in it twice."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    @property
    def batches(self) -> list[list[str]]:
        return [file_lines(self.path)]
