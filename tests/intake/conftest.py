"""What the importers' tests share: an empty ledger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.tables import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """An empty ledger to import into."""
    home = Home(tmp_path / "ledger")
    yield home
    home.ledger.close()
