"""envd, as far as a sandbox of the local E2B has it: processes, files, and what else answers at port 49983.

Started by the supervisor when the first request comes. Each request has a socket of its own, which the
supervisor hands over (`SCM_RIGHTS`) through a socket of its own; nothing here listens to anybody. Who may ask is
judged by the server before a request gets here: everything in a sandbox is open to the code that runs in it,
this program included.
"""

import asyncio
import logging
import os
import socket
import sys

from . import files, health
from .exchange import Exchange, Gone, Refusal
from .filesystem import Filesystem
from .processes import Processes
from .rpc import Services

MOST_OPEN = 128
"""Exchanges at once; the server keeps to the same limit."""


class Envd:
    def __init__(self):
        self._exchanges = set()
        self._services = Services({"process.Process": Processes(), "filesystem.Filesystem": Filesystem()})

    async def run(self, descriptor):
        loop = asyncio.get_running_loop()
        # A caller who leaves is nothing to complain about, and nobody reads complaints.
        loop.set_exception_handler(lambda loop, context: None)
        handover = socket.socket(fileno=descriptor)
        handover.setblocking(False)
        ended = loop.create_future()
        loop.add_reader(handover, self._accept, handover, ended)
        await ended

    def _accept(self, handover, ended):
        try:
            packet, descriptors, _, _ = socket.recv_fds(handover, 1, 1)
        except BlockingIOError:
            return
        if not packet:
            ended.set_result(None)  # the supervisor is gone, and the sandbox with it
            return
        for descriptor in descriptors:
            connection = socket.socket(fileno=descriptor)
            if len(self._exchanges) >= MOST_OPEN:
                connection.close()
                continue
            task = asyncio.get_running_loop().create_task(self._serve(connection))
            self._exchanges.add(task)
            task.add_done_callback(self._exchanges.discard)

    async def _serve(self, connection):
        connection.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=connection, limit=128 << 10)
        try:
            async with Exchange(reader, writer) as exchange:
                try:
                    await self._answer(exchange)
                except Refusal as refusal:
                    await exchange.refuse(refusal)
                except (Gone, ConnectionError):
                    raise
                except Exception as error:  # out of memory, of threads, of files: user code shares them
                    await exchange.refuse(Refusal(500, f"{type(error).__name__}: {error}"))
        except (Gone, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, exchange):
        match exchange.path:
            case "/files":
                await files.answer(exchange)
            case "/envs":
                await exchange.reply_json(exchange.environment, {"cache-control": "no-store"})
            case "/metrics":
                await exchange.reply_json(health.metrics(), {"cache-control": "no-store"})
            case _:
                await self._services.answer(exchange)


if __name__ == "__main__":
    logging.disable()
    handover = int(sys.argv[1])
    os.set_inheritable(handover, False)
    asyncio.run(Envd().run(handover))
