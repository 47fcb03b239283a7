"""`e2b-gateway token`: narrowing and inspecting tokens offline, held against the gateway and docs/tokens.md."""

import datetime
import json
import pathlib
import re
import struct
import subprocess
import time
from collections.abc import Callable

import pytest

from harness.client import Client
from harness.gateway import Gateway, Tenant
from harness.leaks import WITNESS
from harness.service import BINARY, ROOT, environment
from harness.tokens import expiring, for_subject, narrowed, scoped, with_timeout
from harness.waiting import eventually

Run = Callable[..., subprocess.CompletedProcess]

# The test vectors' token: its secret is published, so it may stand anywhere, even in a process's arguments.
PUBLISHED = re.search(r'"unrestricted".*?"token": "(e2b_[0-9a-f]+)"', (ROOT / "docs/tokens.md").read_text()).group(1)


@pytest.fixture
def run(tmp_path: pathlib.Path) -> Run:
    """The command in an empty folder and with no settings: nothing there could lead it to a gateway."""

    def run(*arguments: str, input: str = "", **settings: str) -> subprocess.CompletedProcess:
        words = [str(BINARY), "token", *arguments]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment(**settings), input=input, capture_output=True, text=True, timeout=60
        )
        WITNESS.note((done.stderr + ("" if arguments[0] == "narrow" else done.stdout)).encode())
        assert "Fatal" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def narrow(run: Run, gateway: Gateway) -> Callable[..., str]:
    """Narrows a token, which must succeed; the token that comes out."""

    def narrow(token: str, *options: str) -> str:
        done = run("narrow", *options, GATEWAY_TOKEN=token)
        assert done.returncode == 0, done.stderr
        gateway.secrets.add(done.stdout.strip())
        return done.stdout.strip()

    return narrow


# What comes out


