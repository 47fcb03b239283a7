"""A browser's part of the console without a browser: the cookie, and what goes with it."""

import httpx

from harness.client import Client, Reply
from harness.gateway import Gateway

COOKIE = "__Host-e2b_gateway_session"


class Session:
    """Somebody signed in. What it sends is what a page of the console's own would, unless told otherwise."""

    def __init__(self, gateway: Gateway, cookie: str):
        self.gateway = gateway
        self.cookie = cookie
        gateway.secrets.add(cookie)
        self._client = Client(gateway.admin_url, None, gateway.contract)
        self.csrf_token = self.call("GET", "/console/session", csrf=None).document["csrf_token"]

    def call(self, method: str, path: str, *, csrf: str | None = "own", headers: dict[str, str] | None = None, **sent: object) -> Reply:
        fields = {"cookie": f"{COOKIE}={self.cookie}"}
        if csrf is not None and method != "GET":
            fields["x-csrf-token"] = self.csrf_token if csrf == "own" else csrf
        return self._client.call(method, path, headers=fields | (headers or {}), **sent)

    def get(self, path: str, **sent: object) -> Reply:
        return self.call("GET", path, **sent)


def sign_in(gateway: Gateway, token: str, **headers: str) -> Reply:
    """Shows a token at the door, whatever comes of it."""
    client = Client(gateway.admin_url, None, gateway.contract)
    return client.call("POST", "/console/session", json={"token": token}, headers=headers)


def signed_in(gateway: Gateway, token: str | None = None, **headers: str) -> Session:
    reply = sign_in(gateway, token or gateway.admin_token, **headers)
    assert reply.status == 204, reply.body
    return Session(gateway, cookie_of(reply))


def cookie_of(reply: Reply) -> str:
    name, _, rest = reply.headers["set-cookie"].partition("=")
    assert name == COOKIE
    return rest.partition(";")[0]


def bare(url: str, path: str, **headers: str) -> httpx.Response:
    """Without the contract, which does not tell listeners apart."""
    return httpx.get(url + path, headers=headers, trust_env=False)
