"""The tree as static files, in C2SP tlog-tiles form: what a witness or a mirror reads, disclosing only commitments."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import StoreError
from ledger.log.checkpoint import parse_checkpoint
from ledger.log.tile import Tile, format_bundle, tiles_of
from ledger.store.recorder import LedgerRecorder
from ledger.store.sealing import header_and_entry

__all__ = ["publish"]


def publish(recorder: LedgerRecorder, checkpoint: bytes, folder: Path) -> int:
    """Writes the tiles, entry bundles and ``checkpoint`` of the log at that checkpoint's size; returns how many tiles.

    Full tiles that are there already are left, for they never change. The checkpoint is written last.
    """
    size = parse_checkpoint(checkpoint).size
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hashes = list(tiles_of(size))
        bundles = [Tile(None, tile.number, tile.width) for tile in hashes if tile.level == 0]
        for tile in hashes + bundles:
            path = folder / tile.path()
            if tile.width == 256 and path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_bundle(recorder, tile) if tile.level is None else b"".join(recorder.nodes(tile.nodes())))
            count += 1
        (folder / "checkpoint").write_bytes(checkpoint)
    except OSError as error:
        raise StoreError("io", str(folder), f"the tiles cannot be written: {error.strerror}") from error
    return count


def _bundle(recorder: LedgerRecorder, tile: Tile) -> bytes:
    first = tile.number * 256 + 1
    return format_bundle([header_and_entry(row)[1] for row in recorder.rows(first, first + tile.width - 1)])
