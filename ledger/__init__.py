"""chipledger's core: an event-sourced audit ledger of AI accelerators.

What stands in `__all__` is the public surface; everything else may change between releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.errors import LedgerError

if TYPE_CHECKING:
    from ledger.application import Ledger, Outcome
    from ledger.catalog import Catalogue, ChipModel
    from ledger.domain.event import Basis, Event, Evidence, Place, Source
    from ledger.domain.kind import Fact, Irregular, Subject
    from ledger.domain.quantity import Count, Quantity
    from ledger.domain.when import When
    from ledger.verification import Report, verify

__all__ = [
    "Basis",
    "Catalogue",
    "ChipModel",
    "Count",
    "Event",
    "Evidence",
    "Fact",
    "Irregular",
    "Ledger",
    "LedgerError",
    "Outcome",
    "Place",
    "Quantity",
    "Report",
    "Source",
    "Subject",
    "When",
    "verify",
]

_HOMES = {
    "Basis": "ledger.domain.event",
    "Catalogue": "ledger.catalog",
    "ChipModel": "ledger.catalog",
    "Count": "ledger.domain.quantity",
    "Event": "ledger.domain.event",
    "Evidence": "ledger.domain.event",
    "Fact": "ledger.domain.kind",
    "Irregular": "ledger.domain.kind",
    "Ledger": "ledger.application",
    "Outcome": "ledger.application",
    "Place": "ledger.domain.event",
    "Quantity": "ledger.domain.quantity",
    "Report": "ledger.verification",
    "Source": "ledger.domain.event",
    "Subject": "ledger.domain.kind",
    "When": "ledger.domain.when",
    "verify": "ledger.verification",
}


def __getattr__(name: str) -> Any:
    """Loads what is asked for, so that `ledger.log` can be used alone and start-up stays short."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ledger' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
