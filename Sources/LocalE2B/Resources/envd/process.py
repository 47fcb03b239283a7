"""One process that a caller started, with its output, its input and its end."""

import asyncio
import base64
import collections
import contextlib
import errno
import fcntl
import os
import signal
import struct
import subprocess
import termios

from .paths import HOME, resolved
from .rpc import Failure, field, number, text

READ = 32 << 10
"""Bytes of output in one event."""
MOST_WAITING = 64
"""Events that may wait for a caller before the process has to."""
LARGEST_LEFTOVER = 1 << 20
SHORTAGES = {errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM}

# It gives way before envd when memory runs out; and a program that does not exist is its shell's complaint.
WRAPPER = ["/bin/sh", "-c", 'echo 100 2>/dev/null >/proc/$$/oom_score_adj; exec "$@"', "sh"]


class Process:
    def __init__(self, message, environment, finished):
        config = field(message, "process", dict, {})
        self._command = text(config, "cmd")
        self._arguments = [text({"args": argument}, "args") for argument in field(config, "args", list, [])]
        self._variables = variables(field(config, "envs", dict, {}))
        self._given_directory = text(config, "cwd", None)
        self._directory = resolved(self._given_directory or HOME)
        if not os.path.exists(self._directory):
            raise Failure("invalid_argument", f"cwd '{self._directory}' does not exist")
        self.tag = text(message, "tag", None)
        pty = field(message, "pty", dict, None)
        self._size = None if pty is None else window_size(field(pty, "size", dict, {}))
        self._takes_input = field(message, "stdin", bool, True)
        self._environment = os.environ | {"LOGNAME": "user"} | environment | self._variables
        self._finished = finished
        self._loop = asyncio.get_running_loop()
        self._outputs = {}
        """descriptor -> stdout, stderr or pty"""
        self._input = None
        self._input_lock = asyncio.Lock()
        self._input_waiter = None
        self._subscriptions = set()
        self._is_held = False
        self._was_signalled = False
        self._exit = None
        self.end = None
        self.deadline = None
        """What kills it when its time is over."""

    @property
    def description(self):
        """What a list says of it."""
        config = {"cmd": self._command, "args": self._arguments, "envs": self._variables}
        if self._given_directory is not None:
            config["cwd"] = self._given_directory
        tag = {} if self.tag is None else {"tag": self.tag}
        return {"config": config, "pid": self.pid} | tag

    # Start

    def start(self):
        with contextlib.ExitStack() as theirs:
            try:
                self._spawn(self._terminal(theirs) if self._size else self._pipes(theirs))
            except (OSError, ValueError) as error:
                for descriptor in {*self._outputs, self._input} - {None}:
                    os.close(descriptor)
                is_shortage = isinstance(error, OSError) and error.errno in SHORTAGES
                code = "resource_exhausted" if is_shortage else "invalid_argument"
                raise Failure(code, f"error starting process '{self._command}': {error}") from None
        for descriptor in self._outputs:
            self._loop.add_reader(descriptor, self._readable, descriptor)
        self._loop.add_reader(self._exit_watch, self._exited)

    def _spawn(self, streams):
        self._popen = subprocess.Popen(
            [*WRAPPER, self._command, *self._arguments],
            cwd=self._directory,
            env=self._environment,
            start_new_session=True,
            **streams,
        )
        self.pid = self._popen.pid
        try:
            self._exit_watch = os.pidfd_open(self.pid)
        except OSError:
            self._popen.kill()
            self._popen.wait()
            raise

    def _pipes(self, theirs):
        streams = {"stdin": subprocess.DEVNULL}
        for name in ("stdout", "stderr"):
            reader, writer = os.pipe()
            theirs.callback(os.close, writer)
            os.set_blocking(reader, False)
            self._outputs[reader] = name
            streams[name] = writer
        if self._takes_input:
            reader, self._input = os.pipe()
            theirs.callback(os.close, reader)
            os.set_blocking(self._input, False)
            streams["stdin"] = reader
        return streams

    def _terminal(self, theirs):
        ours, terminal = os.openpty()
        theirs.callback(os.close, terminal)
        os.set_blocking(ours, False)
        self._outputs[ours] = "pty"
        self._input = ours
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, self._size)

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        return {"stdin": terminal, "stdout": terminal, "stderr": terminal, "preexec_fn": take_terminal}

    # Output

    @contextlib.contextmanager
    def subscription(self):
        subscription = Subscription(self)
        self._subscriptions.add(subscription)
        if self.end:
            subscription.receive({"end": self.end})
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            self.caught_up()

    def _readable(self, descriptor):
        try:
            content = os.read(descriptor, READ)
        except BlockingIOError:
            return
        except OSError:
            content = b""  # a terminal that nobody holds any more
        if content:
            self._publish({"data": {self._outputs[descriptor]: base64.b64encode(content).decode()}})
        else:
            self._close_output(descriptor)
            self._end_if_over()

    def _publish(self, event):
        """To all who listen; what a process says while nobody does is lost, as at E2B."""
        for subscription in self._subscriptions:
            subscription.receive(event)
        if not self._is_held and any(subscription.is_behind for subscription in self._subscriptions):
            self._is_held = True
            for descriptor in self._outputs:
                self._loop.remove_reader(descriptor)

    def caught_up(self):
        """Somebody took what waited, or left: read on if nobody is behind any more."""
        if self._is_held and not any(subscription.is_behind for subscription in self._subscriptions):
            self._is_held = False
            for descriptor in self._outputs:
                self._loop.add_reader(descriptor, self._readable, descriptor)

    def _close_output(self, descriptor):
        self._loop.remove_reader(descriptor)
        del self._outputs[descriptor]
        if descriptor == self._input:
            self._close_input()
        else:
            os.close(descriptor)

    # Input

    async def write_stdin(self, content):
        if self._size:
            raise Failure("internal", "error writing to stdin: the process has a terminal, which takes the input")
        await self._write(content, "stdin")

    async def write_terminal(self, content):
        if not self._size:
            raise Failure("internal", "error writing to tty: tty not assigned to process")
        await self._write(content, "tty")

    async def _write(self, content, name):
        async with self._input_lock:
            rest = memoryview(content)
            while rest:
                if self._input is None:
                    raise Failure("internal", f"error writing to {name}: {name} not enabled or closed")
                try:
                    rest = rest[os.write(self._input, rest) :]
                except BlockingIOError:
                    await self._writable()
                except OSError as error:
                    raise Failure("internal", f"error writing to {name}: {error.strerror}") from None

    async def _writable(self):
        ready = self._loop.create_future()
        descriptor = self._input
        self._loop.add_writer(descriptor, lambda: ready.done() or ready.set_result(None))
        self._input_waiter = ready
        try:
            await ready
        finally:
            self._input_waiter = None
            if self._input == descriptor:
                self._loop.remove_writer(descriptor)

    async def close_stdin(self):
        if self._size:
            raise Failure("unknown", "error closing stdin: a terminal has none; send Ctrl+D (0x04) instead")
        async with self._input_lock:
            if self._input is not None:
                self._close_input()

    def _close_input(self):
        self._loop.remove_writer(self._input)
        os.close(self._input)
        self._input = None
        if self._input_waiter and not self._input_waiter.done():
            self._input_waiter.set_result(None)

    def resize(self, size):
        if not self._size or self._input is None:
            raise Failure("internal", "error resizing tty: tty not assigned to process")
        fcntl.ioctl(self._input, termios.TIOCSWINSZ, window_size(size))

    # End

    def signal(self, number):
        """To this process alone, as envd does it; its output is not waited for after that."""
        self._was_signalled = True
        if self._exit is None:
            try:
                os.kill(self.pid, number)
            except OSError as error:
                raise Failure("internal", f"error sending signal: {error.strerror}") from None
        self._end_if_over()

    def kill_if_running(self):
        if self.end is None:
            self.signal(signal.SIGKILL)

    def _exited(self):
        self._exit = self._popen.poll()
        if self._exit is None:
            return
        self._loop.remove_reader(self._exit_watch)
        os.close(self._exit_watch)
        self._end_if_over()

    def _end_if_over(self):
        """A process is over when it has ended and so has its output, which a child of it may hold open."""
        if self.end or self._exit is None or (self._outputs and not self._was_signalled):
            return
        self._take_leftovers()
        if self._input is not None:
            self._close_input()
        self.end = end_event(self._exit)
        self._publish({"end": self.end})
        self._finished(self, self.end)

    def _take_leftovers(self):
        for descriptor in list(self._outputs):
            taken = 0
            while descriptor in self._outputs and taken < LARGEST_LEFTOVER:
                try:
                    content = os.read(descriptor, READ)
                except OSError:
                    break
                if not content:
                    break
                taken += len(content)
                self._publish({"data": {self._outputs[descriptor]: base64.b64encode(content).decode()}})
            self._close_output(descriptor)


