#!/usr/bin/env python3
"""Verifies an audit file of e2b-gateway. It needs Python 3.9 and nothing else, and follows docs/audit-format.md alone.

usage: verify_audit.py FILE [--public-key KEY_OR_FILE] [--checkpoint FILE]...

KEY_OR_FILE is 64 hex digits, or a file that holds them or a PEM public key. Each --checkpoint file holds checkpoint lines
that were kept elsewhere (record lines in it are passed over). Exits with 0 if the file holds, 1 if it does not, 2 if it
cannot be told. Memory: about 200 bytes a record.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from typing import Any, BinaryIO, Dict, Iterable, List, NamedTuple, NoReturn, Optional, Tuple

ZEROS = "0" * 64
LONGEST = 16 << 20
DEEPEST = 64
TORN, LONG = b"\n", b"\n\n"  # in place of lines, which hold no LF
CONTEXT = b"e2b-gateway/audit-checkpoint/v1\n"
PEM_KEY = re.compile(r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END PUBLIC KEY-----\s*")
PEM_HEAD = bytes.fromhex("302a300506032b6570032100")
SURROGATE = re.compile("[\ud800-\udfff]")
HASH = re.compile("[0-9a-f]{64}")
RECORD_LINE = re.compile(
    rb'\{"hash":"([0-9a-f]{64})","previous":"([0-9a-f]{64})","record":(.*),'
    rb'"sequence":([1-9][0-9]*),"stream":("(?:[^"\\]|\\.)*")\}',
    re.DOTALL,
)
CHECKPOINT_LINE = re.compile(rb'\{"checkpoint":(.*),"signature":"([0-9a-f]{128})"\}', re.DOTALL)


# Ed25519 (RFC 8032, section 5.1): verification only.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1
Point = Tuple[int, int, int, int]


def add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def multiply(factor: int, point: Point) -> Point:
    product: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            product = add(product, point)
        point, factor = add(point, point), factor >> 1
    return product


def decompress(text: bytes) -> Optional[Point]:
    number = int.from_bytes(text, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def compress(point: Point) -> bytes:
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signature_holds(key: bytes, message: bytes, signature: bytes) -> bool:
    s = int.from_bytes(signature[32:], "little")
    point = decompress(key)
    if len(signature) != 64 or s >= L or point is None or BASE is None:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    minus = P - point[0], point[1], point[2], P - point[3]
    return compress(add(multiply(s, BASE), multiply(k, minus))) == signature[:32]


def public_key(text: str) -> Optional[bytes]:
    """The 32 bytes of a key in hex or PEM."""
    if re.fullmatch(r"\s*[0-9a-fA-F]{64}\s*", text):
        return bytes.fromhex(text.strip())
    found = PEM_KEY.fullmatch(text)
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except ValueError:
        return None
    return der[len(PEM_HEAD) :] if der.startswith(PEM_HEAD) and len(der) == len(PEM_HEAD) + 32 else None


# Lines.


class Malformed(Exception):
    """A line is not of the form of a line."""


class Fault(Exception):
    """The first thing that is wrong: its kind, the record's number, and what it is."""

    def __init__(self, kind: str, sequence: int, problem: str):
        super().__init__(problem)
        self.kind, self.sequence, self.problem = kind, sequence, problem


class Record(NamedTuple):
    sequence: int
    stream: str
    previous: str
    hash: str
    raw: bytes
    content: Dict[str, Any]

    @property
    def holds(self) -> bool:
        return hashlib.sha256(bytes.fromhex(self.previous) + self.raw).hexdigest() == self.hash


class Checkpoint(NamedTuple):
    number: int
    key_id: str
    previous: str
    heads: Dict[str, Tuple[int, str]]
    raw: bytes
    signature: bytes

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


def refuse(text: str) -> NoReturn:
    raise Malformed(f"is not canonical JSON: {text} is no integer")


def check(value: Any, depth: int = 1) -> None:
    """What canonical JSON never holds, although Python would write it the same way."""
    if depth > DEEPEST:
        raise Malformed("is not canonical JSON: nested too deeply")
    if isinstance(value, str) and not value.isascii() and SURROGATE.search(value):
        raise Malformed("is not canonical JSON: half a surrogate pair")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Malformed("is not canonical JSON: a number has more than 64 bits")
    if isinstance(value, dict):
        for name, member in value.items():
            check(name, depth)
            check(member, depth + 1)
    if isinstance(value, list):
        for member in value:
            check(member, depth + 1)


