"""Administrators' tokens: what opens the administrators' listener, how far, and what the audit says of it."""

import getpass
import json
import secrets
import stat
import struct
import time

import httpx
import pytest

from conftest import NewGateway
from harness.administrator import BITS, NARROWED_TO_ONE_ADDRESS, Administrator, acts, last_sequence, to_scopes
from harness.client import Client, Reply
from harness.contract import Contract
from harness.gateway import Gateway
from harness.sandboxes import Door
from harness.service import ROOT
from harness.signing import Signer
from harness.tokens import expiring, for_subject, narrowed

# What docs/administration.md promises; every operation of openapi.yaml stands here once.
OPENED_BY = {
    "admin:read": {
        "listTenants", "getTenant", "listKeys", "getPolicy", "getTenantUsage", "listAdminTokens",
        "getDefaultPolicy", "getConsumption", "simulatePolicy", "getUpstream", "listCredits", "getPause", "listLiveWork",
        "listExecutions", "listUsage", "listSettings", "getOverview", "getHistory",
    },
    "admin:tenants": {"createTenant", "changeTenant", "deleteTenant", "pauseWork", "resumeWork", "killLiveWork"},
    "admin:quotas": {"changePolicy", "changeDefaultPolicy", "grantCredit", "withdrawCredit"},
    "admin:keys": {
        "issueKey", "rotateKey", "revokeKey", "suspendKey", "resumeKey", "issueAdminToken", "revokeAdminToken",
    },
    "admin:upstream-keys": {
        "listUpstreamKeys", "addUpstreamKey", "probeUpstreamKey", "activateUpstreamKey", "retireUpstreamKey",
        "removeUpstreamKey", "diagnose",
    },
    "admin:audit": {
        "listAuditRecords",
        "verifyAudit",
        "listCheckpoints",
        "makeCheckpoint",
        "getCheckpointKey",
        "getRecordedCode",
    },
}

CREDIT = {"runtime_seconds": 60, "until": "2030-01-01T00:00:00Z"}

CONTRACT = Contract(ROOT / "openapi.yaml")
OPERATIONS = {
    operation["operationId"]: (method, path)
    for method, path, operation in CONTRACT.operations()
    if path.startswith("/admin/")
}


@pytest.fixture(scope="module")
def governed(session_gateway: NewGateway) -> Gateway:
    """A gateway for this module, since its tests look at all that it has."""
    return session_gateway()


@pytest.fixture(scope="module")
def first(governed: Gateway) -> Administrator:
    """Whoever ran `init`."""
    [token] = [token for token in governed.json_command("admin-token", "list") if token["name"] == "first"]
    return Administrator(governed, governed.admin_token, "first", token["key_id"])


