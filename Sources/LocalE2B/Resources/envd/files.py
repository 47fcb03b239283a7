"""envd's `/files`: a file's content, whole or in ranges, and new content for one or several."""

import calendar
import errno
import mimetypes
import os
import re
import stat
import time
import urllib.parse
import zlib

from .exchange import PART, Refusal
from .multipart import multipart_files
from .paths import METADATA_PREFIX, make_directories, metadata, presentable, resolved
from .rpc import USERS, Failure

GZIP = 31
"""zlib's name for gzip, as `wbits`."""
METADATA_HEADER = "x-metadata-"
LARGEST_METADATA = 4096
LONGEST_KEY = 255 - len(METADATA_PREFIX)
MOST_FILES = 10_000
"""In one upload."""
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"


async def answer(exchange):
    try:
        user = exchange.query.get("username", "")
        if user and user not in USERS:
            raise Refusal(401, f"error looking up user '{user}': user: unknown user {user}")
        path = exchange.query.get("path")
        if exchange.method == "GET":
            await download(exchange, usable(path or ""))
        elif exchange.method == "POST":
            await upload(exchange, path)
        else:
            raise Refusal(405, f"{exchange.method} /files is not offered")
    except (Refusal, OSError) as error:
        await exchange.drain()
        raise error if isinstance(error, Refusal) else refusal("error", error) from None


def usable(path):
    if "\0" in path:
        raise Refusal(400, "a path holds no zero bytes")
    try:
        return resolved(path)
    except Failure as failure:
        raise Refusal(400, failure.message) from None


def refusal(doing, error):
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return Refusal(507, "not enough disk space available")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            status = 403
        case errno.EISDIR | errno.ENOTDIR | errno.ENAMETOOLONG | errno.ELOOP:
            status = 400
        case _:
            status = 500
    return Refusal(status, f"{doing}: {error.strerror}")


# Download


async def download(exchange, path):
    descriptor = opened(path)
    try:
        info = os.fstat(descriptor)
        if stat.S_ISDIR(info.st_mode):
            raise Refusal(400, f"path '{path}' is a directory")
        if not stat.S_ISREG(info.st_mode):
            raise Refusal(400, f"path '{path}' is not a file")
        await send_file(exchange, path, descriptor, info)
    finally:
        os.close(descriptor)


def opened(path):
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Refusal(404, f"path '{path}' does not exist") from None
    except OSError as error:
        raise refusal(f"error opening file '{path}'", error) from None


async def send_file(exchange, path, descriptor, info):
    asked = exchange.headers
    accepts_gzip, accepts_identity = encodings(asked.get("accept-encoding", ""))
    modified = time.strftime(HTTP_DATE, time.gmtime(info.st_mtime))
    is_special = bool({"range", "if-modified-since", "if-none-match", "if-range"} & asked.keys())
    if not accepts_identity and (is_special or not accepts_gzip):
        raise Refusal(406, "error parsing Accept-Encoding: no acceptable encoding found")
    headers = {
        "content-type": mimetypes.guess_type(path)[0] or "application/octet-stream",
        "content-disposition": disposition(os.path.basename(path)),
        "vary": "Accept-Encoding",
        "last-modified": modified,
    }
    if not is_special and accepts_gzip:
        await send_gzip(exchange, descriptor, headers)
        return
    headers["accept-ranges"] = "bytes"
    if is_unchanged(asked.get("if-modified-since"), info.st_mtime):
        await exchange.reply(304, headers, b"")
        return
    start, length, status = 0, info.st_size, 200
    if "range" in asked and asked.get("if-range", modified) == modified:
        start, length, status = byte_range(asked["range"], info.st_size)
    if status == 206:
        headers["content-range"] = f"bytes {start}-{start + length - 1}/{info.st_size}"
    elif status == 416:
        await exchange.reply(416, headers | {"content-range": f"bytes */{info.st_size}"}, b"")
        return
    if info.st_size:  # what says that it is empty may still have content, as everything in /proc
        headers["content-length"] = str(length)
    await exchange.begin(status, headers)
    os.lseek(descriptor, start, os.SEEK_SET)
    while part := os.read(descriptor, min(PART, length) if info.st_size else PART):
        await exchange.send(part)
        length -= len(part)
    if length > 0:
        raise ConnectionError("the file has become shorter")  # and the answer breaks off
    await exchange.end()


async def send_gzip(exchange, descriptor, headers):
    await exchange.begin(200, headers | {"content-encoding": "gzip"})
    compressor = zlib.compressobj(6, zlib.DEFLATED, GZIP)
    while part := os.read(descriptor, PART):
        await exchange.send(compressor.compress(part))
    await exchange.send(compressor.flush())
    await exchange.end()


def encodings(header):
    """Whether gzip is acceptable, and whether no encoding is (RFC 9110, 12.5.3)."""
    weights = {}
    for item in header.lower().split(","):
        name, *parameters = [part.strip() for part in item.split(";")]
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            weights[name] = float(weight)
        except ValueError:
            weights[name] = 1.0
    everything = weights.get("*", 0)
    return weights.get("gzip", everything) > 0, weights.get("identity", weights.get("*", 1)) > 0


