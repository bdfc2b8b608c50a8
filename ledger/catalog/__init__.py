"""Chip models: what a part is and what is known of it, each figure with its source.

>>> from ledger.catalog import load
>>> load().resolve("NVIDIA H100 80GB HBM3").tpp.value
Decimal('15832')
"""

from ledger.catalog.catalogue import Catalogue, load
from ledger.catalog.chips import BITS, ChipModel, Figure, PciId, Precision, Rejected, Source

__all__ = ["BITS", "Catalogue", "ChipModel", "Figure", "PciId", "Precision", "Rejected", "Source", "load"]
