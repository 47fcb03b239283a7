"""The sandbox cloud has limits of its own."""

from conftest import NewGateway
from harness.gateway import LocalE2B


def test_an_upstream_that_is_full(bare_e2b: LocalE2B, new_gateway: NewGateway) -> None:
    """Its limit is not the tenant's: another refusal, and the tenant is charged nothing."""
    gateway = new_gateway(bare_e2b.url)
    tenant, other = gateway.tenant(), gateway.tenant()
    with tenant.client.stream("import time\ntime.sleep(25)") as stream:
        execution_id = next(iter(stream))["id"]
        reply = other.client.post("print(1)")
        assert reply.problem("upstream-capacity")["retry_after_ms"] > 0
        usage = other.client.usage()
        assert usage["executions"]["running"] == 0
        assert [(window["used_ms"], window["reserved_ms"]) for window in usage["runtime"]] == [(0, 0)]
    gateway.assert_settled(tenant, execution_id)
    bare_e2b.assert_gone(execution_id)
    assert other.client.execute("print(1)")["output"] == "1\n"
