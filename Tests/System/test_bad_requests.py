"""Bodies that are not what they should be: each refused for what is wrong with it, and the gateway alive."""

import json
import socket
import time

import pytest

from harness import raw
from harness.client import Reply
from harness.gateway import Gateway, Tenant
from harness.service import resident_bytes

MEBIBYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def alive(gateway: Gateway):
    yield
    assert gateway.client(None).get("/healthz").status == 200


def post(tenant: Tenant, body: bytes, content_type: str | None = "application/json") -> Reply:
    headers = {"content-type": content_type} if content_type else {}
    return tenant.client.call("POST", "/v1/executions", content=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"code": "print(1)"',
        b'{"code": "print(1)"}}',
        b'{"code": "print(1)",}',
        b"{'code': 'print(1)'}",
        b'{code: "print(1)"}',
        b"null",
        b"[]",
        b'"print(1)"',
        b"42",
        b'{"code": "print(1)"} trailing',
        b'{"code": "a", "code": "b"}',
        b'{"code": "tab\there"}',
        b'{"code": "\\x41"}',
        b'{"code": "print(1)", "timeout_seconds": NaN}',
        b'{"code": "print(1)", "timeout_seconds": 1e999}',
        b'{"code": "print(1)", "timeout_seconds": 01}',
        b'{"code": "\xff\xfe"}',
        b'{"code": "\xc3"}',
        b'{"code": "\xed\xa0\x80"}',
        b"\xff\xfe{\x00}\x00",
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"code": "x", "context_data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"code": "x", "context_data": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
    ids=lambda body: repr(body[:50]),
)
def test_a_body_that_is_not_the_json_it_should_be(busy_tenant: Tenant, body: bytes) -> None:
    problem = post(busy_tenant, body).problem("invalid-request")
    assert len(problem["detail"]) < 1000


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "code"),
        ({"code": None}, "code"),
        ({"code": ""}, "code"),
        ({"code": " \t\n\r"}, "code"),
        ({"code": 1}, "code"),
        ({"code": ["print(1)"]}, "code"),
        ({"code": {"text": "print(1)"}}, "code"),
        ({"code": "1", "context_data": 5}, "context_data"),
        ({"code": "1", "context_data": True}, "context_data"),
        ({"code": "1", "language": "javascript"}, "language"),
        ({"code": "1", "language": ""}, "language"),
        ({"code": "1", "language": 1}, "language"),
        ({"code": "1", "timeout_seconds": 0}, "timeout_seconds"),
        ({"code": "1", "timeout_seconds": -1}, "timeout_seconds"),
        ({"code": "1", "timeout_seconds": 31}, "timeout_seconds"),
        ({"code": "1", "timeout_seconds": 1e300}, "timeout_seconds"),
        ({"code": "1", "timeout_seconds": "5"}, "timeout_seconds"),
        ({"code": "1", "timeout_seconds": True}, "timeout_seconds"),
        ({"code": "1", "env_vars": []}, "env_vars"),
        ({"code": "1", "env_vars": "A=1"}, "env_vars"),
        ({"code": "1", "env_vars": {"A": 1}}, "env_vars"),
        ({"code": "1", "env_vars": {"A": None}}, "env_vars"),
        ({"code": "1", "env_vars": {"": "x"}}, "env_vars"),
        ({"code": "1", "env_vars": {"1A": "x"}}, "env_vars"),
        ({"code": "1", "env_vars": {"A B": "x"}}, "env_vars"),
        ({"code": "1", "env_vars": {"A=B": "x"}}, "env_vars"),
        ({"code": "1", "env_vars": {"é": "x"}}, "env_vars"),
        ({"code": "1", "env_vars": {"A\n": "x"}}, "env_vars"),
        ({"code": "1", "env_vars": {"A": "x\0y"}}, "env_vars"),
        ({"code": "1", "template": 7}, "template"),
        ({"code": "1", "cod": "2"}, "cod"),
        ({"code": "1", "timeout": 5}, "timeout"),
        ({"code": "1", "contextData": "x"}, "contextData"),
    ],
    ids=json.dumps,
)
def test_a_field_that_is_wrong_is_named(busy_tenant: Tenant, fields: dict, named: str) -> None:
    assert named in post(busy_tenant, json.dumps(fields).encode()).problem("invalid-request")["detail"]


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"],
)
def test_another_content_type(busy_tenant: Tenant, content_type: str | None) -> None:
    post(busy_tenant, b'{"code": "print(1)"}', content_type).problem("unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"]
)
def test_content_types_that_mean_json(busy_tenant: Tenant, content_type: str) -> None:
    assert post(busy_tenant, b'{"code": "print(1)"}', content_type).status == 200


def test_too_much_code(gateway: Gateway, busy_tenant: Tenant) -> None:
    busy_tenant.client.post("#" * (10 * MEBIBYTE)).problem("payload-too-large")
    assert "code" in busy_tenant.client.post("#" * (MEBIBYTE + 1)).problem("payload-too-large")["detail"]
    assert busy_tenant.client.execute("#" * (MEBIBYTE - 9) + "\nprint(1)")["output"] == "1\n"


def test_an_announced_body_over_the_limit_is_not_read(gateway: Gateway, busy_tenant: Tenant) -> None:
    connection = raw.begin_post(gateway, busy_tenant, f"Content-Length: {1024 * MEBIBYTE}")
    with connection:
        assert raw.answer(connection)["type"] == "/problems/payload-too-large"


def test_a_body_over_the_limit_is_cut_off_while_it_is_read(gateway: Gateway, busy_tenant: Tenant) -> None:
    """A chunked body has no announced length and here no end: the gateway hangs up, and keeps none of it."""
    chunk = b"%x\r\n%s\r\n" % (MEBIBYTE, b" " * MEBIBYTE)
    before = resident_bytes(gateway.service.pid)
    deadline = time.monotonic() + 10
    with raw.begin_post(gateway, busy_tenant, "Transfer-Encoding: chunked") as connection:
        with pytest.raises(OSError):
            while time.monotonic() < deadline:
                connection.sendall(chunk)
    assert resident_bytes(gateway.service.pid) - before < 40 * MEBIBYTE


def test_the_refusal_of_a_body_that_is_too_long_can_be_read(busy_tenant: Tenant) -> None:
    post(busy_tenant, b'{"code": "' + b"x" * (8 * MEBIBYTE) + b'"}').problem("payload-too-large")


def test_a_body_that_breaks_off(gateway: Gateway, busy_tenant: Tenant) -> None:
    before = busy_tenant.client.usage()["runtime"]
    with raw.begin_post(gateway, busy_tenant, "Content-Length: 1000") as connection:
        connection.sendall(b'{"code": "print(1)"}')
    assert busy_tenant.client.usage()["runtime"] == before


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nBroken header\r\n\r\n",
        b"POST /v1/executions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/executions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/executions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 500_000 + b"\r\n\r\n",
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_is_no_http_is_refused_or_cut_off(gateway: Gateway, request_bytes: bytes) -> None:
    with raw.connect(gateway) as connection:
        try:
            connection.sendall(request_bytes)
            connection.shutdown(socket.SHUT_WR)
            status = connection.recv(12)
        except OSError:
            status = b""
    assert status == b"" or status.startswith(b"HTTP/1.1 4"), status
