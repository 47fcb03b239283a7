"""Who is signed in to the console, how far that goes, and what a page from elsewhere can do with it: nothing."""

import re
import time

import httpx
import pytest

from conftest import NewGateway
from harness.administrator import NARROWED_TO_ONE_ADDRESS, Administrator, acts, last_sequence, to_scopes
from harness.client import Client
from harness.console import COOKIE, Session, bare, cookie_of, sign_in, signed_in
from harness.gateway import Gateway
from harness.tokens import expiring, narrowed
from harness.waiting import eventually


@pytest.fixture(scope="module")
def first(governed: Gateway) -> Administrator:
    return Administrator(governed, governed.admin_token, "first")


@pytest.fixture
def session(governed: Gateway) -> Session:
    return signed_in(governed)


# The door


def test_a_token_gives_a_cookie_that_opens_the_api(governed: Gateway, session: Session) -> None:
    document = session.get("/console/session").document
    assert document["name"] == "first"
    assert "admin:keys" in document["scopes"]
    assert session.get("/admin/v1/tenants").status == 200
    made = session.call("POST", "/admin/v1/tenants", json={"name": "by-a-browser"})
    assert made.status == 201
    [record] = acts(governed, "by-a-browser")
    assert record["actor"] == "admin:first"


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_lines(governed: Gateway) -> None:
    field = sign_in(governed, governed.admin_token).headers["set-cookie"]
    assert re.fullmatch(
        rf"{COOKIE}=[0-9a-f]{{96}}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200", field
    ), field


@pytest.mark.parametrize("wrong", ["", "secret", "e2b_01" + "0" * 80, "tenant"])
def test_a_wrong_token_opens_nothing_and_is_on_record(governed: Gateway, wrong: str) -> None:
    after = last_sequence(governed)
    token = governed.tenant().token if wrong == "tenant" else wrong
    reply = sign_in(governed, token)
    reply.problem("invalid-token")
    assert "set-cookie" not in reply.headers

    def refused() -> list[dict]:
        page = governed.json_command("audit", "search", "--after", str(after), "--action", "authentication.refused")
        return [each["record"] for each in page if each["record"].get("operation") == "openConsoleSession"]

    assert eventually(refused, within=10, pause=0.2, what="the refusal is on record")


def test_guessing_at_the_door_is_slowed_down(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    here = {"x-forwarded-for": "203.0.113.9"}
    # As fast as it goes here: what is allowed grows with time.
    guesses = (sign_in(gateway, "e2b_01" + f"{number:080x}", **here) for number in range(500))
    next(reply for reply in guesses if reply.status == 429).problem("rate-limited")
    # Cookies are guessed no better; and who has a token is let in all the same.
    guesser = Client(gateway.admin_url, None, gateway.contract)
    cookies = (
        guesser.get("/admin/v1/tenants", headers=here | {"cookie": f"{COOKIE}={number:096x}"}) for number in range(500)
    )
    next(reply for reply in cookies if reply.status == 429).problem("rate-limited")
    assert sign_in(gateway, gateway.admin_token, **here).status == 204


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"json": {}}, "invalid-request"),
        ({"json": {"token": 5}}, "invalid-request"),
        ({"json": {"token": "x", "next": "https://evil.example"}}, "invalid-request"),
        ({"content": b"token=x", "headers": {"content-type": "application/x-www-form-urlencoded"}}, "unsupported-media-type"),
        ({"json": {"token": "x" * 20_000}}, "payload-too-large"),
    ],
    ids=["nothing", "number", "more", "form", "long"],
)
def test_the_door_takes_a_token_and_nothing_else(governed: Gateway, sent: dict, problem: str) -> None:
    Client(governed.admin_url, None, governed.contract).call("POST", "/console/session", **sent).problem(problem)


# How far it goes


def test_a_session_may_what_its_token_may(governed: Gateway) -> None:
    reader = signed_in(governed, noted(governed, to_scopes(governed.admin_token, "admin:read")))
    assert reader.get("/console/session").document["scopes"] == ["admin:read"]
    assert reader.get("/admin/v1/tenants").status == 200
    reader.call("POST", "/admin/v1/tenants", json={"name": "never"}).problem("insufficient-scope")
    reader.get("/admin/v1/audit").problem("insufficient-scope")


def test_a_restricted_session_makes_no_admin_tokens(governed: Gateway) -> None:
    bound = signed_in(governed, noted(governed, expiring(governed.admin_token, int(time.time()) + 600)))
    bound.call("POST", "/admin/v1/admin-tokens", json={"name": "escape"}).problem("insufficient-scope")


def test_a_session_ends_with_its_tokens_time(governed: Gateway) -> None:
    end = int(time.time()) + 12
    short = signed_in(governed, noted(governed, expiring(governed.admin_token, end)))
    assert short.get("/admin/v1/tenants").status == 200
    eventually(lambda: time.time() > end + 1, within=30, what="its time is over")
    short.get("/admin/v1/tenants").problem("session-over")
    sign_in(governed, short_token := expiring(governed.admin_token, end)).problem("expired-token")
    governed.secrets.add(short_token)


