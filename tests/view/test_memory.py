"""What a log costs in memory does not grow with it: verification, and a rebuild of the view."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.domain.event import Basis, Source
from ledger.domain.registry import fact
from ledger.domain.site import Registered
from ledger.log.note import SignerKey
from ledger.verification import verify
from ledger.view import View, follow

SMALL, LARGE = 3_000, 12_000


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two ledgers, the second four times as long as the first."""
    folders = []
    for size in (SMALL, LARGE):
        folder = tmp_path_factory.mktemp("memory") / str(size)
        with Ledger.create(folder, "example.org/m", SignerKey.generate("example.org/m"), recorded_by="t") as ledger:
            for first in range(0, size, 1000):
                ledger.append(
                    [
                        fact(f"site:s{i}", 1, "registered", Registered(
                            basis=Basis.DECLARED, name=f"Site {i}", source=Source(name="m", key=str(i))))
                        for i in range(first, first + 1000)
                    ]
                )  # fmt: skip
        folders.append(folder)
    return folders


def peak(work: Callable[[], object]) -> int:
    """Bytes that `work` held at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check(folder: Path) -> None:
    with Ledger(folder) as ledger:
        report = verify(ledger, pins=None)
    assert [fault.kind for fault in report.faults] == ["unverified"]


def rebuild(folder: Path) -> None:
    with Ledger(folder) as ledger, View(folder / "view.db") as view:
        follow(ledger.log_recorder, view, block_rows=500)


@pytest.mark.parametrize("work", [check, rebuild])
def test_memory_does_not_grow_with_the_log(
    work: Callable[[Path], None], ledgers: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A rebuild keeps the streams last folded, up to so many facts; fewer here, so that both ledgers have more.
    monkeypatch.setattr("ledger.view.block._KEPT_FACTS", 1000)
    work(ledgers[0])
    (ledgers[0] / "view.db").unlink(missing_ok=True)
    small, large = (peak(lambda folder=folder: work(folder)) for folder in ledgers)  # type: ignore[misc]
    assert large < small * 1.2 + 200_000, (small, large)
