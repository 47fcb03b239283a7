"""The sync and the async SDK behind one set of words, so that each behaviour is written down once.

What the two SDKs do alike a test calls as the sync one has it: `sandbox.files.read(path)`. Where they differ (who gets
the output of a command, how a directory is watched) the style has a method of its own.
"""

import asyncio
import concurrent.futures
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import e2b
import e2b_code_interpreter as code_interpreter


class Sync:
    """`e2b_code_interpreter.Sandbox`."""

    name = "sync"

    def __init__(self) -> None:
        self.Sandbox: Any = code_interpreter.Sandbox
        self.BaseSandbox: Any = e2b.Sandbox
        self.Template, self.Volume, self.Secret = e2b.Template, e2b.Volume, e2b.Secret

    def start(self, commands: Any, command: str, *, on_stdout: Callable | None = None, **options: Any) -> "Started":
        handle = commands.run(command, background=True, **options)
        return Started(handle, lambda: handle.wait(on_stdout=on_stdout))

    def terminal(self, pty: Any, size: e2b.PtySize, **options: Any) -> "Terminal":
        return self._shown(pty.create(size, **options))

    def join_terminal(self, pty: Any, pid: int) -> "Terminal":
        return self._shown(pty.connect(pid))

    def _shown(self, handle: Any) -> "Terminal":
        shown: list[bytes] = []
        return Terminal(handle, shown, beside(lambda: handle.wait(on_pty=shown.append)))

    def stream_input(self, commands: Any, pid: int, chunks: Iterable[str]) -> None:
        commands.stream_input(pid, chunks)

    def chunks(self, pieces: Iterable[bytes]) -> Iterable[bytes]:
        """What `files.write` takes for a body that is made as it is sent."""
        return iter(pieces)

    def watch(self, files: Any, path: str, **options: Any) -> "Watch":
        handle = files.watch_dir(path, **options)
        return Watch(handle.get_new_events, handle.stop)

    def close(self) -> None:
        pass


class Async:
    """`e2b_code_interpreter.AsyncSandbox`, its coroutines awaited on a loop in a thread of its own."""

    name = "async"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.Sandbox: Any = _Awaited(code_interpreter.AsyncSandbox, self)
        self.BaseSandbox: Any = _Awaited(e2b.AsyncSandbox, self)
        self.Template, self.Volume, self.Secret = (
            _Awaited(kind, self) for kind in (e2b.AsyncTemplate, e2b.AsyncVolume, e2b.AsyncSecret)
        )

    def start(self, commands: Any, command: str, **options: Any) -> "Started":
        handle = commands.run(command, background=True, **options)
        return Started(handle, handle.wait)

    def terminal(self, pty: Any, size: e2b.PtySize, **options: Any) -> "Terminal":
        shown: list[bytes] = []
        handle = pty.create(size, on_data=shown.append, **options)
        return Terminal(handle, shown, beside(handle.wait))

    def join_terminal(self, pty: Any, pid: int) -> "Terminal":
        shown: list[bytes] = []
        handle = pty.connect(pid, on_data=shown.append)
        return Terminal(handle, shown, beside(handle.wait))

    def stream_input(self, commands: Any, pid: int, chunks: Iterable[str]) -> None:
        stream = commands.stream_input(pid)
        for chunk in chunks:
            stream.send(chunk)
        stream.close()

    def chunks(self, pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
        async def each() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        return each()

    def watch(self, files: Any, path: str, **options: Any) -> "Watch":
        seen: list[Any] = []
        handle = files.watch_dir(path, on_event=seen.append, **options)

        def take() -> list[Any]:
            taken = list(seen)
            del seen[: len(taken)]
            return taken

        return Watch(take, handle.stop)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    # How a value of the async SDK is made to look like one of the sync SDK

    def on_loop(self, function: Callable[[], Any]) -> Any:
        """Calls on the loop, where the SDK expects to be, and awaits what comes of it."""

        async def called() -> Any:
            value = function()
            return await value if inspect.isawaitable(value) else value

        return self.blocking(asyncio.run_coroutine_threadsafe(called(), self._loop).result())

    def blocking(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.blocking(one) for one in value]
        is_live = type(value).__module__.startswith("e2b.sandbox_async") or type(value).__name__.startswith("Async")
        return _Awaited(value, self) if is_live else value


class _Awaited:
    """An object of the async SDK, or its class, which answers when it is done."""

    def __init__(self, subject: Any, style: Async):
        self._subject, self._style = subject, style

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._subject, name)
        if not callable(value):
            return self._style.blocking(value)
        return lambda *arguments, **options: self._style.on_loop(lambda: value(*arguments, **options))

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._style.on_loop(lambda: self._subject(*arguments, **options))

    def __enter__(self) -> "_Awaited":
        self._style.on_loop(self._subject.__aenter__)
        return self

    def __exit__(self, *reason: object) -> None:
        self._style.on_loop(lambda: self._subject.__aexit__(*reason))

    def __iter__(self) -> Iterator[Any]:
        end = object()

        async def following() -> Any:
            return await anext(self._subject, end)

        while (value := self._style.on_loop(following)) is not end:
            yield value


# What a style gives


class Started:
    """A command that runs."""

    def __init__(self, handle: Any, wait: Callable[[], Any]):
        self.handle, self.wait = handle, wait
        self.pid: int = handle.pid


class Terminal:
    """A pseudo-terminal, what it showed so far, and what `wait` will have said at its end."""

    def __init__(self, handle: Any, shown: list[bytes], end: concurrent.futures.Future):
        self.handle, self._shown, self.end = handle, shown, end
        self.pid: int = handle.pid

    @property
    def shown(self) -> str:
        return b"".join(self._shown).decode(errors="replace")


class Watch:
    """A directory that is watched."""

    def __init__(self, take: Callable[[], list[Any]], stop: Callable[[], None]):
        self._take, self.stop = take, stop
        self._events: list[Any] = []

    @property
    def events(self) -> list[Any]:
        """All so far."""
        self._events += self._take()
        return self._events


_threads = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="beside")


def beside(function: Callable[[], Any]) -> concurrent.futures.Future:
    """Calls while the test goes on."""
    return _threads.submit(function)


STYLES = {style.name: style for style in (Sync, Async)}
