"""The TypeScript client under Node, against the running gateway."""

import subprocess

from harness.gateway import Gateway
from harness.service import ROOT, environment
from harness.waiting import eventually

CLIENT = ROOT / "clients/typescript"


def test_the_typescript_client(gateway: Gateway) -> None:
    tenant = gateway.tenant("--rate", "1000/s", "--burst", "1000")
    done = subprocess.run(
        ["node", "--test", *map(str, sorted(CLIENT.glob("test/*.test.js")))],
        cwd=CLIENT,
        env=environment(GATEWAY_URL=gateway.url, GATEWAY_TOKEN=tenant.token),
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
    assert "# skipped 0" in done.stdout
    eventually(lambda: tenant.client.usage()["executions"]["running"] == 0, within=5, what="all are settled")
