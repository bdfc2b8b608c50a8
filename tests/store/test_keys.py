"""Signing keys: private, whole, never overwritten; and the memory of what each signed."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from ledger.errors import KeyStoreError
from ledger.log.note import SignerKey
from ledger.store.keys import KeyStore, Signed

NAME = "example.com/ledger"


def test_a_key_is_readable_by_its_owner_alone(keys: KeyStore) -> None:
    before = os.umask(0)
    try:
        keys.new(NAME)
        with keys.signing(NAME):
            keys.will_sign(NAME, Signed(NAME, 1, bytes(32)))
    finally:
        os.umask(before)
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700
    files = sorted(keys.folder.iterdir())
    assert [path.suffix for path in files] == [".key", ".lock", ".signed"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_key_is_loaded_as_it_was_made(keys: KeyStore) -> None:
    made = keys.new(NAME)
    assert keys.load(NAME) == made
    assert keys.names() == [NAME]
    assert keys.load("example.com/other") is None


def test_a_key_is_never_overwritten(keys: KeyStore) -> None:
    made = keys.new(NAME)
    with pytest.raises(KeyStoreError, match="exists already"):
        keys.new(NAME)
    assert keys.load(NAME) == made
    assert [path.suffix for path in keys.folder.iterdir()] == [".key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o777, 0o610])
def test_a_key_that_others_may_open_is_refused(keys: KeyStore, mode: int) -> None:
    keys.new(NAME)
    keys.path(NAME).chmod(mode)
    with pytest.raises(KeyStoreError, match="others") as caught:
        keys.load(NAME)
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"PRIVATE+KEY+x", b"hello\n", b"\n\n"])
def test_a_damaged_key_is_refused(keys: KeyStore, content: bytes) -> None:
    keys.new(NAME)
    keys.path(NAME).write_bytes(content)
    with pytest.raises(KeyStoreError, match="damaged"):
        keys.load(NAME)


def test_any_altered_byte_of_a_key_is_refused(keys: KeyStore) -> None:
    """The key id holds name and key together."""
    made = keys.new(NAME)
    text = keys.path(NAME).read_bytes().rstrip(b"\n")
    for at in range(len(text)):
        keys.path(NAME).write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        with pytest.raises(KeyStoreError):
            keys.load(NAME)
    keys.path(NAME).write_bytes(text)
    assert keys.load(NAME) == made


def test_a_key_of_another_name_is_refused(keys: KeyStore) -> None:
    keys.new(NAME)
    keys.path(NAME).write_text(SignerKey.generate("example.com/other").text())
    with pytest.raises(KeyStoreError, match="not of"):
        keys.load(NAME)


def test_a_folder_in_place_of_a_key_is_refused(keys: KeyStore) -> None:
    keys.folder.mkdir()
    keys.path(NAME).mkdir(mode=0o700)
    with pytest.raises(KeyStoreError):
        keys.load(NAME)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "\x00", "x" * 300])
def test_what_cannot_name_a_key_is_refused(keys: KeyStore, name: str) -> None:
    with pytest.raises(KeyStoreError):
        keys.new(name)
    assert keys.names() == []
    assert not list(keys.folder.iterdir())


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "..", ".", "a%2Fb", "ключ"])
def test_a_name_never_leads_out_of_the_folder(keys: KeyStore, name: str) -> None:
    keys.new(name)
    assert keys.path(name).parent == keys.folder
    assert keys.path(name).is_file()
    assert keys.names() == [name]
    assert keys.load(name) is not None


def test_a_folder_that_cannot_be_made_is_an_error_of_the_key_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyStoreError):
        KeyStore(tmp_path / "file" / "keys").new(NAME)
    with pytest.raises(KeyStoreError), KeyStore(tmp_path / "absent").signing(NAME):
        pass


# What it signed last


def test_what_was_signed_last_is_remembered(keys: KeyStore) -> None:
    keys.new(NAME)
    assert keys.last_signed(NAME) is None
    for size in (1, 2**62):
        keys.will_sign(NAME, Signed(NAME, size, bytes([size % 251]) * 32))
        assert keys.last_signed(NAME) == Signed(NAME, size, bytes([size % 251]) * 32)


def test_any_altered_byte_of_the_memory_is_refused_or_says_something_else(keys: KeyStore) -> None:
    """A memory that reads as nothing would let the key sign anything."""
    keys.new(NAME)
    keys.will_sign(NAME, Signed(NAME, 17, bytes(range(32))))
    state = keys.path(NAME).with_suffix(".signed")
    text = state.read_bytes()
    for at in range(len(text)):
        state.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        try:
            assert keys.last_signed(NAME) not in (None, Signed(NAME, 17, bytes(range(32))))
        except KeyStoreError as error:
            assert "damaged" in error.problem or "read" in error.problem  # noqa: PT017 - either may happen
    for end in range(len(text)):
        state.write_bytes(text[:end])
        with pytest.raises(KeyStoreError):
            keys.last_signed(NAME)


def test_the_lock_lets_one_signer_in_at_a_time(keys: KeyStore) -> None:
    keys.new(NAME)
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait()
        with keys.signing(NAME) as last:
            order.append(f"second {last.size if last else 0}")

    thread = threading.Thread(target=second)
    thread.start()
    with keys.signing(NAME):
        inside.set()
        thread.join(0.1)
        assert thread.is_alive()
        keys.will_sign(NAME, Signed(NAME, 5, bytes(32)))
        order.append("first")
    thread.join()
    assert order == ["first", "second 5"]


def test_the_environment_says_where_keys_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPLEDGER_KEYS", str(tmp_path / "mine"))
    assert KeyStore().folder == tmp_path / "mine"
    monkeypatch.delenv("CHIPLEDGER_KEYS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert KeyStore().folder == tmp_path / "chipledger" / "keys"
