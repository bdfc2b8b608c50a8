"""Signed notes: text, and who signed it with which Ed25519 key. C2SP signed-note, algorithm 0x01.

::

    example.com/ledger                              the text, each line ended by a newline
    5
    Fvfji/nNhTESLrpIyLCqJHRuWXNTWEVPWs0qgjO8I4s=
                                                    one empty line, the last one in the note
    — example.com/ledger kX8M…Q0=                   base64(4-byte key id ‖ 64-byte signature of the text)

    example.com/ledger+<8 hex digits: key id>+base64(0x01 ‖ public key)              a verifier key
    PRIVATE+KEY+example.com/ledger+<8 hex digits: key id>+base64(0x01 ‖ seed)        a signer key

    key id = first 4 bytes of SHA-256(name ‖ "\\n" ‖ 0x01 ‖ public key)

Clause by clause: the format is strict ("Format"); a signature by an unknown key is ignored, one by a known key that
fails refuses the note, and one by a known key must be there ("Signatures"). A note may carry 16 signatures, the
number that the clause obliges a verifier to accept; a second one by the same key is refused.

Proven by ``tests/log/test_note.py``, among others against the specification's own example.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.errors import MalformedError, TamperError, UnverifiedError
from ledger.log.lines import format_base64, parse_base64, parse_text

MAX_SIGNATURES = 16
_ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"
_ID_SIZE = 4


def _is_name(name: str) -> bool:
    """Whether `name` may name a key: some characters, no Unicode space, no plus, no control character."""
    return bool(name) and "+" not in name and not any(c.isspace() or c < " " for c in name)


def _key_id(name: str, public: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_ID_SIZE]


def _parse_key(what: str, text: str) -> tuple[str, bytes, bytes]:
    """The name, the key id and the 32 bytes of the key that ``name+id+base64`` spells."""
    parts = text.split("+", 2)  # base64 may hold a plus; a name may not
    if len(parts) != 3 or not _is_name(parts[0]):
        raise MalformedError(what, "not a name, a key id and a key joined by +")
    name, id_text, key_text = parts
    key = parse_base64(what, key_text)
    if key[:1] != _ED25519 or len(key) != 33:
        raise MalformedError(what, "not an Ed25519 key")
    try:
        key_id = bytes.fromhex(id_text)
        name.encode()
    except ValueError as error:
        raise MalformedError(what, "the key id is not hexadecimal, or the name is not Unicode") from error
    if key_id.hex() != id_text or len(key_id) != _ID_SIZE:
        raise MalformedError(what, "the key id is not 8 lower-case hexadecimal digits")
    return name, key_id, key[1:]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key that notes are checked against; `str` of it is its text."""

    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        name, key_id, public = _parse_key("verifier key", text)
        if key_id != _key_id(name, public):
            raise MalformedError("verifier key", "the key id is not that of the name and the key")
        return cls(name, key_id, public)

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{format_base64(_ED25519 + self.public)}"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's, over `message` (RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A private key. Neither `str` nor `repr` of it shows the seed; only `text` does, for its file."""

    verifier: VerifierKey
    _seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> SignerKey:
        """A new key for `name`, from the system's randomness; `ValueError` where `name` cannot name a key."""
        if not _is_name(name):
            raise ValueError("a key name is some characters, without spaces or plus")
        return cls._of_seed(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> SignerKey:
        if not text.startswith(_PRIVATE):
            raise MalformedError("signer key", f"does not start with {_PRIVATE}")
        name, key_id, seed = _parse_key("signer key", text.removeprefix(_PRIVATE))
        signer = cls._of_seed(name, seed)
        if key_id != signer.verifier.key_id:
            raise MalformedError("signer key", "the key id is not that of the name and the key")
        return signer

    @classmethod
    def _of_seed(cls, name: str, seed: bytes) -> SignerKey:
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        return cls(VerifierKey(name, _key_id(name, public), public), seed)

    @property
    def name(self) -> str:
        return self.verifier.name

    def text(self) -> str:
        """What stands in the key file. It holds the secret."""
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{format_base64(_ED25519 + self._seed)}"

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self._seed).sign(message)


class Signature(NamedTuple):
    """One signature line: the key's name, its 4-byte id, and the signature's bytes, of whatever algorithm."""

    name: str
    key_id: bytes
    value: bytes


class Note(NamedTuple):
    """A note as it stands, nothing verified. `text` ends in a newline."""

    text: str
    signatures: tuple[Signature, ...]


class OpenedNote(NamedTuple):
    """A note's text, and the known keys whose signatures verified: at least one."""

    text: str
    signed_by: tuple[VerifierKey, ...]


def parse_note(data: bytes) -> Note:
    """The note that `data` spells; `MalformedError` unless it is canonical."""
    text, separator, tail = parse_text("note", data).rpartition("\n\n")
    if not separator:
        raise MalformedError("note", "no empty line before the signatures")
    lines = tail.split("\n")[:-1]
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise MalformedError("note", f"not 1 to {MAX_SIGNATURES} signatures")
    signatures = tuple(map(_parse_signature, lines))
    if len({(signature.name, signature.key_id) for signature in signatures}) != len(signatures):
        raise MalformedError("note", "two signatures by one key")
    return Note(text + "\n", signatures)


def _parse_signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _is_name(parts[1]):
        raise MalformedError("note", "a signature line is not a dash, a key name and a signature")
    value = parse_base64("note", parts[2])
    if len(value) <= _ID_SIZE:
        raise MalformedError("note", "a signature without bytes")
    return Signature(parts[1], value[:_ID_SIZE], value[_ID_SIZE:])


def format_note(note: Note) -> bytes:
    """The note's bytes; `MalformedError` where they would not parse again."""
    lines = [f"— {name} {format_base64(key_id + value)}\n" for name, key_id, value in note.signatures]
    try:
        data = f"{note.text}\n{''.join(lines)}".encode()
    except UnicodeEncodeError as error:
        raise MalformedError("note", "not Unicode") from error
    if parse_note(data) != note:
        raise MalformedError("note", "the text would not be read as it stands")
    return data


def sign(text: str, signer: SignerKey) -> Note:
    """A note of `text`, which ends in a newline, with one signature."""
    key = signer.verifier
    return Note(text, (Signature(key.name, key.key_id, signer.sign(text.encode())),))


def open_note(data: bytes, keys: Iterable[VerifierKey]) -> OpenedNote:
    """The text of a note that one of `keys` or more signed.

    `MalformedError` where it is no note, `TamperError` where the signature of a known key fails, `UnverifiedError`
    where no known key signed.
    """
    note = parse_note(data)
    known = {(key.name, key.key_id): key for key in keys}
    message = note.text.encode()
    signed_by = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verifies(signature.value, message):
            raise TamperError(0, "signature", f"the signature of {key.name} is not over this text")
        signed_by.append(key)
    if not signed_by:
        raise UnverifiedError(0, "signature", "no known key signed this note")
    return OpenedNote(note.text, tuple(signed_by))
