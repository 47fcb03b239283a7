"""The audit log: what it records, what can be found in it, and what cannot be done to it unseen."""

import csv
import datetime
import io
import json
import pathlib
import re
import sqlite3
import subprocess
import threading
import uuid

import pytest

from conftest import NewGateway
from harness.client import Client
from harness.free_port import free_port
from harness.gateway import Gateway, Tenant
from harness.service import BINARY, environment
from harness.tokens import for_subject, scoped
from harness.waiting import eventually

BUSY = ("--rate", "10000/s", "--burst", "10000", "--executions", "20")


@pytest.fixture(scope="module")
def watched(session_gateway: NewGateway) -> Gateway:
    """A gateway for this module, since its tests look at all that is recorded."""
    return session_gateway()


@pytest.fixture
def caller(watched: Gateway) -> Tenant:
    return watched.tenant(*BUSY)


def search(gateway: Gateway, *options: str) -> list[dict]:
    return [record["record"] for record in gateway.json_command("audit", "search", "--limit", "10000", *options)]


def recorded(gateway: Gateway, *options: str, count: int = 1) -> list[dict]:
    """What is recorded a little later than it happened: refusals."""
    return eventually(
        lambda: found if len(found := search(gateway, *options)) >= count else None,
        within=10,
        what=f"{count} records of {options}",
    )


# What is recorded


def test_intent_and_outcome_say_all_that_is_to_be_known(watched: Gateway, caller: Tenant) -> None:
    trace = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    reply = caller.client.post("print('a' * 10)", context_data="xyz", timeout_seconds=7, headers=headers)
    intent, outcome = search(watched, "--execution", reply.document["id"])
    both = {
        "tenant": caller.name,
        "key_id": caller.key_id,
        "execution": reply.document["id"],
        "request_id": reply.headers["x-request-id"],
        "trace_id": trace,
        "timeout_granted_ms": 7000,
    }
    assert both.items() <= intent.items()
    assert both.items() <= outcome.items()
    sizes = {"code_bytes": 15, "context_bytes": 3, "timeout_asked_ms": 7000, "template": "code-interpreter-v1"}
    assert sizes.items() <= intent.items()
    assert intent["span_id"] == outcome["span_id"] != "00f067aa0ba902b7"
    assert len(intent["code_digest"]) == len(intent["context_digest"]) == 64
    assert "code_recorded" not in intent
    assert outcome["outcome"] == "completed"
    assert (outcome["output_bytes"], outcome["runtime_ms"]) == (11, reply.document["runtime_ms"])
    assert outcome["sandbox"]
    assert intent["source_address"] == outcome["source_address"]
    assert intent["sequence"] < outcome["sequence"]


@pytest.mark.parametrize(
    "header",
    [
        "nonsense",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
    ],
)
def test_a_trace_that_is_none_gives_way_to_one_of_the_gateways(watched: Gateway, caller: Tenant, header: str) -> None:
    document = caller.client.post("1", headers={"traceparent": header}).document
    records = search(watched, "--execution", document["id"])
    [(trace, span)] = {(record["trace_id"], record["span_id"]) for record in records}
    assert re.fullmatch("[0-9a-f]{32}", trace) and trace not in header
    assert re.fullmatch("[0-9a-f]{16}", span)


def test_strangers_are_recorded_with_the_key_they_claim(watched: Gateway, caller: Tenant) -> None:
    forged = caller.token[:-1] + ("0" if caller.token[-1] != "0" else "1")
    reply = Client(watched.url, forged, watched.contract).get("/v1/whoami")
    reply.problem("invalid-token")
    request = reply.headers["x-request-id"]
    [record] = [
        record
        for record in recorded(watched, "--action", "authentication.refused", "--newest")
        if record.get("request_id") == request
    ]
    assert record["claimed_key_id"] == caller.key_id
    assert (record["reason"], record["cause"], record["operation"]) == ("invalid-token", "forged", "whoAmI")
    assert "tenant" not in record
    assert "key_id" not in record


