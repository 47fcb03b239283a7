"""What all other tests left behind: an unbroken audit, no sandbox, no secret where it does not belong."""

import hashlib
import json
import sqlite3

import pytest

from harness.contract import Contract
from harness.fake_e2b import FakeE2B
from harness.gateway import Gateway, LocalE2B
from harness.leaks import WITNESS, Needles, spellings
from harness.service import command_lines
from harness.share import Share
from harness.waiting import eventually

pytestmark = pytest.mark.last

# Not provoked by a call: these take a fault in the gateway, and a clock that outwaits the upstream's deadline
# (`make test-long`).
UNSEEN_PROBLEMS = {"internal-error", "upstream-timeout"}


def ledger_files(gateway: Gateway) -> bytes:
    return b"".join(path.read_bytes() for path in gateway.folder.glob("gateway.db*") if path.is_file())


def honest(gateways: list[Gateway]) -> list[Gateway]:
    return [gateway for gateway in gateways if not gateway.was_tampered_with]


@pytest.fixture
def complete(request: pytest.FixtureRequest, contract: Contract) -> None:
    """For what only a run of all tests can show, or the last of several that share them."""
    files = {item.path.name for item in request.session.items}
    if files != {path.name for path in request.path.parent.glob("test_*.py")}:
        pytest.skip("only some of the tests ran")
    share = Share.of(request.config)
    if share and not share.complete(contract):
        pytest.skip("another run that shares the tests ends later, and judges this for all")


@pytest.mark.usefixtures("complete")
def test_every_kind_of_refusal_was_provoked(contract: Contract) -> None:
    unseen = set(contract.problem_types()) - contract.seen_problems - UNSEEN_PROBLEMS
    assert not unseen


@pytest.mark.usefixtures("complete")
def test_every_operation_was_called(contract: Contract) -> None:
    seen = {operation for operation, status in contract.seen if status < 300}
    assert seen == {operation["operationId"] for _, _, operation in contract.operations()}


def test_every_audit_chain_holds(all_gateways: list[Gateway]) -> None:
    """Recomputed here from the ledger's file: SHA-256 over the previous hash and the record, from 32 zero bytes on."""
    assert all_gateways
    for gateway in honest(all_gateways):
        ledger = sqlite3.connect(f"file:{gateway.ledger}?mode=ro", uri=True)
        previous, count = bytes(32), 0
        for sequence, record, digest in ledger.execute("SELECT sequence, record, hash FROM audit ORDER BY sequence"):
            count += 1
            assert sequence == count, "without gaps"
            previous = hashlib.sha256(previous + record.encode()).digest()
            assert previous == digest, f"record {sequence} of {gateway.folder}"
            said = json.loads(record)
            assert record == json.dumps(said, sort_keys=True, separators=(",", ":")), "canonical"
        ledger.close()
        assert count > 0


def test_every_admitted_execution_has_one_outcome(all_gateways: list[Gateway]) -> None:
    for gateway in honest(all_gateways):
        admitted, finished = gateway.executions_in_audit()
        assert len(admitted) == len(set(admitted))
        assert sorted(admitted) == sorted(finished), gateway.folder


def test_no_sandbox_is_left(local_e2b: LocalE2B) -> None:
    # One that a killed gateway was having made when its successor had left as well ends by itself.
    try:
        eventually(lambda: not local_e2b.sandboxes(), within=60, what="every sandbox is destroyed")
    except AssertionError:
        assert not [sandbox.get("metadata") for sandbox in local_e2b.sandboxes().values()]


def tokens(gateway: Gateway) -> list[bytes]:
    """Every token, and the part of it that proves it; the upstream key; the root key; the webhook's secrets."""
    proofs = [part for secret in gateway.secrets for part in (secret, secret[-64:])]
    return [text.encode() for text in proofs + [secret.removeprefix("whsec_") for secret in gateway.webhook_secrets]]


