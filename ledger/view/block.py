"""What one block of verified events changes in the view: gathered in memory, written in one transaction.

A stream is folded whole whenever events join it, from what the view itself keeps of its earlier events: those bytes
were verified when they came in, so no row of the log that changes later can reach a table unverified. While the view
catches up with a log that is far ahead, long streams wait in the table ``unfolded`` and are folded once, at its end;
otherwise the cost of a stream would grow with the square of its length.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from ledger.domain.event import Opaque
from ledger.domain.genesis import SELF, PayloadErased
from ledger.domain.kind import Fact, Subject
from ledger.domain.registry import project, read_payload
from ledger.errors import TamperError
from ledger.log.verify import LogRow
from ledger.view.events import EventRow, Read, event_row, mentions_of, read_event
from ledger.view.links import links_of
from ledger.view.readable import Folded, Row, label
from ledger.view.schema import KINDS_IN_TABLES, READ_ROOTS, TABLES, TABLES_OF_KIND

__all__ = ["Block", "Histories"]

Flags = tuple[str | None, str | None, int | None]
"""An event's columns `irregular`, `corrected_by` and `retracted_by`: what later events may change."""

NO_FLAGS: Final[Flags] = (None, None, None)
_FLAGS_AT: Final = EventRow._fields.index("irregular")
_FACETS: Final = frozenset({"party", "site", "country", "chip"})
_KEPT_FACTS: Final = 20_000
_LONG: Final = 30
"""From so many events on a stream waits to be folded until the view has caught up."""


class History:
    """What is known of one stream: its facts in order of version, and the flags of each as they stand in the view."""

    __slots__ = ("facts", "flags")

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.flags: list[Flags] = []


