"""So many of one part, with as many of their serials as are stated: what sites hold, leases let, and runs use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET, UnsetType

from ledger.domain.event import Chip, Fields, Serial
from ledger.domain.quantity import Count

__all__ = ["Accelerators", "repeated_serial", "too_many_serials"]


class Accelerators(Fields, frozen=True, kw_only=True):
    """`quantity` counts packaged accelerators; `serials` and `uuids` name some or all of them."""

    chip: Chip | None
    quantity: Count | None | UnsetType = UNSET
    serials: tuple[Serial, ...] | UnsetType = UNSET
    uuids: tuple[Serial, ...] | UnsetType = UNSET


def too_many_serials(quantity: Count | None | UnsetType, serials: Sequence[str]) -> str | None:
    """A sentence where more serials are given than there are pieces."""
    if isinstance(quantity, Count) and quantity.high is not None and len(serials) > quantity.high:
        return f"{len(serials)} serials for a quantity of {quantity}"
    return None


def repeated_serial(groups: Iterable[Accelerators]) -> str | None:
    """A sentence where one serial or UUID stands twice, or more are given than pieces; None where neither."""
    seen: set[str] = set()
    for group in groups:
        for names in (group.serials or (), group.uuids or ()):
            if excess := too_many_serials(group.quantity, names):
                return excess
            for name in names:
                if name in seen:
                    return f"serial {name!r} is listed twice"
                seen.add(name)
    return None