def canonical(text: bytes) -> Dict[str, Any]:
    """What an object in canonical JSON says: encoded anew it is the same, byte for byte."""
    try:
        value = json.loads(text.decode("ascii"), parse_float=refuse, parse_constant=refuse)
        check(value)
        same = json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"is not canonical JSON: {error}") from None
    if same.encode() != text or not isinstance(value, dict):
        raise Malformed("is not canonical JSON: encoded anew it is another text")
    return value


def number(value: Any) -> bool:
    return type(value) is int


def record(line: bytes) -> Record:
    found = RECORD_LINE.fullmatch(line)
    if not found:
        raise Malformed("is neither a record's nor a checkpoint's")
    canonical(line.replace(found[3], b"{}", 1) if found[3] else line)
    content, sequence, stream = canonical(found[3]), int(found[4]), json.loads(found[5])
    if not number(content.get("sequence")) or not isinstance(content.get("stream"), str):
        raise Malformed("has a record that does not say its sequence and stream")
    if not number(content.get("v")) or content["v"] != 1:
        raise Malformed("has a record of another version than 1")
    if (sequence, stream) != (content["sequence"], content["stream"]):
        raise Malformed("says another sequence or stream than its record")
    return Record(sequence, stream, found[2].decode(), found[1].decode(), found[3], content)


def checkpoint(line: bytes) -> Checkpoint:
    found = CHECKPOINT_LINE.fullmatch(line)
    if not found:
        raise Malformed("is neither a record's nor a checkpoint's")
    said = canonical(found[1])
    heads = said.get("heads")
    good = (
        set(said) == {"at_ms", "heads", "key_id", "number", "previous", "v"}
        and all(number(said[name]) for name in ("at_ms", "number", "v"))
        and said["v"] == 1 and said["number"] > 0 and 0 <= said["at_ms"] <= 9223372036854
        and isinstance(said["key_id"], str) and re.fullmatch("[0-9a-f]{16}", said["key_id"])
        and isinstance(said["previous"], str) and HASH.fullmatch(said["previous"])
        and isinstance(heads, list) and heads
        and all(
            isinstance(head, dict) and set(head) == {"hash", "sequence", "stream"}
            and isinstance(head["hash"], str) and HASH.fullmatch(head["hash"])
            and number(head["sequence"]) and head["sequence"] > 0 and isinstance(head["stream"], str)
            for head in heads
        )
    )
    if not good or [head["stream"] for head in heads] != sorted({head["stream"] for head in heads}):
        raise Malformed("has a checkpoint that is not of its form")
    named = {head["stream"]: (head["sequence"], head["hash"]) for head in heads}
    return Checkpoint(
        said["number"], said["key_id"], said["previous"], named, found[1], bytes.fromhex(found[2].decode())
    )


# The rule.