class Estate:
    """A tenant, keys and an admin token on which every operation can be tried."""

    # One for each operation that would change it; they are all estates', since it takes upstream to add one.
    _upstream_keys: dict[str, str] = {}

    def __init__(self, first: Administrator, name: str):
        self.name = name
        first.made("/admin/v1/tenants", name=name)
        self.to_rotate, self.to_revoke, self.to_suspend = (
            first.made(f"/admin/v1/tenants/{name}/keys")["key_id"] for _ in range(3)
        )
        self.spare = first.appoint(f"{name}-spare", "admin:read")
        self.credit = first.made(f"/admin/v1/tenants/{name}/credits", **CREDIT)["id"]
        self.execution = self.recorded(first)
        # Another tenant's, which nothing that is done to this one ends.
        self.sandbox = Door(first.gateway.tenant()).made(timeout=600)
        for operation in ("activateUpstreamKey", "retireUpstreamKey", "removeUpstreamKey"):
            if operation not in self._upstream_keys:
                self._upstream_keys[operation] = self.upstream_key(first)
        retired = self._upstream_keys["removeUpstreamKey"]
        assert first.client.call("POST", f"/admin/v1/upstream-keys/{retired}/retirement").status == 200

    def recorded(self, first: Administrator) -> str:
        """An execution whose code was kept."""
        policy = {"records_code": True}
        assert first.client.call("PATCH", f"/admin/v1/tenants/{self.name}/policy", json=policy).status == 200
        token = first.made(f"/admin/v1/tenants/{self.name}/keys")["token"]
        return first.gateway.client(token).execute("1")["id"]

    def upstream_key(self, first: Administrator) -> str:
        return first.made("/admin/v1/upstream-keys", key=new_upstream_key(first.gateway))["id"]

    def attempt(self, operation: str, by: Administrator, scopes: list[str]) -> Reply:
        """A call that would succeed if it were allowed."""
        method, path = OPERATIONS[operation]
        keys = {"rotateKey": self.to_rotate, "revokeAdminToken": self.spare.key_id}
        keys |= {"suspendKey": self.to_suspend, "resumeKey": self.to_suspend}
        key = keys.get(operation, self.to_revoke)
        body = {
            "createTenant": {"name": f"{self.name}-new"},
            "changeTenant": {"disabled": True},
            "suspendKey": {"reason": "tried"},
            "pauseWork": {"reason": "tried"},
            "changePolicy": {"executions": 2},
            "changeDefaultPolicy": {"executions": 5},
            "simulatePolicy": {"executions": 1},
            "grantCredit": CREDIT,
            "addUpstreamKey": {"key": new_upstream_key(by.gateway)},
            "rotateKey": {"overlap_seconds": 86_400},
            "issueAdminToken": {"name": f"{self.name}-made", "scopes": scopes},
            "diagnose": {"parts": ["machine"]},
        }.get(operation)
        path = path.replace("{tenant}", self.name).replace("{key_id}", key)
        path = path.replace("{credit_id}", self.credit).replace("{execution}", self.execution)
        path = path.replace("{id}", self.sandbox)
        path = path.replace("{upstream_key_id}", self._upstream_keys.get(operation, self._upstream_keys["retireUpstreamKey"]))
        reply = by.client.call(method, path, **({"json": body} if body else {}))
        if reply.status == 201 and "token" in reply.document:
            by.gateway.secrets.add(reply.document["token"])
        if operation == "removeUpstreamKey" and reply.status == 200:
            del self._upstream_keys[operation]
        return reply


def new_upstream_key(gateway: Gateway) -> str:
    """One that the local E2B takes, as it takes any."""
    return gateway.note_upstream_key("e2b_" + secrets.token_hex(20))


def test_every_operation_has_a_scope() -> None:
    assert sorted(operation for opened in OPENED_BY.values() for operation in opened) == sorted(OPERATIONS)


@pytest.mark.parametrize("scope", OPENED_BY)
def test_a_scope_opens_its_operations_and_no_others(first: Administrator, scope: str) -> None:
    estate = Estate(first, f"of-{scope.replace(':', '-')}")
    holder = first.appoint(f"{estate.name}-holder", scope)
    before = first.everything()
    for operation in sorted(OPERATIONS.keys() - OPENED_BY[scope]):
        problem = estate.attempt(operation, holder, [scope]).problem("insufficient-scope")
        needed = next(name for name, opened in OPENED_BY.items() if operation in opened)
        assert needed in problem["detail"], "what it would take"
    assert first.everything() == before
    for operation in sorted(OPENED_BY[scope]):
        reply = estate.attempt(operation, holder, [scope])
        assert reply.status < 300, f"{operation}: {reply.body!r}"


@pytest.mark.parametrize("scope", OPENED_BY)
def test_narrowing_takes_the_other_scopes_away(first: Administrator, scope: str) -> None:
    """The same as above for a token that anybody could have made offline from one with all scopes."""
    estate = Estate(first, f"narrowed-{scope.replace(':', '-')}")
    holder = first.narrowed(to_scopes, scope)
    before = first.everything()
    for operation in sorted(OPERATIONS.keys() - OPENED_BY[scope]):
        estate.attempt(operation, holder, [scope]).problem("insufficient-scope")
    assert first.everything() == before
    for operation in sorted(OPENED_BY[scope]):
        assert estate.attempt(operation, holder, [scope]).status < 300, operation


