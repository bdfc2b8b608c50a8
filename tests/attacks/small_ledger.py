"""A small ledger on disk, what an attacker does to its file with SQLite alone, and what verification says of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ledger.application import Ledger
from ledger.domain.event import Basis, Evidence, Source
from ledger.domain.kind import Fact
from ledger.domain.registry import fact
from ledger.domain.site import Completed, Registered
from ledger.errors import StoreError, TamperError
from ledger.log.checkpoint import Checkpoint
from ledger.log.entry import (
    Header,
    format_entry,
    format_header,
    format_time,
    header_commitment,
    leaf_hash,
    payload_commitment,
)
from ledger.log.merkle import Frontier
from ledger.log.note import SignerKey
from ledger.log.verify import Fault
from ledger.store.keys import KeyStore
from ledger.store.pins import Pins
from ledger.verification import Report, verify

ORIGIN = "example.com/ledger"
SIZE = 13
ERASED, ERASURE = 6, 10
CHECKPOINTS = (5, 9, 11)
DOCUMENT = b"bill of lading 17"
EVIDENCE = sha256(DOCUMENT).hexdigest()


def site(label: str, version: int = 1, note: str = "", **fields: Any) -> Fact:
    """A site's first or later event, whose source and key are its own."""
    source = Source(name="tests", key=f"{label}/{version}")
    if version == 1:
        return fact(
            f"site:{label}", 1, "registered", Registered(basis=Basis.DECLARED, source=source, name=label, **fields)
        )
    return fact(
        f"site:{label}", version, "completed", Completed(basis=Basis.REPORTED, source=source, note=note or "as built")
    )


@dataclass(frozen=True)
class SmallLedger:
    """A ledger's folder, the keys that sign it, and one auditor's pins."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "ledger"

    @property
    def database(self) -> Path:
        return self.path / "ledger.db"

    @property
    def keys(self) -> KeyStore:
        return KeyStore(self.folder / "keys")

    @property
    def pins(self) -> Pins:
        return Pins(self.folder / "state")

    @property
    def signer(self) -> SignerKey:
        signer = self.keys.load(ORIGIN)
        assert signer is not None
        return signer

    def build(self) -> None:
        """13 entries in 5 streams; checkpoints of 5, 9 and 11; the payload at 6 erased; one document kept."""
        document = self.folder / "document"
        document.write_bytes(DOCUMENT)
        with Ledger.create(self.path, ORIGIN, self.keys.new(ORIGIN), recorded_by="ops@host-7") as ledger:
            ledger.folder.keep_evidence(document)
            cited = (Evidence(sha256=EVIDENCE, media_type="application/pdf"),)
            ledger.append([site("hall"), site("hall", 2), site("annex", evidence=cited), site("annex", 2)])
            ledger.checkpoint(self.keys)
            ledger.append([site("yard"), site("yard", 2), site("hall", 3), site("annex", 3)])
            ledger.checkpoint(self.keys)
            ledger.erase(ERASED, "asked for")
            ledger.append([site("hall", 4)])
            ledger.checkpoint(self.keys)
            ledger.append([site("quay"), site("quay", 2)])

    def open(self, *, read_only: bool = True) -> Ledger:
        return Ledger(self.path, read_only=read_only, recorded_by="ops@host-7")

    def verify(self, **options: Any) -> Report:
        with self.open() as ledger:
            return verify(ledger, **options)

    def faults(self, **options: Any) -> list[Fault]:
        """What verification finds; a ledger that it will not even open is one fault."""
        try:
            return self.verify(**options).faults
        except TamperError as error:
            return [Fault(error.position, error.kind, error.detail)]
        except StoreError as error:
            return [Fault(0, "storage", str(error))]

    def found(self, **options: Any) -> list[tuple[int, str]]:
        """The faults' positions and kinds."""
        return [(fault.position, fault.kind) for fault in self.faults(**options)]

    def checkpoints(self) -> dict[int, bytes]:
        with self.open() as ledger:
            return dict(ledger.log_recorder.checkpoints())

    @contextmanager
    def raw(self) -> Iterator[sqlite3.Connection]:
        """The file as an attacker has it: no trigger stands in the way, and all are back when she is done."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            connection.execute("BEGIN")
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            yield connection
            for _, sql in triggers:
                connection.execute(sql)
            connection.execute("COMMIT")

    @contextmanager
    def schema(self) -> Iterator[sqlite3.Connection]:
        """The file with its schema open to writing, its checks relaxed."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            yield connection
            version = connection.execute("PRAGMA schema_version").fetchone()[0]
            connection.execute(f"PRAGMA schema_version = {version + 1}")

    def merge_log(self) -> None:
        """Brings everything into the one file, so that its bytes can be altered."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def sign(self, size: int, signer: SignerKey | None = None) -> bytes:
        """A checkpoint of the log as it now stands, past all that keeps the signer honest."""
        signer = signer or self.signer
        with self.open() as ledger:
            return Checkpoint(signer.name, size, ledger.root(size)).sign(signer)

    def replace_checkpoints(self, notes: dict[int, bytes]) -> None:
        with self.raw() as connection:
            connection.execute("DELETE FROM checkpoints")
            connection.executemany("INSERT INTO checkpoints VALUES (?, ?)", sorted(notes.items()))


def reseal(connection: sqlite3.Connection, first: int = 1) -> None:
    """Hashes everything from `first` on anew, so that the tree agrees with whatever the rows now say."""
    frontier = Frontier()
    rows = connection.execute(
        """SELECT position, stream, version, type, class_version, recorded_at, recorded_by, header_salt,
        payload_commitment, nodes, salt, payload FROM entries LEFT JOIN payloads USING (position) ORDER BY position"""
    ).fetchall()
    for position, *columns, recorded_at, recorded_by, header_salt, committed, nodes, salt, payload in rows:
        if position < first:
            frontier.append(nodes[:32])
            continue
        if payload is not None:
            committed = payload_commitment(salt, payload)
        header = format_header(Header(*columns, format_time(recorded_at), recorded_by))
        entry = format_entry(header_commitment(header_salt, header), committed)
        connection.execute(
            "UPDATE entries SET payload_commitment = ?, nodes = ? WHERE position = ?",
            (committed, frontier.append(leaf_hash(entry)), position),
        )


def flipped(value: bytes, at: int, bit: int = 1) -> bytes:
    """`value` with one bit of the byte at `at` turned."""
    return value[:at] + bytes([value[at] ^ bit]) + value[at + 1 :]


def column(connection: sqlite3.Connection, sql: str, *params: object) -> list[Any]:
    """The first column of all rows."""
    return [row[0] for row in connection.execute(sql, params)]


def kinds(found: Sequence[tuple[int, str]], position: int) -> set[str]:
    """What was found wrong at one position."""
    return {kind for at, kind in found if at == position}