class Verifier:
    """Is read lines in order; raises the first fault."""

    def __init__(self, key: Optional[bytes], elsewhere: Iterable[Checkpoint]):
        self.key = key
        self.key_id = hashlib.sha256(key).hexdigest()[:16] if key is not None else ""
        self.elsewhere = sorted(elsewhere, key=lambda one: one.number)
        self.stream: Optional[str] = None
        self.hashes: Dict[int, str] = {}  # by number; the one before the first record as well
        self.start = self.head = 0
        self.verified = self.checkpoints = self.repeated = 0
        self.awaited: List[Tuple[int, str, str, Checkpoint]] = []
        self.leading: Optional[Checkpoint] = None
        self.seen: Dict[int, Checkpoint] = {}
        self.last: Optional[Checkpoint] = None
        self.notes: List[str] = []

    @property
    def next(self) -> int:
        return self.head + 1 if self.hashes else 0

    # Signatures.

    def check_signature(self, signed: Checkpoint, sequence: int, name: str) -> None:
        if self.key is None:
            return
        if signed.key_id != self.key_id:
            raise Fault("checkpoint-key", sequence, f"{name} is signed with key {signed.key_id}, not with {self.key_id}")
        if not signature_holds(self.key, CONTEXT + signed.raw, signed.signature):
            raise Fault("checkpoint-signature", sequence, f"{name} does not match its signature")

    def check_elsewhere(self) -> None:
        before: Optional[Checkpoint] = None
        for signed in self.elsewhere:
            name = f"checkpoint {signed.number}, kept elsewhere,"
            self.check_signature(signed, 0, name)
            if before and before.raw != signed.raw:
                if before.number == signed.number:
                    raise Fault("checkpoint-order", 0, f"{name} is there with two contents")
                if before.number + 1 == signed.number and before.digest != signed.previous:
                    raise Fault("checkpoint-order", 0, f"{name} does not follow from the one before")
            before = signed

    # Records.

    def read_record(self, line: Record) -> None:
        if self.stream is None:
            self.stream = line.stream
            for signed in self.elsewhere:
                self.wait(signed, "rewritten")
            if self.leading:
                self.wait(self.leading, "checkpoint-head")
        if line.stream != self.stream:
            raise Fault("stream", self.next, "the record belongs to another stream")
        if not self.hashes:
            self.begin(line)
        elif line.sequence == self.head + 1:
            if not line.holds:
                raise Fault("altered", line.sequence, "the record does not match its hash")
            if line.previous != self.hashes[self.head]:
                raise Fault("unlinked", line.sequence, "the record does not follow from the one before")
            self.accept(line)
        elif line.sequence > self.head:
            if not line.holds:
                raise Fault("altered", self.head + 1, "the record in its place does not match its hash")
            self.miss(line.sequence - 1)
        elif line.sequence <= self.start:
            raise Fault("reordered", line.sequence, "the record stands too late, behind what follows it")
        elif not line.holds or self.hashes[line.sequence] != line.hash:
            raise Fault("repeated", line.sequence, "the record stands again with another content")
        else:
            self.repeated += 1

    def begin(self, line: Record) -> None:
        if not line.holds:
            raise Fault("altered", line.sequence, "the record does not match its hash")
        self.start = self.head = line.sequence - 1
        self.hashes[self.head] = line.previous
        if line.sequence == 1 and line.previous != ZEROS:
            raise Fault("unlinked", 1, "the first record follows another one")
        if line.sequence > 1:
            self.notes.append(f"The chain begins here with record {line.sequence}; what came before is not judged.")
        self.meet()
        self.accept(line)

    def accept(self, line: Record) -> None:
        self.head = line.sequence
        self.hashes[self.head] = line.hash
        self.verified += 1
        self.meet()
        if line.content.get("action") == "audit.trimmed":
            self.check_trimming(line)

    def check_trimming(self, line: Record) -> None:
        after = line.content.get("after")
        after = after if isinstance(after, dict) else {}
        first, previous = after.get("first"), after.get("previous")
        if not number(first) or not 1 <= first <= line.sequence or not HASH.fullmatch(str(previous)):
            raise Fault("trimming", line.sequence, "the record does not say from where on records were kept")
        if first > self.start and self.hashes[first - 1] != previous:
            raise Fault("trimming", line.sequence, f"the record names another hash before {first}, the oldest kept")

    def miss(self, last: int) -> None:
        missing = self.head + 1
        problem = "the record is missing" if last == missing else f"the records up to {last} are missing"
        raise Fault("missing", missing, problem)

    # Checkpoints.

    def read_checkpoint(self, signed: Checkpoint) -> None:
        name = f"checkpoint {signed.number}"
        self.check_signature(signed, self.head, name)
        self.check_head(signed, name)
        problem = self.order_problem(signed)
        if problem:
            raise Fault("checkpoint-order", self.head, f"{name} {problem}")
        if self.last and signed.number <= self.last.number:
            self.repeated += 1
        else:
            self.seen[signed.number] = self.last = signed
            self.checkpoints += 1

    def check_head(self, signed: Checkpoint, name: str) -> None:
        if not self.hashes:
            self.leading = signed
            return
        sequence, named = signed.heads.get(self.stream or "", (0, ""))
        if not named or sequence < self.start:
            return
        if sequence > self.head:
            self.miss(sequence)
        if self.hashes[sequence] != named:
            raise Fault("checkpoint-head", sequence, f"{name} names another hash for the record")

    def order_problem(self, signed: Checkpoint) -> str:
        if any(kept.number == signed.number and kept.raw != signed.raw for kept in self.elsewhere):
            return "is another one than the one that is kept elsewhere"
        if signed.number == 1 and signed.previous != ZEROS:
            return "is the first and follows another one"
        if not self.last:
            return ""
        if signed.number <= self.last.number:
            return "" if self.seen.get(signed.number, signed) == signed else "stands again with another content"
        if signed.number > self.last.number + 1:
            return f"follows checkpoint {self.last.number}: those between are missing"
        return "" if signed.previous == self.last.digest else "does not follow from the one before"

    def wait(self, signed: Checkpoint, kind: str) -> None:
        if self.stream in signed.heads:
            self.awaited.append((*signed.heads[self.stream], kind, signed))
        elif kind == "rewritten":
            self.notes.append(f"Checkpoint {signed.number}, kept elsewhere, does not name this stream.")

    def meet(self) -> None:
        """Compares the record at the head with what was said of it beforehand."""
        for sequence, named, kind, signed in self.awaited:
            if sequence == self.head and named != self.hashes[sequence]:
                raise Fault(kind, sequence, f"checkpoint {signed.number} names another hash for the record")

    # The end.

    def finish(self) -> None:
        if not self.hashes:
            raise Fault("empty", 0, "there is no record")
        beyond = [one for one in self.awaited if one[0] > self.head]
        for kind in ("rewritten", "checkpoint-head"):
            farthest = max((one[0] for one in beyond if one[2] == kind), default=0)
            if farthest and kind == "rewritten":
                problem = f"the chain was cut off: at least {farthest - self.head} records are missing"
                raise Fault("truncated", self.head + 1, problem)
            if farthest:
                self.miss(farthest)
        for sequence, _, kind, signed in self.awaited:
            if sequence < self.start and kind == "rewritten":
                self.notes.append(
                    f"Checkpoint {signed.number}, kept elsewhere, names record {sequence}, before the first one here: "
                    "nothing can be said by it."
                )


