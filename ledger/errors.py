"""Everything that can go wrong, as one tree; errors carry facts, and `ledger.cli` and the screens word them.

::

    LedgerError
    ├── InputError            what came in is not well formed, or names what does not exist
    │   └── DuplicateError    an identity that is already on record, with other content
    ├── RefusedError          well formed, but no order and no missing fact could explain it
    ├── ConflictError         another writer appended to the same stream first
    ├── StoreError            the ledger's home: missing, full, read-only, busy, newer, not a ledger
    ├── MalformedError        bytes that claim a format and are not canonical in it
    ├── TamperError           what is read is not what was written
    │   └── UnverifiedError   nothing trusted vouches for what is read
    └── KeyStoreError         a key that is missing, unreadable, or open to others
        └── ForkError         signing would let one origin show two histories

Misuse (the upper half) and tampering (`MalformedError` and below) are different branches, so that no
handler can take one for the other. Findings of law are values, never errors.
"""

from __future__ import annotations

from dataclasses import dataclass


class LedgerError(Exception):
    """The root. `hint` says what to do about it, in one sentence, or is empty."""

    hint: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in somebody's input a problem lies: `file`, 1-based `line`, `field` as a JSON pointer or column."""

    file: str = ""
    line: int = 0
    field: str = ""

    def __str__(self) -> str:
        where = self.file or "input"
        if self.line:
            where += f":{self.line}"
        return f"{where}: {self.field}" if self.field else where


class InputError(LedgerError):
    """Input that is not well formed. `problem` is one sentence; `place` says where."""

    def __init__(self, problem: str, place: Place | None = None, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place or Place()
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}" if self.place != Place() else self.problem


class DuplicateError(InputError):
    """An identity (source and row key, or an opening event) that stands on record with other content.

    `position` is where the first one stands, or 0 when it stands in the same input.
    """

    def __init__(self, problem: str, position: int, place: Place | None = None, hint: str = "") -> None:
        super().__init__(problem, place, hint)
        self.position = position


class RefusedError(LedgerError):
    """A well-formed event that contradicts itself or its stream beyond what a missing fact could explain."""

    def __init__(self, stream: str, problem: str, place: Place | None = None, hint: str = "") -> None:
        super().__init__(problem)
        self.stream = stream
        self.problem = problem
        self.place = place or Place()
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place != Place() else ""
        return f"{where}{self.stream}: {self.problem}"


class ConflictError(LedgerError):
    """Another writer appended to `stream` first; read it again and retry."""

    hint = "Another writer was first. Run the command again: it reads the stream anew."

    def __init__(self, stream: str, version: int) -> None:
        super().__init__(f"{stream}: version {version} was recorded by another writer in the meantime")
        self.stream = stream
        self.version = version


class StoreError(LedgerError):
    """The ledger's home cannot be used. `reason` is one of a closed set, `path` the file or folder.

    Reasons: ``missing``, ``not-a-ledger``, ``newer``, ``read-only``, ``full``, ``busy``, ``io``, ``exists``, ``schema``.
    """

    def __init__(self, reason: str, path: str, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.reason = reason
        self.path = path
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class MalformedError(LedgerError):
    """Bytes that claim to be a `what` and are not canonical in that format."""

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"malformed {what}: {problem}")
        self.what = what
        self.problem = problem


class TamperError(LedgerError):
    """What is read is not what was written: at log `position` (0: not of one position), of `kind`, with `detail`."""

    def __init__(self, position: int, kind: str, detail: str) -> None:
        super().__init__(f"position {position}: {kind}: {detail}" if position else f"{kind}: {detail}")
        self.position = position
        self.kind = kind
        self.detail = detail


class UnverifiedError(TamperError):
    """No trusted key, pin or checkpoint vouches for what is read."""


class KeyStoreError(LedgerError):
    """A key that is missing, unreadable, or readable by others. `path` is the file."""

    def __init__(self, path: str, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


class ForkError(KeyStoreError):
    """Signing would let `origin` show two histories: what was signed last is not a prefix of what stands now."""
