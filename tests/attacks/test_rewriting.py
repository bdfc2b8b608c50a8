"""History rewritten, restored or forked so that every hash holds: told only by what is kept elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.errors import ForkError, LedgerError, StoreError, TamperError
from ledger.log.checkpoint import Checkpoint
from ledger.log.note import SignerKey
from ledger.store.keys import KeyStore, Signed
from ledger.store.pins import Pin, Pins, Seen
from ledger.verification import verify

from .small_ledger import CHECKPOINTS, ORIGIN, SIZE, SmallLedger, reseal, site

AT = 7
"""The rewritten entry: past the checkpoint of 5, before those of 9 and 11."""


def rewrite(small: SmallLedger, first: int = AT, signer: SignerKey | None = None) -> None:
    """Changes the payload at `first`, hashes everything from there anew, and signs all checkpoints again."""
    with small.raw() as connection:
        sql = "UPDATE payloads SET payload = CAST(replace(CAST(payload AS TEXT), 'as built', 'forged') AS BLOB)"
        assert connection.execute(f"{sql} WHERE position = ?", (first,)).rowcount == 1
        reseal(connection, first)
    resign(small, signer or small.signer)


def resign(small: SmallLedger, signer: SignerKey) -> None:
    small.replace_checkpoints({size: small.sign(size, signer) for size in CHECKPOINTS})


def replace_key(small: SmallLedger, origin: str = ORIGIN) -> SignerKey:
    """Another key, and another origin, in position 1; everything hashed and signed anew, so that the ledger is whole."""
    forger = SignerKey.generate(origin)
    named = str(small.signer.verifier)
    with small.raw() as connection:
        payload = connection.execute("SELECT payload FROM payloads WHERE position = 1").fetchone()[0].decode()
        payload = payload.replace(named, str(forger.verifier)).replace(f'"origin":"{ORIGIN}"', f'"origin":"{origin}"')
        connection.execute("UPDATE payloads SET payload = ? WHERE position = 1", (payload.encode(),))
        reseal(connection)
    resign(small, forger)
    return forger


def spans(small: SmallLedger, **options: object) -> list[tuple[int, int, str]]:
    return [(fault.position, fault.until, fault.kind) for fault in small.faults(**options)]


# Against a checkpoint kept elsewhere


def test_rewritten_by_whoever_has_the_key_is_located_between_two_kept_checkpoints(small: SmallLedger) -> None:
    elsewhere = list(small.checkpoints().values())
    rewrite(small)
    assert small.verify().ok, "the key vouches for it, and nothing else is known"
    faults = spans(small, against=elsewhere)
    assert (6, 9, "rewritten") in faults
    assert {kind for _, _, kind in faults} == {"rewritten", "fork"}


def test_rewritten_with_all_checkpoints_dropped_is_located_between_those_kept_elsewhere(small: SmallLedger) -> None:
    elsewhere = list(small.checkpoints().values())
    rewrite(small)
    small.replace_checkpoints({})
    assert spans(small, against=elsewhere) == [(6, 9, "rewritten")]
    assert spans(small, against=elsewhere[1:]) == [(1, 9, "rewritten")]
    assert spans(small, against=elsewhere[:1]) == [], "5 entries agree, and that is all that it says"
    assert small.verify(against=elsewhere[:1]).covered == 5


def test_worthless_checkpoints_do_not_crowd_out_what_is_kept_elsewhere(small: SmallLedger) -> None:
    elsewhere = list(small.checkpoints().values())
    rewrite(small)
    small.replace_checkpoints(dict.fromkeys(range(100, 300), b"worthless"))
    assert (6, 9, "rewritten") in spans(small, against=elsewhere)


def test_rewritten_and_signed_by_another_key(small: SmallLedger) -> None:
    rewrite(small, signer=SignerKey.generate(ORIGIN))
    assert spans(small) == [(0, 0, "checkpoint")] * len(CHECKPOINTS)


def test_rewritten_against_what_this_user_saw_before(small: SmallLedger) -> None:
    assert small.verify(pins=small.pins).pinned
    rewrite(small)
    assert spans(small, pins=small.pins) == [(1, SIZE, "rewritten")]


def test_rewritten_and_signed_again_at_the_very_size_that_was_seen(small: SmallLedger) -> None:
    """The new signature is as good as the old one. What was seen stands above it."""
    with small.open(read_only=False) as ledger:
        ledger.checkpoint(small.keys)
    assert small.verify(pins=small.pins).pinned
    rewrite(small)
    small.replace_checkpoints({SIZE: small.sign(SIZE)})
    assert spans(small) == []
    assert set(spans(small, pins=small.pins)) == {(1, SIZE, "rewritten"), (SIZE, 0, "fork")}


def test_two_checkpoints_of_one_size_are_proof_of_a_fork_whichever_the_log_agrees_with(small: SmallLedger) -> None:
    other = Checkpoint(ORIGIN, 9, bytes(32)).sign(small.signer)
    for notes in ([other], [small.checkpoints()[9], other], [other, small.checkpoints()[9]]):
        assert (9, 0, "fork") in spans(small, against=notes)


def test_a_checkpoint_elsewhere_of_another_origin_or_key_vouches_for_nothing(small: SmallLedger) -> None:
    foreign = SignerKey.generate("example.com/other")
    root = bytes(32)
    for note in (
        Checkpoint("example.com/other", 5, root).sign(foreign),
        Checkpoint(ORIGIN, 5, root).sign(SignerKey.generate(ORIGIN)),
        b"not a note",
        b"",
    ):
        assert [kind for _, _, kind in spans(small, against=[note])] == ["checkpoint"]


# The key


def test_a_replaced_verifier_key_without_hashing_anew(small: SmallLedger) -> None:
    forger = SignerKey.generate(ORIGIN)
    with small.raw() as connection:
        payload = connection.execute("SELECT payload FROM payloads WHERE position = 1").fetchone()[0].decode()
        payload = payload.replace(str(small.signer.verifier), str(forger.verifier))
        connection.execute("UPDATE payloads SET payload = ? WHERE position = 1", (payload.encode(),))
    assert (1, 0, "payload") in spans(small)


def test_a_replaced_verifier_key_and_everything_hashed_and_signed_anew(small: SmallLedger) -> None:
    known = small.signer.verifier
    assert small.verify(pins=small.pins).pinned
    forger = replace_key(small)
    report = small.verify()
    assert report.ok, "at first sight nothing tells"
    assert report.trust == "first sight"
    assert report.verifier_key == str(forger.verifier), "but the report says which key it took"
    assert (1, 0, "key") in spans(small, pins=small.pins)
    assert (1, 0, "key") in spans(small, keys=[known])


def test_a_replaced_origin_is_told_by_the_folder(small: SmallLedger) -> None:
    assert small.verify(pins=small.pins).pinned
    replace_key(small, "example.com/renamed")
    assert (1, 0, "genesis") in spans(small, pins=small.pins)


def test_a_key_of_another_name_is_not_the_ledgers(small: SmallLedger) -> None:
    assert (1, 0, "key") in spans(small, keys=[SignerKey.generate("example.com/other").verifier])


def test_given_keys_count_and_a_pin_is_neither_made_nor_moved_by_another(small: SmallLedger) -> None:
    known = small.signer.verifier
    report = small.verify(keys=[known], pins=small.pins)
    assert (report.ok, report.trust, report.pinned) == (True, "given", False)
    assert small.verify(pins=small.pins).pinned
    before = small.pins.get(ORIGIN)
    forger = replace_key(small)
    report = small.verify(keys=[forger.verifier], pins=small.pins)
    assert not report.pinned
    assert small.pins.get(ORIGIN) == before


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"basis":"declared","format":1,"origin":"example.com/ledger","verifier_key":"x"}',
        b'{"basis":"declared","format":2,"origin":"example.com/ledger","verifier_key":"x"}',
        b'{"basis":"declared","format":1,"origin":"a\\nb","verifier_key":"x"}',
    ],
)
def test_a_first_event_that_is_no_beginning(small: SmallLedger, payload: bytes) -> None:
    """Hashed in: so that only what it says is wrong."""
    with small.raw() as connection:
        connection.execute("UPDATE payloads SET payload = ? WHERE position = 1", (payload,))
        reseal(connection)
    faults = spans(small, pins=small.pins)
    assert any(position == 1 for position, _, _ in faults)
    with small.open(read_only=False) as ledger, pytest.raises(LedgerError):
        ledger.checkpoint(small.keys)


def test_a_first_event_that_is_gone(small: SmallLedger) -> None:
    with small.raw() as connection:
        connection.execute("DELETE FROM entries")
        connection.execute("DELETE FROM payloads")
    assert (1, 0, "genesis") in spans(small)


# An old backup


def restore(small: SmallLedger, copy: Path) -> None:
    for file in small.path.glob("ledger.db*"):
        file.unlink()
    shutil.copyfile(copy, small.database)


def back_up_and_go_on(small: SmallLedger) -> Path:
    """A backup, and a ledger that then grew, was signed, and was seen."""
    copy = small.folder / "backup.db"
    with small.open(read_only=False) as ledger:
        ledger.log_recorder.backup(copy)
        ledger.append([site("later"), site("later", 2)])
        ledger.checkpoint(small.keys)
    assert small.verify(pins=small.pins).size == SIZE + 2
    return copy


def test_an_old_backup_restored_is_told_by_the_pin(small: SmallLedger) -> None:
    restore(small, back_up_and_go_on(small))
    assert small.verify().ok
    assert spans(small, pins=small.pins) == [(SIZE + 1, SIZE + 2, "row-missing")]


def test_an_old_backup_restored_is_told_by_a_checkpoint_kept_elsewhere(small: SmallLedger) -> None:
    copy = back_up_and_go_on(small)
    elsewhere = small.checkpoints()[SIZE + 2]
    restore(small, copy)
    assert spans(small, against=[elsewhere]) == [(SIZE + 1, SIZE + 2, "row-missing")]


def test_an_old_backup_restored_and_grown_again_is_told_by_both(small: SmallLedger) -> None:
    copy = back_up_and_go_on(small)
    elsewhere, earlier = small.checkpoints()[SIZE + 2], small.checkpoints()[11]
    restore(small, copy)
    with small.open(read_only=False) as ledger:
        ledger.append([site("instead"), site("instead", 2), site("instead", 3)])
    assert spans(small, pins=small.pins) == [(1, SIZE + 2, "rewritten")]
    assert spans(small, against=[earlier, elsewhere]) == [(12, SIZE + 2, "rewritten")]


def test_an_older_copy_elsewhere_is_a_copy_and_no_fault(small: SmallLedger) -> None:
    copy = back_up_and_go_on(small)
    (small.folder / "copy").mkdir()
    shutil.copyfile(copy, small.folder / "copy" / "ledger.db")
    with Ledger(small.folder / "copy") as ledger:
        assert verify(ledger, pins=small.pins).ok


# The signer asked to fork


def test_the_signer_refuses_a_restored_backup(small: SmallLedger) -> None:
    restore(small, back_up_and_go_on(small))
    with small.open(read_only=False) as ledger, pytest.raises(ForkError):
        ledger.checkpoint(small.keys)


def test_the_signer_refuses_a_restored_backup_that_grew_differently(small: SmallLedger) -> None:
    restore(small, back_up_and_go_on(small))
    with small.open(read_only=False) as ledger:
        for more in range(3):
            ledger.append([site(f"instead-{more}")])
            with pytest.raises(ForkError):
                ledger.checkpoint(small.keys)
    assert max(small.checkpoints()) == 11


def test_the_signer_refuses_a_second_ledger_of_the_same_origin(small: SmallLedger) -> None:
    with Ledger.create(small.folder / "second", ORIGIN, small.signer, recorded_by="x") as second:
        for step in range(15):
            with pytest.raises(ForkError):
                second.checkpoint(small.keys)
            second.append([site(f"s{step}")])


def test_the_signer_refuses_a_rewritten_history(small: SmallLedger) -> None:
    rewrite(small)
    with small.open(read_only=False) as ledger, pytest.raises(ForkError):
        ledger.checkpoint(small.keys)


def test_the_signer_refuses_a_ledger_that_names_another_key(small: SmallLedger) -> None:
    replace_key(small)
    with small.open(read_only=False) as ledger, pytest.raises(ForkError):
        ledger.checkpoint(small.keys)


def test_a_signer_that_lost_its_memory_still_holds_to_what_it_signed_in_the_log(small: SmallLedger) -> None:
    kept = small.checkpoints()
    (small.keys.path(ORIGIN)).with_suffix(".signed").unlink()
    with small.open(read_only=False) as ledger:
        assert ledger.checkpoint(small.keys) is not None
    (small.keys.path(ORIGIN)).with_suffix(".signed").unlink()
    rewrite(small)
    small.replace_checkpoints(kept)
    with small.open(read_only=False) as ledger, pytest.raises(TamperError) as caught:
        ledger.checkpoint(small.keys)
    assert (caught.value.kind, caught.value.position) == ("rewritten", 6)


def test_a_damaged_memory_stops_the_signer(small: SmallLedger) -> None:
    state = small.keys.path(ORIGIN).with_suffix(".signed")
    for damaged in (b"", b"\xff", state.read_bytes()[:-1], state.read_bytes().replace(b"11", b"011")):
        state.write_bytes(damaged)
        with small.open(read_only=False) as ledger, pytest.raises(LedgerError, match="signed last"):
            ledger.checkpoint(small.keys)


def test_a_signer_that_stopped_before_the_note_was_kept_signs_again(small: SmallLedger) -> None:
    """The state was noted, and the machine failed before the checkpoint was out."""
    with small.open(read_only=False) as ledger:
        small.keys.will_sign(ORIGIN, Signed(ORIGIN, SIZE, ledger.root()))
        ledger.checkpoint(KeyStore(small.keys.folder))
    assert small.verify().covered == SIZE


# The pins


def test_what_is_seen_while_a_tail_is_uncovered_is_remembered_all_the_same(small: SmallLedger) -> None:
    report = small.verify(pins=small.pins)
    assert (report.size - report.covered, report.pinned) == (2, True)
    with small.raw() as connection:
        connection.execute("UPDATE payloads SET payload = x'7b7d' WHERE position = 13")
        connection.execute("UPDATE entries SET identity = NULL WHERE position = 13")
        reseal(connection, 13)
    assert small.verify().ok, "nobody vouches for the tail"
    assert spans(small, pins=small.pins) == [(1, SIZE, "rewritten")]
    assert "up to size 11" in small.faults(pins=small.pins)[0].detail


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"verifier_key":"x"}',
        '{"verifier_key":"%s","seen":{"p":{"size":-1,"root":"%s","at":0}}}',
        '{"verifier_key":"%s","seen":{"p":{"size":1,"root":"zz","at":0}}}',
        '{"verifier_key":"%s","seen":{"p":{"size":1,"root":"%s","at":0}},"more":1}',
    ],
)
def test_a_damaged_pin_is_no_pin_at_all_and_says_so(small: SmallLedger, content: str) -> None:
    """Taking it for a first sight would trust whatever key the ledger now names."""
    pins = small.pins
    assert small.verify(pins=pins).pinned
    filled = content.replace("%s", str(small.signer.verifier), 1).replace("%s", "0" * 64)
    pins.path(ORIGIN).write_text(filled)
    with pytest.raises(StoreError, match="pin"):
        small.verify(pins=pins)


def test_a_failed_verification_moves_no_pin(small: SmallLedger) -> None:
    assert small.verify(pins=small.pins).pinned
    before = small.pins.get(ORIGIN)
    rewrite(small)
    assert not small.verify(pins=small.pins).pinned
    assert small.pins.get(ORIGIN) == before


def test_two_long_origins_have_two_pins(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    one, other = "x" * 250 + "1", "x" * 250 + "2"
    key = str(SignerKey.generate("x").verifier)
    assert pins.put(one, Pin(key, {"/a": Seen(1, "0" * 64, 0)}))
    assert pins.get(other) is None
    assert pins.get(one) is not None
    assert json.loads(pins.path(one).read_bytes())["verifier_key"] == key
