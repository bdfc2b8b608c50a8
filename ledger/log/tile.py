"""Tiles: the tree and the entries as files that never change once full. C2SP tlog-tiles.

::

    tile/0/x001/067             256 leaf hashes, of leaves 1067 * 256 and on (8,192 bytes)
    tile/1/000.p/12             12 hashes, each the root of a full tile at level 0
    tile/entries/x001/067       256 entries, each after its length as a big-endian uint16

A tile's hashes are stored nodes of the tree, at level 8L: writing tiles computes nothing. A tile is partial at the
right edge of the tree only.

Proven by ``tests/log/test_tile.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ledger.errors import MalformedError
from ledger.log.lines import HASH_SIZE, MAX_COUNT
from ledger.log.merkle import Node

FULL = 256
MAX_LEVEL = 63

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)"
    r"/(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class Tile(NamedTuple):
    """Hashes `number` * 256 and on at `level`, `width` of them (1 to 256); the entries themselves where it is None."""

    level: int | None
    number: int
    width: int = FULL

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile that `path` names; `MalformedError` unless it is canonical."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise MalformedError("tile path", "not tile/<level>/<number>[.p/<width>]")
        level = None if match["level"] == "entries" else int(match["level"])
        number = int(match["number"].replace("x", "").replace("/", ""))
        tile = cls(level, number, int(match["width"] or FULL))
        if (level or 0) > MAX_LEVEL or number > MAX_COUNT or tile.width > FULL or tile.path() != path:
            raise MalformedError("tile path", "a level over 63, a width over 255, or digits too many")
        return tile

    def path(self) -> str:
        """The path that the tile is served at, below the log's prefix."""
        digits = f"{self.number % 1000:03d}"
        rest = self.number // 1000
        while rest:
            digits = f"x{rest % 1000:03d}/{digits}"
            rest //= 1000
        partial = f".p/{self.width}" if self.width < FULL else ""
        return f"tile/{'entries' if self.level is None else self.level}/{digits}{partial}"

    def nodes(self) -> list[Node]:
        """The stored nodes whose hashes, concatenated, are the tile's bytes."""
        first = self.number * FULL
        return [(8 * (self.level or 0), first + i) for i in range(self.width)]


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """The tiles of hashes of a tree of `size`, lowest level first, that a tree of `since` did not have.

    The entry bundles are those of level 0, with level None.
    """
    level = 0
    while size:
        for number in range(since // FULL, size // FULL):
            yield Tile(level, number)
        if size % FULL and size != since:
            yield Tile(level, size // FULL, size % FULL)
        size, since, level = size // FULL, since // FULL, level + 1


def split_hashes(tile: Tile, data: bytes) -> list[bytes]:
    """The hashes in a tile's bytes; `MalformedError` unless there are `width` of them."""
    if len(data) != HASH_SIZE * tile.width:
        raise MalformedError("tile", f"{len(data)} bytes, not {tile.width} hashes")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def format_bundle(entries: Iterable[bytes]) -> bytes:
    """The bytes of an entry bundle; `ValueError` for an entry of 64 KiB or more."""
    parts = []
    for entry in entries:
        if len(entry) > 0xFFFF:
            raise ValueError("an entry in a bundle is shorter than 64 KiB")
        parts += [len(entry).to_bytes(2, "big"), entry]
    return b"".join(parts)


def parse_bundle(tile: Tile, data: bytes) -> Sequence[bytes]:
    """The entries in a bundle's bytes; `MalformedError` unless there are `width` of them and nothing more."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data) or at + 2 > len(data):
            raise MalformedError("entry bundle", "cut off within an entry")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != tile.width:
        raise MalformedError("entry bundle", f"{len(entries)} entries, not {tile.width}")
    return entries
