"""What the store's tests share: a made ledger, and its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.store.keys import KeyStore

ORIGIN = "example.com/ledger"


@pytest.fixture
def keys(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


@pytest.fixture
def made(tmp_path: Path, keys: KeyStore) -> Path:
    """The folder of a ledger with one event and one checkpoint."""
    with Ledger.create(tmp_path / "ledger", ORIGIN, keys.new(ORIGIN), recorded_by="ops") as ledger:
        ledger.checkpoint(keys)
    return tmp_path / "ledger"
