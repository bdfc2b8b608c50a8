"""Labels for streams, made from names that other people wrote: the same name gives the same label, for ever."""

from __future__ import annotations

from hashlib import sha256
from unicodedata import combining, normalize

from ledger.domain.stream import label_from

__all__ = ["label_of"]

_LONGEST = 90


def label_of(name: str) -> str:
    """At most 99 characters of a name that may stand in a stream id.

    Accents are dropped (``Université`` → ``universite``). Where letters of another script, or a name's end, are lost
    too, a digest of the whole name is added, so that two such names stay apart.
    """
    plain = "".join(mark for mark in normalize("NFKD", name) if not combining(mark))
    label = label_from(plain)
    lossy = len(label) > _LONGEST or any(mark.isalnum() and not mark.isascii() for mark in plain)
    if label and not lossy:
        return label
    return f"{label[:_LONGEST].rstrip('-')}-{sha256(name.encode()).hexdigest()[:8]}".lstrip("-")
