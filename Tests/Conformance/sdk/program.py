"""A program that uses an SDK through a door."""

import contextlib
import functools
import uuid
from typing import Any

import e2b
import httpx

from harness.gateway import Gateway, LocalE2B, Tenant
from harness.waiting import eventually
from sdk.doors import Door
from sdk.styles import Async, Sync

# Longer than the run of the suite: nothing is to end by itself unless its test says so.
LIFETIME = 900


class Program:
    """One SDK, sync or async, with the two variables set."""

    def __init__(self, door: Door, style: Sync | Async, upstream: LocalE2B, tenant: Tenant | None = None):
        """`tenant` is whose token the key is; there is none without a gateway."""
        self.door, self.style, self.upstream, self._tenant = door, style, upstream, tenant
        self.Sandbox = style.Sandbox
        self.BaseSandbox = style.BaseSandbox
        self.Template, self.Volume, self.Secret = style.Template, style.Volume, style.Secret
        # Metadata of the two below and of nothing else; of characters that are encoded three times on the way.
        self.label = {"run id": f"{uuid.uuid4()} & a=b ☃ 100%"}
        self._lasting: list[Any] = []
        self._made: list[Any] = []

    @property
    def tenant(self) -> Tenant:
        assert self._tenant, "this test is for the gateway"
        return self._tenant

    @property
    def gateway(self) -> Gateway:
        return self.tenant.gateway

    @functools.cached_property
    def first(self) -> Any:
        """A running sandbox for tests that leave it as it was: to make one takes seconds."""
        return self._last()

    @functools.cached_property
    def second(self) -> Any:
        """Another, for tests that need two."""
        assert self.first
        return self._last()

    def _last(self) -> Any:
        self._lasting.append(self.Sandbox.create(timeout=LIFETIME, metadata=self.label))
        return self._lasting[-1]

    def create(self, **options: Any) -> Any:
        """A sandbox that is killed at the end of the test, if it is not before."""
        self._made.append(self.Sandbox.create(**({"timeout": LIFETIME} | options)))
        return self._made[-1]

    def folder(self, sandbox: Any) -> str:
        """A new folder in it, for one test."""
        path = f"/home/user/{uuid.uuid4().hex[:12]}"
        sandbox.files.make_dir(path)
        return path

    def real_tokens(self) -> set[str]:
        """Those of the sandboxes behind the gateway, which never come out."""
        return self.upstream.access_tokens()

    def wait_until_gone(self, sandbox: Any) -> None:
        def is_gone() -> bool:
            # A call that is on its way in the moment of the end may be broken off.
            with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError):
                return not sandbox.is_running()
            return False

        eventually(is_gone, within=20, what=f"{sandbox.sandbox_id} is gone")

    def end_of_test(self) -> None:
        while self._made:
            _kill(self._made.pop())

    def close(self) -> None:
        for sandbox in self._lasting:
            _kill(sandbox)
        self.style.close()


def _kill(sandbox: Any) -> None:
    # Its key may be revoked or its gateway stopped by now, in which case somebody else sees to it.
    with contextlib.suppress(e2b.SandboxException, e2b.AuthenticationException, httpx.TransportError):
        sandbox.kill()