def test_a_refusal_names_the_tenant_and_the_reason(watched: Gateway) -> None:
    tenant = watched.tenant("--rate", "1/h", "--burst", "1")
    tenant.client.get("/v1/whoami")
    tenant.client.get("/v1/whoami").problem("rate-limited")
    [record] = recorded(watched, "--tenant", tenant.name, "--action", "call.refused")
    assert (record["reason"], record["outcome"], record["operation"]) == ("rate-limited", "refused", "whoAmI")
    assert record["key_id"] == tenant.key_id


def test_a_refusal_by_a_limit_is_recorded_once(watched: Gateway) -> None:
    tenant = watched.tenant(*BUSY, "--executions", "0")
    tenant.client.post("1").problem("concurrency-exceeded")
    tenant.client.get("/v1/whoami")
    narrow = scoped(tenant.token, execute=True, read=False)
    watched.secrets.add(narrow)
    watched.client(narrow).get("/v1/usage").problem("insufficient-scope")
    recorded(watched, "--tenant", tenant.name, "--action", "call.refused")
    refusals = search(watched, "--tenant", tenant.name, "--outcome", "refused")
    assert [(record["action"], record["reason"]) for record in refusals] == [
        ("execution.refused", "executions"),
        ("call.refused", "insufficient-scope"),
    ]


def test_what_an_administrator_may_not_do_is_recorded(watched: Gateway) -> None:
    issued = watched.json_command("admin-token", "issue", "curious", "--scope", "admin:read")
    watched.secrets.add(issued["token"])
    client = Client(watched.admin_url, issued["token"], watched.contract)
    client.call("POST", "/admin/v1/tenants", json={"name": "not-mine"}).problem("insufficient-scope")
    client.get("/admin/v1/tenants/nobody").problem("not-found")
    [record] = recorded(watched, "--action", "administration.refused", "--key", issued["key_id"])
    assert (record["actor"], record["operation"]) == ("admin:curious", "createTenant")
    assert record["reason"] == "insufficient-scope"


def test_a_change_that_fails_is_recorded(watched: Gateway) -> None:
    assert watched.run("tenant", "create", watched.tenant().name).returncode == 1
    refusals = eventually(
        lambda: [
            record["operation"]
            for record in search(watched, "--action", "administration.refused")
            if record["reason"] == "conflict"
        ],
        within=10,
        what="the conflict is recorded",
    )
    assert refusals == ["createTenant"]


