"""Which SDKs these are, and what they have."""

import importlib.metadata

import e2b

VERSIONS = {name: importlib.metadata.version(name) for name in ("e2b", "e2b-code-interpreter")}

_NUMBER = tuple(int(part) for part in VERSIONS["e2b"].split(".")[:2])
IS_CURRENT = _NUMBER >= (2, 63)


def has(since: str | None) -> bool:
    """Whether this SDK has what came with that version of `e2b`."""
    return since is None or _NUMBER >= tuple(int(part) for part in since.split("."))


# What calls of a sandbox raise when it is gone, and of the API when it has no room: classes of their own in newer SDKs.
SANDBOX_GONE: type[Exception] = getattr(e2b, "SandboxNotRunningException", e2b.TimeoutException)
SERVICE_BUSY: type[Exception] = getattr(e2b, "ServiceBusyException", e2b.SandboxException)
