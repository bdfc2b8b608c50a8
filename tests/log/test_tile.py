"""Tiles: their paths, their bytes, and which ones a tree has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedError
from ledger.log.tile import Tile, format_bundle, parse_bundle, split_hashes, tiles_of

from .small_log import SmallLog

tiles = st.builds(
    Tile,
    st.none() | st.integers(min_value=0, max_value=63),
    st.integers(min_value=0, max_value=2**63 - 1),
    st.integers(min_value=1, max_value=256),
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(0, 1067, 12), "tile/0/x001/067.p/12"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
        (Tile(None, 1000), "tile/entries/x001/000"),
    ],
)
def test_tiles_are_served_at_these_paths(tile: Tile, path: str) -> None:
    assert tile.path() == path
    assert Tile.parse(path) == tile


@given(tiles)
def test_tile_paths_round_trip(tile: Tile) -> None:
    assert Tile.parse(tile.path()) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/067",
        "tile/0/x001/x067",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/",
        "tile/0/\u0660\u0660\u0660",
        "tile/0/000\n",
        "tile/entry/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_paths_in_another_spelling_are_malformed(path: str) -> None:
    with pytest.raises(MalformedError):
        Tile.parse(path)


def test_a_tree_of_70000_has_the_tiles_that_the_specification_counts() -> None:
    found = list(tiles_of(70_000))
    full = [tile for tile in found if tile.width == 256]
    assert [sum(tile.level == level for tile in full) for level in (0, 1, 2)] == [273, 1, 0]
    assert [tile for tile in found if tile.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


def test_a_tree_of_256_has_a_full_tile_and_a_partial_one_above_it() -> None:
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@given(st.integers(min_value=0, max_value=200_000), st.integers(min_value=0, max_value=2_000))
def test_a_grown_tree_adds_only_the_tiles_that_it_did_not_have(since: int, grown: int) -> None:
    before, after = set(tiles_of(since)), set(tiles_of(since + grown))
    assert set(tiles_of(since + grown, since)) == after - before


def test_a_tiles_bytes_are_stored_nodes(small_log: SmallLog) -> None:
    tile = Tile(0, 0, 5)
    hashes = small_log.read(tile.nodes())
    assert hashes == [row[11][:32] for row in small_log.rows]
    assert split_hashes(tile, b"".join(hashes)) == hashes
    assert Tile(1, 2, 2).nodes() == [(8, 512), (8, 513)]
    with pytest.raises(MalformedError):
        split_hashes(tile, b"".join(hashes)[:-1])


def test_a_bundle_is_these_bytes() -> None:
    assert format_bundle([b"one", b"", b"x" * 300]) == b"\x00\x03one\x00\x00\x01\x2c" + b"x" * 300


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=10))
def test_bundles_round_trip(entries: list[bytes]) -> None:
    assert parse_bundle(Tile(None, 0, len(entries)), format_bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x01a\x00\x01b"])
def test_bundles_cut_off_or_of_another_width_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_bundle(Tile(None, 0, 1), data)


def test_an_entry_too_long_for_its_length_is_misuse() -> None:
    with pytest.raises(ValueError, match="64 KiB"):
        format_bundle([bytes(0x10000)])