@pytest.fixture(scope="module")
def secrets(all_gateways: list[Gateway]) -> list[bytes]:
    """All there is to hide: what tests were given, what the ledgers hold sealed, and how it is sealed."""
    secrets = {token for gateway in all_gateways for token in tokens(gateway)}
    secrets |= {token.encode() for token in FakeE2B.TOKENS}
    for gateway in all_gateways:
        sealed, opened = gateway.sealed_secrets()
        assert opened, "a ledger has keys of its own"
        secrets |= {spelling for value in sealed + opened for spelling in spellings(value)}
    return sorted(secrets)


@pytest.fixture(scope="module")
def needles(secrets: list[bytes]) -> Needles:
    return Needles(secrets)


def test_no_secret_is_in_a_log(needles: Needles, all_gateways: list[Gateway], local_e2b: LocalE2B) -> None:
    for log in [gateway.service.log for gateway in all_gateways] + [local_e2b.service.log]:
        assert not needles.found_in(log.read_bytes()), log


def test_no_secret_is_in_a_reply_or_in_what_a_command_prints(needles: Needles) -> None:
    seen = WITNESS.seen()
    assert len(seen) > 1000
    assert not needles.found_in(seen)


def test_no_secret_is_in_the_audit(needles: Needles, all_gateways: list[Gateway]) -> None:
    for gateway in all_gateways:
        ledger = sqlite3.connect(f"file:{gateway.ledger}?mode=ro", uri=True)
        records = "\n".join(record for (record,) in ledger.execute("SELECT record FROM audit"))
        ledger.close()
        assert not needles.found_in(records.encode()), gateway.folder


def test_no_secret_is_in_the_ledgers_files(all_gateways: list[Gateway]) -> None:
    """Tokens are not stored at all, and what they are made from only sealed."""
    for gateway in all_gateways:
        stored = ledger_files(gateway)
        _, opened = gateway.sealed_secrets()
        bare = [bytes.fromhex(secret[-64:]) for secret in gateway.secrets - gateway.upstream_keys]
        clear = tokens(gateway) + [spelling for secret in opened + bare for spelling in spellings(secret)]
        assert not Needles(clear).found_in(stored), gateway.folder


def test_no_secret_was_ever_in_a_command_line(secrets: list[bytes], gateway: Gateway, local_e2b: LocalE2B) -> None:
    """Of all processes during all tests; with an execution now, when every process there is has been started."""
    tenant = gateway.tenant()
    with tenant.client.stream("import time\ntime.sleep(30)") as stream:
        events = iter(stream)
        execution = next(events)["id"]
        eventually(lambda: local_e2b.sandboxes_of(execution), within=10, what="its sandbox is there")
        sandbox_tokens = [token.encode() for token in local_e2b.access_tokens()]
        lines = b"\n".join(command_lines()) + WITNESS.command_lines()
        assert tenant.client.cancel(execution).status == 202
        list(events)
    assert b"e2b-gateway" in lines
    assert sandbox_tokens
    assert not Needles(secrets + tokens(gateway) + sandbox_tokens).found_in(lines)
    log = gateway.service.log.read_bytes() + ledger_files(gateway) + WITNESS.seen()
    assert not Needles(sandbox_tokens).found_in(log), "real sandbox tokens stay between the gateway and upstream"


def test_no_log_holds_code_or_output(gateway: Gateway) -> None:
    tenant = gateway.tenant()
    marker = "marker-of-this-test-" + hashlib.sha256(tenant.token.encode()).hexdigest()
    code = f"print('{marker}')\nraise ValueError('{marker}')"
    tenant.client.execute(code, context_data=marker, env_vars={"A": marker})
    assert marker not in gateway.service.log.read_text()
    assert marker.encode() not in ledger_files(gateway)


def test_logs_are_json_without_faults(all_gateways: list[Gateway]) -> None:
    for gateway in all_gateways:
        lines = gateway.service.log_lines()
        assert lines
        faults = [line for line in lines if line.get("level") in ("error", "critical")]
        assert not [line for line in faults if "request failed" in json.dumps(line)], faults[:3]
