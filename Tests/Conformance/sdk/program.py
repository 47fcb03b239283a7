"""A program that uses an SDK through a door."""

import contextlib
import uuid
from typing import Any

import e2b

from harness.gateway import LocalE2B
from harness.waiting import eventually
from sdk.doors import Door
from sdk.styles import Async, Sync

# Longer than the run of the suite: nothing is to end by itself unless its test says so.
_LIFETIME = 600


class Program:
    """One SDK, sync or async, with the two variables set."""

    def __init__(self, door: Door, style: Sync | Async, upstream: LocalE2B):
        self.door, self.style, self.upstream = door, style, upstream
        self.Sandbox = style.Sandbox
        self.BaseSandbox = style.BaseSandbox
        self._shared: Any = None
        self._made: list[Any] = []

    def create(self, **options: Any) -> Any:
        """A sandbox that is killed at the end of the test, if it is not before."""
        sandbox = self.Sandbox.create(**({"timeout": _LIFETIME} | options))
        self._made.append(sandbox)
        return sandbox

    @property
    def shared(self) -> Any:
        """A running sandbox for tests that leave it as it was."""
        if self._shared is None:
            self._shared = self.Sandbox.create(timeout=_LIFETIME)
        return self._shared

    def folder(self, sandbox: Any) -> str:
        """A new folder in it, for one test."""
        path = f"/home/user/{uuid.uuid4().hex[:12]}"
        sandbox.files.make_dir(path)
        return path

    def end_of_test(self) -> None:
        while self._made:
            _kill(self._made.pop())

    def close(self) -> None:
        if self._shared is not None:
            _kill(self._shared)
        self.style.close()

    def real_tokens(self) -> set[str]:
        """Those of the sandboxes behind the gateway, which never come out."""
        return self.upstream.access_tokens()

    def is_gone(self, sandbox: Any) -> None:
        """Waits until nobody finds it any more."""
        eventually(lambda: not sandbox.is_running(), within=20, what=f"{sandbox.sandbox_id} is gone")


def _kill(sandbox: Any) -> None:
    # Its key may be revoked or its gateway stopped by now, in which case somebody else sees to it.
    with contextlib.suppress(e2b.SandboxException, e2b.AuthenticationException, OSError):
        sandbox.kill()
