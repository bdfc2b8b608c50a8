"""What all tests share: a user's folders of their own, and the real data beside the checkout."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is no fault of the code: examples have no deadline. In CI, Hypothesis has a profile of its own.
if not os.environ.get("CI"):
    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")

SHARED = Path(__file__).parents[2] / "shared" / "real"


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys, pins and caches of a test never touch the user's, nor another test's."""
    home = tmp_path_factory.mktemp("home")
    for name in ("CHIPLEDGER", "CHIPLEDGER_BY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHIPLEDGER_KEYS", str(home / "keys"))
    monkeypatch.setenv("CHIPLEDGER_STATE", str(home / "state"))
    monkeypatch.setenv("CHIPLEDGER_CACHE", str(home / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    return home


@pytest.fixture
def shared_real() -> Path:
    """The folder of real data, where it is."""
    if not SHARED.is_dir():
        pytest.skip("../shared/real is not beside this checkout")
    return SHARED
