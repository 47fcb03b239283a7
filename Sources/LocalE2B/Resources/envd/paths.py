"""Paths as callers write them, and what there is at them."""

import asyncio
import concurrent.futures
import errno
import grp
import os
import pwd
import stat
import time

from .rpc import Failure

HOME = "/home/user"
METADATA_PREFIX = "user.e2b."

# Long walks and copies must not hold up everything else. Made at once: there may be no threads left later.
_pool = concurrent.futures.ThreadPoolExecutor(max_workers=2)
for _ in range(2):
    _pool.submit(time.sleep, 0.01)


async def blocking(function, *arguments):
    """Run what may take long in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_pool, function, *arguments)


def resolved(path):
    """An absolute path: `~` is the home, and so is what a relative path starts from."""
    if not path:
        return HOME
    if path.startswith("~"):
        if path[1:2] not in ("", "/", "\\"):
            raise Failure("invalid_argument", f"failed to expand path '{path}': cannot expand user-specific home dir")
        return os.path.normpath(HOME + "/" + path[1:])
    return path if path.startswith("/") else os.path.normpath(f"{HOME}/{path}")


def make_directories(path):
    """All that are missing down to this one."""
    try:
        os.makedirs(path, mode=0o755, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Failure("internal", f"path is a file: {path}") from None
    except OSError as error:
        raise failure("failed to create directory", error) from None


def failure(doing, error):
    """A system call's error as a failure of the call that it was made for."""
    code = {
        errno.ENOENT: "not_found",
        errno.EACCES: "permission_denied",
        errno.EPERM: "permission_denied",
        errno.EROFS: "permission_denied",
        errno.ELOOP: "failed_precondition",
        errno.ENAMETOOLONG: "invalid_argument",
        errno.ENOTDIR: "invalid_argument",
        errno.ENOSPC: "resource_exhausted",
        errno.EDQUOT: "resource_exhausted",
    }.get(error.errno, "internal")
    return Failure(code, f"{doing}: {error.filename or ''}: {error.strerror}")


def entry(path):
    """Filesystem's EntryInfo. Of a symbolic link the type and the mode are its target's."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        raise Failure("not_found", f"file not found: {path}") from None
    except OSError as error:
        raise failure("error getting file info", error) from None
    mode = info.st_mode
    target = {}
    if stat.S_ISLNK(mode):
        target = {"symlinkTarget": presentable(link_target(path))}
        try:
            mode = os.stat(path).st_mode
        except OSError:
            mode = 0
    return {
        "name": presentable(os.path.basename(path.rstrip("/")) or "/"),
        "type": type_name(mode),
        "path": presentable(path),
        "size": str(info.st_size),
        "mode": stat.S_IMODE(mode) & 0o777,
        "permissions": permissions(info.st_mode),
        "owner": owner_name(info.st_uid),
        "group": group_name(info.st_gid),
        "modifiedTime": timestamp(info.st_mtime_ns),
        **target,
        "metadata": metadata(path),
    }


def link_target(path):
    try:
        return os.path.realpath(path, strict=True)
    except OSError:
        return path


def type_name(mode):
    if stat.S_ISREG(mode):
        return "FILE_TYPE_FILE"
    return "FILE_TYPE_DIRECTORY" if stat.S_ISDIR(mode) else "FILE_TYPE_UNSPECIFIED"


def permissions(mode):
    """As Go writes them: `drwxr-xr-x`, `Lrwxrwxrwx`."""
    kinds = {stat.S_IFDIR: "d", stat.S_IFLNK: "L", stat.S_IFBLK: "D", stat.S_IFIFO: "p", stat.S_IFSOCK: "S"}
    kinds[stat.S_IFCHR] = "Dc"
    text = kinds.get(stat.S_IFMT(mode), "")
    for bit, letter in ((stat.S_ISUID, "u"), (stat.S_ISGID, "g"), (stat.S_ISVTX, "t")):
        text += letter if mode & bit else ""
    bits = "".join(letter if mode & 1 << (8 - index) else "-" for index, letter in enumerate("rwxrwxrwx"))
    return (text or "-") + bits


def owner_name(number):
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number):
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def timestamp(nanoseconds):
    seconds, rest = divmod(nanoseconds, 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


def presentable(name):
    """A name that is not UTF-8 shows with replacement characters."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def metadata(path):
    """What callers attached to a file: extended attributes, where the filesystem has them."""
    found = {}
    try:
        for name in os.listxattr(path):
            if name.startswith(METADATA_PREFIX):
                found[name.removeprefix(METADATA_PREFIX)] = os.getxattr(path, name).decode()
    except (OSError, UnicodeDecodeError):
        pass
    return found