def test_narrowing_never_widens(first: Administrator) -> None:
    reader = first.appoint("narrow-reader", "admin:read")
    wider = reader.narrowed(to_scopes, *BITS)
    assert wider.client.get("/admin/v1/tenants").status == 200
    wider.client.get("/admin/v1/audit").problem("insufficient-scope")
    wider.client.call("POST", "/admin/v1/tenants", json={"name": "never"}).problem("insufficient-scope")
    nothing = first.narrowed(to_scopes, "admin:read").narrowed(to_scopes, "admin:audit")
    nothing.client.get("/admin/v1/tenants").problem("insufficient-scope")
    nothing.client.get("/admin/v1/audit").problem("insufficient-scope")
    callers_scopes = first.narrowed(narrowed, 0x03, b"\0\0\0\x03")
    callers_scopes.client.get("/admin/v1/tenants").problem("insufficient-scope")
    malformed = first.narrowed(narrowed, 0x03, struct.pack(">I", 1 << 31 | 1 << 8))
    malformed.client.get("/admin/v1/tenants").problem("invalid-token")


def test_head_needs_the_scope_of_get(first: Administrator) -> None:
    auditor = first.appoint("head-auditor", "admin:audit")
    for path, status in (("/admin/v1/tenants", 403), ("/admin/v1/audit", 200)):
        headers = {"authorization": f"Bearer {auditor.token}"}
        assert httpx.head(auditor.client.url + path, headers=headers, trust_env=False).status_code == status


# No way up


def test_nobody_gives_what_he_does_not_have(first: Administrator) -> None:
    keeper = first.appoint("keeper", "admin:keys", "admin:read")
    before = first.everything()
    for scopes in (["admin:audit"], ["admin:keys", "admin:tenants"], sorted(BITS)):
        reply = keeper.client.call("POST", "/admin/v1/admin-tokens", json={"name": "climber", "scopes": scopes})
        assert "admin:" in reply.problem("insufficient-scope")["detail"]
    assert first.everything() == before

    assert scopes_of(first, keeper.appoint("lesser", "admin:read")) == ["admin:read"]
    assert scopes_of(first, keeper.appoint("equal")) == ["admin:keys", "admin:read"], "all that he has"


def test_a_narrowed_token_gives_no_more_than_it_still_has(first: Administrator) -> None:
    keeper = first.narrowed(to_scopes, "admin:keys")
    assert scopes_of(first, keeper.appoint("under-narrowed")) == ["admin:keys"]
    reply = keeper.client.call("POST", "/admin/v1/admin-tokens", json={"name": "climber", "scopes": ["admin:read"]})
    reply.problem("insufficient-scope")


RESTRICTIONS = {"not after": (expiring, 4_102_444_800), "source": (narrowed, 0x08, b"\x04\x00\0\0\0\0")}
FREE = {"name": "free", "scopes": ["admin:read"]}


@pytest.mark.parametrize("restriction", RESTRICTIONS)
def test_a_restricted_token_makes_no_free_one(first: Administrator, restriction: str) -> None:
    """What it made would outlive its time, or leave its place."""
    restricted = first.narrowed(*RESTRICTIONS[restriction])
    assert restricted.client.get("/admin/v1/tenants").status == 200
    before = first.everything()
    restricted.client.call("POST", "/admin/v1/admin-tokens", json=FREE).problem("insufficient-scope")
    assert first.everything() == before


def test_a_signed_only_token_makes_no_bearer(first: Administrator) -> None:
    """It is none itself, and what it made would travel with every call."""
    path, bound = "/admin/v1/admin-tokens", first.narrowed(narrowed, 0x09, b"")
    bound.client.get(path).problem("invalid-signature")
    signer = Signer(first.gateway, bound.token, is_admin=True)
    before = first.everything()
    assert signer.send(signer.look(path)).status == 200
    signer.send(signer.sign(signer.plain("POST", path, FREE))).problem("insufficient-scope")
    assert first.everything() == before


def scopes_of(first: Administrator, other: Administrator) -> list[str]:
    tokens = {token["key_id"]: token for token in first.client.get("/admin/v1/admin-tokens?limit=1000").document}
    return tokens[other.key_id]["scopes"]


# Who is let in


