"""How people write the name of a chip, brought to one key.

``NVIDIA Tesla V100-SXM2-16GB``, ``Tesla V100 SXM2 16 GB`` and ``v100 sxm2 16gb`` have the same key. Words that
name a maker, a brand or nothing at all are dropped; what tells two parts apart never is.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

# Makers and brands that people write or leave out, and filler. Quadro, TITAN and RTX PRO tell parts apart and stay.
_DROPPED = frozenset(
    (
        *("nvidia", "geforce", "tesla", "amd", "radeon", "instinct", "intel", "habana", "google", "cloud"),
        *("amazon", "aws", "microsoft", "azure", "meta", "huawei", "hisilicon", "baidu"),
        *("hgx", "gpu", "accelerator", "ai", "r", "tm", "corporation", "inc"),
    )
)
_SPELLINGS = {"pcle": "pcie"}
_WORD = re.compile(r"[^\W_]+")
_MEMORY_SIZE = re.compile(r"(?<![^\W_])(\d+(?:\.\d+)?)\s*gi?b(?![^\W_])")
_MEMORY_TYPE = re.compile(r"(?<![^\W_])(?:hbm|gddr|lpddr)\d*[a-z]*(?![^\W_])")


def key(name: str) -> str:
    """What is left of a name when case, spaces, punctuation, makers and filler are ignored; may be empty."""
    words = _WORD.findall(_folded(name))
    return "".join(_SPELLINGS.get(word, word) for word in words if word not in _DROPPED)


def without_memory(name: str) -> tuple[str, Decimal | None]:
    """The key of a name with its memory type and size left out, and that size in GB if it states exactly one."""
    folded = _folded(name)
    sizes = _MEMORY_SIZE.findall(folded)
    rest = _MEMORY_TYPE.sub(" ", _MEMORY_SIZE.sub(" ", folded))
    return key(rest), Decimal(sizes[0]) if len(sizes) == 1 else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
