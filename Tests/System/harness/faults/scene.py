"""A gateway, the local E2B, and the proxy between them; and what has to hold whatever went wrong."""

from harness.client import Reply
from harness.faults.proxy import FaultProxy
from harness.gateway import Gateway, LocalE2B, Tenant
from harness.sandboxes import Door
from harness.waiting import eventually

# What the gateway asks of upstream, as rules name it.
CREATE, DESTROY, EXECUTE = r"^POST (/v2)?/sandboxes$", r"^DELETE /sandboxes/", r"^POST /execute$"

# The timeout of an execution, in seconds.
TIMEOUT = 2
# Longer than any call takes, in seconds, whose execution has such a timeout and that meets no fault that hangs.
PROMPT = 15
QUOTA = (
    "--timeout", f"{TIMEOUT}s", "--rate", "10000/s", "--burst", "10000", "--executions", "50", "--sandboxes", "50",
    "--runtime", "86400s/day",
)  # fmt: skip

# A template that upstream does not have.
_NOWHERE = "no-such-template"

# What the audit knows of a refusal that callers are told less of.
_EXACTER = {
    "upstream-broken": ("upstream_unreachable", "sandbox_gone"),
    "upstream-refused": ("upstream_capacity",),
    "upstream-unreachable": ("upstream_suspended",),
}


class Scene:
    """What a test of faults plays on; new tenants may run code for 2 s."""

    def __init__(self, gateway: Gateway, proxy: FaultProxy, e2b: LocalE2B):
        self.gateway, self.proxy, self.e2b = gateway, proxy, e2b
        gateway.command("quota", "set", "--default", *QUOTA)
        self._onlooker = gateway.tenant("--template", _NOWHERE)
        # Other gateways' leftovers are not this one's.
        self._others = set(e2b.sandboxes())

    def tenant(self) -> Tenant:
        return self.gateway.tenant()

    def door(self) -> Door:
        return Door(self.tenant())

    def sandboxes(self) -> set[str]:
        """What upstream holds for this gateway, asked beside the proxy."""
        return set(self.e2b.sandboxes()) - self._others

    def executions(self, tenant: Tenant) -> list[str]:
        """Those of a tenant that were admitted, in order."""
        lines = self.gateway.json_command("audit", "search", "--tenant", tenant.name, "--limit", "1000")
        records = [line["record"] for line in lines]
        return [record["execution"] for record in records if record["action"] == "execution.admitted"]

    def assert_nothing_left(self, *but: str, within: float = 10) -> None:
        eventually(
            lambda: self.sandboxes() <= set(but), within=within, pause=0.05, what="no sandbox is left that nobody knows"
        )

    def assert_well(self) -> None:
        """Once no fault is left, the next create is understood: it is one that upstream refuses, since sandboxes take time.
        It is also an answer, so that failures before it are no reason for the breaker to open."""
        reply = self._onlooker.client.post("print(1)", template=_NOWHERE)
        assert reply.problem("upstream-refused")["status"] == 502

    def assert_free(self, tenant: Tenant) -> int:
        """Nothing runs and nothing is reserved. The milliseconds charged so far."""
        usage = tenant.client.usage()
        assert usage["executions"]["running"] == usage["sandboxes"]["running"] == 0
        [window] = usage["runtime"]
        assert window["reserved_ms"] == 0
        return window["used_ms"]

    def assert_outcome(self, execution_id: str, outcome: str, slug: str) -> None:
        """One record of the intent, one of the outcome, whose reason is what the caller was told, or more exact."""
        intent, end = (line["record"] for line in self.gateway.audit(execution_id))
        assert (intent["action"], end["action"]) == ("execution.admitted", "execution.finished")
        assert end["outcome"] == outcome
        assert end["reason"] in {slug.replace("-", "_"), *_EXACTER.get(slug, ())}, end

    def assert_refused(self, reply: Reply, status: int, slug: str, *, may_retry: bool = False) -> dict:
        """As a problem of this type, which says whether to come again."""
        problem = reply.problem(slug)
        assert reply.status == status, problem
        assert reply.headers.get("should-retry") == (None if may_retry else "false")
        assert ("retry-after" in reply.headers) == may_retry
        return problem

    def end(self) -> None:
        """Stops the gateway; its books must be in order."""
        self.gateway.stop()
        assert "Sound" in self.gateway.command("ledger", "check")