def test_a_flood_from_one_source_leaves_few_records(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    client = gateway.client("e2b_01" + "0" * 80)
    for _ in range(300):
        assert client.get("/v1/whoami", headers={"x-forwarded-for": "192.0.2.1"}).status in (401, 429)
    gateway.stop()
    records = search(gateway, "--action", "authentication.refused")
    singles = [record for record in records if "count" not in record]
    counted = [record for record in records if "count" in record]
    assert len(singles) + sum(record["count"] for record in counted) == 300, "none is lost"
    # What an address may try in vain and what is beyond it are two kinds, and the minute may have changed once.
    assert len(records) <= 8, records
    for record in counted:
        assert record["first_at_ms"] <= record["last_at_ms"]
        assert record["source_address"] == "192.0.2.1"
        assert "request_id" not in record


def test_start_and_stop_are_recorded(new_gateway: NewGateway) -> None:
    gateway = new_gateway()
    gateway.stop()
    assert [record["action"] for record in search(gateway, "--action", "gateway.started")] == ["gateway.started"]
    assert search(gateway)[-1]["action"] == "gateway.stopped"


# Code that is kept


def test_code_is_kept_where_the_policy_says_so_and_shown_on_record(watched: Gateway) -> None:
    tenant = watched.tenant("--record-code")
    assert watched.json_command("quota", "get", tenant.name)["records_code"] is True
    code = "value = 'shown to auditors'"
    document = tenant.client.execute(code, context_data="given")
    [intent, _] = search(watched, "--execution", document["id"])
    assert intent["code_recorded"] is True
    shown = watched.json_command("audit", "code", document["id"])
    assert shown == {"execution": document["id"], "code": code, "context_data": "given"}
    assert watched.command("audit", "code", document["id"]) == code + "\n"
    assert [record["tenant"] for record in search(watched, "--action", "code.shown")][-1] == tenant.name
    watched.command("quota", "set", tenant.name, "--no-record-code")
    other = tenant.client.execute("1")
    assert watched.run("audit", "code", other["id"]).returncode == 1
    assert "No code is kept" in watched.run("audit", "code", other["id"]).stderr


# Finding


def test_search_finds_by_every_property_and_in_pages(watched: Gateway, caller: Tenant) -> None:
    subject = for_subject(caller.token, "ann")
    watched.secrets.add(subject)
    first = watched.client(subject).execute("1")
    second = caller.client.execute("1/0")
    by_tenant = search(watched, "--tenant", caller.name)
    assert {record["tenant"] for record in by_tenant} == {caller.name}
    by_key = search(watched, "--key", caller.key_id)
    assert {record["key_id"] for record in by_key} == {caller.key_id}
    assert [record["execution"] for record in search(watched, "--subject", "ann", "--tenant", caller.name)] == [
        first["id"]
    ] * 2
    failed = search(watched, "--tenant", caller.name, "--outcome", "failed")
    assert [record["execution"] for record in failed] == [second["id"]]
    assert search(watched, "--tenant", caller.name, "--newest") == by_tenant[::-1]
    one_by_one, after = [], 0
    while found := watched.json_command(
        "audit", "search", "--tenant", caller.name, "--limit", "1", "--after", str(after)
    ):
        one_by_one += [record["record"] for record in found]
        after = found[-1]["sequence"]
    assert one_by_one == by_tenant
    middle = by_tenant[2]["at_ms"] / 1000
    instant = datetime.datetime.fromtimestamp(middle, datetime.timezone.utc).isoformat(timespec="milliseconds")
    later = search(watched, "--tenant", caller.name, "--from", instant.replace("+00:00", "Z"))
    earlier = search(watched, "--tenant", caller.name, "--to", instant.replace("+00:00", "Z"))
    assert earlier + later == by_tenant
    assert search(watched, "--tenant", caller.name, "--from", "1h") == by_tenant
    assert not search(watched, "--tenant", caller.name, "--to", "1h")


def test_search_prints_a_table_for_people(watched: Gateway, caller: Tenant) -> None:
    document = caller.client.execute("1")
    watched.command("quota", "set", caller.name, "--executions", "3")
    table = watched.command("audit", "search", "--tenant", caller.name)
    assert table.splitlines()[0].split() == ["SEQ", "TIME", "ACTION", "WHO", "ON", "OUTCOME", "DETAILS"]
    assert f"execution={document['id']}" in table
    assert table.splitlines()[-1].endswith("executions=20→3"), "of a change only what is different"
    assert watched.command("audit", "search", "--tenant", "nobody") == "No record fits.\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--action", "nonsense"], "must be one of"),
        (["--from", "yesterday"], "must be an instant"),
        (["--key", "nonsense"], "must be a key id"),
        (["--trace", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"], "must be a trace id"),
        (["--limit", "0"], "--limit"),
        (["--after", "-1"], "--after"),
    ],
)
def test_a_search_that_makes_no_sense_is_explained(watched: Gateway, options: list[str], said: str) -> None:
    done = watched.run("audit", "search", *options)
    assert done.returncode != 0
    assert said in done.stderr


class Tail:
    """`audit tail` as somebody watches it."""

    def __init__(self, gateway: Gateway, *options: str, **settings: str):
        self._process = subprocess.Popen(
            [str(BINARY), "audit", "tail", "--output", "json", *options],
            cwd=gateway.folder,
            env=environment(**(gateway.settings | settings)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[dict] = []
        self.noted: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, lambda line: self.lines.append(json.loads(line)))),
            threading.Thread(target=self._read, args=(self._process.stderr, self.noted.append)),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe: io.TextIOBase, take: object) -> None:
        for line in pipe:
            take(line)

    def executions(self) -> list[str]:
        return [line["record"]["execution"] for line in self.lines if "execution" in line["record"]]

    def __enter__(self) -> "Tail":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)
        for reader in self._readers:
            reader.join()