def test_a_token_of_one_place_signs_in_from_there_and_works_from_there(governed: Gateway) -> None:
    token = noted(governed, narrowed(governed.admin_token, *NARROWED_TO_ONE_ADDRESS))
    inside, outside = {"x-forwarded-for": "203.0.113.7"}, {"x-forwarded-for": "203.0.113.8"}
    sign_in(governed, token, **outside).problem("insufficient-scope")
    reply = sign_in(governed, token, **inside)
    client = Client(governed.admin_url, None, governed.contract)
    cookie = {"cookie": f"{COOKIE}={cookie_of(reply)}"}
    governed.secrets.add(cookie_of(reply))
    assert client.get("/admin/v1/tenants", headers=cookie | inside).status == 200
    client.get("/admin/v1/tenants", headers=cookie | outside).problem("insufficient-scope")
    client.get("/console/session", headers=cookie | outside).problem("insufficient-scope")
    # To sign out is possible from anywhere.
    shown = {"x-csrf-token": client.get("/console/session", headers=cookie | inside).document["csrf_token"]}
    assert client.call("DELETE", "/console/session", headers=cookie | outside | shown).status == 204
    client.get("/admin/v1/tenants", headers=cookie | inside).problem("session-over")


def test_a_token_that_only_signs_does_not_sign_in(governed: Gateway) -> None:
    sign_in(governed, noted(governed, narrowed(governed.admin_token, 0x09, b""))).problem("invalid-signature")


def test_a_revoked_token_ends_its_sessions_at_once(governed: Gateway, first: Administrator, session: Session) -> None:
    leaver = first.appoint("leaver", "admin:read")
    theirs = signed_in(governed, leaver.token)
    assert theirs.get("/admin/v1/tenants").status == 200
    governed.command("admin-token", "revoke", leaver.key_id)
    theirs.get("/admin/v1/tenants").problem("session-over")
    reply = theirs.get("/console/session")
    reply.problem("session-over")
    assert "Max-Age=0" in reply.headers["set-cookie"]
    assert session.get("/admin/v1/tenants").status == 200


def test_signing_out_ends_one_session_for_good(governed: Gateway, session: Session) -> None:
    other, after = signed_in(governed), last_sequence(governed)
    reply = session.call("DELETE", "/console/session")
    assert reply.status == 204
    assert "Max-Age=0" in reply.headers["set-cookie"]
    session.get("/admin/v1/tenants").problem("session-over")
    assert other.get("/admin/v1/tenants").status == 200
    [record] = acts(governed, after=after)
    assert (record["action"], record["actor"]) == ("console.signed_out", "admin:first")


def test_signing_in_is_on_record_and_the_cookie_is_not(governed: Gateway) -> None:
    after = last_sequence(governed)
    session = signed_in(governed)
    [record] = acts(governed, after=after)
    assert (record["action"], record["actor"]) == ("console.signed_in", "admin:first")
    files = b"".join(path.read_bytes() for path in governed.folder.glob("gateway.db*") if path.is_file())
    assert session.cookie.encode() not in files and bytes.fromhex(session.cookie) not in files


