"""A gateway with a ledger of its own, its administration, and the local E2B behind it."""

import dataclasses
import itertools
import json
import pathlib
import subprocess
from collections.abc import Iterator

import httpx

from harness.client import Client
from harness.contract import Contract
from harness.leaks import WITNESS, sealed_and_opened
from harness.service import BINARY, Service, environment
from harness.waiting import eventually

# No real key; found anywhere but in the environment of the gateway, it is a leak.
UPSTREAM_KEY = "e2b_" + "5ec2e7" * 6 + "5ec2"

# What these print once is the token that was asked for.
_SHOWING_TOKENS = {("key", "issue"), ("key", "rotate"), ("admin-token", "issue"), ("token", "narrow"), ("ledger", "restore")}

_numbers = itertools.count(1)


class LocalE2B:
    """The local E2B as a process of its own, and what its control plane shows."""

    def __init__(self, folder: pathlib.Path, *options: str):
        words = ("local-e2b", "--port", "0", "--output", "json", *options)
        self.service = Service(*words, settings={}, folder=folder, name="e2b")
        self.url = self.service.url
        self._http = httpx.Client(
            base_url=self.url, headers={"x-api-key": UPSTREAM_KEY}, timeout=30, trust_env=False
        )

    def sandboxes(self) -> dict[str, dict]:
        """Every sandbox that somebody holds, by its id."""
        response = self._http.get("/v2/sandboxes").raise_for_status()
        return {sandbox["sandboxID"]: sandbox for sandbox in response.json()}

    def first_cell(self, cell: str) -> list[dict]:
        """The events of a cell in a sandbox of its own, output of one stream in a row as one event."""
        sandbox = self._http.post("/v2/sandboxes", json={"templateID": "base"}).raise_for_status().json()
        headers = {
            "e2b-sandbox-id": sandbox["sandboxID"],
            "e2b-sandbox-port": "49999",
            "x-access-token": sandbox["envdAccessToken"],
        }
        reply = self._http.post("/execute", json={"code": cell}, headers=headers).raise_for_status()
        self._http.delete(f"/sandboxes/{sandbox['sandboxID']}").raise_for_status()
        events: list[dict] = []
        for event in map(json.loads, reply.text.split("\n")[:-1]):
            event.pop("timestamp", None)
            if events and event["type"] == events[-1]["type"] in ("stdout", "stderr"):
                events[-1]["text"] += event["text"]
            else:
                events.append(event)
        return events

    def access_tokens(self) -> set[str]:
        """The real tokens of every sandbox that somebody holds; one may go while this looks."""
        replies = [self._http.get(f"/sandboxes/{sandbox}") for sandbox in self.sandboxes()]
        return {
            reply.raise_for_status().json()["envdAccessToken"] for reply in replies if reply.status_code != 404
        }

    def sandboxes_of(self, execution_id: str) -> list[str]:
        """The sandboxes that the gateway marked as this execution's."""
        return [
            sandbox_id
            for sandbox_id, sandbox in self.sandboxes().items()
            if execution_id in (sandbox.get("metadata") or {}).values()
        ]

    def assert_gone(self, execution_id: str, within: float = 10) -> None:
        eventually(
            lambda: not self.sandboxes_of(execution_id), within=within, what=f"the sandbox of {execution_id} is gone"
        )


@dataclasses.dataclass
class Tenant:
    gateway: "Gateway"
    name: str
    key_id: str
    token: str = dataclasses.field(repr=False)

    @property
    def client(self) -> Client:
        """A caller with the tenant's token, wherever the gateway listens now."""
        return self.gateway.client(self.token)


