"""envd's Process service: start, connect, list, input, signals, terminals."""

import asyncio
import time

from .process import Process
from .rpc import Failure, data, field, number, text

MOST_PROCESSES = 64
RETENTION_SECONDS = 30
"""How long the end of a process is remembered for those who connect late."""

SIGNALS = {"SIGNAL_SIGTERM": 15, "SIGNAL_SIGKILL": 9, 15: 15, 9: 9}


class Processes:
    def __init__(self):
        self._live = {}
        """process id -> Process"""
        self._ended = {}
        """process id -> (tag, end event, when)"""
        self.unary = {
            "List": self.list,
            "SendInput": self.send_input,
            "SendSignal": self.send_signal,
            "CloseStdin": self.close_stdin,
            "Update": self.update,
        }
        self.streams = {"Start": self.start, "Connect": self.connect}
        self.inputs = {"StreamInput": self.stream_input}

    async def start(self, message, call):
        if len(self._live) >= MOST_PROCESSES:
            raise Failure("resource_exhausted", f"the sandbox runs {MOST_PROCESSES} processes, and may run no more")
        process = Process(message, call.environment, self._finished)
        process.start()
        self._live[process.pid] = process
        self._forget(process.pid, process.tag)
        if call.timeout:
            # Whether anybody still listens or not.
            process.deadline = asyncio.get_running_loop().call_later(call.timeout, process.kill_if_running)
        await self._relay(process, call)

    async def connect(self, message, call):
        selector = field(message, "process", dict, {})
        try:
            process = self._find(selector)
        except Failure:
            pid, end = self._find_ended(selector)
            if end is None:
                raise
            await call.send({"event": {"start": {"pid": pid}}})
            await call.send({"event": {"end": end}})
            return
        await self._relay(process, call)

    async def _relay(self, process, call):
        """Everything the process says from here on; it lives on when the caller leaves."""
        with process.subscription() as subscription:
            await call.send({"event": {"start": {"pid": process.pid}}})
            async for event in subscription.events(call.keepalive):
                await call.send({"event": event})

    async def list(self, message, call):
        return {"processes": [process.description for process in self._live.values()]}

    async def send_input(self, message, call):
        process = self._find(field(message, "process", dict, {}))
        await self._feed(process, field(message, "input", dict, {}))
        return {}

    async def stream_input(self, messages, call):
        process = None
        async for message in messages:
            if "start" in message:
                process = self._find(field(field(message, "start", dict, {}), "process", dict, {}))
            elif "data" in message:
                if process is None:
                    raise Failure("invalid_argument", "the first message has to say which process the input is for")
                await self._feed(process, field(field(message, "data", dict, {}), "input", dict, {}))
            elif "keepalive" not in message:
                raise Failure("unimplemented", "invalid event type")
        return {}

    async def _feed(self, process, given):
        if "pty" in given:
            await process.write_terminal(data(given, "pty"))
        elif "stdin" in given:
            await process.write_stdin(data(given, "stdin"))
        else:
            raise Failure("unimplemented", "invalid input type")

    async def send_signal(self, message, call):
        process = self._find(field(message, "process", dict, {}))
        name = message.get("signal")
        signal = SIGNALS.get(name) if isinstance(name, (str, int)) else None
        if signal is None:
            raise Failure("unimplemented", f"invalid signal: {name}")
        process.signal(signal)
        return {}

    async def close_stdin(self, message, call):
        await self._find(field(message, "process", dict, {})).close_stdin()
        return {}

    async def update(self, message, call):
        process = self._find(field(message, "process", dict, {}))
        if pty := field(message, "pty", dict, None):
            process.resize(field(pty, "size", dict, {}))
        return {}

    # Which process

    def _find(self, selector):
        if "pid" in selector:
            pid = number(selector, "pid")
            if process := self._live.get(pid):
                return process
            raise Failure("not_found", f"process with pid {pid} not found")
        if "tag" in selector:
            tag = text(selector, "tag")
            for process in self._live.values():
                if process.tag == tag:
                    return process
            raise Failure("not_found", f"process with tag {tag} not found")
        raise Failure("unimplemented", "a process is selected by its pid or its tag")

    def _find_ended(self, selector):
        oldest = time.monotonic() - RETENTION_SECONDS
        self._ended = {pid: entry for pid, entry in self._ended.items() if entry[2] > oldest}
        for pid, (tag, end, _) in self._ended.items():
            if selector.get("pid") == pid or ("tag" in selector and selector["tag"] == tag):
                return pid, end
        return None, None

    def _finished(self, process, end):
        del self._live[process.pid]
        if process.deadline:
            process.deadline.cancel()
        self._find_ended({})  # forgets those of long ago
        self._ended[process.pid] = (process.tag, end, time.monotonic())

    def _forget(self, pid, tag):
        """A new process takes over its number and its tag."""
        self._ended = {
            old: entry for old, entry in self._ended.items() if old != pid and (tag is None or entry[0] != tag)
        }
