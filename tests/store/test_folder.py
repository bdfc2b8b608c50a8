"""A ledger's folder, and the documents kept in it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.errors import InputError, StoreError, TamperError
from ledger.log.note import SignerKey
from ledger.store.folder import Folder
from ledger.store.keys import KeyStore


def test_a_folder_has_the_documented_shape(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {"ledger.db", "evidence"}
    assert (made / "ledger.db").read_bytes()[68:72] == b"CHLG", "the application id, where `file` looks for it"


def test_a_ledger_is_never_made_over_another(made: Path, keys: KeyStore) -> None:
    before = (made / "ledger.db").read_bytes()
    with pytest.raises(StoreError) as caught:
        Ledger.create(made, "example.com/other", keys.new("example.com/other"))
    assert caught.value.reason == "exists"
    assert (made / "ledger.db").read_bytes() == before


def test_a_ledger_is_not_made_among_other_files(tmp_path: Path, keys: KeyStore) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="not empty"):
        Ledger.create(tmp_path / "full", "a", keys.new("a"))
    (tmp_path / "file").write_text("dear")
    with pytest.raises(StoreError):
        Ledger.create(tmp_path / "file", "a", SignerKey.generate("a"))
    assert (tmp_path / "file").read_text() == "dear"


@pytest.mark.parametrize("origin", ["", "a\nb", "a b", "x" * 301, "\u202eb", "a+b"])
def test_what_cannot_be_an_origin_leaves_nothing_behind(tmp_path: Path, origin: str) -> None:
    try:
        signer = SignerKey.generate(origin)
    except ValueError:
        signer = SignerKey.generate("other")
    with pytest.raises(InputError):
        Ledger.create(tmp_path / "ledger", origin, signer)
    assert not (tmp_path / "ledger").exists()


def test_a_key_that_is_named_otherwise_than_the_origin_is_refused(tmp_path: Path) -> None:
    """No checkpoint could ever be signed with it."""
    with pytest.raises(InputError):
        Ledger.create(tmp_path / "ledger", "example.com/a", SignerKey.generate("example.com/b"))


def test_a_document_is_kept_under_its_digest(made: Path, tmp_path: Path) -> None:
    folder = Folder(made)
    document = tmp_path / "bill"
    document.write_bytes(b"x" * 3_000_000)
    digest = folder.keep_evidence(document)
    assert digest == sha256(b"x" * 3_000_000).hexdigest()
    assert folder.keep_evidence(document) == digest
    folder.check_evidence(digest)
    assert [path.name for path in folder.evidence.iterdir()] == [digest]


def test_a_document_that_is_missing_or_changed_is_told_apart(made: Path, tmp_path: Path) -> None:
    folder = Folder(made)
    document = tmp_path / "bill"
    document.write_bytes(b"bill")
    digest = folder.keep_evidence(document)
    folder.evidence_file(digest).write_bytes(b"kill")
    with pytest.raises(TamperError):
        folder.check_evidence(digest)
    folder.evidence_file(digest).unlink()
    folder.check_evidence(digest)


@pytest.mark.parametrize("digest", ["", "../ledger.db", "0" * 63, "0" * 65, "A" * 64, "0" * 63 + "/", "\uff10" * 64])
def test_only_a_digest_names_a_document(made: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="64"):
        Folder(made).evidence_file(digest)


def test_a_document_that_cannot_be_read_is_a_clear_error(made: Path, tmp_path: Path) -> None:
    for missing in (tmp_path / "absent", tmp_path):
        with pytest.raises(StoreError):
            Folder(made).keep_evidence(missing)
    assert not list((made / "evidence").iterdir())
