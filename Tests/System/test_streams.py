"""Executions answered as a stream."""

import statistics
import time

import pytest

from harness.client import NDJSON, SSE
from harness.gateway import Gateway, Tenant
from harness.numbers import Numbers
from harness.service import is_release

STREAMS = [NDJSON, SSE]


@pytest.mark.parametrize("accept", STREAMS)
def test_a_stream_tells_everything_in_order(gateway: Gateway, tenant: Tenant, accept: str) -> None:
    code = "import sys\nprint('out', flush=True)\nprint('err', file=sys.stderr, flush=True)\ndisplay(1)\n1/0"
    with tenant.client.stream(code, accept=accept) as stream:
        assert stream.response.headers["content-type"].split(";")[0] == accept
        events = stream.all()
        execution_id = stream.response.headers["execution-id"]

    assert [event["type"] for event in events] == ["started", "stdout", "stderr", "result", "exception", "finished"]
    started, stdout, stderr, result, exception, finished = events
    assert started["id"] == finished["id"] == execution_id
    assert started["granted_timeout_ms"] == 30_000
    assert stdout["text"] == "out\n"
    assert stderr["text"] == "err\n"
    assert (result["text"], result["is_main_result"]) == ("1", False)
    assert exception["name"] == "ZeroDivisionError"
    assert finished["outcome"] == "failed"
    assert finished["error"].startswith("err\n")
    assert "ZeroDivisionError: division by zero" in finished["error"]
    gateway.assert_settled(tenant, execution_id)


@pytest.mark.parametrize("accept", STREAMS)
def test_events_arrive_while_the_code_runs(busy_tenant: Tenant, accept: str) -> None:
    code = "import time\nfor turn in range(3):\n    print(turn, flush=True)\n    time.sleep(2)"
    with busy_tenant.client.stream(code, accept=accept) as stream:
        events = stream.all()
    prints = [event["at"] for event in events if event["type"] == "stdout"]
    assert len(prints) == 3
    assert all(later - earlier > 1 for earlier, later in zip(prints, prints[1:]))
    assert events[-1]["at"] - prints[-1] > 1


def test_a_flushed_line_is_there_at_once(busy_tenant: Tenant) -> None:
    """The sandbox shares this machine's clock, so the code itself says when it flushed."""
    code = "import time\nfor _ in range(20):\n    time.sleep(0.05)\n    print(time.time(), flush=True)"
    with busy_tenant.client.stream(code) as stream:
        delays = [event["at"] - float(event["text"]) for event in stream if event["type"] == "stdout"]
    assert len(delays) == 20
    median = statistics.median(delays) * 1000
    Numbers.note("from the code's flush to the caller, median of 20", median, "ms")
    assert median < (20 if is_release() else 100)


def test_silence_is_filled_with_keepalives(busy_tenant: Tenant) -> None:
    code = "import time\ntime.sleep(11)\nprint('awake')"
    asked = time.time()
    with busy_tenant.client.stream(code) as stream:
        events = stream.all()
    assert "keepalive" in [event["type"] for event in events]
    instants = [asked] + [event["at"] for event in events]
    assert max(later - earlier for earlier, later in zip(instants, instants[1:])) <= 10.5


def test_a_server_sent_keepalive_is_a_comment(busy_tenant: Tenant) -> None:
    with busy_tenant.client.stream("import time\ntime.sleep(11)", accept=SSE) as stream:
        events = stream.all()
        assert "keepalive" in stream.comments
    assert "keepalive" not in [event["type"] for event in events]


def test_a_timeout_is_told_in_the_last_event(gateway: Gateway, tenant: Tenant) -> None:
    with tenant.client.stream("print('on', flush=True)\nwhile True: pass", timeout_seconds=4) as stream:
        events = stream.all()
    assert [event["type"] for event in events] == ["started", "stdout", "finished"]
    assert events[-1]["outcome"] == "timed_out"
    assert events[-1]["granted_timeout_ms"] == 4000
    assert "4" in events[-1]["error"]
    gateway.assert_settled(tenant, events[-1]["id"])


def test_text_of_a_stream_and_of_a_document_are_the_same(busy_tenant: Tenant) -> None:
    code = "for n in range(2000): print(n, 'é😀\u2028' * 20)"
    with busy_tenant.client.stream(code) as stream:
        streamed = "".join(event["text"] for event in stream if event["type"] == "stdout")
    assert streamed == busy_tenant.client.execute(code)["output"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json, text/event-stream", "application/json"),
        ("text/event-stream, application/json;q=0.5", SSE),
        ("application/json;q=0.1, application/x-ndjson;q=0.9", NDJSON),
        ("text/html, */*;q=0.1", "application/json"),
        ("TEXT/EVENT-STREAM", SSE),
    ],
)
def test_accept_chooses_the_form(busy_tenant: Tenant, accept: str, kind: str) -> None:
    reply = busy_tenant.client.post("print(1)", headers={"accept": accept})
    assert reply.status == 200
    assert reply.headers["content-type"].split(";")[0] == kind


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*"])
def test_a_form_that_does_not_exist_is_refused(busy_tenant: Tenant, accept: str) -> None:
    busy_tenant.client.post("print(1)", headers={"accept": accept}).problem("not-acceptable")
