"""The Merkle tree over the log's entries: SHA-256, as in RFC 6962 section 2.1, and the proofs that it allows.

::

    leaf  SHA-256(0x00 ‖ entry)            node  SHA-256(0x01 ‖ left ‖ right)            empty tree  SHA-256("")

Only nodes whose subtree is complete are stored, so a stored node never changes. Each leaf has one row: its own hash,
then every node that it completes, 32 bytes each, from the leaf upward::

    row 0  l0                    node (level 2, index 0) stands in row 3, at byte 64
    row 1  l1 n01
    row 2  l2                    node (level, index) stands in the row of leaf ((index + 1) << level) - 1,
    row 3  l3 n23 n0123          at byte 32 * level

Leaf indexes are 0-based here; the ledger's positions are index + 1. What a proof verifies against a root is decided
by its indexes alone: its length and order follow from them, so a proof has one spelling. Subtrees ``[start, end)``
are those of the Merkle Tree Certificates draft, section 4: ``start`` is a multiple of the least power of two that is
at least ``end - start``.

Proven by ``tests/log/test_merkle.py``, among others against the vectors of transparency-dev/merkle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from ledger.errors import TamperError
from ledger.log.lines import HASH_SIZE

Node = tuple[int, int]
"""A stored node's (level, index): the subtree over leaves [index << level, (index + 1) << level)."""

ReadNodes = Callable[[Sequence[Node]], Sequence[bytes]]
"""Reads stored nodes, in the order asked for."""

Span = tuple[int, int]
"""Leaves [start, end)."""

EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: RFC 6962's 0x00 prefix keeps a leaf from being taken for a node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over two 32-byte hashes."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a tree: the roots of its maximal complete subtrees, the largest first.

    It is all that appending needs, and at most 63 hashes long.
    """

    __slots__ = ("_edge", "_size")

    def __init__(self, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        """A frontier of `size` leaves. `edge` holds one hash per 1-bit of `size`, as `edge` gives them."""
        self._size = size
        self._edge = list(edge)
        if size < 0 or len(self._edge) != size.bit_count() or any(len(node) != HASH_SIZE for node in self._edge):
            raise ValueError("a frontier has one 32-byte hash for each 1-bit of its size")

    @classmethod
    def load(cls, size: int, read: ReadNodes) -> Frontier:
        """The frontier that the stored nodes give a tree of `size`; `TamperError` where a node is no hash."""
        return cls(size, _read_nodes(read, _complete_nodes(0, size)))

    @property
    def size(self) -> int:
        return self._size

    @property
    def edge(self) -> tuple[bytes, ...]:
        return tuple(self._edge)

    def append(self, leaf: bytes) -> bytes:
        """Adds a leaf hash and returns its row: the hash, then the nodes that it completes, from the leaf upward."""
        if len(leaf) != HASH_SIZE:
            raise ValueError("a leaf hash is 32 bytes")
        row = node = leaf
        edge = self._edge
        rest = self._size
        while rest & 1:
            node = sha256(b"\x01" + edge.pop() + node).digest()
            row += node
            rest >>= 1
        edge.append(node)
        self._size += 1
        return row

    def extend(self, leaves: Iterable[bytes]) -> list[bytes]:
        """Appends each leaf hash and returns the rows."""
        return [self.append(leaf) for leaf in leaves]

    def amend(self, row: bytes) -> None:
        """Takes the nodes of `row` for those that the last append computed: how a verifier goes on past a bad one."""
        if not self._size or len(row) != HASH_SIZE * row_length(self._size - 1):
            raise ValueError("not the row of the last leaf")
        self._edge[-1] = row[-HASH_SIZE:]

    def root(self) -> bytes:
        """The tree's root: the edge folded from the right (RFC 6962 section 2.1)."""
        return _fold(self._edge) if self._edge else EMPTY_ROOT


def row_length(index: int) -> int:
    """How many hashes stand in the row of leaf `index`: one, and one for each node that the leaf completes."""
    return ((index + 1) & -(index + 1)).bit_length()


def locate(node: Node) -> tuple[int, int]:
    """The leaf index of the row that holds `node`, and the byte offset within that row."""
    level, index = node
    return ((index + 1) << level) - 1, HASH_SIZE * level


def root_at(size: int, read: ReadNodes) -> bytes:
    """The root of the tree when it had `size` leaves."""
    return Frontier.load(size, read).root()


