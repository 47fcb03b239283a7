"""Stands between a gateway and its upstream: byte for byte, but for the faults that a test asks for."""

import asyncio
import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Self
from urllib.parse import urlsplit

from harness.faults import messages
from harness.faults.conduct import passed_on
from harness.faults.exchange import Exchange
from harness.faults.messages import Head
from harness.faults.record import Passage, Record
from harness.faults.rules import Fault, Rule, Rules


class FaultProxy:
    """Listens while the block lasts, on a thread of its own. Where no rule applies, everything passes unchanged."""

    def __init__(self, upstream: str):
        address = urlsplit(upstream)
        assert address.hostname and address.port
        self.record = Record()
        self.rules = Rules()
        # What went wrong here, not as a test told it.
        self.mishaps: list[BaseException] = []
        self._upstream = address.hostname, address.port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._listener: asyncio.Server | None = None
        # Keeps the port while nobody listens at it.
        self._port_holder = socket.socket()
        self._port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._port_holder.bind(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._port_holder.getsockname()[1]

    # For tests

    def fault(
        self,
        fault: Fault,
        on: str,
        *,
        nth: int | None = None,
        share: float = 1,
        seed: object = 0,
        times: int | None = None,
        where: Callable[[Mapping[str, str]], bool] | None = None,
    ) -> Rule:
        """From now on, until it is lifted: what befalls requests whose `METHOD path` has a match of `on`. See `Rule`."""
        return self.rules.add(Rule(on, fault, nth, share, times, where, random.Random(str(seed))))

    def lift(self, rule: Rule | None = None) -> None:
        self.rules.lift(rule)

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens, and what was connected is cut off, while the block lasts."""
        self._do(self._stop_listening())
        try:
            yield
        finally:
            self._do(self._listen())

    def cut_off(self) -> None:
        """Every connection that there is."""
        self._do(self._cut_off())

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._stop_listening())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._port_holder.close()
        assert not self.mishaps, self.mishaps

    def _do(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    # On its own thread

    async def _listen(self) -> None:
        address = urlsplit(self.url)
        self._listener = await self._loop.create_server(
            self._connection, address.hostname, address.port, reuse_address=True, backlog=512
        )

    async def _stop_listening(self) -> None:
        assert self._listener
        self._listener.close()
        await self._cut_off()

    async def _cut_off(self) -> None:
        for task, writer in list(self._connections.items()):
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connection(self) -> asyncio.StreamReaderProtocol:
        reader = _Reader(limit=messages.LONGEST_HEAD, loop=self._loop)
        return asyncio.StreamReaderProtocol(reader, self._connected, loop=self._loop)

    def _connected(self, reader: "_Reader", writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(self._connections.pop)

    async def _serve(self, reader: "_Reader", writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await messages.read_head(reader)) and await self._pass(head, reader, writer):
                pass
        except (OSError, EOFError):
            pass  # the gateway is gone
        finally:
            writer.close()

    async def _pass(self, head: Head, reader: "_Reader", writer: asyncio.StreamWriter) -> bool:
        """Returns whether another request may follow."""
        method, path, _ = head.first_line
        passage = self.record.add(Passage(method, path, frozenset(head.headers)))
        fault = self.rules.fault(method, path, head.headers)
        passage.was_faulted = fault is not None
        try:
            async with Exchange(head, reader, writer, self._upstream, passage) as exchange:
                conduct = self._loop.create_task((fault or passed_on)(exchange))
                leaving = self._loop.create_task(reader.ended.wait())
                try:
                    await asyncio.wait({conduct, leaving}, return_when=asyncio.FIRST_COMPLETED)
                    if conduct.done():
                        self._heed(conduct.exception(), exchange)
                    else:
                        passage.was_left = True
                        exchange.goes_on = False
                finally:
                    conduct.cancel(), leaving.cancel()
                    await asyncio.gather(conduct, leaving, return_exceptions=True)
            return exchange.goes_on
        finally:
            passage.is_over = True

    def _heed(self, failure: BaseException | None, exchange: Exchange) -> None:
        if failure is None:
            return
        # Upstream or the gateway broke off, of which the other has to know.
        exchange.reset()
        if not isinstance(failure, (OSError, EOFError)):
            self.mishaps.append(failure)


class _Reader(asyncio.StreamReader):
    """Tells at once that the other end has closed, whoever is reading."""

    def __init__(self, *, limit: int, loop: asyncio.AbstractEventLoop):
        super().__init__(limit=limit, loop=loop)
        self.ended = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.ended.set()

    def set_exception(self, exc: BaseException) -> None:
        super().set_exception(exc)
        self.ended.set()
