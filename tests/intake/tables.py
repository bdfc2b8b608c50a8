"""Small tables in the shape that Epoch AI publishes, and a ledger that imports them."""

from __future__ import annotations

import csv
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from ledger.application import Ledger, Outcome
from ledger.domain.codec import event_fields
from ledger.domain.event import Event, Opaque
from ledger.domain.kind import Fact
from ledger.intake.epoch import read_epoch_models
from ledger.log.note import SignerKey

ORIGIN = "example.com/epoch"
RELEASE = "notable_ai_models_2025-11.csv"
COLUMNS = (
    "Model",
    "Organization",
    "Publication date",
    "Parameters",
    "Training compute (FLOP)",
    "Training compute notes",
    "Confidence",
    "Link",
    "Organization categorization",
    "Country (of organization)",
    "Training time (hours)",
    "Training hardware",
    "Hardware quantity",
    "Base model",
    "Finetune compute (FLOP)",
)
GPT = {
    "Model": "GPT-X",
    "Organization": "OpenAI",
    "Publication date": "2024-03-05",
    "Parameters": "1800000000000.0",
    "Training compute (FLOP)": "2.1e+25",
    "Confidence": "Confident",
    "Link": "https://example.org/gpt-x",
    "Organization categorization": "Industry",
    "Country (of organization)": "United States of America",
    "Training time (hours)": "2280.0",
    "Training hardware": "NVIDIA A100 SXM4 40 GB",
    "Hardware quantity": "25000.0",
}


def text(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS, ending: str = "\n") -> str:
    """A table of those rows, cells that a row lacks left empty."""
    out = StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator=ending)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def release(folder: Path, *rows: dict[str, str], name: str = "release.csv", **shape: Any) -> Path:
    """A file with a table of those rows."""
    path = folder / name
    path.write_text(text(*rows, **shape), encoding="utf-8", newline="")
    return path


class Home:
    """A ledger in a folder of its own, and what it makes of files."""

    def __init__(self, folder: Path, signer: SignerKey | None = None) -> None:
        self.ledger = Ledger.create(folder, ORIGIN, signer or SignerKey.generate(ORIGIN), recorded_by="tests")

    def take(self, path: Path) -> Outcome:
        """Imports a file."""
        return self.ledger.record(partial(read_epoch_models, path, self.ledger))

    def added(self, outcome: Outcome) -> list[Fact]:
        """The facts that an import added."""
        return list(self.ledger.facts(outcome.first, outcome.last)) if outcome.added else []

    def now(self, stream: str) -> dict[str, Any]:
        """The first event of a stream, as all corrections leave it."""
        subject = self.ledger.subject(stream)
        assert subject is not None, f"there is no {stream}"
        event = subject.entries[0].event
        assert event is not None, f"{stream} is retracted"
        return event_fields(event)


def fields(fact: Fact) -> dict[str, Any]:
    """A fact's payload."""
    assert isinstance(fact.event, Event)
    assert not isinstance(fact.event, Opaque)
    return event_fields(fact.event)