def test_a_session_outlives_a_restart(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    before = signed_in(gateway)
    gateway.stop()
    gateway.start()
    assert Session(gateway, before.cookie).get("/admin/v1/tenants").status == 200


def test_nobody_is_signed_in_without_a_cookie(governed: Gateway) -> None:
    anybody = Client(governed.admin_url, None, governed.contract)
    assert anybody.get("/console/session").status == 204
    anybody.get("/admin/v1/tenants").problem("missing-credential")


@pytest.mark.parametrize("cookie", ["", "0", "0" * 96, "0" * 64, "00" * 47, "{own}; " + COOKIE + "={own}", "{own}00"])
def test_what_is_no_session_opens_nothing(governed: Gateway, session: Session, cookie: str) -> None:
    client = Client(governed.admin_url, None, governed.contract)
    fields = {"cookie": f"{COOKIE}={cookie.replace('{own}', session.cookie)}"}
    client.get("/admin/v1/tenants", headers=fields).problem("session-over")


def test_a_token_counts_and_the_cookie_beside_it_does_not(governed: Gateway, session: Session) -> None:
    reader = noted(governed, to_scopes(governed.admin_token, "admin:read"))
    fields = {"authorization": f"Bearer {reader}"}
    session.call("POST", "/admin/v1/tenants", json={"name": "never"}, headers=fields).problem("insufficient-scope")
    session.get("/admin/v1/tenants", headers={"authorization": "Bearer e2b_01"}).problem("invalid-token")


def test_the_cookie_is_nothing_among_callers(governed: Gateway, session: Session) -> None:
    response = bare(governed.url, "/v1/whoami", cookie=f"{COOKIE}={session.cookie}")
    assert response.status_code == 401


# Pages from elsewhere

FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("fields", FOREIGN, ids=str)
def test_a_page_from_elsewhere_changes_nothing(governed: Gateway, session: Session, fields: dict) -> None:
    """Not even with what only a page of ours can know."""
    reply = session.call("POST", "/admin/v1/tenants", json={"name": "forged"}, headers=fields)
    reply.problem("cross-site")
    sign_in(governed, governed.admin_token, **fields).problem("cross-site")
    session.call("DELETE", "/console/session", headers=fields).problem("cross-site")
    assert "forged" not in [tenant["name"] for tenant in session.get("/admin/v1/tenants").document]


@pytest.mark.parametrize("fields", FOREIGN, ids=str)
def test_a_page_from_elsewhere_reads_nothing(session: Session, fields: dict) -> None:
    session.get("/admin/v1/tenants", headers=fields).problem("cross-site")


@pytest.mark.parametrize("csrf", [None, "", "0" * 64, "cookie"])
def test_a_change_shows_what_only_a_page_of_the_session_knows(governed: Gateway, session: Session, csrf: str | None) -> None:
    shown = session.cookie if csrf == "cookie" else csrf
    for method, path in (("POST", "/admin/v1/tenants"), ("DELETE", "/console/session")):
        body = {"json": {"name": "forged"}} if method == "POST" else {}
        session.call(method, path, csrf=shown, **body).problem("cross-site")
    other = signed_in(governed)
    session.call("POST", "/admin/v1/tenants", csrf=other.csrf_token, json={"name": "forged"}).problem("cross-site")


def test_a_proxy_that_renames_the_host_is_told_so(session: Session) -> None:
    problem = session.get("/admin/v1/tenants", headers={"origin": "https://console.example"}).problem("cross-site")
    assert "The page is at https://console.example, the request arrived for 127.0.0.1:" in problem["detail"]
    assert "a proxy must pass Host on" in problem["detail"]


def test_our_own_pages_may(governed: Gateway, session: Session) -> None:
    fields = {"origin": governed.admin_url, "sec-fetch-site": "same-origin"}
    assert session.call("POST", "/admin/v1/tenants", json={"name": "own-page"}, headers=fields).status == 201
    # The address was typed.
    assert session.get("/admin/v1/tenants", headers={"sec-fetch-site": "none"}).status == 200


# The files


def test_the_page_allows_nothing_but_its_own_files(governed: Gateway) -> None:
    page = bare(governed.admin_url, "/console")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().partition(" ")[::2] for part in page.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
        "connect-src": "'self'", "form-action": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
        "require-trusted-types-for": "'script'", "trusted-types": "'none'",
    }
    for name, value in {
        "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin", "cache-control": "no-cache",
    }.items():
        assert page.headers[name] == value
    # Nothing inline, nothing from elsewhere.
    assert not re.search(r"\son\w+=|style=|<style|<script(?![^>]*src=\"/console/files/)|https?:", page.text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert bare(governed.admin_url, address).status_code == 200, address


def test_files_are_kept_for_ever_under_their_version_and_asked_for_again_under_another(governed: Gateway) -> None:
    page = bare(governed.admin_url, "/console")
    [path] = re.findall(r'src="(/console/files/[0-9a-f]{16}/app\.js)"', page.text)
    file = bare(governed.admin_url, path)
    assert file.headers["content-type"] == "text/javascript; charset=utf-8"
    assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert file.headers["x-content-type-options"] == "nosniff"
    again = bare(governed.admin_url, path, **{"if-none-match": file.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = bare(governed.admin_url, "/console/files/0000000000000000/app.js")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")
    assert other.content == file.content
    page_again = bare(governed.admin_url, "/console", **{"if-none-match": page.headers["etag"]})
    assert page_again.status_code == 304


@pytest.mark.parametrize("name", ["index.html", "nothing.js", "..%2f..%2fetc%2fpasswd", "app.js%00"])
def test_there_are_no_other_files(governed: Gateway, name: str) -> None:
    assert bare(governed.admin_url, f"/console/files/0/{name}").status_code == 404


def test_the_console_is_on_the_administrators_listener_alone(governed: Gateway) -> None:
    assert bare(governed.url, "/console").status_code == 404
    assert bare(governed.url, "/console/session").status_code == 404
    transport = httpx.HTTPTransport(uds=f"{governed.ledger}.socket")
    with httpx.Client(transport=transport, base_url="http://localhost", trust_env=False) as socket:
        # Whoever can open it needs no pages.
        for reply in (socket.get("/console"), socket.post("/console/session", json={"token": governed.admin_token})):
            assert reply.status_code == 405
            assert "set-cookie" not in reply.headers


def test_the_contract_knows_the_console(governed: Gateway) -> None:
    client = Client(governed.admin_url, None, governed.contract)
    assert client.get("/console").status == 200
    assert client.get("/console/files/0/app.js").status == 200
    client.get("/console/files/0/nothing.js").problem("not-found")


def noted(gateway: Gateway, token: str) -> str:
    gateway.secrets.add(token)
    return token