class Subscription:
    """What one caller still has to be told."""

    def __init__(self, process):
        self._process = process
        self._events = collections.deque()
        self._arrived = asyncio.Event()

    @property
    def is_behind(self):
        return len(self._events) >= MOST_WAITING

    def receive(self, event):
        self._events.append(event)
        self._arrived.set()

    async def events(self, keepalive):
        """Up to the end; a sign of life after so many silent seconds."""
        while True:
            while self._events:
                event = self._events.popleft()
                self._process.caught_up()
                yield event
                if "end" in event:
                    return
            self._arrived.clear()
            try:
                async with asyncio.timeout(keepalive):
                    await self._arrived.wait()
            except TimeoutError:
                yield {"keepalive": {}}


def end_event(code):
    """How a process ended, in the words of Go."""
    if code >= 0:
        end = {"exitCode": code, "exited": True, "status": f"exit status {code}"}
    else:
        name = (signal.strsignal(-code) or f"signal {-code}").lower()
        end = {"exitCode": -1, "exited": False, "status": f"signal: {name}"}
    return end if code == 0 else end | {"error": end["status"]}


def variables(given):
    for name in given:
        text(given, name)
        if not text({"name": name}, "name") or "=" in name:
            raise Failure("invalid_argument", "a name or value is not possible in an environment")
    return {name: value for name, value in given.items() if value is not None}


def window_size(size):
    """For TIOCSWINSZ."""
    return struct.pack("HHHH", min(number(size, "rows"), 0xFFFF), min(number(size, "cols"), 0xFFFF), 0, 0)