def is_unchanged(since, modified):
    if since is None:
        return False
    try:
        return int(modified) <= calendar.timegm(time.strptime(since, HTTP_DATE))
    except ValueError:
        return False


def byte_range(header, size):
    """(start, length, status). Of several ranges the whole is sent, as it may be."""
    match = re.fullmatch(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", header)
    if not match:
        return (0, size, 200) if header.startswith("bytes=") and "," in header else (0, 0, 416)
    first, last = match.groups()
    if not first:
        length = min(int(last or 0), size)
        return (size - length, length, 206) if length else (0, 0, 416)
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    return (start, end - start + 1, 206) if start <= end else (0, 0, 416)


def disposition(name):
    plain = presentable(name)
    if re.fullmatch(r"[A-Za-z0-9._-]+", plain):
        return f"inline; filename={plain}"
    return f"inline; filename*=utf-8''{urllib.parse.quote(plain, safe='')}"


# Upload


async def upload(exchange, path):
    attached = given_metadata(exchange.headers)
    content = decoded_body(exchange)
    media_type = exchange.headers.get("content-type", "")
    stored = []
    if media_type.lower().startswith("application/octet-stream"):
        if path is None:
            raise Refusal(400, "path query parameter is required for raw body upload")
        stored.append(await store(usable(path), content, attached))
    elif media_type.lower().startswith("multipart/"):
        async for filename, part in multipart_files(content, media_type):
            target = usable(filename if path is None else path)
            if any(entry["path"] == presentable(target) for entry in stored):
                raise Refusal(400, f"you cannot upload multiple files to the same path '{target}' in one upload request")
            if len(stored) == MOST_FILES:
                raise Refusal(400, f"you cannot upload more than {MOST_FILES} files in one upload request")
            stored.append(await store(target, part, attached))
    else:
        raise Refusal(
            400, f"unsupported content type: {media_type}, expected multipart/form-data or application/octet-stream"
        )
    await exchange.drain()
    await exchange.reply_json(stored)


async def store(path, content, attached):
    try:
        make_directories(os.path.dirname(path) or "/")
    except Failure as failure:
        status = {"permission_denied": 403, "resource_exhausted": 507}.get(failure.code, 400)
        raise Refusal(status, f"error ensuring directories: {failure.message}") from None
    if os.path.isdir(path):
        raise Refusal(400, f"path is a directory: {path}")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise refusal("error opening file", error) from None
    try:
        async for part in content:
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        attach(descriptor, attached)
    except OSError as error:
        raise refusal("error writing file", error) from None
    finally:
        os.close(descriptor)
    entry = {"path": presentable(path), "name": presentable(os.path.basename(path)), "type": "file"}
    found = metadata(path)
    return entry | {"metadata": found} if found else entry


def given_metadata(headers):
    attached = {
        name.removeprefix(METADATA_HEADER): value
        for name, value in headers.items()
        if name.startswith(METADATA_HEADER) and name != METADATA_HEADER
    }
    for key, value in attached.items():
        if len(key) > LONGEST_KEY:
            raise Refusal(400, f"invalid metadata: metadata key '{key}' exceeds {LONGEST_KEY} bytes")
        if not re.fullmatch(r"[ -~]*", key + value):
            raise Refusal(400, "invalid metadata: only printable ASCII is possible")
    total = sum(len(METADATA_PREFIX + key + value) for key, value in attached.items())
    if total > LARGEST_METADATA:
        raise Refusal(400, f"invalid metadata: total metadata size {total} exceeds {LARGEST_METADATA} bytes")
    return attached


def attach(descriptor, attached):
    """Replace what was attached to the file before; nothing on filesystems that have no room for it."""
    try:
        for name in os.listxattr(descriptor):
            if name.startswith(METADATA_PREFIX):
                os.removexattr(descriptor, name)
        for key, value in attached.items():
            os.setxattr(descriptor, METADATA_PREFIX + key, value.encode())
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise


async def decoded_body(exchange):
    """The body without its encoding, in bounded parts."""
    encoding = exchange.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        async for part in exchange.parts():
            yield part
        return
    if encoding != "gzip":
        raise Refusal(400, f"error decompressing request body: unsupported Content-Encoding: {encoding}")
    decompressor, is_whole = zlib.decompressobj(GZIP), False
    async for part in exchange.parts():
        while part:
            try:
                content = decompressor.decompress(part, PART)
            except zlib.error as error:
                raise Refusal(400, f"error decompressing request body: {error}") from None
            if content:
                yield content
            part = decompressor.unconsumed_tail
            if decompressor.eof:
                part, decompressor, is_whole = decompressor.unused_data, zlib.decompressobj(GZIP), True
            else:
                is_whole = False
    if not is_whole:
        raise Refusal(400, "error decompressing request body: unexpected end")