def test_init_shows_the_first_token_once(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    assert gateway.client(None).get("/healthz").status == 200
    [token] = gateway.json_command("admin-token", "list")
    assert (token["name"], token["state"], token["scopes"]) == ("first", "active", sorted(BITS))
    assert gateway.admin_token.startswith(f"e2b_01{token['key_id']}")
    again = gateway.run("init")
    assert again.returncode != 0
    assert "e2b_" not in again.stdout + again.stderr
    assert len(gateway.json_command("admin-token", "list")) == 1
    for output in ("table", "json"):
        assert gateway.admin_token not in gateway.command("admin-token", "list", "--output", output)


def test_init_shows_it_to_people_as_well(gateway: Gateway, tmp_path) -> None:
    done = gateway.run("init", GATEWAY_LEDGER=f"sqlite:{tmp_path}/a.db", GATEWAY_ROOT_KEY_FILE=str(tmp_path / "a.key"))
    [token] = [word for word in done.stdout.split() if word.startswith("e2b_")]
    gateway.secrets.add(token)
    assert len(token) == len("e2b_") + 2 * (1 + 8 + 32)
    assert "once" in done.stdout


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_valid_credential_nothing_opens(governed: Gateway, first: Administrator, operation: str) -> None:
    method, path = OPERATIONS[operation]
    path = path.replace("{tenant}", "nobody").replace("{key_id}", "0123456789abcdef")
    path = path.replace("{execution}", "exe_000000000000000000000000")
    reply = Administrator(governed, None).client.call(method, path)
    reply.problem("missing-credential")
    assert reply.headers["www-authenticate"].startswith("Bearer")
    Administrator(governed, "e2b_01" + "0" * 80).client.call(method, path).problem("invalid-token")
    forged = first.token[:-1] + ("0" if first.token[-1] != "0" else "1")
    Administrator(governed, forged).client.call(method, path).problem("invalid-token")


def test_a_tenants_token_is_nobody_here(governed: Gateway) -> None:
    """Nor does it become somebody by adding an administrator's scopes."""
    tenant = governed.tenant()
    widened = to_scopes(tenant.token, *BITS)
    governed.secrets.add(widened)
    for token in (tenant.token, widened):
        problem = Administrator(governed, token).client.get("/admin/v1/tenants").problem("invalid-token")
        assert problem["detail"] == unknown_detail(governed.admin_url, governed)


def test_an_admin_token_is_nobody_among_callers(governed: Gateway, first: Administrator) -> None:
    caller = governed.client(first.token)
    for method, path in (("GET", "/v1/whoami"), ("GET", "/v1/usage"), ("POST", "/v1/executions")):
        problem = caller.call(method, path).problem("invalid-token")
        assert problem["detail"] == unknown_detail(governed.url, governed, "/v1/whoami")
    caller.with_token(first.narrowed(narrowed, 0x03, b"\0\0\0\x03").token).post("print(1)").problem("invalid-token")


def unknown_detail(url: str, gateway: Gateway, path: str = "/admin/v1/tenants") -> str:
    return Client(url, "e2b_01" + "0" * 80, gateway.contract).get(path).problem("invalid-token")["detail"]


def test_an_expired_admin_token_is_told(first: Administrator) -> None:
    now = int(time.time())
    assert first.narrowed(expiring, now + 60).client.get("/admin/v1/tenants").status == 200
    first.narrowed(expiring, now - 60).client.get("/admin/v1/tenants").problem("expired-token")


def test_the_source_binds_administrators_as_well(first: Administrator) -> None:
    bound = first.narrowed(narrowed, *NARROWED_TO_ONE_ADDRESS)
    inside, outside = {"x-forwarded-for": "203.0.113.7"}, {"x-forwarded-for": "203.0.113.8"}
    assert bound.client.get("/admin/v1/tenants", headers=inside).status == 200
    bound.client.get("/admin/v1/tenants", headers=outside).problem("insufficient-scope")


def test_what_needs_no_credential_here(governed: Gateway) -> None:
    anybody = Administrator(governed, None).client
    assert anybody.get("/healthz").document == {"status": "ok"}
    assert anybody.get("/readyz").document["status"] == "ready"
    assert anybody.get("/problems/insufficient-scope").status == 200


@pytest.mark.parametrize("path", ["/", "/admin", "/admin/v1", "/admin/v1/tenant", "/admin/v2/tenants", "/v1/whoami"])
def test_what_is_not_here(governed: Gateway, first: Administrator, path: str) -> None:
    """Callers' routes are not, either. Checked without the contract, which does not tell listeners apart."""
    for token in (first.token, None):
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = httpx.get(governed.admin_url + path, headers=headers, trust_env=False)
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["type"] == "/problems/not-found"


def test_the_control_socket_asks_for_nothing(governed: Gateway) -> None:
    """Whoever can open it owns the ledger; so nobody else can."""
    socket = governed.folder / "gateway.db.socket"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    local = Client("http://localhost", None, governed.contract, httpx.HTTPTransport(uds=str(socket)))
    assert local.get("/admin/v1/tenants").status == 200
    assert local.call("POST", "/admin/v1/tenants", json={"name": "through-the-socket"}).status == 201
    [record] = acts(governed, "through-the-socket")
    assert record["actor"] == f"local:{getpass.getuser()}"


# Issuing and revoking


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "name"),
        ({"scopes": ["admin:read"]}, "name"),
        ({"name": 5}, "name"),
        ({"name": ""}, "name"),
        ({"name": "On Call"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "on-call", "scopes": []}, "scopes"),
        ({"name": "on-call", "scopes": "admin:read"}, "scopes"),
        ({"name": "on-call", "scopes": ["admin:read", "admin:root"]}, "scopes"),
        ({"name": "on-call", "scopes": ["execute"]}, "scopes"),
        ({"name": "on-call", "scopes": [""]}, "scopes"),
        ({"name": "on-call", "scope": ["admin:read"]}, "scope"),
    ],
    ids=str,
)
def test_an_admin_token_that_makes_no_sense(first: Administrator, body: dict, named: str) -> None:
    before = first.everything()
    problem = first.client.call("POST", "/admin/v1/admin-tokens", json=body).problem("invalid-request")
    assert named in problem["detail"]
    assert first.everything() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["issue", "On Call"], "name"),
        (["issue", ""], "name"),
        (["issue", "on-call", "--scope", "admin:root"], "admin:root"),
        (["issue", "on-call", "--scope", "execute"], "execute"),
        (["issue", "on-call", "--scope", ""], "scopes"),
        (["revoke", "0123456789abcdef"], "0123456789abcdef"),
        (["revoke", "not-a-key"], "not-a-key"),
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_says_why(governed: Gateway, arguments: list[str], said: str) -> None:
    done = governed.run("admin-token", *arguments)
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert done.stdout == ""


