"""What the view's tests share: a ledger of their own, its view, and a way to tell it things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.domain.event import Basis, Event
from ledger.domain.registry import fact
from ledger.store.keys import KeyStore
from ledger.view.follower import follow
from ledger.view.home import View

Say = Callable[..., int]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A new ledger, open for writing: its keys, state and cache lie in the test's own folder."""
    for name in ("KEYS", "STATE", "CACHE"):
        monkeypatch.setenv(f"CHIPLEDGER_{name}", str(tmp_path / name.lower()))
    signer = KeyStore(tmp_path / "keys").new("example.org/test")
    made = Ledger.create(tmp_path / "l", "example.org/test", signer, recorded_by="tester")
    yield made
    made.close()


@pytest.fixture
def say(ledger: Ledger) -> Say:
    """Appends one fact to a stream of the ledger and returns its position: ``say(stream, verb, Event, field=…)``."""

    def append(stream: str, verb: str, event: type[Event], **fields: Any) -> int:
        fields.setdefault("basis", Basis.DECLARED)
        version = ledger.heads([stream]).get(stream, 0) + 1
        return ledger.append([fact(stream, version, verb, event(**fields))])[0]

    return append


@pytest.fixture
def view(ledger: Ledger) -> Iterator[View]:
    """The ledger's view, which follows when it is told to."""
    with View(ledger.folder.view) as opened:
        yield opened


@pytest.fixture
def followed(ledger: Ledger, view: View) -> Callable[[], View]:
    """Brings the view up to the log, and gives it."""

    def bring_up() -> View:
        follow(ledger.log_recorder, view)
        return view

    return bring_up
