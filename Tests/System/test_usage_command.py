"""`usage`: bars for people, CSV for spreadsheets, JSON for programs; and the API under it."""

import contextlib
import csv
import datetime
import io
import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.gateway import Gateway, Tenant
from harness.leaks import WITNESS
from harness.service import BINARY, environment
from harness.tokens import for_subject

HOLD = "import time\nprint('on', flush=True)\ntime.sleep(25)"


def today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def until_closed(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal, until nobody has it open any more: Linux says so with an error."""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65536):
            yield chunk


def in_a_terminal(gateway: Gateway, *arguments: str, **settings: str) -> str:
    """What a command prints to a terminal, with colours and all."""
    master, slave = pty.openpty()
    variables = environment(**(gateway.settings | {"LANG": "C.UTF-8", "TERM": "xterm"} | settings))
    process = subprocess.Popen(
        [str(BINARY), *arguments], cwd=gateway.folder, env=variables, stdout=slave, stderr=subprocess.PIPE
    )
    os.close(slave)
    output = b"".join(until_closed(master))
    os.close(master)
    _, fault = process.communicate(timeout=30)
    assert process.returncode == 0, fault
    WITNESS.note(output + fault)
    return output.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module")
def used(session_gateway: NewGateway) -> Gateway:
    """A gateway of which all is known: three tenants, one of them with subjects whose names are mean."""
    gateway = session_gateway()
    gateway.quiet = gateway.tenant("--runtime", "10s/hour")
    gateway.spent = gateway.tenant("--runtime", "1s/day")
    gateway.spent.client.execute("import time\ntime.sleep(9)")
    gateway.busy = gateway.tenant("--runtime", "100s/day", "--rate", "1000/s", "--burst", "1000")
    for subject in ("=1+2", 'quo"te, comma', "\u202eplayful", None):
        token = for_subject(gateway.busy.token, subject) if subject else gateway.busy.token
        gateway.secrets.add(token)
        gateway.busy.client.with_token(token).execute("print(1)")
    gateway.day = today()
    return gateway


def line_of(text: str, tenant: Tenant) -> str:
    [line] = [line for line in text.splitlines() if line.startswith(tenant.name)]
    return line


def test_all_tenants_have_a_line_with_bars(used: Gateway) -> None:
    text = in_a_terminal(used, "usage")
    assert "░░░░░░░░░░ 0 %" in line_of(text, used.quiet)
    assert "██████████ 100 %" in line_of(text, used.spent)
    assert "0/5" in line_of(text, used.spent)
    midnight = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    assert midnight.isoformat() in line_of(text, used.spent), "when it resets"
    heading = text.splitlines()[0]
    assert "THIS HOUR" in heading
    assert "THIS DAY" in heading
    assert "THIS MONTH" not in heading, "no window that nobody is limited in"


def test_colours_only_where_they_are_wanted(used: Gateway) -> None:
    assert "\x1b[31m██████████ 100 %\x1b[0m" in in_a_terminal(used, "usage")
    assert "\x1b" not in in_a_terminal(used, "usage", NO_COLOR="1")
    assert "\x1b" not in used.command("usage")


def test_ascii_where_there_is_nothing_else(used: Gateway) -> None:
    for text in (used.command("usage"), in_a_terminal(used, "usage", LANG="C"), used.command("usage", used.spent.name)):
        assert text.isascii()
        assert "########## 100 %" in text


def test_a_tenants_own_page(used: Gateway) -> None:
    text = in_a_terminal(used, "usage", used.busy.name)
    assert "runtime this day" in text
    assert used.busy.key_id in text
    assert "(none)" in text, "calls without a subject"
    assert "=1+2" in text
    assert "\ufffdplayful" in text, "a subject's name does not turn the line around"


def test_what_is_reserved_shows(used: Gateway) -> None:
    tenant = used.tenant("--runtime", "60s/day")
    with tenant.client.stream(HOLD) as stream:
        next(iter(stream))
        text = used.command("usage", tenant.name)
    assert "+++++..... 0 %" in text
    assert re.search(r"executions +##\.+ 20 % +1 +5", text), text


def test_csv_is_safe_and_whole(used: Gateway) -> None:
    text = subprocess.run(
        [str(BINARY), "usage", used.busy.name, "--by", "subject", "--output", "csv"],
        cwd=used.folder, env=environment(**used.settings), capture_output=True, check=True, timeout=60,
    ).stdout.decode()
    assert text.endswith("\r\n")
    heading, *rows = csv.reader(io.StringIO(text, newline=""))
    assert heading == [
        "tenant", "subject", "executions", "sandboxes", "charged_ms", "credit_ms", "overrun_ms", "output_bytes", "shadowed"
    ]
    assert {row[1] for row in rows} == {"'=1+2", 'quo"te, comma', "\u202eplayful", ""}
    assert all(row[0] == used.busy.name and row[2:4] == ["1", "0"] and int(row[4]) > 0 for row in rows)


def test_exports_agree_with_the_api(used: Gateway) -> None:
    admin = Client(used.admin_url, used.admin_token, used.contract)
    day = today()
    for words, query in [
        (["--by", "tenant"], "by=tenant"),
        (["--by", "key", "--daily"], "by=key&daily=true"),
        (["--from", "2026-01-01", "--to", day], f"from=2026-01-01&to={day}"),
    ]:
        exported = used.json_command("usage", *words)
        assert exported == admin.get(f"/admin/v1/consumption?{query}").document
        assert len(exported["rows"]) >= 2
        assert exported["to"] == day
    by_key = admin.get("/admin/v1/consumption?by=key&daily=true&tenant=" + used.busy.name).document
    [row] = by_key["rows"]
    assert (row["key_id"], row["day"], row["executions"]) == (used.busy.key_id, used.day, 4)
    [own] = used.busy.client.get("/v1/consumption").document["rows"]
    assert own["charged_ms"] == row["charged_ms"] == used.busy.client.usage()["runtime"][0]["used_ms"]


def test_the_highest_charge_is_first(used: Gateway) -> None:
    rows = used.json_command("usage", "--by", "tenant")["rows"]
    charges = [row["charged_ms"] for row in rows]
    assert charges == sorted(charges, reverse=True)


def test_what_is_cut_is_said(used: Gateway) -> None:
    done = used.run("usage", used.busy.name, "--by", "subject", "--limit", "2", "--output", "csv")
    assert len(done.stdout.splitlines()) == 3
    assert "Cut after 2 lines" in done.stderr
    cut = used.json_command("usage", used.busy.name, "--by", "subject", "--limit", "2")
    assert (len(cut["rows"]), cut["truncated"]) == (2, True)
    assert used.json_command("usage", used.busy.name, "--by", "subject")["truncated"] is False
    done = used.run("usage", "--limit", "1")
    tenants, upstream = done.stdout.split("\n\n")
    assert len(tenants.splitlines()) == 2
    assert upstream.startswith("Warm pool: off")
    assert "Cut after 1 of" in done.stderr
    assert "Cut after 2 subjects" in used.command("usage", used.busy.name, "--limit", "2")


def test_subjects_are_those_of_one_tenant(used: Gateway) -> None:
    done = used.run("usage", "--by", "subject")
    assert done.returncode == 64
    assert "usage TENANT --by subject" in done.stderr
    admin = Client(used.admin_url, used.admin_token, used.contract)
    problem = admin.get("/admin/v1/consumption?by=subject").problem("invalid-request")
    assert "name it" in problem["detail"]


def test_nothing_was_consumed_in_the_past(used: Gateway) -> None:
    words = ["--by", "key", "--from", "2020-01-01", "--to", "2020-01-31"]
    assert used.json_command("usage", *words)["rows"] == []
    assert "2020-01-31" in used.command("usage", *words)
    assert used.run("usage", *words, "--output", "csv").stdout.splitlines() == [
        "tenant,key_id,executions,sandboxes,charged_ms,credit_ms,overrun_ms,output_bytes,shadowed"
    ]


def test_json_is_what_the_api_says(used: Gateway) -> None:
    everybody = used.json_command("usage")
    assert [usage["tenant"] for usage in everybody] == sorted(usage["tenant"] for usage in everybody)
    [quiet] = [usage for usage in everybody if usage["tenant"] == used.quiet.name]
    own = used.quiet.client.get("/v1/usage").document
    assert quiet["policy"] == own["policy"]
    assert quiet["credits"] == own["credits"] == []


def test_a_gateway_without_tenants(session_gateway: NewGateway) -> None:
    gateway = session_gateway()
    assert "tenant create" in gateway.command("usage")
    assert json.loads(gateway.run("usage", "--output", "json").stdout) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nobody"], "nobody"),
        (["nobody", "--by", "key"], "nobody"),
        (["--by", "week"], "week"),
        (["--from", "yesterday"], "2026-11-30"),
        (["--from", "2026-02-02", "--to", "2026-02-01"], "from"),
        (["--limit", "0"], "limit"),
        (["--by", "key", "--limit", "10001"], "limit"),
        (["--subject", "alice"], "--subject"),
        (["--output", "xml"], "xml"),
    ],
    ids=" ".join,
)
def test_a_question_that_makes_no_sense_is_refused(used: Gateway, words: list[str], said: str) -> None:
    done = used.run("usage", *words)
    assert done.returncode != 0
    assert said in done.stderr, done.stderr
    assert done.stdout == ""


def test_a_tenant_asks_for_itself_alone(used: Gateway) -> None:
    used.quiet.client.get(f"/v1/consumption?tenant={used.busy.name}").problem("invalid-request")
    assert used.quiet.client.get("/v1/consumption").document["rows"] == []
    used.quiet.client.get("/v1/consumption?limit=0").problem("invalid-request")
