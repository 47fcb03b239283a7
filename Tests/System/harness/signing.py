"""Callers who sign as docs/signing.md says, with libraries that nobody here wrote."""

import base64
import datetime
import hmac
import itertools
import secrets
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import requests
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from requests import PreparedRequest
from requests_http_signature import HTTPSignatureAuth

from harness.client import Reply
from harness.gateway import Gateway, Tenant
from harness.leaks import WITNESS

COMPONENTS = ("@method", "@authority", "@path", "@query")

_addresses = itertools.count(1)


class TokenKey(HTTPSignatureKeyResolver):
    """What a token is to a signature: the name of a key, and the key."""

    def __init__(self, token: str):
        self.token = token
        self.name = token[:-64]
        self.secret = hmac.digest(bytes.fromhex(token[-64:]), b"e2b-gateway/http-signature/v1", "sha256")

    def resolve_private_key(self, key_id: str) -> bytes:
        assert key_id == self.name
        return self.secret


class Signer:
    """Signs requests with one token and sends them, wherever the gateway listens now."""

    def __init__(self, gateway: Gateway, token: str, *, is_admin: bool = False, seen_at: str | None = None):
        self.gateway = gateway
        self.key = TokenKey(token)
        self._is_admin = is_admin
        # Where the caller believes the gateway to be: what `Host` says, and what is signed.
        self.seen_at = seen_at or self._url
        gateway.secrets.add(self.key.secret.hex())

    @property
    def _url(self) -> str:
        return self.gateway.admin_url if self._is_admin else self.gateway.url

    def seeing(self, url: str) -> "Signer":
        """The same caller, to whom the gateway is at another place."""
        return Signer(self.gateway, self.key.token, is_admin=self._is_admin, seen_at=url)

    # Requests that are not signed yet

    def plain(self, method: str, path: str, document: object = None, **headers: str) -> PreparedRequest:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.Request(method, self.seen_at + path, json=document, headers=fields).prepare()

    # Signing

    def sign(
        self,
        request: PreparedRequest,
        *,
        covering: Sequence[str] = COMPONENTS,
        age: float = 0,
        nonce: str | None = None,
        expires_in: float | None = None,
        **options: object,
    ) -> PreparedRequest:
        """With `http-message-signatures`, whose own options these are; a digest is made of what body there is."""
        now = datetime.datetime.now(datetime.timezone.utc)
        HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=self.key).sign(
            request,
            key_id=self.key.name,
            created=now - datetime.timedelta(seconds=age),
            expires=None if expires_in is None else now + datetime.timedelta(seconds=expires_in),
            nonce=nonce or secrets.token_hex(16),
            covered_component_ids=covering,
            **{"body": request.body} | options,
        )
        return request

    def auth(self, **options: object) -> HTTPSignatureAuth:
        """With `requests-http-signature`, for the `auth` of `requests`."""
        return HTTPSignatureAuth(
            signature_algorithm=algorithms.HMAC_SHA256,
            key=self.key.secret,
            key_id=self.key.name,
            **{"use_nonce": True} | options,
        )

    def by_hand(
        self, request: PreparedRequest, covered: list[tuple[str, str]] | None = None, **parameters: str | None
    ) -> PreparedRequest:
        """Without a library, for what none would do: parameters as they are written, `None` to leave one out."""
        written = {
            "created": str(int(time.time())),
            "nonce": f'"{secrets.token_hex(16)}"',
            "alg": '"hmac-sha256"',
            "keyid": f'"{self.key.name}"',
        }
        components = covered if covered is not None else usual_components(request)
        inner = f"({' '.join(name for name, _ in components)})" + "".join(
            f";{name}={value}" for name, value in (written | parameters).items() if value is not None
        )
        base = "\n".join(f"{name}: {value}" for name, value in [*components, ('"@signature-params"', inner)])
        signature = hmac.digest(self.key.secret, base.encode(), "sha256")
        request.headers["Signature-Input"] = f"sig={inner}"
        request.headers["Signature"] = f"sig={structured(signature)}"
        return request

    def order(self, code: str = "print(1)", accept: str | None = None, **how: object) -> PreparedRequest:
        """A signed execution, not sent yet."""
        fields = {"accept": accept} if accept else {}
        return self.sign(self.plain("POST", "/v1/executions", {"code": code}, **fields), **how)

    def look(self, path: str = "/v1/whoami", **how: object) -> PreparedRequest:
        """A signed GET, not sent yet."""
        return self.sign(self.plain("GET", path), **how)

    # Sending

    def send(self, request: PreparedRequest) -> Reply:
        """As it is, from an address of its own; the reply is held against openapi.yaml."""
        response = self.session().send(self.addressed(request))
        WITNESS.note(repr(response.headers).encode() + response.content)
        self.gateway.contract.check(request.method, request.path_url, response, response.content)
        return Reply(response, response.content)

    def addressed(self, request: PreparedRequest) -> PreparedRequest:
        """A copy for where the gateway listens now; its `Host` stays what was signed, if nothing else is set."""
        addressed = request.copy()
        addressed.headers.setdefault("Host", urlsplit(request.url).netloc)
        addressed.headers.setdefault("X-Forwarded-For", another_address())
        addressed.url = self._url + request.path_url
        return addressed

    @staticmethod
    def session() -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        return session

    def execute(self, code: str) -> dict:
        """A signed execution that must be admitted, as its document."""
        reply = self.send(self.order(code))
        assert reply.status == 200, f"{reply.status}: {reply.body[:1000]!r}"
        return reply.document


def usual_components(request: PreparedRequest) -> list[tuple[str, str]]:
    """What has to be covered, with its values; a body is given its digest."""
    target = urlsplit(request.url)
    components = {
        "@method": request.method,
        "@authority": target.netloc,
        "@path": target.path,
        "@query": "?" + target.query,
    }
    if request.body:
        digest = HTTPMessageSigner.content_digest_class.create(request.body)
        components["content-digest"] = request.headers["Content-Digest"] = digest
    return [(f'"{name}"', value) for name, value in components.items()]


def structured(data: bytes) -> str:
    """Bytes as a structured field writes them."""
    return f":{base64.b64encode(data).decode()}:"


def another_address() -> str:
    """Calls without a valid credential are limited by address; `Client` has the network before this one."""
    number = next(_addresses)
    return f"198.19.{number >> 8}.{number & 255}"


def admitted(tenant: Tenant) -> list[str]:
    """The tenant's executions that ever were admitted, as the audit has them."""
    records = tenant.gateway.json_command("audit", "search", "--tenant", tenant.name, "--limit", "1000")
    assert len(records) < 1000, "more than one page"
    said = [record["record"] for record in records]
    return [record["execution"] for record in said if record["action"] == "execution.admitted"]
