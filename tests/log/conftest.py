"""What the log's tests share: a small log, and where the real vectors lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from .small_log import SmallLog


@pytest.fixture
def small_log() -> SmallLog:
    """Five entries: a tree whose right edge is not complete."""
    return SmallLog(5)


@pytest.fixture(scope="session")
def shared_real() -> Path:
    """The folder of real data that stands beside the checkout; the test is skipped where there is none."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "real"
    if not folder.is_dir():
        pytest.skip(f"the vectors are not on this machine: no {folder}")
    return folder
