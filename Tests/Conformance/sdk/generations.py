"""Which SDKs these are, and what they have."""

import importlib.metadata
import inspect

import e2b

VERSIONS = {name: importlib.metadata.version(name) for name in ("e2b", "e2b-code-interpreter")}

_NUMBER = tuple(int(part) for part in VERSIONS["e2b"].split(".")[:2])
IS_CURRENT = _NUMBER >= (2, 63)


def has(since: str | None) -> bool:
    """Whether this SDK has what came with that version of `e2b`."""
    return since is None or _NUMBER >= tuple(int(part) for part in since.split("."))


def sandbox_gone() -> type[Exception]:
    """What a data-plane call raises when its sandbox is gone: a class of its own since 2.49, of the older one."""
    return getattr(e2b, "SandboxNotRunningException", e2b.TimeoutException)


def service_busy() -> type[Exception]:
    return getattr(e2b, "ServiceBusyException", e2b.SandboxException)


def creates_by_itself(parameter: str) -> bool:
    return parameter in inspect.signature(e2b.Sandbox.create).parameters
