"""Plain sockets, for what an HTTP client would not send or not do."""

import http.client
import json
import socket
from urllib.parse import urlsplit

from harness.gateway import Gateway, Tenant


def connect(gateway: Gateway) -> socket.socket:
    address = urlsplit(gateway.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def begin_post(gateway: Gateway, tenant: Tenant, framing: str) -> socket.socket:
    """A connection on which the head of an execution has been sent, `framing` being how its body will come."""
    connection = connect(gateway)
    head = (
        "POST /v1/executions HTTP/1.1\r\nHost: gateway\r\n"
        f"Authorization: Bearer {tenant.token}\r\nContent-Type: application/json\r\n{framing}\r\n\r\n"
    )
    connection.sendall(head.encode())
    return connection


def post(gateway: Gateway, tenant: Tenant, code: str) -> socket.socket:
    """A connection on which an execution has been asked for."""
    body = json.dumps({"code": code}).encode()
    connection = begin_post(gateway, tenant, f"Content-Length: {len(body)}")
    connection.sendall(body)
    return connection


def answer(connection: socket.socket) -> dict:
    """The JSON document that comes back."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return json.loads(response.read())
