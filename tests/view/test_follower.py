"""The follower: what enters the view was verified, whole blocks at a time, and the same however it came in."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.domain import party, shipment, site
from ledger.domain.event import Chip
from ledger.domain.quantity import Count
from ledger.errors import TamperError
from ledger.log.merkle import Frontier, Node
from ledger.log.verify import LogRow
from ledger.store.mapper import LedgerEvent
from ledger.store.sealing import seal
from ledger.view import block
from ledger.view.check import check_view
from ledger.view.follower import follow
from ledger.view.home import View

from .conftest import Say
from .many_facts import many_facts
from .tables import contents

LINE = shipment.Line(line="1", chip=Chip("nvidia-h100-sxm5-80gb"), quantity=Count(8, 8))


class Telling:
    """A log whose rows pass through a function on their way out: an attacker between two reads."""

    def __init__(self, ledger: Ledger, change: Callable[[LogRow], LogRow] = lambda row: row, size: int = 0) -> None:
        self._log, self._change, self._size = ledger.log_recorder, change, size

    def size(self) -> int:
        return self._size or self._log.size()

    def rows(self, first: int = 1, last: int | None = None) -> Iterator[LogRow]:
        with closing(self._log.rows(first, last)) as rows:
            yield from map(self._change, rows)

    def nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        return self._log.nodes(nodes)

    def erased(self) -> set[int]:
        return self._log.erased()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_view_that_followed_in_blocks_of_any_size_is_the_view_made_in_one_go(
    ledger: Ledger, view: View, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    facts = list(many_facts(600, seed))
    monkeypatch.setattr(block, "_LONG", 12)
    while facts:
        count = chance.randint(1, 90)
        ledger.append(facts[:count])
        facts = facts[count:]
        follow(ledger.log_recorder, view, block_rows=chance.randint(1, 40))
    with View(tmp_path / "again.db") as again:
        follow(ledger.log_recorder, again)
        assert contents(view) == contents(again)


def test_a_long_stream_that_waited_reads_as_one_that_did_not(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(list(many_facts(400)))
    with View(tmp_path / "at-once.db") as at_once, View(tmp_path / "waited.db") as waited:
        follow(ledger.log_recorder, at_once)
        monkeypatch.setattr(block, "_LONG", 2)
        follow(ledger.log_recorder, waited, block_rows=50)
        assert contents(at_once) == contents(waited)
        assert not waited.connection.execute("SELECT * FROM unfolded").fetchall()


def test_following_twice_reads_nothing_twice(ledger: Ledger, view: View, say: Say) -> None:
    say("party:a", "registered", party.Registered, legal_name="A")
    assert follow(ledger.log_recorder, view) == 2
    read: list[int] = []

    def watched(row: LogRow) -> LogRow:
        read.append(row[0])
        return row

    say("party:b", "registered", party.Registered, legal_name="B")
    assert follow(Telling(ledger, watched), view) == 3
    assert read == [3]


def test_progress_says_how_far_it_is(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(50)))
    told: list[tuple[int, int]] = []
    follow(ledger.log_recorder, view, lambda doing, done, of: told.append((done, of)), block_rows=20)
    assert told == sorted(told)
    assert told[-1] == (ledger.size(), ledger.size())


def changed(position: int, column: int, value: object) -> Callable[[LogRow], LogRow]:
    def change(row: LogRow) -> LogRow:
        if row[0] != position:
            return row
        return (*row[:column], value, *row[column + 1 :])  # type: ignore[return-value]

    return change


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (1, "party:mallory"),
        (3, "party.reported"),
        (5, 2**41),
        (6, "mallory"),
        (10, b'{"basis":"attested"}'),
        (11, b"x" * 32),
    ],
    ids=["stream", "type", "recorded_at", "recorded_by", "payload", "nodes"],
)
def test_a_row_changed_on_its_way_is_refused_at_its_position_and_only_what_is_before_it_enters(
    ledger: Ledger, view: View, say: Say, column: int, value: object
) -> None:
    for name in "abcd":
        say(f"party:{name}", "registered", party.Registered, legal_name=name)
    with pytest.raises(TamperError) as caught:
        follow(Telling(ledger, changed(4, column, value)), view)
    assert caught.value.position == 4
    assert view.state().position == 3
    assert [row[0] for row in view.connection.execute("SELECT stream FROM subjects ORDER BY 1")] == [
        "ledger:self", "party:a", "party:b",
    ]  # fmt: skip
    assert follow(ledger.log_recorder, view) == 5


def test_a_row_that_is_left_out_is_refused(ledger: Ledger, view: View, say: Say) -> None:
    for name in "abc":
        say(f"party:{name}", "registered", party.Registered, legal_name=name)
    log = Telling(ledger, lambda row: row)
    log.rows = lambda first=1, last=None: (row for row in ledger.log_recorder.rows(first, last) if row[0] != 3)  # type: ignore[method-assign]
    with pytest.raises(TamperError, match="missing") as caught:
        follow(log, view)
    assert (caught.value.position, view.state().position) == (3, 2)


def test_a_log_that_ends_before_it_says_is_refused(ledger: Ledger, view: View) -> None:
    with pytest.raises(TamperError, match="position 2 is missing"):
        follow(Telling(ledger, size=2), view)


def test_what_changes_in_the_log_after_it_was_read_reaches_no_table(ledger: Ledger, view: View, say: Say) -> None:
    say("party:a", "registered", party.Registered, legal_name="Before")
    follow(ledger.log_recorder, view)
    with closing(sqlite3.connect(ledger.folder.log)) as attacker:
        attacker.execute("DROP TRIGGER payloads_update")
        attacker.execute(
            "UPDATE payloads SET payload = CAST(replace(payload, 'Before', 'Forged') AS BLOB) WHERE position = 2"
        )
        attacker.commit()
    say("party:a", "relocated", party.Relocated)
    follow(ledger.log_recorder, view)
    assert view.connection.execute("SELECT legal_name FROM parties").fetchall() == [("Before",)]


def test_a_crash_within_a_block_leaves_the_view_after_the_block_before(
    ledger: Ledger, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(list(many_facts(120)))
    follow(Telling(ledger, size=60), view)
    before = contents(view)

    def crash(self: block.Block) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(block.Block, "_insert_subjects", crash)
        with pytest.raises(KeyboardInterrupt):
            follow(ledger.log_recorder, view)
    assert contents(view) == before
    follow(ledger.log_recorder, view)
    assert check_view(ledger.log_recorder, view, full=True).ok


def test_a_log_rewritten_below_the_view_makes_it_anew_and_says_so(
    ledger: Ledger, view: View, tmp_path: Path, say: Say
) -> None:
    say("party:a", "registered", party.Registered, legal_name="A")
    follow(ledger.log_recorder, view)
    view.close()
    from ledger.store.keys import KeyStore

    with Ledger.create(tmp_path / "other", "example.org/other", KeyStore().new("example.org/other")) as other:
        other.append(list(many_facts(20)))
        with View(ledger.folder.view) as same_file:
            told: list[str] = []
            follow(other.log_recorder, same_file, lambda doing, done, of: told.append(doing))
            assert "root at size 2" in same_file.notice
            assert any("anew" in doing for doing in told)
            assert same_file.state().origin == "example.org/other"
            assert not same_file.connection.execute("SELECT * FROM parties WHERE legal_name = 'A'").fetchall()


def test_a_log_shorter_than_the_view_makes_it_anew(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(20)))
    follow(ledger.log_recorder, view)
    assert follow(Telling(ledger, size=5), view) == 5
    assert "ends at 5" in view.notice


def test_a_checkpoint_that_disagrees_is_a_fault(ledger: Ledger, view: View) -> None:
    ledger.append(list(many_facts(20)))
    with pytest.raises(TamperError, match="rewritten"):
        follow(ledger.log_recorder, view, checkpoints={10: bytes(32)})
    with pytest.raises(TamperError, match="vouches for 1000"):
        follow(ledger.log_recorder, view, checkpoints={1000: bytes(32)})


class MadeUp:
    """A log that no recorder would make: sealed soundly, whatever its events say."""

    def __init__(self, events: Sequence[LedgerEvent]) -> None:
        entries, payloads = seal(events, Frontier(), 1_700_000_000_000, "mallory")
        self._rows: list[LogRow] = [
            (*entry[:9], salt, payload, entry[9]) for entry, (_, salt, payload) in zip(entries, payloads, strict=True)
        ]

    def size(self) -> int:
        return len(self._rows)

    def rows(self, first: int = 1, last: int | None = None) -> Iterator[LogRow]:
        return (row for row in self._rows if first <= row[0] <= (last or len(self._rows)))

    def nodes(self, nodes: Sequence[Node]) -> list[bytes]:
        return [b""] * len(nodes)

    def erased(self) -> set[int]:
        return set()


@pytest.mark.parametrize("long", [2, 100])
def test_versions_of_a_stream_that_do_not_follow_on_are_a_fault(
    view: View, monkeypatch: pytest.MonkeyPatch, long: int
) -> None:
    monkeypatch.setattr(block, "_LONG", long)
    said = [LedgerEvent("party:a", version, "party.renamed", b"{}", 1) for version in (1, 2, 4, 5)]
    with pytest.raises(TamperError, match="version 4, not 3") as caught:
        follow(MadeUp(said), view, block_rows=2)
    assert (caught.value.position, view.state().position) == (3, 2)


def test_late_facts_and_corrections_are_folded_in(ledger: Ledger, view: View, say: Say) -> None:
    from ledger.domain.correction import Corrected, Retracted
    from ledger.domain.when import When

    goods = "shipment:s"
    say(goods, "declared", shipment.Declared, lines=(LINE,), occurred_at=When.parse("2024-01-01"))
    say(goods, "received", shipment.Received, occurred_at=When.parse("2024-03-01"))
    follow(ledger.log_recorder, view)
    status = "SELECT status, irregular FROM shipments"
    assert view.connection.execute(status).fetchall() == [("received", 1)]
    assert view.connection.execute("SELECT irregular FROM events WHERE position = 3").fetchone() == ("gap",)

    departed = say(goods, "departed", shipment.Moved, occurred_at=When.parse("2024-02-01"))
    follow(ledger.log_recorder, view)
    assert view.connection.execute(status).fetchall() == [("received", 0)]
    assert view.connection.execute("SELECT irregular FROM events WHERE position = 3").fetchone() == (None,)

    fixed = say(goods, "corrected", Corrected, corrects=1, reason="miscounted", replace={"/lines/0/quantity": 4})
    follow(ledger.log_recorder, view)
    assert view.connection.execute("SELECT quantity_low FROM shipment_lines").fetchall() == [(4,)]
    assert view.connection.execute("SELECT corrected_by FROM events WHERE position = 2").fetchone() == (str(fixed),)

    taken_back = say(goods, "retracted", Retracted, corrects=3, reason="of another shipment")
    follow(ledger.log_recorder, view)
    assert view.connection.execute("SELECT movement FROM movements ORDER BY position").fetchall() == [("received",)]
    sql = "SELECT retracted_by FROM events WHERE position = ?"
    assert view.connection.execute(sql, (departed,)).fetchone() == (taken_back,)
    assert check_view(ledger.log_recorder, view, full=True).ok


@pytest.mark.parametrize("when", ["seen before", "seen after"])
def test_an_erased_payload_is_in_no_table_and_no_index_nor_in_the_file(
    ledger: Ledger, view: View, say: Say, when: str
) -> None:
    secret = "Zanzibar"
    told = say("site:a", "registered", site.Registered, name=f"{secret} hall", note=secret)
    say("party:b", "registered", party.Registered, legal_name="B")
    if when == "seen before":
        follow(ledger.log_recorder, view)
        assert view.connection.execute("SELECT name FROM sites").fetchall() == [(f"{secret} hall",)]
    ledger.erase(told, "a person asked for it")
    follow(ledger.log_recorder, view)
    sql = "SELECT erased, payload, note, type, basis FROM events WHERE position = ?"
    assert view.connection.execute(sql, (told,)).fetchone() == (1, None, None, "site.registered", None)
    assert view.connection.execute("SELECT position, erased_by FROM erasures").fetchall() == [(told, 4)]
    assert not view.connection.execute("SELECT rowid FROM events_fts WHERE events_fts MATCH ?", (secret,)).fetchall()
    assert check_view(ledger.log_recorder, view, full=True).ok
    view.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = [ledger.folder.view, ledger.folder.view.with_name("view.db-wal")]
    assert not any(secret.encode() in file.read_bytes() for file in files if file.exists())


def test_a_payload_that_is_gone_without_an_event_that_says_so_is_a_fault(ledger: Ledger, view: View, say: Say) -> None:
    told = say("party:a", "registered", party.Registered, legal_name="A")
    log = Telling(ledger, lambda row: (*row[:9], None, None, row[11]) if row[0] == told else row)
    log.erased = lambda: {told}  # type: ignore[method-assign]
    with pytest.raises(TamperError, match="no erasure is on record") as caught:
        follow(log, view)
    assert caught.value.position == told


def test_an_event_of_unknown_type_is_shown_as_such_and_found_by_what_it_names(
    ledger: Ledger, view: View, say: Say
) -> None:
    say("party:a", "registered", party.Registered, legal_name="A")
    future = LedgerEvent("party:a", 2, "party.cloned", b'{"basis":"declared","into":["party:b"],"wh":"Ganymede"}', 1)
    ledger.log_recorder.insert_events([future])  # type: ignore[list-item]
    follow(ledger.log_recorder, view)
    row = view.connection.execute("SELECT type, unknown, basis FROM events WHERE position = 3").fetchone()
    assert row == ("party.cloned", 1, "declared")
    assert view.connection.execute("SELECT position FROM mentions WHERE name = 'party:b'").fetchall() == [(3,)]
    assert view.connection.execute("SELECT read_only FROM subjects WHERE stream = 'party:a'").fetchone() == (1,)
    assert view.connection.execute("SELECT legal_name FROM parties").fetchall() == [("A",)]


def test_a_payload_that_is_no_text_is_kept_as_it_is(ledger: Ledger, view: View) -> None:
    ledger.log_recorder.insert_events([LedgerEvent("party:a", 1, "party.registered", b'{"note":"\xff"}', 1)])  # type: ignore[list-item]
    follow(ledger.log_recorder, view)
    assert view.connection.execute("SELECT payload, unknown FROM events WHERE position = 2").fetchone() == (
        b'{"note":"\xff"}', 1,
    )  # fmt: skip
    assert check_view(ledger.log_recorder, view, full=True).ok
