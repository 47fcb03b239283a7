"""Narrowing a token without asking the gateway, as docs/tokens.md describes."""

import hashlib
import hmac
import struct

_TAG_BYTES = 32


def narrowed(token: str, caveat_type: int, value: bytes) -> str:
    """The same token with one more caveat: type, length in two bytes, value; the tag is the next link of the chain."""
    raw = bytes.fromhex(token.removeprefix("e2b_"))
    body, tag = raw[:-_TAG_BYTES], raw[-_TAG_BYTES:]
    caveat = struct.pack(">BH", caveat_type, len(value)) + value
    return "e2b_" + (body + caveat + hmac.digest(tag, caveat, hashlib.sha256)).hex()


def expiring(token: str, unix_seconds: int) -> str:
    return narrowed(token, 0x01, struct.pack(">q", unix_seconds))


def scoped(token: str, *, execute: bool, read: bool) -> str:
    return narrowed(token, 0x03, struct.pack(">I", execute | read << 1))


def for_subject(token: str, subject: str) -> str:
    return narrowed(token, 0x04, subject.encode())


def with_timeout(token: str, milliseconds: int) -> str:
    return narrowed(token, 0x05, struct.pack(">q", milliseconds))


def for_templates(token: str, *names: str) -> str:
    return narrowed(token, 0x06, b"".join(bytes([len(name)]) + name.encode() for name in names))
