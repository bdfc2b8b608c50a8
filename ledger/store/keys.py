"""Signing keys, and what each signed last: outside every ledger, so that a stolen or restored ledger cannot bring them.

A key is one file, mode 0600, in a folder of mode 0700: ``$CHIPLEDGER_KEYS``, or ``chipledger/keys`` in the user's
configuration folder. Beside it lies ``NAME.signed``, locked while signing and synced before a checkpoint is given out::

    chipledger/signed/v1
    <origin>
    <size>
    <base64 of the root>
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from ledger.errors import KeyStoreError, MalformedError, StoreError
from ledger.log.lines import format_base64, parse_base64, parse_decimal
from ledger.log.note import SignerKey

__all__ = ["KeyStore", "Signed", "config_folder", "replace_file", "user_folder"]

_TAG: Final = "chipledger/signed/v1"


class Signed(NamedTuple):
    """The state that a key vouched for last."""

    origin: str
    size: int
    root: bytes


def user_folder(text: str) -> Path:
    """A folder that the environment names, such as ``~/keys``; StoreError where nobody knows whose home that is."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise StoreError("missing", text, "there is no such home folder", "Set HOME, or give a whole path.") from error


def config_folder() -> Path:
    """The user's configuration folder of chipledger."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return user_folder(base) / "chipledger"


class KeyStore:
    """The keys of one user. Keys are named by the origin of the ledger that they sign for."""

    def __init__(self, folder: Path | None = None) -> None:
        given = os.environ.get("CHIPLEDGER_KEYS")
        self.folder = folder or (user_folder(given) if given else config_folder() / "keys")

    def path(self, name: str) -> Path:
        """The key file of that name."""
        return self.folder / f"{quote(name, safe='')}.key"

    def new(self, name: str) -> SignerKey:
        """Makes a key; KeyStoreError where one of that name exists, for a key is never overwritten."""
        path = self.path(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            signer = SignerKey.generate(name)
            with written(path, f"{signer.text()}\n".encode()) as partial:
                os.link(partial, path)
        except FileExistsError:
            raise KeyStoreError(str(path), f"a key named {name!r} exists already") from None
        except ValueError as error:
            raise KeyStoreError(str(path), f"{name!r} cannot name a key: {error}") from None
        except OSError as error:
            raise KeyStoreError(str(path), f"the key cannot be written: {error.strerror}") from error
        return signer

    def load(self, name: str) -> SignerKey | None:
        """The key of that name, or None; KeyStoreError where others may read its file, or it is damaged."""
        path = self.path(name)
        try:
            if path.stat().st_mode & 0o077:
                raise KeyStoreError(str(path), "others can read this key", f"Run: chmod 600 {path}")
            signer = SignerKey.parse(path.read_text().rstrip("\n"))
        except FileNotFoundError:
            return None
        except (MalformedError, UnicodeDecodeError) as error:
            raise KeyStoreError(str(path), "the key file is damaged") from error
        except OSError as error:
            raise KeyStoreError(str(path), f"the key cannot be read: {error.strerror}") from error
        if signer.name != name:
            raise KeyStoreError(str(path), f"the file holds the key of {signer.name!r}, not of {name!r}")
        return signer

    def names(self) -> list[str]:
        """The names of all keys here."""
        return sorted(unquote(path.stem) for path in self.folder.glob("*.key"))

    @contextmanager
    def signing(self, name: str) -> Iterator[Signed | None]:
        """Holds the key's lock, and gives what it signed last; None where it has signed nothing."""
        lock = self.path(name).with_suffix(".lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KeyStoreError(str(lock), f"the key cannot be locked: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield self.last_signed(name)
        finally:
            os.close(descriptor)

    def last_signed(self, name: str) -> Signed | None:
        """What the key vouched for last."""
        path = self.path(name).with_suffix(".signed")
        try:
            lines = path.read_text().split("\n")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise KeyStoreError(str(path), "what this key signed last cannot be read") from error
        try:
            tag, origin, size, root, end = lines
            if tag != _TAG or end:
                raise ValueError("not this format")
            return Signed(origin, parse_decimal("signed state", size), parse_base64("signed state", root, 32))
        except (ValueError, MalformedError) as error:
            hint = "Without it this key could be made to sign two histories. Restore the file from a backup."
            raise KeyStoreError(str(path), "what this key signed last is damaged", hint) from error

    def will_sign(self, name: str, state: Signed) -> None:
        """Notes durably, under the lock, what the key is about to vouch for."""
        path = self.path(name).with_suffix(".signed")
        text = f"{_TAG}\n{state.origin}\n{state.size}\n{format_base64(state.root)}\n"
        try:
            replace_file(path, text.encode())
        except OSError as error:
            raise KeyStoreError(str(path), f"what is signed cannot be noted: {error.strerror}") from error


def replace_file(path: Path, content: bytes) -> None:
    """Replaces a private file as a whole, synced before and after, so that a crash leaves the old or the new one."""
    with written(path, content) as partial:
        partial.replace(path)


@contextmanager
def written(path: Path, content: bytes) -> Iterator[Path]:
    """A private file of that content, synced, beside `path`, where the caller puts it; that is synced as well."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield partial
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