def inclusion_proof(index: int, size: int, read: ReadNodes) -> list[bytes]:
    """The proof that leaf `index` stands in the tree of `size`: sibling hashes, from the leaf upward."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} does not stand in a tree of {size}")
    return _hash_spans([sibling for sibling, _ in reversed(_path(index, index + 1, 0, size))], read)


def consistency_proof(old: int, new: int, read: ReadNodes) -> list[bytes]:
    """The proof that the tree of `old` leaves is a prefix of the tree of `new` (RFC 6962 section 2.1.2)."""
    if not 0 < old <= new:
        raise ValueError(f"no proof leads from size {old} to {new}")
    steps = _path(0, old, 0, new)
    spans = [sibling for sibling, _ in reversed(steps)]
    if any(kind == _INSIDE for _, kind in steps):
        spans.insert(0, _last_span(old, steps))
    return _hash_spans(spans, read)


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """`TamperError` unless `proof` shows the leaf hash at `index` in the tree of `size` with `root`."""
    verify_subtree_inclusion(leaf, index, 0, size, proof, root)


def verify_subtree_inclusion(
    leaf: bytes, index: int, start: int, end: int, proof: Sequence[bytes], root: bytes
) -> None:
    """`TamperError` unless `proof` shows the leaf hash at `index` in the subtree [start, end) with `root`."""
    position = index + 1
    if not (_is_subtree(start, end) and start <= index < end):
        raise TamperError(position, "inclusion", f"leaf {index} does not stand in a subtree [{start}, {end})")
    steps = _path(index, index + 1, start, end)
    _check_hashes(position, "inclusion", [leaf, *proof])
    if len(proof) != len(steps):
        raise TamperError(position, "inclusion", f"the proof has {len(proof)} hashes, not {len(steps)}")
    node = leaf
    for (_, kind), sibling in zip(reversed(steps), proof, strict=True):
        node = node_hash(node, sibling) if kind == _RIGHT else node_hash(sibling, node)
    if node != root:
        raise TamperError(position, "inclusion", "the proof does not lead to the root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """`TamperError` unless `proof` shows the tree of `old` with `old_root` to be a prefix of `new` with `new_root`.

    From the empty tree to itself needs no proof; from the empty tree to another there is none, for it says nothing.
    """
    if old == 0 and (new != 0 or new_root != EMPTY_ROOT):
        raise TamperError(0, "consistency", "the empty tree shows nothing about another")
    verify_subtree_consistency(0, old, new, old_root, new_root, proof)


def verify_subtree_consistency(
    start: int, end: int, size: int, subtree_root: bytes, root: bytes, proof: Sequence[bytes]
) -> None:
    """`TamperError` unless `proof` shows [start, end) with `subtree_root` to stand in the tree of `size` with `root`.

    An empty subtree stands in every tree. Two roots of one size are compared and not hashed, so their length is the
    caller's concern (`checkpoint` sees to it); whatever is hashed here must be 32 bytes.
    """
    if start == end and 0 <= end <= size:
        if subtree_root != EMPTY_ROOT or proof:
            raise TamperError(0, "consistency", "not the root of an empty subtree, or hashes to prove it")
        return
    if not (_is_subtree(start, end) and end <= size):
        raise TamperError(0, "consistency", f"[{start}, {end}) is no subtree of a tree of {size}")
    steps = _path(start, end, 0, size)
    # The part of the subtree that the descent ends at is the whole of it unless the descent once split it; only then
    # must the proof name its hash.
    seeded = any(kind == _INSIDE for _, kind in steps)
    if len(proof) != len(steps) + seeded:
        raise TamperError(0, "consistency", f"the proof has {len(proof)} hashes, not {len(steps) + seeded}")
    hashes = [*proof] if seeded else [subtree_root, *proof]
    if steps:
        _check_hashes(0, "consistency", hashes)
    small = large = hashes[0]
    for (_, kind), sibling in zip(reversed(steps), hashes[1:], strict=True):
        large = node_hash(large, sibling) if kind == _RIGHT else node_hash(sibling, large)
        small = node_hash(sibling, small) if kind == _INSIDE else small
    if small != subtree_root or large != root:
        raise TamperError(0, "consistency", "the proof does not lead to both roots")


# How a sibling on the way down lies: right of the range looked for, left of it, or left of it and within it.
_RIGHT, _LEFT, _INSIDE = "right", "left", "inside"


def _path(start: int, end: int, low: int, high: int) -> list[tuple[Span, str]]:
    """The siblings met on the way from the tree over [low, high) down to [start, end), the outermost first.

    This one descent is RFC 6962's PATH, its SUBPROOF and the draft's SUBTREE_SUBPROOF. Where the range straddles the
    split, a valid subtree begins at `low`: the left half is within it and the descent goes on in the right half.
    """
    steps: list[tuple[Span, str]] = []
    while (low, high) != (start, end):
        middle = low + _split(high - low)
        if end <= middle:
            steps.append(((middle, high), _RIGHT))
            high = middle
        else:
            steps.append(((low, middle), _LEFT if start >= middle else _INSIDE))
            low = middle
            start = max(start, middle)
    return steps


def _last_span(end: int, steps: Sequence[tuple[Span, str]]) -> Span:
    """What is left of [0, end) where a descent that split it arrived."""
    return max(span[1] for span, kind in steps if kind == _INSIDE), end


def _split(count: int) -> int:
    """The largest power of two below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _is_subtree(start: int, end: int) -> bool:
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def _complete_nodes(start: int, end: int) -> list[Node]:
    """The maximal complete subtrees that make up [start, end), the largest first; `start` is aligned."""
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def _fold(edge: Sequence[bytes]) -> bytes:
    node = edge[-1]
    for left in reversed(edge[:-1]):
        node = node_hash(left, node)
    return node


def _hash_spans(spans: Iterable[Span], read: ReadNodes) -> list[bytes]:
    """The root of each span, from stored nodes, all of them read at once."""
    parts = [_complete_nodes(start, end) for start, end in spans]
    hashes = iter(_read_nodes(read, [node for part in parts for node in part]))
    return [_fold([next(hashes) for _ in part]) for part in parts]


def _read_nodes(read: ReadNodes, nodes: Sequence[Node]) -> Iterator[bytes]:
    hashes = read(nodes)
    if len(hashes) != len(nodes):
        raise TamperError(0, "node", f"{len(nodes)} nodes were asked for and {len(hashes)} are stored")
    for node, value in zip(nodes, hashes, strict=True):
        if len(value) != HASH_SIZE:
            raise TamperError(locate(node)[0] + 1, "node", f"the stored node {node} is {len(value)} bytes, not 32")
        yield value


def _check_hashes(position: int, kind: str, hashes: Iterable[bytes]) -> None:
    # Two hashes of 31 and 33 bytes would concatenate to what a true pair does.
    if any(len(value) != HASH_SIZE for value in hashes):
        raise TamperError(position, kind, "a hash is not 32 bytes")
