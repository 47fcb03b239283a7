"""What a cell prints, at whatever level: print(), os.write(1, ...), subprocesses, C code, forked children."""

import codecs
import datetime
import io
import os
import select
import sys
import threading
import time

LARGEST_PIECE = 64 << 10
"""Characters in one event, and bytes in a pipe; a cell that prints more waits for its reader."""
FLUSH_INTERVAL = 0.05
"""Seconds that text without an explicit flush may wait."""


class OutStream(io.TextIOBase):
    """sys.stdout or sys.stderr of the kernel; also owns the file descriptor of that number.

    Named and limited (it has no `buffer`) like the stream of E2B's kernel.
    """

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name, descriptor, events, printed):
        super().__init__()
        self.name = name
        self._descriptor = descriptor
        self._events = events
        self._printed = printed
        self._pieces = []
        self._length = 0
        self._in_child = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pipe, writer = os.pipe()
        os.set_blocking(self.pipe, False)
        os.dup2(writer, descriptor)
        os.close(writer)
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self):
        self._in_child = True

    def writable(self):
        return True

    def isatty(self):
        return False

    def fileno(self):
        return self._descriptor

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._in_child:
            # The parent reads it from the pipe, like the output of any other process.
            os.write(self._descriptor, text.encode("utf-8", "replace"))
        elif self._events.is_open:
            with self._events.exclusive():
                self.take_from_pipe()
                for start in range(0, len(text), LARGEST_PIECE):
                    self._append(text[start : start + LARGEST_PIECE])
        return len(text)

    def flush(self):
        if self._in_child:
            return
        with self._events.exclusive():
            self.take_from_pipe()
            self.send()

    def take_from_pipe(self):
        """Take what lies in the pipe now: one read, for a writer without end must not hold the lock."""
        try:
            data = os.read(self.pipe, LARGEST_PIECE)
        except BlockingIOError:
            return
        if text := self._decoder.decode(data):
            self._append(text)

    def send(self):
        text = "".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        if text:
            now = datetime.datetime.now(datetime.timezone.utc)
            self._events.send({"type": self.name, "text": text, "timestamp": now.isoformat()})

    @property
    def has_text(self):
        return self._length > 0

    def _append(self, text):
        self._pieces.append(text)
        self._length += len(text)
        if self._length >= LARGEST_PIECE:
            self.send()
        elif len(self._pieces) == 1:
            self._printed.notify()


class Output:
    """Both streams, and the two threads that keep them moving."""

    def __init__(self, events):
        self._events = events
        self._printed = threading.Condition(events.lock)
        self._opened = threading.Event()
        self._streams = [
            OutStream("stdout", 1, events, self._printed),
            OutStream("stderr", 2, events, self._printed),
        ]
        sys.stdout, sys.stderr = self._streams

    def start(self):
        threading.Thread(target=self._flush_regularly, daemon=True).start()
        threading.Thread(target=self._read_pipes, daemon=True).start()

    def open(self):
        self._events.error_was_sent = False
        self._events.is_open = True
        self._opened.set()

    def close(self, last):
        """Send the last event. What a background process writes from here on waits for the next execution."""
        self._opened.clear()
        with self._events.exclusive():
            self.flush()
            self._events.send(last)
            self._events.is_open = False

    def flush(self):
        """Everything printed so far, before whatever event comes next."""
        for stream in self._streams:
            stream.flush()

    def _flush_regularly(self):
        while True:
            with self._printed:
                self._printed.wait_for(lambda: any(stream.has_text for stream in self._streams))
            time.sleep(FLUSH_INTERVAL)
            with self._printed:
                for stream in self._streams:
                    stream.send()

    def _read_pipes(self):
        streams = {stream.pipe: stream for stream in self._streams}
        while True:
            self._opened.wait()
            readable, _, _ = select.select(list(streams), [], [], 1)
            for pipe in readable:
                with self._events.exclusive():
                    if self._events.is_open:
                        streams[pipe].take_from_pipe()