class Histories:
    """The streams last folded, up to a number of facts in all, so that a busy stream is not read for every block."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, History] = OrderedDict()
        self._facts = 0

    def take(self, stream: str) -> History | None:
        found = self._kept.pop(stream, None)
        if found is not None:
            self._facts -= len(found.facts)
        return found

    def keep(self, stream: str, history: History) -> None:
        self._kept[stream] = history
        self._facts += len(history.facts)
        while self._facts > _KEPT_FACTS and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._facts -= len(dropped.facts)


_INSERTS: Final = {
    name: f"INSERT INTO {name} VALUES ({','.join('?' * len(columns))})"  # noqa: S608 - names of this package
    for name, columns in TABLES.items()
}
_HISTORY_SQL: Final = """SELECT position, version, type, class_version, payload, irregular, corrected_by, retracted_by
    FROM events WHERE stream = ? ORDER BY version, position"""
_HEADER_SQL: Final = """SELECT position, stream, version, type, class_version, recorded_at, recorded_by, words, payload,
    basis, source FROM events WHERE position = ?"""


class Block:
    """Verified rows on their way into the view behind `connection`."""

    def __init__(self, connection: sqlite3.Connection, histories: Histories) -> None:
        self._connection = connection
        self._histories = histories
        self._reads: dict[int, Read] = {}
        self._flags: dict[int, Flags] = {}
        self._facets: Counter[tuple[str, str]] = Counter()
        self._refold: dict[str, list[Read]] = {}
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._stale: dict[str, list[tuple[str]]] = {}
        self.origin = ""
        self.erases = False

    def write(self, rows: Sequence[LogRow], *, last: bool = True) -> None:
        """Writes what the rows say, in the transaction that is open. TamperError where their streams do not follow on.

        Where the rows are not the log's `last`, long streams are left for `fold_waiting`.
        """
        erased = self._erasures(rows)
        for row in rows:
            read = read_event(row, erased=row[10] is None or row[0] in erased)
            self._reads[row[0]] = read
            self._refold.setdefault(row[1], []).append(read)
        for stream, reads in self._refold.items():
            if last or not reads or reads[-1].fact.originator_version < _LONG:
                self._fold(stream, reads)
            else:
                self._wait(stream, reads)
        self._insert()

    def fold_waiting(self, limit: int = 2 * _KEPT_FACTS) -> int:
        """Folds streams that wait, of about `limit` events in all, in the open transaction; how many still wait."""
        sql = "SELECT stream, (SELECT count(*) FROM events WHERE events.stream = unfolded.stream) FROM unfolded"
        waiting, folded = self._connection.execute(f"{sql} ORDER BY stream").fetchall(), 0
        while waiting and folded < limit:
            stream, events = waiting.pop(0)
            self._fold(stream, ())
            folded += events
        self._insert()
        return len(waiting)

    def _wait(self, stream: str, reads: Sequence[Read]) -> None:
        """Leaves a stream to be folded later, seeing only to it that its versions follow on."""
        self._histories.take(stream)
        sql = "SELECT max(version) FROM events WHERE stream = ?"
        known = self._connection.execute(sql, (stream,)).fetchone()[0] or 0
        _check_versions(stream, known, reads)
        self._connection.execute("INSERT OR IGNORE INTO unfolded VALUES (?)", (stream,))

    # Erased payloads

    def _erasures(self, rows: Sequence[LogRow]) -> set[int]:
        """Keeps which payloads are gone and which event says so; returns the positions that events in `rows` erase."""
        gone = [(row[0], row[8].hex()) for row in rows if row[10] is None]
        self._connection.executemany("INSERT INTO erasures VALUES (?, ?, NULL)", gone)
        erased: set[int] = set()
        first = rows[0][0]
        for row in rows:
            if row[1] != SELF or row[10] is None:
                continue
            event = read_payload(row[3], row[4], row[10])
            self.origin = getattr(event, "origin", self.origin)
            if isinstance(event, PayloadErased) and event.position < row[0]:
                self._note_erasure(event.position, event.payload_commitment, row[0])
                erased.add(event.position)
                if event.position < first:
                    self._blank(event.position)
        return erased

    def _note_erasure(self, position: int, commitment: str, erased_by: int) -> None:
        sql = "SELECT payload_commitment, erased_by FROM erasures WHERE position = ?"
        known = self._connection.execute(sql, (position,)).fetchone()
        if known is not None and known[0] != commitment:
            detail = f"its erasure, at position {erased_by}, is of another payload"
            raise TamperError(position, "payload-missing", detail)
        if known is None or known[1] is None:
            self._connection.execute(
                "INSERT OR REPLACE INTO erasures VALUES (?, ?, ?)", (position, commitment, erased_by)
            )

    def _blank(self, position: int) -> None:
        """Takes the payload of an earlier event out of every table and index."""
        found = self._connection.execute(_HEADER_SQL, (position,)).fetchone()
        if found is None or found[8] is None:
            return
        *header, words, payload, basis, source = found
        read = event_row(tuple(header), None)
        stream = read.row.stream
        mentions, _ = mentions_of(payload if isinstance(payload, str) else "")
        self._count(mentions | {stream}, read.row._replace(basis=basis, source=source), -1)
        self._count(read.mentions, read.row, +1)
        run = self._connection.execute
        run(
            "INSERT INTO events_fts(events_fts, rowid, stream, words) VALUES ('delete', ?, ?, ?)",
            (position, stream, words),
        )
        run("DELETE FROM mentions WHERE position = ? AND name IN (SELECT value FROM json_each(?))",
            (position, _json_list(mentions - read.mentions)))  # fmt: skip
        run("DELETE FROM events WHERE position = ?", (position,))
        run(_INSERTS["events"], read.row)
        run("INSERT INTO events_fts(rowid, stream, words) VALUES (?, ?, ?)", (position, stream, read.row.words))
        self._histories.take(stream)
        self._refold.setdefault(stream, [])
        self.erases = True

    # Folding

    def _fold(self, stream: str, reads: Sequence[Read]) -> None:
        history = self._history(stream, new=bool(reads) and reads[0].fact.originator_version == 1)
        known = len(history.facts)
        _check_versions(stream, known, reads)
        history.facts += [read.fact for read in reads]
        history.flags += [NO_FLAGS] * len(reads)
        subject = project(None, history.facts)
        if subject is not None:
            self._flag(subject, history, known)
            if known:
                for table, _ in TABLES_OF_KIND.get(stream.partition(":")[0], ()):
                    self._stale.setdefault(table, []).append((stream,))
            self._tell(subject)
        if len(history.facts) >= _LONG:
            self._connection.execute("DELETE FROM unfolded WHERE stream = ?", (stream,))
        self._histories.keep(stream, history)

    def _history(self, stream: str, *, new: bool) -> History:
        history = self._histories.take(stream)
        if history is None:
            history = History()
            found = [] if new else self._connection.execute(_HISTORY_SQL, (stream,))
            for position, version, kind, class_version, payload, *flags in found:
                event: Any = Opaque(kind, class_version, None)
                if payload is not None:
                    event = read_payload(kind, class_version, payload.encode() if isinstance(payload, str) else payload)
                history.facts.append(Fact(stream, version, kind, event, position))
                history.flags.append((flags[0], flags[1], flags[2]))
        return history

    def _flag(self, subject: Subject, history: History, known: int) -> None:
        """Notes which events are irregular, corrected or retracted, where that is not what the view says already."""
        codes: dict[int, list[str]] = {}
        for item in subject.irregular:
            codes.setdefault(item.version, []).append(item.code)
        flags: dict[int, Flags] = {version: (", ".join(dict.fromkeys(c)), None, None) for version, c in codes.items()}
        for entry in subject.entries:
            if entry.corrected_by or entry.retracted_by:
                version = entry.fact.originator_version
                corrected = ", ".join(str(history.facts[by - 1].position) for by in entry.corrected_by) or None
                retracted = history.facts[entry.retracted_by - 1].position if entry.retracted_by else None
                flags[version] = (flags.get(version, NO_FLAGS)[0], corrected, retracted)
        if not flags and not any(before is not NO_FLAGS for before in history.flags):
            return
        for index, before in enumerate(history.flags):
            now = flags.get(index + 1, NO_FLAGS)
            if now != before:
                self._flags[history.facts[index].position] = now
            history.flags[index] = now if now != NO_FLAGS else NO_FLAGS

    def _tell(self, subject: Subject) -> None:
        """Gathers the rows of a subject."""
        kind = subject.stream.partition(":")[0]
        readable = KINDS_IN_TABLES.get(kind)
        title, opened, basis = label(subject.stream), None, None
        rows = self._rows
        if readable is not None:
            folded = Folded(subject, readable.verbs, READ_ROOTS[kind])
            if any(entry.event is not None for entry in subject.entries):
                title = readable.title(folded)
                row = readable.row(folded, title)
                opened, basis = row[-5], row[-4]
                rows.setdefault(readable.table, []).append(row)
                for table, child in readable.rows(folded):
                    rows.setdefault(table, []).append(child)
                rows.setdefault("links", []).extend(links_of(folded))
        positions = [item.position for item in subject.facts]
        for item in subject.irregular:
            irregular: Row = (subject.stream, item.version, positions[item.version - 1], item.code, item.message)
            rows.setdefault("irregularities", []).append(irregular)
        corrections = sum(len(e.corrected_by) + bool(e.retracted_by) for e in subject.entries)
        rows.setdefault("subjects", []).append((
            subject.stream, kind, title, subject.status, basis, opened, subject.version, corrections,
            len({item.version for item in subject.irregular}), int(subject.read_only), min(positions), max(positions),
        ))  # fmt: skip

    # Writing

    def _count(self, mentions: Iterable[str], row: EventRow, by: int) -> None:
        facets = self._facets
        for name in mentions:
            facet, _, value = name.partition(":")
            if facet in _FACETS:
                facets[facet, value if facet in ("country", "chip") else name] += by
        for facet, stated in (("kind", row.kind), ("type", row.type), ("basis", row.basis), ("source", row.source)):
            if stated is not None:
                facets[facet, stated] += by

    def _insert(self) -> None:
        many = self._connection.executemany
        events: list[Sequence[Any]] = []
        mentions: list[tuple[str, int]] = []
        for position, read in self._reads.items():
            row = read.row
            flags = self._flags.pop(position, NO_FLAGS)
            events.append((*row[:_FLAGS_AT], *flags, *row[_FLAGS_AT + 3 :]) if flags != NO_FLAGS else row)
            mentions += [(name, position) for name in read.mentions]
            self._count(read.mentions, row, +1)
        many(_INSERTS["events"], events)
        many(
            "INSERT INTO events_fts(rowid, stream, words) VALUES (?, ?, ?)",
            [(p, read.row.stream, read.row.words) for p, read in self._reads.items()],
        )
        many("INSERT INTO mentions VALUES (?, ?)", sorted(mentions))
        sql = "UPDATE events SET irregular = ?, corrected_by = ?, retracted_by = ? WHERE position = ?"
        many(sql, [(*flags, position) for position, flags in self._flags.items()])
        sql = """INSERT INTO facets VALUES (?, ?, ?)
            ON CONFLICT (facet, value) DO UPDATE SET events = events + excluded.events"""
        many(sql, [(*key, count) for key, count in sorted(self._facets.items()) if count])
        self._insert_subjects()
        if self.erases:
            self._connection.execute("DELETE FROM facets WHERE events = 0")
            # Deleted words stay in the index's segments until these are merged.
            self._connection.execute("INSERT INTO events_fts(events_fts) VALUES ('optimize')")

    def _insert_subjects(self) -> None:
        many = self._connection.executemany
        for table, streams in self._stale.items():
            columns = [column for tables in TABLES_OF_KIND.values() for name, column in tables if name == table]
            many(f"DELETE FROM {table} WHERE {columns[0]} = ?", streams)  # noqa: S608 - names of this package
        for table, rows in self._rows.items():
            insert = _INSERTS[table]
            many(insert.replace("INSERT", "INSERT OR REPLACE", 1) if table == "subjects" else insert, rows)


def _check_versions(stream: str, known: int, reads: Sequence[Read]) -> None:
    for index, read in enumerate(reads, known + 1):
        version = read.fact.originator_version
        if version != index:
            raise TamperError(read.fact.position, "stream", f"{stream} goes on with version {version}, not {index}")


def _json_list(values: Iterable[str]) -> str:
    return json.dumps(sorted(values))