@pytest.fixture(params=["running", "resting"])
def administered(request: pytest.FixtureRequest, governed: Gateway, resting: Gateway) -> Gateway:
    return governed if request.param == "running" else resting


def test_commands_issue_list_and_revoke(administered: Gateway) -> None:
    issued = administered.json_command(
        "admin-token", "issue", "by-command", "--scope", "admin:read", "--scope", "admin:audit"
    )
    administered.secrets.add(issued["token"])
    listed = {token["key_id"]: token for token in administered.json_command("admin-token", "list")}
    token = listed[issued["key_id"]]
    assert (token["name"], token["state"]) == ("by-command", "active")
    assert token["scopes"] == ["admin:audit", "admin:read"]
    assert "last_used_at" not in token
    table = administered.command("admin-token", "list")
    assert "admin:audit admin:read" in table
    assert issued["token"][-64:] not in table

    revoked = administered.json_command("admin-token", "revoke", issued["key_id"])
    assert (revoked["key_id"], revoked["state"]) == (issued["key_id"], "revoked")
    row = next(line for line in administered.command("admin-token", "list").splitlines() if issued["key_id"] in line)
    assert "revoked" in row


def test_a_revoked_token_is_refused_at_once(governed: Gateway, first: Administrator) -> None:
    """Whichever way it was revoked; and again does no harm."""
    for revoke in (
        lambda key_id: governed.command("admin-token", "revoke", key_id),
        lambda key_id: first.client.call("DELETE", f"/admin/v1/admin-tokens/{key_id}").document,
    ):
        leaver = first.appoint("leaver")
        assert leaver.client.get("/admin/v1/tenants").status == 200
        used = {token["key_id"]: token for token in governed.json_command("admin-token", "list")}[leaver.key_id]
        assert "last_used_at" in used
        revoke(leaver.key_id)
        problem = leaver.client.get("/admin/v1/tenants").problem("invalid-token")
        assert problem["detail"] == unknown_detail(governed.admin_url, governed)
        revoke(leaver.key_id)


def test_a_token_can_revoke_itself(first: Administrator) -> None:
    leaver = first.appoint("self-leaver", "admin:keys")
    assert leaver.client.call("DELETE", f"/admin/v1/admin-tokens/{leaver.key_id}").document["state"] == "revoked"
    leaver.client.call("DELETE", f"/admin/v1/admin-tokens/{leaver.key_id}").problem("invalid-token")


