"""A ledger's folder, as documented in the README::

my-ledger/
  ledger.db            the log: entries, payloads, kept checkpoints (the only file that is the truth)
  evidence/<sha256>    documents behind the facts, under their digests
  view.db              readable tables, rebuilt from the log at will
"""

from __future__ import annotations

import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Final

from ledger.errors import StoreError, TamperError

__all__ = ["Folder"]

_PIECE: Final = 1 << 20


class Folder:
    """Where the files of a ledger lie. Making one touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def log(self) -> Path:
        return self.path / "ledger.db"

    @property
    def view(self) -> Path:
        return self.path / "view.db"

    @property
    def evidence(self) -> Path:
        return self.path / "evidence"

    def make(self) -> None:
        """Makes the empty folder; StoreError where a ledger, or anything else, stands in it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if any(self.path.iterdir()):
                reason = "a ledger stands here already" if self.log.exists() else "the folder is not empty"
                raise StoreError("exists", str(self.path), reason, "Choose a folder that does not exist yet.")
            self.evidence.mkdir()
        except OSError as error:
            raise StoreError("io", str(self.path), f"the folder cannot be made: {error.strerror}") from error

    def evidence_file(self, digest: str) -> Path:
        """Where the document of that SHA-256 (64 lower-case hex digits) lies, if it is kept."""
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError("a digest is 64 lower-case hex digits")
        return self.evidence / digest

    def keep_evidence(self, document: Path) -> str:
        """Copies a document in under its SHA-256, which is returned; one that is there already stays."""
        if not document.is_file():
            raise StoreError("io", str(document), "this is not a file, and a device or a pipe may have no end")
        digest = file_digest(document)
        target = self.evidence_file(digest)
        if not target.exists():
            partial = target.with_name(f".{digest}.{os.getpid()}")
            try:
                shutil.copyfile(document, partial)
                if file_digest(partial) != digest:
                    raise StoreError("io", str(document), "the document changed while it was read")
                sync(partial)
                partial.replace(target)
                sync(self.evidence)
            except OSError as error:
                raise StoreError("io", str(target), f"the document cannot be kept: {error.strerror}") from error
            finally:
                partial.unlink(missing_ok=True)
        return digest

    def check_evidence(self, digest: str) -> None:
        """TamperError where what is kept under `digest` is not the document that was cited, if anything is."""
        document = self.evidence_file(digest)
        if not os.path.lexists(document):
            return
        # A pipe or a device would be read for ever.
        if not document.is_file():
            raise TamperError(0, "evidence", f"evidence/{digest} is not a file")
        if file_digest(document) != digest:
            raise TamperError(0, "evidence", f"evidence/{digest} does not have that SHA-256: it was changed")


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of files, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in lower-case hex, read in pieces."""
    digest = sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except OSError as error:
        raise StoreError("io", str(path), f"the file cannot be read: {error.strerror}") from error
    return digest.hexdigest()
