"""What a token was narrowed to holds at the SDK door, and for what was made with it."""

import time
from collections.abc import Iterator

import pytest

from conftest import NewGateway
from harness.gateway import Gateway
from harness.keeping_e2b import KeepingE2B
from harness.sandboxes import TEMPLATE, Door, granted, instant, life
from harness.signing import Signer
from harness.tokens import expiring, for_subject, for_templates, narrowed, scoped, with_timeout
from harness.waiting import eventually


@pytest.fixture(scope="module")
def upstream() -> Iterator[KeepingE2B]:
    with KeepingE2B() as fake:
        yield fake


@pytest.fixture(scope="module")
def kept(session_gateway: NewGateway, upstream: KeepingE2B) -> Gateway:
    return session_gateway(upstream.url)


def for_languages(token: str, *names: str) -> str:
    return narrowed(token, 0x07, b"".join(bytes([len(name)]) + name.encode() for name in names))


def from_network(token: str, a: int, b: int, c: int, d: int, prefix: int) -> str:
    return narrowed(token, 0x08, bytes([4, prefix, a, b, c, d]))


def signed_only(token: str) -> str:
    return narrowed(token, 0x09, b"")


def test_a_shorter_time(kept: Gateway) -> None:
    tenant = kept.tenant()
    door = Door(tenant, with_timeout(tenant.token, 20_000))
    reply = door.create(timeout=300)
    sandbox = reply.document["sandboxID"]
    assert granted(reply) == pytest.approx(20_000, abs=2000)
    assert granted(door.set_timeout(sandbox, 600)) <= 20_000, "since its start"
    assert granted(Door(tenant).set_timeout(sandbox, 600)) <= 20_000, "the token that made it decides"
    detail = door.detail(sandbox)
    assert instant(detail["endAt"]) - instant(detail["startedAt"]) <= 20.1


def test_a_token_that_ends(kept: Gateway, upstream: KeepingE2B) -> None:
    tenant = kept.tenant()
    last = int(time.time()) + 8
    door = Door(tenant, expiring(tenant.token, last))
    sandbox, sleeper = door.made(timeout=300), door.made(timeout=300)
    app = Door(tenant)
    assert instant(app.detail(sandbox)["endAt"]) <= last + 1.1
    assert granted(app.set_timeout(sandbox, 300)) <= 9000
    app.pause(sleeper)
    for one in (sandbox, sleeper):
        app.wait_until_gone(one)
        eventually(lambda: one in upstream.destroyed, within=10, what="it is destroyed")
    assert life(kept, sleeper)[-1]["reason"] == "token_expired"
    assert life(kept, sandbox)[-1]["reason"] in ("token_expired", "expired")


def test_templates(kept: Gateway) -> None:
    tenant = kept.tenant("--template", TEMPLATE, "--template", "base")
    assert Door(tenant).create(templateID="base", timeout=15).status == 201
    Door(tenant).create(templateID="other", timeout=15).problem("not-offered")
    narrow = Door(tenant, for_templates(tenant.token, "base"))
    assert narrow.create(templateID="base", timeout=15).status == 201
    narrow.create(timeout=15).problem("insufficient-scope")


def test_scopes(kept: Gateway) -> None:
    tenant = kept.tenant()
    sandbox = Door(tenant).made(timeout=60)
    reader = Door(tenant, scoped(tenant.token, execute=False, read=True))
    assert reader.ids() == [sandbox]
    assert reader.get(sandbox).status == 200
    for call in (reader.kill, reader.pause, reader.connect, reader.refresh):
        call(sandbox).problem("insufficient-scope")
    reader.set_timeout(sandbox, 60).problem("insufficient-scope")
    reader.create().problem("insufficient-scope")

    runner = Door(tenant, scoped(tenant.token, execute=True, read=False))
    runner.listed().problem("insufficient-scope")
    runner.get(sandbox).problem("insufficient-scope")
    runner.client.get(f"/sandboxes/{sandbox}/metrics").problem("insufficient-scope")
    runner.client.get(f"/sandboxes/metrics?sandbox_ids={sandbox}").problem("insufficient-scope")
    assert runner.kill(sandbox).status == 204


def test_a_token_for_some_languages_has_no_sandbox_of_its_own(kept: Gateway) -> None:
    tenant = kept.tenant()
    door = Door(tenant, for_languages(tenant.token, "python"))
    assert door.client.post("print(1)").status == 200
    for reply in (door.create(), door.listed()):
        assert "languages" in reply.problem("insufficient-scope")["detail"]


