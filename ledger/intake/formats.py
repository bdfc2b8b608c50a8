"""The formats that ``chipledger import`` reads, by name. A new one is a reader, and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from ledger.intake.draft import Draft, OnRecord
from ledger.intake.epoch import read_epoch_models

__all__ = ["FORMATS", "Format"]

Reader = Callable[[Path, OnRecord], Iterator[Draft]]
"""The drafts of a file, held against what the ledger says already; InputError where it is not well formed."""


class Format(Struct, frozen=True):
    """A format: `name` on the command line, `about` in one line, `read` the file's drafts."""

    name: str
    about: str
    read: Reader


FORMATS: Final[dict[str, Format]] = {
    format.name: format
    for format in (
        Format("epoch-models", "AI models and their training runs: CSV as Epoch AI publishes it", read_epoch_models),
    )
}
