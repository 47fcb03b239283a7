"""Tokens where a key id or a name belongs: refused, told apart, repeated nowhere.

They are in the process list here, as they are when somebody mistakes them; so these tokens are not among those that
nobody may ever see (test_afterwards.py), and each test looks for its own."""

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import UPSTREAM_KEY, Gateway, Tenant
from harness.tokens import scoped
from harness.waiting import eventually

COMMANDS = [
    ("key", "revoke"),
    ("key", "rotate"),
    ("key", "issue"),
    ("key", "list"),
    ("admin-token", "revoke"),
    ("admin-token", "issue"),
    ("admin-token", "issue", "ops", "--scope"),
    ("tenant", "create"),
    ("tenant", "show"),
    ("tenant", "suspend"),
    ("quota", "get"),
    ("usage",),
]


@pytest.fixture(scope="module")
def mistaken(session_gateway: NewGateway) -> Gateway:
    """A gateway whose administrator mistakes a token for its key id."""
    return session_gateway()


@pytest.fixture(scope="module")
def token(mistaken: Gateway) -> str:
    """A token of a real key, narrowed, so that more of it than a few letters must not be seen."""
    mistaken.command("tenant", "create", "acme")
    return scoped(mistaken.json_command("key", "issue", "acme")["token"], execute=True, read=True)


def everything_written(gateway: Gateway) -> str:
    files = [path for path in gateway.folder.glob("gateway.*") if path.is_file()]
    return "".join(path.read_bytes().decode(errors="replace") for path in files)


def parts(token: str) -> list[str]:
    """Pieces of the tag, any of which is too much."""
    tag = token[-64:]
    return [tag[start : start + 8] for start in range(0, 64, 8)]


def assert_unseen(token: str, text: str) -> None:
    assert not [part for part in parts(token) if part in text], "a part of the tag was repeated"


@pytest.mark.parametrize("way", ["socket", "listener", "ledger"])
@pytest.mark.parametrize("words", COMMANDS, ids="-".join)
def test_a_command_refuses_a_token_without_repeating_it(
    mistaken: Gateway, resting: Gateway, token: str, words: tuple[str, ...], way: str
) -> None:
    gateway = resting if way == "ledger" else mistaken
    settings = {"GATEWAY_ADMIN_TOKEN": gateway.admin_token, "GATEWAY_ADMIN_URL": gateway.admin_url} if way == "listener" else {}
    done = gateway.run(*words, token, **settings)
    assert done.returncode == 1, done.stderr
    assert_unseen(token, done.stdout + done.stderr)
    if words[:2] not in {("admin-token", "issue"), ("tenant", "create")}:
        assert "That is a token" in done.stderr
        assert token[6:22] in done.stderr, "the public part helps on"
    assert_unseen(token, everything_written(gateway))


@pytest.mark.parametrize("words", [("key", "revoke"), ("usage",)], ids="-".join)
def test_an_e2b_key_is_no_key_id_either(mistaken: Gateway, words: tuple[str, ...]) -> None:
    key = "e2b_" + "f0e1d2" * 6 + "f0e1"
    done = mistaken.run(*words, key)
    assert done.returncode == 1
    assert "an E2B key" in done.stderr
    assert "f0e1d2" not in done.stdout + done.stderr + everything_written(mistaken)


def test_a_part_of_a_token_is_not_repeated_either(mistaken: Gateway, token: str) -> None:
    for part in (token[-64:], token[4:]):
        done = mistaken.run("key", "revoke", part)
        assert done.returncode == 1
        assert "not a key id" in done.stderr
        assert_unseen(token, done.stdout + done.stderr)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/admin/v1/keys/{}"),
        ("DELETE", "/admin/v1/admin-tokens/{}"),
        ("DELETE", "/admin/v1/keys/%65%32b_{}"),
        ("POST", "/admin/v1/keys/{}/rotation"),
        ("POST", "/admin/v1/tenants/{}/keys"),
        ("GET", "/admin/v1/tenants/{}"),
        ("GET", "/admin/v1/keys?tenant={}"),
        ("GET", "/admin/v1/nowhere/{}/at/all"),
    ],
)
def test_a_program_that_puts_a_token_into_a_path(mistaken: Gateway, token: str, method: str, path: str) -> None:
    """Whatever it is: not in the reply, not in the log, not in the audit."""
    admin = Client(mistaken.admin_url, mistaken.admin_token, mistaken.contract)
    told = path.format(token.removeprefix("e2b_") if "%65" in path else token)
    reply = admin.call(method, told, **({"json": {}} if method == "POST" else {}))
    assert reply.status in (400, 404, 405)
    assert_unseen(token, reply.body.decode())
    before = path.split("{")[0].split("%")[0].split("?")[0]
    eventually(
        lambda: any(line.get("path", "").startswith(before) for line in mistaken.service.log_lines()),
        within=5,
        what="the request is logged",
    )
    assert_unseen(token, everything_written(mistaken))


def test_callers_paths_and_request_ids(mistaken: Gateway, token: str) -> None:
    caller = mistaken.client(token)
    for path in (f"/v1/{token}", f"/v1/executions/{token}", f"/v1/executions/x{token.upper()}"):
        reply = caller.get(path, headers={"x-request-id": token})
        assert reply.status == 404
        assert reply.headers["x-request-id"] != token
        assert_unseen(token, reply.body.decode().lower())
    lines = eventually(
        lambda: [line for line in mistaken.service.log_lines() if line.get("path", "").startswith("/v1/")],
        within=5,
        what="the requests are logged",
    )
    assert "/v1/executions/[token]" in [line["path"] for line in lines]
    assert_unseen(token, everything_written(mistaken).lower())


def test_the_upstream_key_in_a_path_is_not_logged_either(gateway: Gateway, tenant: Tenant) -> None:
    """This one, like the token, is looked for in every log when all is over."""
    for secret in (UPSTREAM_KEY, tenant.token):
        reply = Client(gateway.admin_url, gateway.admin_token, gateway.contract).call("DELETE", f"/admin/v1/keys/{secret}")
        assert "is a" in reply.problem("invalid-request")["detail"]
        tenant.client.get(f"/v1/{secret}").problem("not-found")
