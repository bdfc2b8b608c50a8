"""Pins: what one user saw of each ledger before."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ledger.errors import StoreError
from ledger.log.note import SignerKey
from ledger.store.pins import Pin, Pins, Seen

ORIGIN = "example.com/ledger"
KEY = str(SignerKey.generate(ORIGIN).verifier)


def test_a_pin_is_read_as_it_was_put(tmp_path: Path) -> None:
    pins = Pins(tmp_path)
    pin = Pin(KEY, {"/a/ledger": Seen(5, "ab" * 32, 1715934600000)})
    assert pins.get(ORIGIN) is None
    assert pins.put(ORIGIN, pin)
    assert pins.get(ORIGIN) == pin
    assert stat.S_IMODE(pins.path(ORIGIN).stat().st_mode) == 0o600


@pytest.mark.parametrize("origin", ["../../escape", "/etc/passwd", "..", "a b", "機房", "x" * 300, "%2F"])
def test_an_origin_never_leads_out_of_the_folder(tmp_path: Path, origin: str) -> None:
    pins = Pins(tmp_path)
    assert pins.put(origin, Pin(KEY))
    assert pins.path(origin).parent == pins.folder
    assert pins.get(origin) == Pin(KEY)


def test_a_folder_is_found_under_whatever_name_it_was_seen(tmp_path: Path) -> None:
    pins = Pins(tmp_path / "state")
    folder = tmp_path / "ledger"
    folder.mkdir()
    pin = Pin(KEY, {str(folder.resolve()): Seen(5, "ab" * 32, 0)})
    assert pins.find(folder) is None
    pins.put(ORIGIN, pin)
    pins.put("example.com/other", Pin(KEY))
    (tmp_path / "link").symlink_to(folder)
    for path in (folder, tmp_path / "link", tmp_path / "ledger" / ".." / "ledger"):
        found = pins.find(path)
        assert found is not None
        assert found[1] == pin


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"null", b"{}", b'{"verifier_key":1}', b'{"verifier_key":"x","seen":{}}', b"[" * 99999]
)
def test_a_damaged_pin_is_told_and_not_passed_over(tmp_path: Path, content: bytes) -> None:
    pins = Pins(tmp_path)
    pins.put(ORIGIN, Pin(KEY))
    pins.path(ORIGIN).write_bytes(content)
    with pytest.raises(StoreError) as caught:
        pins.get(ORIGIN)
    assert str(pins.path(ORIGIN)) in caught.value.hint


def test_a_state_folder_that_cannot_be_written_to_keeps_no_pin_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not Pins(tmp_path / "file").put(ORIGIN, Pin(KEY))
