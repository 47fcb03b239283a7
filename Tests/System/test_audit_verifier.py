"""docs/verify_audit.py: held to the test vectors, and to files altered at random that a generator of this test's own writes."""

import hashlib
import importlib.util
import io
import json
import pathlib
import random
import subprocess
import sys
import types
from typing import Any

import pytest

from harness.service import ROOT

SCRIPT = ROOT / "docs/verify_audit.py"
VECTORS = json.loads((ROOT / "docs/audit-vectors.json").read_text())


def _imported() -> types.ModuleType:
    specification = importlib.util.spec_from_file_location("verify_audit", SCRIPT)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        specification.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


verify_audit = _imported()
KEY = bytes.fromhex(VECTORS["key"]["public_key"])


def text_of(file: dict[str, Any]) -> str:
    lines = [VECTORS["lines"][line] if isinstance(line, int) else line for line in file["lines"]]
    end = file.get("end", "\n")
    text = "".join(line + (end or "\n") for line in lines)
    return text if end else text[:-1]


# The vectors.


@pytest.mark.parametrize("file", VECTORS["files"], ids=lambda file: file["name"])
def test_files_are_judged_as_the_vectors_say(file: dict[str, Any]) -> None:
    kept = [verify_audit.checkpoint(line.encode()) for line in file.get("against", [])]
    key = None if file.get("without_key") else KEY
    verifier, fault = verify_audit.verify(io.BytesIO(text_of(file).encode()), key, kept)
    assert file["expect"] == {
        "fault": {"kind": fault.kind, "sequence": fault.sequence} if fault else None,
        "verified": verifier.verified,
        "checkpoints": verifier.checkpoints,
        "repeated": verifier.repeated,
    }, fault


def test_canonical_json_is_what_the_vectors_say() -> None:
    for vector in VECTORS["canonical"]:
        assert verify_audit.canonical(b'{"a":%s}' % vector["text"].encode()) == {"a": vector["value"]}
    for text in VECTORS["not_canonical"]:
        with pytest.raises(verify_audit.Malformed):
            verify_audit.canonical(b'{"a":%s}' % text.encode())


def test_keys_and_signatures_are_what_the_vectors_say() -> None:
    key, checkpoint = VECTORS["key"], VECTORS["checkpoint"]
    assert verify_audit.public_key(key["pem"]) == verify_audit.public_key(key["public_key"]) == KEY
    assert hashlib.sha256(KEY).hexdigest()[:16] == key["key_id"]
    message, signature = checkpoint["message"].encode(), bytes.fromhex(checkpoint["signature"])
    assert verify_audit.signature_holds(KEY, message, signature)
    for bit in random.Random(1).sample(range(512), 40):
        flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
        assert not verify_audit.signature_holds(KEY, message, flipped)
    larger = int.from_bytes(signature[32:], "little") + verify_audit.L
    malleable = signature[:32] + larger.to_bytes(32, "little")
    assert not verify_audit.signature_holds(KEY, message, malleable)
    for text in ("", key["public_key"][1:], key["pem"].replace("PUBLIC", "PRIVATE"), key["pem"].replace("MCow", "MCox")):
        assert verify_audit.public_key(text) is None


# Files altered at random.