def test_where_calls_come_from(kept: Gateway) -> None:
    tenant = kept.tenant()
    door = Door(tenant, from_network(tenant.token, 203, 0, 113, 0, 24))
    body = {"templateID": TEMPLATE, "timeout": 60}
    inside = {"x-forwarded-for": "203.0.113.9"}
    made = door.noted(door.client.call("POST", "/v2/sandboxes", json=body, headers=inside))
    assert made.status == 201
    refused = door.client.call("POST", "/v2/sandboxes", json=body, headers={"x-forwarded-for": "192.0.2.1"})
    assert refused.status == 401 or refused.status == 403
    sandbox = made.document["sandboxID"]
    assert Door(tenant).connect(sandbox).status == 200, "the app's own token is wider"


@pytest.mark.parametrize("narrow", [
    lambda token: with_timeout(token, 10_000),
    lambda token: expiring(token, int(time.time()) + 3600),
    lambda token: for_templates(token, TEMPLATE),
    lambda token: from_network(token, 198, 18, 0, 0, 15),
], ids=["timeout", "expiry", "template", "source"])  # fmt: skip
def test_a_narrower_token_is_not_given_what_opens_the_sandbox(kept: Gateway, narrow) -> None:
    tenant = kept.tenant()
    sandbox = Door(tenant).made(timeout=60, autoPause=True)
    narrower = Door(tenant, narrow(tenant.token))
    for version in ("v1", "v2"):
        narrower.connect(sandbox, version=version, timeout=60).problem("insufficient-scope")
    Door(tenant).pause(sandbox)
    narrower.connect(sandbox).problem("insufficient-scope")
    assert narrower.get(sandbox).status == 200, "which shows no token"

    own = narrower.made(timeout=5)
    assert narrower.connect(own, timeout=5).status == 200


def test_a_subjects_token_is_given_the_subjects(kept: Gateway) -> None:
    tenant = kept.tenant()
    alice = Door(tenant, for_subject(tenant.token, "alice"))
    sandbox = alice.made(timeout=60)
    assert alice.connect(sandbox).status == 200
    both = Door(tenant, with_timeout(for_subject(tenant.token, "alice"), 1000))
    both.connect(sandbox).problem("insufficient-scope")


def test_a_revoked_key_takes_its_sandboxes_along(kept: Gateway, upstream: KeepingE2B) -> None:
    tenant = kept.tenant()
    issued = kept.json_command("key", "issue", tenant.name)
    door = Door(tenant, issued["token"])
    awake, asleep = door.made(timeout=600), door.made(timeout=600)
    door.pause(asleep)
    others = Door(tenant).made(timeout=600)
    kept.command("key", "revoke", issued["key_id"])
    door.get(awake).problem("invalid-token")
    for sandbox in (awake, asleep):
        eventually(lambda: sandbox in upstream.destroyed, within=10, what="it is destroyed")
        assert life(kept, sandbox)[-1]["reason"] == "key_revoked"
    assert Door(tenant).ids() == [others]


def test_a_rotated_keys_sandboxes_live_on(kept: Gateway) -> None:
    tenant = kept.tenant()
    sandbox = Door(tenant).made(timeout=600)
    rotated = kept.json_command("key", "rotate", tenant.key_id, "--overlap", "1h")
    assert Door(tenant, rotated["token"]).connect(sandbox).status == 200


def test_the_door_is_for_bearers(kept: Gateway) -> None:
    tenant = kept.tenant()
    sandbox = Door(tenant).made(timeout=600)
    signer = Signer(kept, tenant.token)
    body = {"templateID": TEMPLATE}
    signer.send(signer.sign(signer.plain("POST", "/v2/sandboxes", body))).problem("not-offered")
    signer.send(signer.look("/v2/sandboxes")).problem("not-offered")
    Door(tenant, signed_only(tenant.token)).listed().problem("invalid-signature")

    kept.command("quota", "set", tenant.name, "--signed-only")
    Door(tenant).create().problem("invalid-signature")
    Door(tenant).connect(sandbox).problem("invalid-signature")
    signer.send(signer.look(f"/sandboxes/{sandbox}")).problem("not-offered")


def test_either_header_carries_the_token(kept: Gateway) -> None:
    tenant = kept.tenant()
    bare = kept.client(None)
    assert bare.get("/v2/sandboxes", headers={"x-api-key": tenant.token}).status == 200
    assert bare.get("/v2/sandboxes", headers={"authorization": f"Bearer {tenant.token}"}).status == 200
    forged = tenant.token[:-64] + "0" * 64
    bare.get("/v2/sandboxes", headers={"x-api-key": forged}).problem("invalid-token")
    bare.get("/v2/sandboxes", headers={"authorization": "Bearer sk_e2b_" + "0" * 40}).problem("invalid-token")


