"""What the attacks' tests share: one small ledger, built once and copied for each of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .small_ledger import SmallLedger


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallLedger:
    """The ledger that is copied; nothing may change it."""
    small = SmallLedger(tmp_path_factory.mktemp("template"))
    small.build()
    small.merge_log()
    return small


@pytest.fixture
def small(template: SmallLedger, tmp_path: Path) -> SmallLedger:
    """A sound ledger of 13 entries, of which signed checkpoints cover 11."""
    shutil.copytree(template.folder, tmp_path / "small")
    return SmallLedger(tmp_path / "small")
