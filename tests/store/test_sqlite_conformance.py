"""The SQLite home passes the suite that every home must pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.store.database import create_database
from ledger.store.recorder import LedgerRecorder
from ledger.store.sqlite import SQLiteRecorder
from ledger.testing import RecorderConformance


class TestSQLite(RecorderConformance):
    """One file."""

    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "ledger.db"

    def make(self) -> LedgerRecorder:
        create_database(self.path)
        return SQLiteRecorder(self.path, "ops", read_only=False)

    def reopen(self, recorder: LedgerRecorder) -> LedgerRecorder:
        return SQLiteRecorder(self.path, "ops", read_only=False)