def test_tail_shows_the_last_records_and_follows(watched: Gateway, caller: Tenant) -> None:
    before = caller.client.execute("1")["id"]
    with Tail(watched, "--tenant", caller.name, "-n", "1") as tail:
        eventually(lambda: tail.executions() == [before], within=20, what="the last record is shown")
        ran = [caller.client.execute("1")["id"] for _ in range(3)]
        watched.tenant().client.execute("1")
        eventually(
            lambda: tail.executions() == [before, *(one for one in ran for _ in range(2))],
            within=20,
            what="each new record is shown once, and nobody else's",
        )


@pytest.mark.parametrize("door", ["socket", "listener"])
def test_tail_outlives_a_restart_of_the_gateway(new_gateway: NewGateway, door: str) -> None:
    gateway = new_gateway(GATEWAY_ADMIN_LISTEN=f"127.0.0.1:{free_port()}")
    tenant = gateway.tenant()
    through = {}
    if door == "listener":
        token = gateway.json_command("admin-token", "issue", "watcher", "--scope", "admin:audit")["token"]
        gateway.secrets.add(token)
        through = {"GATEWAY_ADMIN_URL": gateway.admin_url, "GATEWAY_ADMIN_TOKEN": token}
    with Tail(gateway, "-n", "1", **through) as tail:
        eventually(lambda: tail.lines, within=20, what="it is there")
        first = tenant.client.execute("1")["id"]
        eventually(lambda: tail.executions() == [first] * 2, within=20, what="it follows")
        gateway.stop()
        eventually(lambda: tail.noted, within=20, what="it says that it waits")
        gateway.start()
        second = tenant.client.execute("1")["id"]
        eventually(lambda: tail.executions() == [first] * 2 + [second] * 2, within=20, what="it goes on")
        sequences = [line["sequence"] for line in tail.lines]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences))), "the stop and the start as well"


def test_tail_needs_a_gateway_to_follow(resting: Gateway) -> None:
    done = resting.run("audit", "tail")
    assert done.returncode == 1
    assert "--no-follow" in done.stderr
    assert len(resting.command("audit", "tail", "--no-follow", "-n", "2").splitlines()) == 2


# A tenant's own


def test_a_tenant_reads_its_own_records_and_no_others(watched: Gateway, caller: Tenant) -> None:
    other = watched.tenant()
    other.client.execute("1")
    ran = caller.client.execute("1")["id"]
    page = caller.client.get("/v1/audit?limit=1000").document
    records = [record["record"] for record in page["records"]]
    assert {record["tenant"] for record in records} == {caller.name}
    assert [record["action"] for record in records if record.get("execution") == ran] == [
        "execution.admitted",
        "execution.finished",
    ]
    assert "next" not in page
    newest = caller.client.get("/v1/audit?limit=1&order=newest").document
    assert newest["records"] == [page["records"][-1]]
    rest = caller.client.get(f"/v1/audit?order=newest&after={newest['next']}").document["records"]
    assert rest == page["records"][-2::-1]
    caller.client.get(f"/v1/audit?tenant={other.name}").problem("invalid-request")
    caller.client.get("/v1/audit?limit=1001").problem("invalid-request")
    caller.client.get("/v1/audit?order=sideways").problem("invalid-request")


def test_a_subject_reads_its_own_records_only(watched: Gateway, caller: Tenant) -> None:
    token = for_subject(caller.token, "bob")
    watched.secrets.add(token)
    bob = watched.client(token)
    caller.client.execute("1")
    ran = bob.execute("1")["id"]
    records = [record["record"] for record in bob.get("/v1/audit").document["records"]]
    assert [record["execution"] for record in records] == [ran, ran]
    bob.get("/v1/audit?subject=ann").problem("insufficient-scope")


def test_who_may_only_execute_reads_no_records(watched: Gateway, caller: Tenant) -> None:
    token = scoped(caller.token, execute=True, read=False)
    watched.secrets.add(token)
    watched.client(token).get("/v1/audit").problem("insufficient-scope")


