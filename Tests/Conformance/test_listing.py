"""Sandboxes are listed, filtered and paged."""

import datetime
import uuid

import e2b
import pytest

from sdk.program import Program


@pytest.fixture
def label(sdk: Program) -> dict[str, str]:
    """Metadata that nothing else has, of characters that are encoded three times on the way."""
    return {"run id": f"{uuid.uuid4()} & a=b ☃ 100%"}


def listed(sdk: Program, label: dict[str, str], **options: object) -> list[str]:
    """The ids on all pages."""
    state = options.pop("state", None)
    pages = sdk.Sandbox.list(query=e2b.SandboxQuery(metadata=label, state=state), **options)
    ids: list[str] = []
    while pages.has_next:
        ids += [sandbox.sandbox_id for sandbox in pages.next_items()]
    return ids


@pytest.mark.call("Sandbox.list")
def test_list(sdk: Program, label: dict[str, str]) -> None:
    sandbox = sdk.create(metadata=label)
    pages = sdk.Sandbox.list()
    everything = []
    while pages.has_next:
        everything += pages.next_items()
    [found] = [one for one in everything if one.sandbox_id == sandbox.sandbox_id]
    assert found.metadata == label
    assert found.state is e2b.SandboxState.RUNNING
    assert found.template_id and found.started_at and found.end_at


@pytest.mark.call("Sandbox.list(query=…)")
def test_by_metadata(sdk: Program, label: dict[str, str]) -> None:
    both = label | {"kind": "one"}
    sandbox = sdk.create(metadata=both)
    assert listed(sdk, label) == [sandbox.sandbox_id]
    assert listed(sdk, both) == [sandbox.sandbox_id]
    assert listed(sdk, label | {"kind": "another"}) == []


@pytest.mark.call("Sandbox.list(limit=…, next_token=…)")
def test_pages(sdk: Program, label: dict[str, str]) -> None:
    made = [sdk.create(metadata=label).sandbox_id for _ in range(3)]
    pages = sdk.Sandbox.list(query=e2b.SandboxQuery(metadata=label), limit=2)
    first = [sandbox.sandbox_id for sandbox in pages.next_items()]
    assert first == [made[2], made[1]], "the newest first"
    assert pages.has_next and pages.next_token
    resumed = sdk.Sandbox.list(query=e2b.SandboxQuery(metadata=label), limit=2, next_token=pages.next_token)
    assert [sandbox.sandbox_id for sandbox in pages.next_items()] == [made[0]]
    assert not pages.has_next
    assert [sandbox.sandbox_id for sandbox in resumed.next_items()] == [made[0]]
    assert listed(sdk, label, limit=1) == made[::-1]


@pytest.mark.call("Sandbox.list(order=…)", since="2.63")
def test_the_oldest_first(sdk: Program, label: dict[str, str]) -> None:
    made = [sdk.create(metadata=label).sandbox_id for _ in range(2)]
    assert listed(sdk, label, order="asc", limit=1) == made
    assert listed(sdk, label, order="desc", limit=1) == made[::-1]


@pytest.mark.call("Sandbox.list(query=…)")
def test_by_state(sdk: Program, label: dict[str, str]) -> None:
    running, paused = (sdk.create(metadata=label) for _ in range(2))
    paused.pause()
    assert listed(sdk, label, state=[e2b.SandboxState.RUNNING]) == [running.sandbox_id]
    assert listed(sdk, label, state=[e2b.SandboxState.PAUSED]) == [paused.sandbox_id]
    assert set(listed(sdk, label)) == {running.sandbox_id, paused.sandbox_id}


def test_by_template_and_start(sdk: Program, label: dict[str, str]) -> None:
    """Of the newest SDK only."""
    sandbox = sdk.create(metadata=label)

    def found(**query: object) -> list[str]:
        pages = sdk.Sandbox.list(query=e2b.SandboxQuery(metadata=label, **query))
        return [one.sandbox_id for one in pages.next_items()]

    started = sandbox.get_info().started_at
    assert found(template="code-interpreter-v1") == [sandbox.sandbox_id]
    assert found(template="another") == []
    assert found(started_after=started - datetime.timedelta(minutes=1)) == [sandbox.sandbox_id]
    assert found(started_after=started + datetime.timedelta(minutes=1)) == []


def test_a_token_that_is_none(sdk: Program) -> None:
    with pytest.raises(e2b.SandboxException):
        sdk.Sandbox.list(next_token="bm9uZQ").next_items()


def test_a_killed_sandbox_is_listed_no_more(sdk: Program, label: dict[str, str]) -> None:
    sandbox = sdk.create(metadata=label)
    sandbox.kill()
    assert listed(sdk, label) == []
