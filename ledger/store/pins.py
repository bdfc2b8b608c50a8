"""What this user saw of each ledger before: the key that signed it, and how far it was verified.

A key that lies in the ledger vouches for nothing. So the first key seen for an origin is pinned here, outside the
ledger, and every later reading is held against it. One JSON file per origin, in ``$CHIPLEDGER_STATE``, or
``chipledger/pins`` in the user's state folder.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta

from ledger.errors import MalformedError, StoreError
from ledger.log.note import VerifierKey
from ledger.store.keys import replace_file, user_folder

__all__ = ["Pin", "Pins", "Seen", "name_of"]


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state that was verified: size, root in hex, and the UTC milliseconds of it."""

    size: Annotated[int, Meta(ge=0)]
    root: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    at: int


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key pinned for an origin, and the last verified state by the ledger folder's path."""

    verifier_key: str
    seen: dict[str, Seen] = {}


def name_of(ledger: Path) -> str:
    """What stands for a ledger's folder in a pin: its path, as text also where it is not UTF-8."""
    return os.fsencode(ledger.resolve()).decode("utf-8", "backslashreplace")


class Pins:
    """The pins of one user."""

    def __init__(self, folder: Path | None = None) -> None:
        given = os.environ.get("CHIPLEDGER_STATE")
        base = user_folder(os.environ.get("XDG_STATE_HOME") or "~/.local/state") / "chipledger"
        self.folder = folder or (user_folder(given) if given else base) / "pins"

    def path(self, origin: str) -> Path:
        """Where the pin of that origin lies."""
        name = quote(origin, safe="")
        # A file name holds 255 bytes; two long origins must not share a pin.
        return self.folder / f"{name if len(name) <= 200 else sha256(origin.encode()).hexdigest()}.json"

    def get(self, origin: str) -> Pin | None:
        """The pin of that origin, or None; StoreError where it is damaged."""
        path = self.path(origin)
        try:
            pin = msgspec.json.decode(path.read_bytes(), type=Pin)
            VerifierKey.parse(pin.verifier_key)
        except FileNotFoundError:
            return None
        except (OSError, MalformedError, msgspec.DecodeError, UnicodeDecodeError) as error:
            hint = f"Compare the ledger's key with one that its keeper gives you, then remove {path}."
            raise StoreError("io", str(path), "the pin of this ledger is damaged", hint) from error
        return pin

    def find(self, ledger: Path) -> tuple[str, Pin] | None:
        """The origin and pin under which the folder at that path was seen before."""
        key = name_of(ledger)
        for path in sorted(self.folder.glob("*.json")):
            try:
                pin = msgspec.json.decode(path.read_bytes(), type=Pin)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError):
                continue
            if key in pin.seen:
                return path.stem, pin
        return None

    def put(self, origin: str, pin: Pin) -> bool:
        """Keeps a pin; False where this user's state folder cannot be written to."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self.path(origin), msgspec.json.format(msgspec.json.encode(pin)) + b"\n")
        except OSError:
            return False
        return True
