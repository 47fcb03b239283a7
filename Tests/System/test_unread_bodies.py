"""What becomes of a body whose request is refused before anybody has read it: a caller that still sends would lose an answer."""

import contextlib
import select
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from harness.gateway import Gateway

# How long the gateway waits for a body, in seconds, and how much of it it takes in, in bytes.
PATIENCE, MOST = 10, 256 << 10

REFUSED = {
    "the API": ("POST /v1/executions HTTP/1.1\r\nContent-Type: application/json\r\n", 401),
    "a sandbox": ("POST /files?path=/tmp/x HTTP/1.1\r\nE2b-Sandbox-Id: i00000000000000000000\r\nE2b-Sandbox-Port: 49983\r\n", 502),
}

FRAMINGS = {
    "its length, the most": (f"Content-Length: {MOST}\r\n", bytes(MOST)),
    "its length": ("Content-Length: 8\r\n", b"{}      "),
    "chunks": ("Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
}

refused = pytest.mark.parametrize(("head", "status"), REFUSED.values(), ids=REFUSED)


@contextlib.contextmanager
def connected(gateway: Gateway) -> Iterator[socket.socket]:
    address = urlsplit(gateway.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        yield connection


def ask(connection: socket.socket, head: str, framing: str) -> None:
    connection.sendall(f"{head}Host: gateway\r\n{framing}\r\n".encode())


def answer(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer, its body read to the end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
    while len(body) < int(headers["content-length"]):
        body += more(connection)
    return int(line.split()[1]), headers


def more(connection: socket.socket) -> bytes:
    part = connection.recv(1 << 16)
    assert part, "the connection ended before the answer did"
    return part


@refused
@pytest.mark.parametrize(("framing", "body"), FRAMINGS.values(), ids=FRAMINGS)
def test_the_refusal_comes_when_the_body_was_sent_and_the_connection_is_kept(
    gateway: Gateway, head: str, status: int, framing: str, body: bytes
) -> None:
    with connected(gateway) as connection:
        for _ in range(2):
            ask(connection, head, framing)
            assert select.select([connection], [], [], 0.3)[0] == [], "it was answered before it was sent"
            connection.sendall(body)
            code, headers = answer(connection)
            assert (code, headers.get("connection")) == (status, None)


@refused
def test_a_body_that_does_not_come_is_not_waited_for(gateway: Gateway, head: str, status: int) -> None:
    with connected(gateway) as connection:
        ask(connection, head, "Content-Length: 8\r\n")
        code, headers = answer(connection)
        assert (code, headers["connection"]) == (status, "close")
        assert connection.recv(1) == b""


@refused
@pytest.mark.parametrize(
    "framing",
    [f"Content-Length: {MOST + 1}\r\n", f"Content-Length: {1 << 63}\r\n", "Content-Length: 8\r\nExpect: 100-continue\r\n"],
)
def test_much_is_not_waited_for_nor_what_waits_itself(gateway: Gateway, head: str, status: int, framing: str) -> None:
    with connected(gateway) as connection:
        ask(connection, head, framing)
        assert select.select([connection], [], [], PATIENCE / 2)[0] == [connection], "it was waited for"
        code, headers = answer(connection)
        assert (code, headers["connection"]) == (status, "close")


@refused
def test_chunks_without_end_are_refused_all_the_same(gateway: Gateway, head: str, status: int) -> None:
    with connected(gateway) as connection:
        ask(connection, head, "Transfer-Encoding: chunked\r\n")
        for _ in range(17):
            connection.sendall(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        assert select.select([connection], [], [], PATIENCE / 2)[0] == [connection], "it was waited for"
        code, headers = answer(connection)
        assert (code, headers["connection"]) == (status, "close")
