"""envd's Filesystem service: stat, list, make, move, remove, watch."""

import errno
import os
import shutil

from .paths import blocking, entry, failure, make_directories, presentable, resolved
from .rpc import Failure, number, text
from .watching import Watchers

MOST_ENTRIES = 100_000


class Filesystem:
    def __init__(self):
        watchers = Watchers()
        self.unary = {
            "Stat": self.stat,
            "ListDir": self.list,
            "MakeDir": self.make,
            "Move": self.move,
            "Remove": self.remove,
            "CreateWatcher": watchers.create,
            "GetWatcherEvents": watchers.events,
            "RemoveWatcher": watchers.remove,
        }
        self.streams = {"WatchDir": watchers.stream}
        self.inputs = {}

    async def stat(self, message, call):
        return {"entry": entry(resolved(text(message, "path")))}

    async def list(self, message, call):
        path = resolved(text(message, "path"))
        depth = number(message, "depth") or 1
        if os.path.lexists(path) and not os.path.exists(path):
            raise Failure("failed_precondition", f"a symbolic link that leads nowhere: {path}")
        if not os.path.exists(path):
            raise Failure("not_found", f"path not found: {path}")
        if not os.path.isdir(path):
            raise Failure("invalid_argument", f"path is not a directory: {path}")
        return {"entries": await blocking(walk, path, depth)}

    async def make(self, message, call):
        path = resolved(text(message, "path"))
        if os.path.isdir(path):
            raise Failure("already_exists", f"directory already exists: {path}")
        if os.path.exists(path):
            raise Failure("invalid_argument", f"path already exists but it is not a directory: {path}")
        make_directories(path)
        return {"entry": entry(path)}

    async def move(self, message, call):
        source, destination = resolved(text(message, "source")), resolved(text(message, "destination"))
        if not os.path.lexists(source):
            raise Failure("not_found", f"source file not found: {source}")
        make_directories(os.path.dirname(destination.rstrip("/")) or "/")
        try:
            await blocking(move, source, destination)
        except OSError as error:
            raise failure("error renaming", error) from None
        return {"entry": entry(destination)}

    async def remove(self, message, call):
        path = resolved(text(message, "path"))
        try:
            await blocking(remove, path)
        except OSError as error:
            raise failure("error removing file or directory", error) from None
        return {}


def walk(path, depth):
    """What is in a directory, in order, down to a depth; links are not followed."""
    entries = []
    pending = [(path, os.path.realpath(path), 0)]
    """(path as it was asked for, path, level); the next is the last"""
    while pending:
        shown, real, level = pending.pop()
        if level:
            found = entry_or_none(shown, real)
            if found is None:
                continue
            entries.append(found)
            if len(entries) > MOST_ENTRIES:
                raise Failure("resource_exhausted", f"more than {MOST_ENTRIES} entries; list a part of them")
        if level < depth and os.path.isdir(real) and not (level and os.path.islink(real)):
            pending += [
                (f"{shown.rstrip('/')}/{name}", f"{real.rstrip('/')}/{name}", level + 1)
                for name in sorted(names(real), reverse=True)
            ]
    return entries


def names(directory):
    try:
        return os.listdir(directory)
    except FileNotFoundError:
        return []  # it has just gone
    except OSError as error:
        raise failure(f"error reading directory {directory}", error) from None


def entry_or_none(shown, path):
    try:
        return entry(path) | {"path": presentable(shown)}
    except Failure as failure:
        if failure.code == "not_found":
            return None  # it has just gone
        raise


def move(source, destination):
    """Like rename(2), also from one of the sandbox's filesystems to another, which at E2B are one."""
    try:
        os.rename(source, destination)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        if os.path.isdir(source) and not os.path.islink(source):
            if os.path.exists(destination):
                os.rmdir(destination)  # what rename(2) does with an empty one, and refuses with another
            shutil.copytree(source, destination, symlinks=True)
            shutil.rmtree(source)
        else:
            copy = f"{destination}.{os.urandom(8).hex()}"
            try:
                shutil.copy2(source, copy, follow_symlinks=False)
                os.rename(copy, destination)
            except OSError:
                remove(copy)
                raise
            os.unlink(source)


def remove(path):
    """A file, or a directory with everything in it; nothing is fine, too."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
