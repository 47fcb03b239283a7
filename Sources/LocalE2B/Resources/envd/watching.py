"""Directories under watch, with the kernel's inotify."""

import asyncio
import collections
import ctypes
import os
import secrets
import struct

from .paths import entry, failure, presentable, resolved
from .rpc import Failure, field, text

MOST_WATCHERS = 32
MOST_DIRECTORIES = 4096
"""Under one watcher."""
MOST_EVENTS = 10_000
"""That may wait to be fetched."""

MODIFY, ATTRIB, MOVED_FROM, MOVED_TO = 0x2, 0x4, 0x40, 0x80
CREATE, DELETE, DELETE_SELF, MOVE_SELF = 0x100, 0x200, 0x400, 0x800
OVERFLOW, IGNORED, ONLY_DIRECTORIES, IS_DIRECTORY = 0x4000, 0x8000, 0x1000000, 0x40000000
INTEREST = MODIFY | ATTRIB | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF | ONLY_DIRECTORIES

EVENTS = [
    (CREATE | MOVED_TO, "EVENT_TYPE_CREATE"),
    (MOVED_FROM | MOVE_SELF, "EVENT_TYPE_RENAME"),
    (ATTRIB, "EVENT_TYPE_CHMOD"),
    (MODIFY, "EVENT_TYPE_WRITE"),
    (DELETE | DELETE_SELF, "EVENT_TYPE_REMOVE"),
]
WITH_ENTRY = {"EVENT_TYPE_CREATE", "EVENT_TYPE_WRITE", "EVENT_TYPE_CHMOD"}

libc = ctypes.CDLL(None, use_errno=True)


def called(function, *arguments):
    result = function(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class Watchers:
    """Those who fetch events by a watcher's id, and those to whom they are streamed."""

    def __init__(self):
        self._watchers = {}
        self._open = 0

    async def create(self, message, call):
        watcher = self._make(message)
        identifier = "w" + secrets.token_hex(10)
        self._watchers[identifier] = watcher
        return {"watcherId": identifier}

    async def events(self, message, call):
        return {"events": self._find(message).taken()}

    async def remove(self, message, call):
        watcher = self._find(message)
        del self._watchers[message["watcherId"]]
        self._close(watcher)
        return {}

    async def stream(self, message, call):
        watcher = self._make(message)
        try:
            await call.send({"start": {}})
            while True:
                try:
                    async with asyncio.timeout(call.keepalive):
                        await watcher.arrived.wait()
                except TimeoutError:
                    await call.send({"keepalive": {}})
                for event in watcher.taken():
                    await call.send({"filesystem": event})
        finally:
            self._close(watcher)

    def _make(self, message):
        path = resolved(text(message, "path"))
        if not os.path.exists(path):
            raise Failure("not_found", f"path {path} not found")
        if not os.path.isdir(path):
            raise Failure("invalid_argument", f"path {path} not a directory")
        if self._open >= MOST_WATCHERS:
            raise Failure("resource_exhausted", f"the sandbox has {MOST_WATCHERS} watchers, and may have no more")
        watcher = Watcher(path, field(message, "recursive", bool, False), field(message, "includeEntry", bool, False))
        self._open += 1
        return watcher

    def _close(self, watcher):
        watcher.close()
        self._open -= 1

    def _find(self, message):
        identifier = text(message, "watcherId")
        if watcher := self._watchers.get(identifier):
            return watcher
        raise Failure("not_found", f"watcher with id {identifier} not found")


class Watcher:
    def __init__(self, path, is_recursive, includes_entries):
        self._path = path
        self._is_recursive = is_recursive
        self._includes_entries = includes_entries
        self._directories = {}
        """watch descriptor -> path"""
        self._events = collections.deque()
        self._failure = None
        self.arrived = asyncio.Event()
        try:
            self._inotify = called(libc.inotify_init1, os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise failure("error creating watcher", error) from None
        try:
            self._add(path)
            if is_recursive:
                self._add_below(path)
        except (OSError, Failure) as error:
            os.close(self._inotify)
            if isinstance(error, Failure):
                raise
            raise failure(f"error adding path {path} to watcher", error) from None
        asyncio.get_running_loop().add_reader(self._inotify, self._readable)

    def close(self):
        asyncio.get_running_loop().remove_reader(self._inotify)
        os.close(self._inotify)

    def taken(self):
        """What happened since this was asked last."""
        if self._failure:
            raise self._failure
        events = list(self._events)
        self._events.clear()
        self.arrived.clear()
        return events

    def _add(self, path):
        if len(self._directories) >= MOST_DIRECTORIES:
            raise Failure("resource_exhausted", f"more than {MOST_DIRECTORIES} directories to watch")
        self._directories[called(libc.inotify_add_watch, self._inotify, os.fsencode(path), INTEREST)] = path

    def _add_below(self, path, found=None):
        """Watches the directories below; with `found`, tells of what is there already."""
        for directory, directories, files in os.walk(path):
            for name in directories:
                below = f"{directory}/{name}"
                if not os.path.islink(below):
                    self._add(below)
            for name in directories + files if found else ():
                found(f"{directory}/{name}")

    def _readable(self):
        try:
            content = os.read(self._inotify, 64 << 10)
        except BlockingIOError:
            return
        position = 0
        while position < len(content):
            watch, mask, _, length = struct.unpack_from("iIII", content, position)
            name = content[position + 16 : position + 16 + length].rstrip(b"\0")
            position += 16 + length
            self._happened(watch, mask, os.fsdecode(name))

    def _happened(self, watch, mask, name):
        if mask & OVERFLOW:
            self._fail("more happened than could be told")
        directory = self._directories.get(watch)
        if mask & IGNORED:
            self._directories.pop(watch, None)
        if directory is None or mask & (IGNORED | OVERFLOW):
            return
        if not name and directory != self._path:
            return  # of a directory within, its parent tells
        path = f"{directory}/{name}" if name else directory
        for bits, kind in EVENTS:
            if mask & bits:
                self._tell(path, kind)
        if mask & IS_DIRECTORY and mask & MOVED_FROM:
            self._unwatch(path)
        if self._is_recursive and mask & IS_DIRECTORY and mask & (CREATE | MOVED_TO):
            self._follow(path)

    def _follow(self, path):
        """A directory that has come into being, in which something may have happened before it was watched."""
        try:
            self._add(path)
            self._add_below(path, found=lambda found: self._tell(found, "EVENT_TYPE_CREATE"))
        except Failure as failure:
            self._fail(failure.message)
        except OSError:
            pass  # it is gone again

    def _unwatch(self, path):
        """A directory that is elsewhere now, with all in it: its paths are no longer true."""
        for watch, directory in list(self._directories.items()):
            if directory == path or directory.startswith(path + "/"):
                libc.inotify_rm_watch(self._inotify, watch)
                del self._directories[watch]

    def _tell(self, path, kind):
        event = {"name": presentable(os.path.relpath(path, self._path)), "type": kind}
        if self._includes_entries and kind in WITH_ENTRY:
            try:
                event["entry"] = entry(path)
            except Failure:
                pass  # it is gone again
        if len(self._events) >= MOST_EVENTS:
            self._fail(f"more than {MOST_EVENTS} events wait to be fetched")
        else:
            self._events.append(event)
        self.arrived.set()

    def _fail(self, message):
        self._failure = Failure("resource_exhausted", f"watcher error: {message}")
        self.arrived.set()