def test_keys_and_admin_tokens_are_not_confused(governed: Gateway, first: Administrator) -> None:
    tenant, other = governed.tenant(), first.appoint("not-a-key")
    first.client.call("DELETE", f"/admin/v1/admin-tokens/{tenant.key_id}").problem("not-found")
    first.client.call("DELETE", f"/admin/v1/keys/{other.key_id}").problem("not-found")
    rotation = first.client.call("POST", f"/admin/v1/keys/{other.key_id}/rotation", json={"overlap_seconds": 1})
    rotation.problem("not-found")
    for arguments in (["admin-token", "revoke", tenant.key_id], ["key", "revoke", other.key_id]):
        done = governed.run(*arguments)
        assert done.returncode != 0
        assert arguments[-1] in done.stderr
    assert tenant.client.get("/v1/whoami").status == 200
    assert other.client.get("/admin/v1/tenants").status == 200
    assert other.key_id not in {key["key_id"] for key in first.client.get("/admin/v1/keys").document}


# What the audit says


def test_every_act_is_audited_with_who_did_it(governed: Gateway, first: Administrator) -> None:
    actor = first.appoint("audited")
    tenant, after = "audited-team", last_sequence(governed)
    actor.made("/admin/v1/tenants", name=tenant)
    key = actor.made(f"/admin/v1/tenants/{tenant}/keys")
    actor.client.call("PATCH", f"/admin/v1/tenants/{tenant}/policy", json={"executions": 2})
    successor = actor.made(f"/admin/v1/keys/{key['key_id']}/rotation", overlap_seconds=60)
    actor.client.call("DELETE", f"/admin/v1/keys/{successor['key_id']}")
    made = actor.appoint("made-by-audited", "admin:read")
    actor.client.call("DELETE", f"/admin/v1/admin-tokens/{made.key_id}")

    records = acts(governed, after=after)
    assert [record["action"] for record in records] == [
        "tenant.created",
        "key.issued",
        "policy.set",
        "key.issued",
        "key.rotated",
        "key.revoked",
        "admin_token.issued",
        "admin_token.revoked",
    ]
    assert {record["actor"] for record in records} == {"admin:audited"}
    rotated, issued = records[4], records[6]
    assert (rotated["key_id"], rotated["after"]["successor"]) == (key["key_id"], successor["key_id"])
    assert (rotated["before"]["state"], rotated["after"]["state"]) == ("active", "retiring")
    assert (issued["key_id"], issued["after"]["name"]) == (made.key_id, "made-by-audited")
    assert issued["after"]["scopes"] == ["admin:read"]
    text = json.dumps(records)
    for token in (key["token"], successor["token"], made.token, actor.token):
        assert token[-64:] not in text


def test_a_label_on_a_token_does_not_change_who_it_was(first: Administrator, governed: Gateway) -> None:
    """A subject is whatever the holder wrote; the audit must not take it for an administrator's name."""
    posing = first.appoint("poser", "admin:tenants").narrowed(for_subject, "first")
    posing.made("/admin/v1/tenants", name="posed")
    assert {record["actor"] for record in acts(governed, "posed")} == {"admin:poser"}


def test_commands_act_as_their_user(administered: Gateway) -> None:
    after = last_sequence(administered)
    issued = administered.json_command("admin-token", "issue", "by-a-user")
    administered.secrets.add(issued["token"])
    administered.command("admin-token", "revoke", issued["key_id"])
    records = [record for record in acts(administered, after=after) if record["action"].startswith("admin_token.")]
    assert [record["action"] for record in records] == ["admin_token.issued", "admin_token.revoked"]
    assert {record["actor"] for record in records} == {f"local:{getpass.getuser()}"}


def test_refused_acts_leave_no_act_behind(governed: Gateway, first: Administrator) -> None:
    reader = first.appoint("only-reads", "admin:read")
    after = last_sequence(governed)
    reader.client.call("POST", "/admin/v1/tenants", json={"name": "never"}).problem("insufficient-scope")
    Administrator(governed, None).client.get("/admin/v1/tenants").problem("missing-credential")
    assert not [record for record in acts(governed, after=after) if record["action"] == "tenant.created"]
    assert "never" not in [tenant["name"] for tenant in first.client.get("/admin/v1/tenants").document]
