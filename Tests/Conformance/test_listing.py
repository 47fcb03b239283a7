"""Sandboxes are listed, filtered and paged."""

import datetime

import e2b
import pytest

from sdk.program import Program


@pytest.fixture
def pair(sdk: Program) -> list[str]:
    """The only two with the label, the newer first."""
    return [sdk.second.sandbox_id, sdk.first.sandbox_id]


def listed(
    sdk: Program, *, metadata: dict[str, str] | None = None, limit: int | None = None, **query: object
) -> list[str]:
    """The ids on all pages."""
    how = {name: query.pop(name) for name in ("order", "next_token") if name in query}
    pages = sdk.Sandbox.list(query=e2b.SandboxQuery(metadata=metadata or sdk.label, **query), limit=limit, **how)
    ids: list[str] = []
    while pages.has_next:
        page = pages.next_items()
        assert len(page) <= (limit or 100)
        ids += [sandbox.sandbox_id for sandbox in page]
    return ids


@pytest.mark.call("Sandbox.list")
def test_list(sdk: Program, sandbox) -> None:
    pages = sdk.Sandbox.list()
    everything = []
    while pages.has_next:
        everything += pages.next_items()
    [found] = [one for one in everything if one.sandbox_id == sandbox.sandbox_id]
    assert found.metadata == sdk.label
    assert found.state is e2b.SandboxState.RUNNING
    assert found.template_id and found.started_at < found.end_at


@pytest.mark.call("Sandbox.list(query=…)")
def test_queries(sdk: Program, pair: list[str]) -> None:
    started = sdk.first.get_info().started_at
    assert listed(sdk) == pair
    assert listed(sdk, metadata=sdk.label | {"kind": "another"}) == []
    assert listed(sdk, state=[e2b.SandboxState.RUNNING]) == pair
    assert listed(sdk, state=[e2b.SandboxState.PAUSED]) == []
    assert listed(sdk, template="code-interpreter-v1") == pair
    assert listed(sdk, template="another") == []
    assert listed(sdk, started_after=started - datetime.timedelta(minutes=1)) == pair
    assert listed(sdk, started_after=started + datetime.timedelta(hours=1)) == []


@pytest.mark.call("Sandbox.list(limit=…, next_token=…)")
def test_pages(sdk: Program, pair: list[str]) -> None:
    assert listed(sdk, limit=1) == pair
    pages = sdk.Sandbox.list(query=e2b.SandboxQuery(metadata=sdk.label), limit=1)
    [first] = pages.next_items()
    assert pages.has_next and pages.next_token
    assert [first.sandbox_id] + listed(sdk, limit=1, next_token=pages.next_token) == pair


@pytest.mark.call("Sandbox.list(order=…)", since="2.63")
def test_the_oldest_first(sdk: Program, pair: list[str]) -> None:
    assert listed(sdk, order="asc", limit=1) == pair[::-1]
    assert listed(sdk, order="desc", limit=1) == pair


def test_a_token_that_is_none(sdk: Program) -> None:
    with pytest.raises(e2b.SandboxException):
        sdk.Sandbox.list(next_token="bm9uZQ").next_items()


def test_a_killed_sandbox_is_listed_no_more(sdk: Program) -> None:
    metadata = {"to be": "killed"} | sdk.label
    sandbox = sdk.create(metadata=metadata)
    sandbox.kill()
    assert listed(sdk, metadata=metadata) == []