class Gateway:
    """`e2b-gateway serve` on a free port, in a folder of its own; with the settings of `Certificates` over TLS."""

    def __init__(self, folder: pathlib.Path, contract: Contract, upstream: str, **settings: str):
        self.folder = folder
        self.ledger = folder / "gateway.db"
        self.root_key_file = folder / "root.key"
        self.settings = {
            "GATEWAY_LEDGER": f"sqlite:{self.ledger}",
            "GATEWAY_ROOT_KEY_FILE": str(self.root_key_file),
            "GATEWAY_LISTEN": "127.0.0.1:0",
            "GATEWAY_ADMIN_LISTEN": "127.0.0.1:0",
            # Believes a test that says where its call comes from: see Client.
            "GATEWAY_TRUSTED_PROXIES": "127.0.0.1",
            # Whoever counts sandboxes upstream counts those of calls; the tests of the pool keep one.
            "GATEWAY_POOL_MAXIMUM": "0",
            "E2B_API_URL": upstream,
            "E2B_SANDBOX_URL": upstream,
            "E2B_API_KEY": UPSTREAM_KEY,
        } | settings
        self.contract = contract
        self.service: Service | None = None
        self.was_tampered_with = False
        self.upstream_keys = {UPSTREAM_KEY}
        self.secrets = {UPSTREAM_KEY}
        self.webhook_secrets = set(settings.get("GATEWAY_WEBHOOK_SECRET", "").split())
        self.admin_token = ""
        self._clients: dict[tuple[str, str | None, bool], Client] = {}
        self._socket: Client | None = None

    def initialise(self) -> "Gateway":
        self.admin_token = self.json_command("init")["admin_token"]
        self.secrets |= {self.root_key_file.read_text().strip(), self.admin_token}
        return self

    def start(self, **how: object) -> "Gateway":
        self._socket = None
        self.service = Service(
            "serve", "--output", "json", settings=self.settings, folder=self.folder, name="gateway", **how
        )
        return self

    @property
    def url(self) -> str:
        assert self.service
        return self.service.url

    def stop(self) -> None:
        if self.service:
            self.service.stop()

    def note_upstream_key(self, key: str) -> str:
        """A key of E2B's that this gateway is given, and nobody is to see again."""
        self.upstream_keys.add(key)
        self.secrets.add(key)
        return key

    # Commands

    def run(self, *arguments: str, input: str | None = None, **settings: str) -> subprocess.CompletedProcess:
        """Any command, with this gateway's settings, whatever it exits with."""
        done = subprocess.run(
            [str(BINARY), *arguments],
            cwd=self.folder,
            env=environment(**(self.settings | settings)),
            input=input,
            capture_output=True,
            text=True,
            timeout=60,
        )
        shows_token = arguments[0] == "init" or arguments[:2] in _SHOWING_TOKENS
        WITNESS.note((done.stderr + ("" if shows_token else done.stdout)).encode())
        return done

    def command(self, *arguments: str) -> str:
        """A command that must succeed; its standard output."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def json_command(self, *arguments: str) -> object:
        return json.loads(self.command(*arguments, "--output", "json"))

    def tenant(self, *quota: str) -> Tenant:
        """A new tenant with a key, and a quota where one is given in the words of `quota set`."""
        name = f"tenant-{next(_numbers)}"
        self._made("/admin/v1/tenants", ("tenant", "create", name), {"name": name})
        if quota:
            self.command("quota", "set", name, *quota)
        issued = self._made(f"/admin/v1/tenants/{name}/keys", ("key", "issue", name))
        self.secrets.add(issued["token"])
        return Tenant(self, name, issued["key_id"], issued["token"])

    def _made(self, path: str, command: tuple[str, ...], body: dict | None = None) -> dict:
        """Something new: through the control socket of a gateway that runs, which is how its command would, else by that."""
        if not (self.service and self.service.is_alive):
            return self.json_command(*command)
        if not self._socket:
            transport = httpx.HTTPTransport(uds=self.settings.get("GATEWAY_CONTROL_SOCKET", f"{self.ledger}.socket"))
            self._socket = Client("http://localhost", None, self.contract, transport)
        reply = self._socket.call("POST", path, **({"json": body} if body else {}))
        assert reply.status == 201, reply.body
        return reply.document

    @property
    def admin_url(self) -> str:
        assert self.service
        return self.service.ready["admin"]

    def client(self, token: str | None, *, http2: bool = True) -> Client:
        """A caller, by HTTP/2 where the gateway is served over TLS unless told otherwise."""
        key = (self.url, token, http2)
        if key not in self._clients:
            authority = self.settings.get("SSL_CERT_FILE") if self.url.startswith("https:") else None
            self._clients[key] = Client(self.url, token, self.contract, authority=authority, http2=http2)
        return self._clients[key]

    @property
    def root_key(self) -> bytes:
        return bytes.fromhex(self.settings.get("GATEWAY_ROOT_KEY") or self.root_key_file.read_text())

    def sealed_secrets(self) -> tuple[list[bytes], list[bytes]]:
        """What is sealed in the ledger, and what is in it."""
        return sealed_and_opened(self.ledger, self.root_key)

    def audit(self, execution_id: str) -> list[dict]:
        return self.json_command("audit", "search", "--execution", execution_id)

    def whole_audit(self) -> Iterator[dict]:
        """Every record, page by page."""
        after = 0
        while page := self.json_command("audit", "search", "--after", str(after), "--limit", "10000"):
            yield from page
            after = page[-1]["sequence"]

    def executions_in_audit(self) -> tuple[list[str], list[str]]:
        """The executions that were admitted and those that were finished, as the audit has them."""
        executions: dict[str, list[str]] = {"execution.admitted": [], "execution.finished": []}
        for record in self.whole_audit():
            said = record["record"]
            if said["action"] in executions:
                executions[said["action"]].append(said["execution"])
        return executions["execution.admitted"], executions["execution.finished"]

    # What has to hold once an execution is over

    def assert_settled(self, tenant: Tenant, execution_id: str) -> dict:
        """Finished, nothing reserved any more, intent and outcome audited, and the gateway alive. Its record."""

        def finished() -> dict | None:
            record = tenant.client.execution(execution_id)
            return record if record["state"] == "finished" else None

        # Slowly: these calls spend the tenant's own rate.
        record = eventually(finished, within=10, pause=0.2, what=f"{execution_id} is finished")
        usage = tenant.client.usage()
        assert usage["executions"]["running"] == 0
        assert all(window["reserved_ms"] == 0 for window in usage["runtime"])
        assert len(self.audit(execution_id)) == 2, "one record of the intent, one of the outcome"
        assert self.client(None).get("/healthz").status == 200
        return record