def read_lines(file: BinaryIO) -> Iterable[bytes]:
    """Lines without their LF; TORN or LONG for what is none."""
    while True:
        line = file.readline(LONGEST + 2)
        if not line:
            return
        if line.endswith(b"\n") and len(line) <= LONGEST + 1:
            yield line[:-1]
            continue
        yield LONG if len(line) > LONGEST else TORN
        while line and not line.endswith(b"\n"):
            line = file.readline(LONGEST)


def read(verifier: Verifier, line: bytes) -> None:
    if line.startswith(b'{"checkpoint":'):
        verifier.read_checkpoint(checkpoint(line))
    else:
        verifier.read_record(record(line))


def better_named(fault: Fault, verifier: Verifier, rest: Iterable[bytes]) -> Fault:
    """Looks through the rest for a record that is missed, which then is not missing but too late."""
    older = fault.kind == "reordered"
    if not older and fault.kind != "missing":
        return fault
    for line in rest:
        try:
            found = record(line)
        except Malformed:
            continue
        same = found.previous == verifier.hashes[verifier.head] and found.sequence == fault.sequence
        if found.holds and (found.sequence < fault.sequence if older else same):
            fault = Fault("reordered", found.sequence, "the record stands too late, behind what follows it")
            if not older:
                break
    return fault


def verify(file: BinaryIO, key: Optional[bytes], elsewhere: Iterable[Checkpoint]) -> Tuple[Verifier, Optional[Fault]]:
    """What was verified, and the first fault."""
    verifier = Verifier(key, elsewhere)
    lines = iter(read_lines(file))
    try:
        verifier.check_elsewhere()
        for line in lines:
            if line == TORN:
                raise Fault("torn", verifier.next, "the line is torn: it does not end with LF")
            try:
                read(verifier, line)
            except Malformed as error:
                raise Fault("malformed", verifier.next, f"the line {error}") from None
        verifier.finish()
    except Fault as fault:
        return verifier, better_named(fault, verifier, lines)
    return verifier, None


# The command.


def fail(problem: str) -> NoReturn:
    print(f"verify_audit.py: {problem}", file=sys.stderr)
    sys.exit(2)


def read_key(text: str) -> bytes:
    key = public_key(text)
    if key is None:
        try:
            with open(text, encoding="utf-8") as file:
                key = public_key(file.read())
        except (OSError, ValueError) as error:
            fail(f"{text} is no public key, nor a file that can be read: {error}")
    return key if key is not None else fail(f"{text} holds no Ed25519 public key")


def read_checkpoints(path: str) -> List[Checkpoint]:
    try:
        with open(path, "rb") as file:
            return [checkpoint(line) for line in read_lines(file) if not line.startswith(b'{"hash":')]
    except (OSError, Malformed) as error:
        fail(f"{path} cannot be read as checkpoints: {error}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies an audit file of e2b-gateway.")
    parser.add_argument("file")
    parser.add_argument("--public-key", metavar="KEY_OR_FILE", help="64 hex digits, or a file with them or with PEM")
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[], help="lines kept elsewhere")
    options = parser.parse_args()
    key = read_key(options.public_key) if options.public_key is not None else None
    elsewhere = [signed for path in options.checkpoint for signed in read_checkpoints(path)]
    try:
        with open(options.file, "rb") as file:
            verifier, fault = verify(file, key, elsewhere)
    except OSError as error:
        fail(f"{options.file} cannot be read: {error.strerror}")
    for note in verifier.notes:
        print(note)
    if key is None and (verifier.checkpoints or elsewhere):
        print("Signatures of checkpoints were not verified: no public key was given.")
    if fault:
        print(f"{fault.kind} at record {fault.sequence}: {fault.problem} ({verifier.verified} records hold before it)")
        return 1
    print(
        f"The chain holds: records {verifier.start + 1} to {verifier.head}, {verifier.checkpoints} checkpoints, "
        f"{verifier.repeated} lines repeated; the last hash is {verifier.hashes[verifier.head]}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