@pytest.mark.parametrize(
    ("options", "caveat_type", "value"),
    [
        (["--timeout", "5s"], 0x05, struct.pack(">q", 5000)),
        (["--timeout", "1500ms"], 0x05, struct.pack(">q", 1500)),
        (["--timeout", "2m"], 0x05, struct.pack(">q", 120_000)),
        (["--timeout", "1.001s"], 0x05, struct.pack(">q", 1001)),
        (["--subject", "Zoë"], 0x04, "Zoë".encode()),
        (["--scope", "read"], 0x03, b"\0\0\0\x02"),
        (["--scope", "read", "--scope", "execute"], 0x03, b"\0\0\0\x03"),
        (["--scope", "admin:read", "--scope", "admin:audit"], 0x03, b"\0\0\x21\0"),
        (["--template", "base", "--template", "a/b:c"], 0x06, b"\x04base\x05a/b:c"),
        (["--language", "python", "--language", "c++"], 0x07, b"\x06python\x03c++"),
        (["--source", "10.0.0.0/8"], 0x08, b"\x04\x08\x0a\0\0\0"),
        (["--source", "192.0.2.7", "--source", "10.0.0.0/8"], 0x08, b"\x04\x20\xc0\0\x02\x07\x04\x08\x0a\0\0\0"),
        (["--source", "2001:db8::/32"], 0x08, b"\x06\x20\x20\x01\x0d\xb8" + bytes(12)),
        (["--source", "::ffff:10.0.0.0/104"], 0x08, b"\x04\x08\x0a\0\0\0"),
        (["--signed-only"], 0x09, b""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_narrowing_is_what_the_document_says(run: Run, options: list[str], caveat_type: int, value: bytes) -> None:
    """To the byte, and the same whichever way the token comes in."""
    expected = narrowed(PUBLISHED, caveat_type, value)
    assert run("narrow", *options, GATEWAY_TOKEN=PUBLISHED).stdout == expected + "\n"
    assert run("narrow", *options, input=PUBLISHED + "\n").stdout == expected + "\n"
    as_json = run("narrow", *options, "--output", "json", input=f"  {PUBLISHED}")
    assert json.loads(as_json.stdout) == {"token": expected}


@pytest.mark.parametrize(
    ("option", "caveat_type", "seconds"), [("--expires", 0x01, 3600), ("--starts-in", 0x02, 600)], ids=str
)
def test_times_count_from_now(run: Run, option: str, caveat_type: int, seconds: int) -> None:
    before = int(time.time())
    token = run("narrow", option, f"{seconds}s", GATEWAY_TOKEN=PUBLISHED).stdout.strip()
    moments = range(before + seconds, int(time.time()) + seconds + 1)
    assert token in [narrowed(PUBLISHED, caveat_type, struct.pack(">q", moment)) for moment in moments]


def test_restrictions_add_up(run: Run) -> None:
    """Several at once and one after the other, on a token that has some already."""
    once = for_subject(PUBLISHED, "user-42")
    both = run("narrow", "--timeout", "5s", "--signed-only", GATEWAY_TOKEN=once).stdout.strip()
    in_steps = run("narrow", "--timeout", "5s", GATEWAY_TOKEN=once).stdout.strip()
    in_steps = run("narrow", "--signed-only", GATEWAY_TOKEN=in_steps).stdout.strip()
    assert both == in_steps == narrowed(with_timeout(once, 5000), 0x09, b"")


def test_the_environment_goes_before_standard_input(run: Run) -> None:
    other = for_subject(PUBLISHED, "somebody-else")
    done = run("narrow", "--signed-only", input=other, GATEWAY_TOKEN=PUBLISHED)
    assert done.stdout.strip() == narrowed(PUBLISHED, 0x09, b"")


# What the gateway makes of it


@pytest.fixture
def client(gateway: Gateway, busy_tenant: Tenant, narrow: Callable[..., str]) -> Callable[..., Client]:
    """A caller whose token was narrowed by the command."""
    return lambda *options: gateway.client(narrow(busy_tenant.token, *options))


def test_the_gateway_sees_subject_scope_and_end(client: Callable[..., Client]) -> None:
    before = int(time.time())
    caller = client("--subject", "user-42", "--scope", "read", "--expires", "1h")
    said = caller.get("/v1/whoami").document
    assert (said["subject"], said["scopes"]) == ("user-42", ["read"])
    assert before + 3600 <= datetime.datetime.fromisoformat(said["expires_at"]).timestamp() <= time.time() + 3600
    assert "execute" in caller.post("print(1)").problem("insufficient-scope")["detail"]


def test_the_gateway_holds_to_the_timeout(client: Callable[..., Client]) -> None:
    caller = client("--timeout", "1500ms")
    assert caller.execute("print(1)")["granted_timeout_ms"] == 1500
    caller.post("print(1)", timeout_seconds=1.6).problem("invalid-request")


def test_the_gateway_holds_to_templates_and_languages(client: Callable[..., Client]) -> None:
    standard = "code-interpreter-v1"
    assert client("--template", standard, "--language", "python").execute("print(1)")["output"] == "1\n"
    client("--template", "another").post("print(1)", template=standard).problem("insufficient-scope")
    client("--language", "r").post("print(1)").problem("insufficient-scope")


def test_the_gateway_holds_to_the_source(client: Callable[..., Client]) -> None:
    caller = client("--source", "203.0.113.0/24", "--source", "2001:db8::/32")
    for address in ("203.0.113.7", "2001:db8::7"):
        assert caller.get("/v1/whoami", headers={"x-forwarded-for": address}).status == 200
    for address in ("203.0.114.7", "2001:db9::7", "127.0.0.1"):
        caller.get("/v1/whoami", headers={"x-forwarded-for": address}).problem("insufficient-scope")


def test_the_gateway_holds_to_signed_only(
    gateway: Gateway, busy_tenant: Tenant, narrow: Callable[..., str]
) -> None:
    token = narrow(busy_tenant.token, "--signed-only")
    gateway.client(token).get("/v1/whoami").problem("invalid-signature")
    signed = gateway.run("run", "-", "--sign", input="print(6 * 7)", GATEWAY_URL=gateway.url, GATEWAY_TOKEN=token)
    assert (signed.returncode, signed.stdout) == (0, "42\n"), signed.stderr


def test_the_gateway_holds_to_the_time(client: Callable[..., Client]) -> None:
    assert "not valid yet" in client("--starts-in", "1h").get("/v1/whoami").problem("invalid-token")["detail"]
    begins = client("--starts-in", "1s")
    eventually(lambda: begins.get("/v1/whoami").status == 200, within=10, what="it has begun")
    ends = client("--expires", "1s")
    refused = eventually(lambda: refusal(ends), within=4, what="it has expired")
    assert refused["type"] == "/problems/expired-token"


def refusal(client: Client) -> dict | None:
    reply = client.get("/v1/whoami")
    return reply.document if reply.status != 200 else None


def test_what_was_narrowed_cannot_be_widened(client: Callable[..., Client], narrow: Callable[..., str]) -> None:
    caller = client("--scope", "read", "--timeout", "1s")
    wider = caller.with_token(narrow(caller.token, "--scope", "execute", "--scope", "read", "--timeout", "20s"))
    assert wider.get("/v1/whoami").document["scopes"] == ["read"]
    wider.post("print(1)").problem("insufficient-scope")


@pytest.mark.parametrize("moment", [253_402_300_800, 2**40, 2**63 - 1], ids=["year 10000", "far off", "last"])
def test_a_token_that_never_ends(gateway: Gateway, busy_tenant: Tenant, moment: int) -> None:
    """Whoever narrows a token chooses the number; what the gateway then says must still be in the contract."""
    token = expiring(busy_tenant.token, moment)
    gateway.secrets.add(token)
    assert gateway.client(token).get("/v1/whoami").status == 200


# What it refuses


@pytest.mark.parametrize("subcommand", ["narrow", "inspect"])
@pytest.mark.parametrize(
    "given",
    [
        "",
        "hello",
        PUBLISHED[:-1],
        PUBLISHED[:-2],
        PUBLISHED.upper(),
        PUBLISHED[4:],
        f"{PUBLISHED} {PUBLISHED}",
        f"Bearer {PUBLISHED}",
        "e2b_" + "a1" * 20,
        "e2b_02" + PUBLISHED[6:],
        "e2b_" + "01" * 4000,
        "e2b_é" + PUBLISHED[5:],
        narrowed(PUBLISHED, 0x40, b"x"),
        narrowed(PUBLISHED, 0x05, struct.pack(">q", 0)),
    ],
    ids=[
        "nothing", "a word", "odd", "cut", "upper case", "no prefix", "two", "with its scheme", "an E2B key",
        "version 2", "huge", "not ASCII", "no caveat's type", "no timeout",
    ],
)
def test_what_is_no_token_is_said_and_not_quoted(run: Run, subcommand: str, given: str) -> None:
    options = ["--signed-only"] if subcommand == "narrow" else []
    for settings in ({"input": given + "\n"}, {"GATEWAY_TOKEN": given}):
        done = run(subcommand, *options, **settings)
        assert done.returncode != 0
        assert done.stdout == ""
        assert "token" in done.stderr and "GATEWAY_TOKEN" in done.stderr, done.stderr
        assert len(done.stderr) < 400, "a sentence, not a dump"
        assert not given or given not in done.stderr
        assert PUBLISHED[20:40] not in done.stderr


def test_narrowing_by_nothing_is_a_mistake(run: Run) -> None:
    done = run("narrow", GATEWAY_TOKEN=PUBLISHED)
    assert (done.returncode, done.stdout) == (64, "")
    assert "restriction" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--timeout", "soon"], "30s"),
        (["--timeout", "0s"], "timeout"),
        (["--timeout=-1s"], "30s"),
        (["--timeout", "99999999999999999999s"], "30s"),
        (["--expires", "tomorrow"], "1h"),
        (["--expires", "1e300d"], "1h"),
        (["--starts-in=-5m"], "10m"),
        (["--subject", ""], "subject"),
        (["--subject", "x" * 257], "subject"),
        (["--subject", "two\nlines"], "subject"),
        (["--scope", "root"], "execute, read"),
        (["--template", "two words"], "template"),
        (["--template", ""], "template"),
        (["--language", "pythön"], "language"),
        (["--source", "10.0.0.0/33"], "10.0.0.0/8"),
        (["--source", "10.0.0.1/8"], "10.0.0.0/8"),
        (["--source", "010.0.0.1"], "10.0.0.0/8"),
        (["--source", "example.org"], "10.0.0.0/8"),
        (["--source", ""], "10.0.0.0/8"),
        (sum((["--template", f"t{number}"] for number in range(33)), []), "32"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_a_restriction_that_makes_no_sense_is_said(run: Run, options: list[str], said: str) -> None:
    done = run("narrow", *options, GATEWAY_TOKEN=PUBLISHED)
    assert done.returncode in (1, 64)
    assert done.stdout == ""
    assert said in done.stderr, done.stderr
    assert PUBLISHED[-64:] not in done.stderr


@pytest.mark.parametrize("options", [["--scope", "root"], ["--source", "example.org"], []], ids=" ".join)
def test_a_mistake_shows_the_usage_of_its_own_command(run: Run, options: list[str]) -> None:
    done = run("narrow", *options, GATEWAY_TOKEN=PUBLISHED)
    assert done.returncode == 64
    assert "Usage: e2b-gateway token narrow" in done.stderr


def test_a_token_has_room_for_so_much(run: Run) -> None:
    full = PUBLISHED
    for _ in range(32):
        full = narrowed(full, 0x09, b"")
    assert "32" in refused_to_narrow(run, full, "--signed-only")
    long = PUBLISHED
    for _ in range(7):
        long = for_subject(long, "x" * 256)
    assert "4096" in refused_to_narrow(run, long, "--subject", "x" * 256).replace(",", "")


def refused_to_narrow(run: Run, token: str, *options: str) -> str:
    done = run("narrow", *options, GATEWAY_TOKEN=token)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.mark.parametrize("words", [["narrow", "--signed-only"], ["inspect"]], ids=["narrow", "inspect"])
def test_a_token_is_never_taken_from_an_argument(run: Run, words: list[str]) -> None:
    """Every user of the machine could read it there; and a log of the command's errors must not get it, either."""
    done = run(*words, PUBLISHED)
    assert (done.returncode, done.stdout) == (64, "")
    assert PUBLISHED[-64:] not in done.stderr


# Inspecting

EIGHT_O_CLOCK = 1_800_000_000  # on 2027-01-15
EVERY_CAVEAT = [
    (narrowed(PUBLISHED, 0x02, struct.pack(">q", EIGHT_O_CLOCK)), {"not_before": EIGHT_O_CLOCK}, "2027-01-15T08:00:00"),
    (expiring(PUBLISHED, EIGHT_O_CLOCK + 3600), {"not_after": EIGHT_O_CLOCK + 3600}, "2027-01-15T09:00:00"),
    (scoped(PUBLISHED, execute=True, read=False), {"scopes": ["execute"]}, "execute"),
    (narrowed(PUBLISHED, 0x03, b"\0\0\x21\0"), {"scopes": ["admin:audit", "admin:read"]}, "admin:audit, admin:read"),
    (for_subject(PUBLISHED, "Zoë"), {"subject": "Zoë"}, "Zoë"),
    (with_timeout(PUBLISHED, 5000), {"maximum_timeout_ms": 5000}, "5000 ms"),
    (narrowed(PUBLISHED, 0x06, b"\x04base\x01x"), {"templates": ["base", "x"]}, "base, x"),
    (narrowed(PUBLISHED, 0x07, b"\x06python"), {"languages": ["python"]}, "python"),
    (narrowed(PUBLISHED, 0x08, b"\x04\x08\x0a\0\0\0"), {"source_networks": ["10.0.0.0/8"]}, "10.0.0.0/8"),
    (narrowed(PUBLISHED, 0x09, b""), {"signed_only": True}, "signed"),
]


@pytest.mark.parametrize(("token", "caveat", "shown"), EVERY_CAVEAT, ids=[next(iter(row[1])) for row in EVERY_CAVEAT])
def test_inspecting_shows_each_restriction(run: Run, token: str, caveat: dict, shown: str) -> None:
    said = json.loads(inspected(run, token, "--output", "json"))
    assert said == {"key_id": "0123456789abcdef", "caveats": [caveat], "proven": False}
    table = inspected(run, token)
    assert "0123456789abcdef" in table
    assert shown in table
    assert "proves nothing" in table


def test_inspecting_shows_what_a_terminal_would_hide(run: Run) -> None:
    """A subject cannot make itself look like another, nor add lines."""
    table = inspected(run, for_subject(PUBLISHED, "ann\u202eX\u200b\u2028y\u2029\\"))
    assert "subject ann\\u{202e}X\\u{200b}\\u{2028}y\\u{2029}\\\\\n" in table


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (253_402_300_799, "expires 9999-12-31T23:59:59Z"),
        (253_402_300_800, "expires later than 9999-12-31T23:59:59Z"),
        (2**63 - 1, "expires later than 9999-12-31T23:59:59Z"),
        (0, "expires 1970-01-01T00:00:00Z"),
        (-(2**63), "expires earlier than 1970-01-01T00:00:00Z"),
    ],
)
def test_inspecting_shows_times_that_no_calendar_has(run: Run, seconds: int, shown: str) -> None:
    assert shown in inspected(run, expiring(PUBLISHED, seconds))


def test_inspecting_keeps_order_and_repetition(run: Run) -> None:
    token = with_timeout(for_subject(with_timeout(PUBLISHED, 5000), "user-42"), 7000)
    said = json.loads(inspected(run, token, "--output", "json"))["caveats"]
    assert said == [{"maximum_timeout_ms": 5000}, {"subject": "user-42"}, {"maximum_timeout_ms": 7000}]
    assert inspected(run, token).count("timeout at most") == 2


def test_inspecting_a_token_without_restrictions(run: Run) -> None:
    assert json.loads(inspected(run, PUBLISHED, "--output", "json"))["caveats"] == []
    assert "none" in inspected(run, PUBLISHED)


def test_inspecting_does_not_care_who_made_it(run: Run) -> None:
    """It cannot know, and says so rather than seeming to vouch for it."""
    forged = with_timeout(PUBLISHED, 5000)[:-64] + "0" * 64
    assert json.loads(inspected(run, forged, "--output", "json"))["proven"] is False
    assert "proves nothing" in inspected(run, forged)


def test_inspecting_reads_standard_input(run: Run) -> None:
    done = run("inspect", input=PUBLISHED + "\n")
    assert "0123456789abcdef" in done.stdout


def inspected(run: Run, token: str, *options: str) -> str:
    """What `token inspect` prints, which never holds what makes the token one."""
    done = run("inspect", *options, GATEWAY_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")
    assert token[-64:] not in done.stdout
    assert token[-64:-32] not in done.stdout and token[-32:] not in done.stdout
    return done.stdout