# Exporting


def lines(path: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_export_is_complete_resumable_and_verifies(new_gateway: NewGateway, tmp_path: pathlib.Path) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant(*BUSY)
    key, exported, kept = tmp_path / "key.pem", tmp_path / "audit.jsonl", tmp_path / "kept.json"
    key.write_text(gateway.command("audit", "public-key"))
    tenant.client.execute("1")
    gateway.command("audit", "checkpoint")
    gateway.command("audit", "export", str(exported))
    first = len(lines(exported))
    assert exported.stat().st_mode & 0o777 == 0o600
    # A broken-off export ends anywhere.
    with exported.open("a") as file:
        file.write('{"hash":"00')
    tenant.client.execute("2")
    kept.write_text(gateway.command("audit", "checkpoint"))
    again = gateway.run("audit", "export", str(exported))
    assert again.returncode == 1
    assert "--resume" in again.stderr
    gateway.command("audit", "export", str(exported), "--resume")
    gateway.command("audit", "export", str(exported), "--resume")
    assert len(lines(exported)) > first
    records = [line for line in lines(exported) if "record" in line]
    assert [record["sequence"] for record in records] == list(range(1, len(records) + 1)), "each once"
    checkpoints = [line["checkpoint"]["number"] for line in lines(exported) if "checkpoint" in line]
    assert checkpoints == list(range(1, len(checkpoints) + 1)), "each once"

    options = ("--file", str(exported), "--public-key", str(key), "--checkpoint", str(kept), "--output", "json")
    elsewhere = subprocess.run(
        [str(BINARY), "audit", "verify", *options], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert elsewhere.returncode == 0, elsewhere.stdout + elsewhere.stderr
    verification = json.loads(elsewhere.stdout)
    assert verification["verified"] == len(records)
    assert verification["checkpoints"] >= len(checkpoints)

    # Without its last records it is whole in itself, and too short for the checkpoint.
    shorter = tmp_path / "shorter.jsonl"
    shorter.write_text("".join(json.dumps(line, separators=(",", ":"), sort_keys=True) + "\n" for line in records[:-3]))
    assert gateway.run("audit", "verify", "--file", str(shorter)).returncode == 0
    done = gateway.run(
        "audit", "verify", "--file", str(shorter), "--public-key", str(key), "--checkpoint", str(kept), "--output", "json"
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["fault"] == "truncated"


def test_an_export_as_csv(watched: Gateway, caller: Tenant, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "acme.csv"
    first = caller.client.execute("1")["id"]
    watched.command("audit", "export", "--format", "csv", "--tenant", caller.name, str(path))
    second = caller.client.execute("1")["id"]
    watched.command("audit", "export", "--format", "csv", "--tenant", caller.name, "--resume", str(path))
    rows = list(csv.DictReader(path.open()))
    assert [row["execution"] for row in rows if row["execution"]] == [first, first, second, second]
    assert {row["tenant"] for row in rows} == {caller.name}
    printed = watched.command("audit", "export", "--format", "csv", "--tenant", caller.name)
    assert list(csv.DictReader(io.StringIO(printed))) == rows


@pytest.mark.parametrize("text", ["Dear diary,\n", "one line without an end", "{", '{"hash":"00\n', "\n"])
@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_what_is_no_export_is_not_gone_on_with(
    watched: Gateway, tmp_path: pathlib.Path, format: str, text: str
) -> None:
    path = tmp_path / "diary.txt"
    path.write_text(text)
    done = watched.run("audit", "export", "--format", format, "--resume", str(path))
    if (format, text) == ("jsonl", "{"):
        assert done.returncode == 0, "a broken-off beginning"
        return
    assert done.returncode == 1
    assert "no export" in done.stderr
    assert path.read_text() == text


def test_a_kept_checkpoint_is_not_taken_for_a_broken_export(watched: Gateway, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "kept.json"
    kept = watched.command("audit", "checkpoint")
    path.write_text(kept)
    watched.run("audit", "export", "--resume", str(path))
    assert path.read_text().startswith(kept)


def test_an_export_does_not_go_on_with_another_chain(
    watched: Gateway, new_gateway: NewGateway, tmp_path: pathlib.Path
) -> None:
    path, other = tmp_path / "audit.jsonl", new_gateway()
    other.command("audit", "export", str(path))
    before = path.read_text()
    done = watched.run("audit", "export", "--resume", str(path))
    assert done.returncode == 1
    assert "Begin a new file" in done.stderr
    assert path.read_text() == before
    assert other.run("audit", "export", "--resume", str(path)).returncode == 0


# What cannot be done unseen


def test_a_checkpoint_kept_elsewhere_shows_what_was_cut_off(new_gateway: NewGateway, tmp_path: pathlib.Path) -> None:
    gateway = new_gateway()
    tenant = gateway.tenant()
    tenant.client.execute("1")
    kept = tmp_path / "kept.json"
    kept.write_text(gateway.command("audit", "checkpoint"))
    assert gateway.json_command("audit", "verify", "--checkpoint", str(kept))["intact"] is True
    exported = tmp_path / "audit.jsonl"
    gateway.command("audit", "export", str(exported))
    by_export = gateway.json_command("audit", "verify", "--checkpoint", str(exported))
    assert by_export["intact"] is True, "an exported log holds checkpoints, too"
    gateway.stop()
    with sqlite3.connect(gateway.ledger) as ledger:
        # All that has to be changed so that the ledger is whole in itself.
        sequence = ledger.execute("SELECT max(sequence) FROM audit").fetchone()[0] - 6
        ledger.execute("DELETE FROM audit WHERE sequence > ?", (sequence,))
        ledger.execute("DELETE FROM checkpoint WHERE sequence > ?", (sequence,))
        hash_ = ledger.execute("SELECT hash FROM audit WHERE sequence = ?", (sequence,)).fetchone()[0]
        ledger.execute("UPDATE chain SET sequence = ?, hash = ?", (sequence, hash_))
    ledger.close()
    gateway.was_tampered_with = True
    assert gateway.json_command("audit", "verify")["intact"] is True
    done = gateway.run("audit", "verify", "--checkpoint", str(kept), "--output", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["fault"] == "truncated"


def test_a_checkpoint_of_another_ledger_is_refused(watched: Gateway, resting: Gateway, tmp_path: pathlib.Path) -> None:
    (tmp_path / "other.json").write_text(resting.command("audit", "checkpoint"))
    (tmp_path / "other.pem").write_text(resting.command("audit", "public-key"))
    done = watched.run("audit", "verify", "--checkpoint", str(tmp_path / "other.json"), "--output", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["fault"] == "checkpoint-key"
    done = watched.run("audit", "verify", "--public-key", str(tmp_path / "other.pem"), "--output", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["fault"] == "checkpoint-key"


def test_openssl_verifies_a_checkpoint(watched: Gateway, tmp_path: pathlib.Path) -> None:
    """With nothing of ours but the public key and the specification."""
    signed = json.loads(watched.command("audit", "checkpoint"))
    canonical = json.dumps(signed["checkpoint"], sort_keys=True, separators=(",", ":"))
    (tmp_path / "message").write_bytes(b"e2b-gateway/audit-checkpoint/v1\n" + canonical.encode())
    (tmp_path / "signature").write_bytes(bytes.fromhex(signed["signature"]))
    (tmp_path / "key.pem").write_text(watched.command("audit", "public-key"))
    words = "pkeyutl -verify -pubin -inkey key.pem -rawin -in message -sigfile signature".split()
    done = subprocess.run(["openssl", *words], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--file", "missing.jsonl"], "missing.jsonl"),
        (["--checkpoint", "missing.json"], "missing.json"),
        (["--public-key", "missing.pem"], "missing.pem"),
        (["--file", "a", "--checkpoint", "b"], "--public-key"),
    ],
)
def test_what_cannot_be_verified_is_explained(watched: Gateway, options: list[str], said: str) -> None:
    done = watched.run("audit", "verify", *options)
    assert done.returncode != 0
    assert said in done.stderr