class Signer:
    """The vectors' key, with which `openssl` signs."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.key = folder / "key.der"
        self.key.write_bytes(bytes.fromhex("302e020100300506032b657004220420" + VECTORS["key"]["seed"]))

    def signature(self, message: bytes) -> str:
        path = self.folder / "message"
        path.write_bytes(message)
        command = ["openssl", "pkeyutl", "-sign", "-inkey", self.key, "-keyform", "DER", "-rawin", "-in", path]
        return subprocess.run(command, capture_output=True, check=True).stdout.hex()


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Chain:
    """Records, with a checkpoint behind every fifth and one kept elsewhere."""

    def __init__(self, records: int, signer: Signer):
        self.signer = signer
        self.lines: list[str] = []
        self.hashes = ["0" * 64]
        self.before = "0" * 64
        for sequence in range(1, records + 1):
            self.lines.append(self.record(sequence, f"user-{sequence} é\U0001f98a"))
            self.hashes.append(json.loads(self.lines[-1])["hash"])
            if sequence % 5 == 0:
                self.lines.append(self.checkpoint(sequence // 5, sequence))
        self.kept = self.checkpoint(records // 5 + 1, records)

    def record(self, sequence: int, subject: str) -> str:
        record = {
            "action": "execution.admitted", "at_ms": 1_800_000_000_000 + sequence, "sequence": sequence,
            "stream": "main", "subject": subject, "v": 1,
        }
        previous = self.hashes[sequence - 1]
        digest = hashlib.sha256(bytes.fromhex(previous) + canonical(record).encode()).hexdigest()
        return canonical(
            {"hash": digest, "previous": previous, "record": record, "sequence": sequence, "stream": "main"}
        )

    def checkpoint(self, number: int, sequence: int) -> str:
        document = {
            "at_ms": 1_800_000_000_000, "key_id": VECTORS["key"]["key_id"], "number": number, "previous": self.before,
            "heads": [{"hash": self.hashes[-1], "sequence": sequence, "stream": "main"}], "v": 1,
        }
        text = canonical(document).encode()
        self.before = hashlib.sha256(text).hexdigest()
        signature = self.signer.signature(b"e2b-gateway/audit-checkpoint/v1\n" + text)
        return canonical({"checkpoint": document, "signature": signature})


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return Chain(23, Signer(tmp_path_factory.mktemp("signer")))


def place_of(chain: Chain, sequence: int) -> int:
    return sequence - 1 + (sequence - 1) // 5


def tampered(chain: Chain, chance: random.Random) -> tuple[str, list[str], int]:
    """What was done, the lines, and the first record it touched."""
    lines = list(chain.lines)
    sequence = chance.randint(2, 23)
    place = place_of(chain, sequence)
    what = chance.choice(["altered", "deleted", "swapped", "truncated", "inserted", "appended"])
    if what == "altered":
        line = list(lines[place])
        index = chance.randrange(len(line))
        line[index] = chance.choice([chr(code) for code in range(0x20, 0x7F) if chr(code) != line[index]])
        lines[place] = "".join(line)
    elif what == "deleted":
        del lines[place : place_of(chain, chance.randint(sequence, 23)) + 1]
    elif what == "swapped":
        other = chance.choice([one for one in range(1, 24) if one != sequence])
        lines[place], lines[place_of(chain, other)] = lines[place_of(chain, other)], lines[place]
        sequence = min(sequence, other)
    elif what == "truncated":
        del lines[place:]
    elif what == "inserted":
        lines.insert(place, chain.record(sequence, "forged"))
    else:
        lines.append(chain.record(sequence, "forged"))
    return what, lines, sequence


def judged(chain: Chain, lines: list[str], against: bool = True) -> tuple[Any, Any]:
    kept = [verify_audit.checkpoint(chain.kept.encode())] if against else []
    text = "".join(line + "\n" for line in lines)
    return verify_audit.verify(io.BytesIO(text.encode()), KEY, kept)


def test_what_is_altered_at_random_is_found_and_the_first_record_named(chain: Chain) -> None:
    verifier, fault = judged(chain, chain.lines)
    assert (fault, verifier.verified, verifier.checkpoints) == (None, 23, 4)
    found = set()
    for seed in range(150):
        what, lines, sequence = tampered(chain, random.Random(seed))
        _, fault = judged(chain, lines)
        assert fault is not None and fault.sequence == sequence, (seed, what, fault and (fault.kind, fault.sequence))
        found.add(fault.kind)
    assert {"altered", "malformed", "missing", "reordered", "truncated", "repeated"} <= found


def test_a_cut_off_end_is_seen_only_against_what_is_kept_elsewhere(chain: Chain) -> None:
    assert judged(chain, chain.lines[:9], against=False)[1] is None
    assert judged(chain, chain.lines[:9])[1].kind == "truncated"


def test_lines_of_any_length_are_read_or_refused(chain: Chain) -> None:
    def kind(*tail: bytes) -> tuple[str, int]:
        fault = verify_audit.verify(io.BytesIO(chain.lines[0].encode() + b"\n" + b"".join(tail)), KEY, [])[1]
        return fault.kind, fault.sequence

    longest = verify_audit.LONGEST
    assert kind(b"x" * (longest + 1)) == ("malformed", 2)
    assert kind(b"x" * longest) == ("torn", 2)
    assert kind(b"x" * (longest + 1), b"\n", chain.lines[1].encode(), b"\n") == ("malformed", 2)
    assert kind(b"torn\n") == kind(b"\n") == kind(b"\0\xff\n") == ("malformed", 2)


# The command.


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_command_says_what_it_found(tmp_path: pathlib.Path) -> None:
    path, kept, key = tmp_path / "audit.jsonl", tmp_path / "kept.jsonl", tmp_path / "key.pem"
    lines = VECTORS["lines"]
    path.write_text("".join(line + "\n" for line in lines))
    kept.write_text(lines[-1] + "\n")
    key.write_text(VECTORS["key"]["pem"])

    done = command(path, "--public-key", key, "--checkpoint", kept)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The chain holds: records 1 to 7, 3 checkpoints, 0 lines repeated; the last hash is ")
    assert command(path, "--public-key", VECTORS["key"]["public_key"]).stdout == done.stdout
    assert "no public key was given" in command(path).stdout

    path.write_text("".join(line + "\n" for line in lines[:6]))
    assert command(path, "--public-key", key).returncode == 0
    done = command(path, "--public-key", key, "--checkpoint", kept)
    assert done.returncode == 1
    assert done.stdout == (
        "truncated at record 6: the chain was cut off: at least 2 records are missing (5 records hold before it)\n"
    )


def test_the_command_says_what_it_cannot_do(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text(VECTORS["lines"][0] + "\n")
    none = tmp_path / "none"
    for arguments in [(), (none,), (path, "--public-key", none), (path, "--public-key", path), (tmp_path,),
                      (path, "--checkpoint", none), (path, "--checkpoint", SCRIPT), (path, "--nonsense")]:
        done = command(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert "Traceback" not in done.stderr and done.stderr
