"""The tree against RFC 6962's own recursive definitions, against public vectors, and under altered proofs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import TamperError
from ledger.log.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    ReadNodes,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    locate,
    node_hash,
    root_at,
    row_length,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)

SIZE = 130
LEAVES = [leaf_hash(str(index).encode()) for index in range(SIZE)]


def split(count: int) -> int:
    return max(2**power for power in range(8) if 2**power < count)


def tree_hash(leaves: list[bytes]) -> bytes:
    """MTH of section 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    k = split(len(leaves))
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def audit_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*audit_path(index, leaves[:k]), tree_hash(leaves[k:])]
    return [*audit_path(index - k, leaves[k:]), tree_hash(leaves[:k])]


def subproof(old: int, leaves: list[bytes], known: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if old == len(leaves):
        return [] if known else [tree_hash(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], known), tree_hash(leaves[k:])]
    return [*subproof(old - k, leaves[k:], False), tree_hash(leaves[:k])]


def reader(rows: list[bytes]) -> ReadNodes:
    def read(nodes: Any) -> list[bytes]:
        places = [locate(node) for node in nodes]
        return [rows[leaf][offset : offset + 32] for leaf, offset in places]

    return read


@pytest.fixture(scope="module")
def read() -> ReadNodes:
    return reader(Frontier().extend(LEAVES))


@pytest.fixture(scope="module")
def roots() -> list[bytes]:
    return [tree_hash(LEAVES[:size]) for size in range(SIZE + 1)]


def altered(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Each way to be wrong by one: a bit, a hash more or less or twice, two exchanged, one cut or padded."""
    yield [*proof, bytes(32)]
    yield [bytes(32), *proof]
    for at, value in enumerate(proof):
        yield [*proof[:at], bytes([value[0] ^ 1]) + value[1:], *proof[at + 1 :]]
        yield [*proof[:at], value[:-1], *proof[at + 1 :]]
        yield [*proof[:at], value + b"\x00", *proof[at + 1 :]]
        yield proof[:at] + proof[at + 1 :]
        yield [*proof[: at + 1], *proof[at:]]
        if at:
            yield [*proof[: at - 1], value, proof[at - 1], *proof[at + 1 :]]


def assert_refused(verify: Callable[..., None], *arguments: object) -> None:
    with pytest.raises(TamperError):
        verify(*arguments)


def test_roots_are_those_of_the_recursive_definition(read: ReadNodes, roots: list[bytes]) -> None:
    frontier = Frontier()
    for size, root in enumerate(roots):
        assert frontier.size == size
        assert frontier.root() == root_at(size, read) == root
        assert Frontier.load(size, read).edge == frontier.edge
        if size < SIZE:
            frontier.append(LEAVES[size])


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Frontier().root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_row_is_the_leaf_and_the_nodes_that_it_completes() -> None:
    rows = Frontier().extend(LEAVES[:4])
    low, high = node_hash(*LEAVES[:2]), node_hash(*LEAVES[2:4])
    assert rows == [LEAVES[0], LEAVES[1] + low, LEAVES[2], LEAVES[3] + high + node_hash(low, high)]
    assert [len(row) // 32 for row in rows] == [row_length(index) for index in range(4)] == [1, 2, 1, 3]
    assert [locate(node) for node in ((0, 2), (1, 0), (1, 1), (2, 0))] == [(2, 0), (1, 32), (3, 32), (3, 64)]


def test_inclusion_is_proven_for_every_leaf_of_every_size(read: ReadNodes, roots: list[bytes]) -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            verify_inclusion(LEAVES[index], index, size, proof, roots[size])
            if size in (7, 8, SIZE):
                assert proof == audit_path(index, LEAVES[:size])


def test_consistency_is_proven_between_all_sizes(read: ReadNodes, roots: list[bytes]) -> None:
    for new in range(1, SIZE + 1):
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, read)
            verify_consistency(old, new, roots[old], roots[new], proof)
            if new in (7, 8, SIZE):
                assert proof == subproof(old, LEAVES[:new], True)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 8, 13])
def test_altered_inclusion_proofs_are_refused(size: int, read: ReadNodes, roots: list[bytes]) -> None:
    for index in range(size):
        proof, root = inclusion_proof(index, size, read), roots[size]
        for wrong in altered(proof):
            assert_refused(verify_inclusion, LEAVES[index], index, size, wrong, root)
        assert_refused(verify_inclusion, LEAVES[index], index, size, proof, roots[size - 1])
        assert_refused(verify_inclusion, LEAVES[size], index, size, proof, root)
        for other in {-1, *range(size + 1)} - {index}:
            assert_refused(verify_inclusion, LEAVES[index], other, size, proof, root)


@pytest.mark.parametrize("new", [1, 2, 3, 6, 7, 8, 13])
def test_altered_consistency_proofs_are_refused(new: int, read: ReadNodes, roots: list[bytes]) -> None:
    for old in range(1, new + 1):
        proof = consistency_proof(old, new, read)
        for wrong in altered(proof):
            assert_refused(verify_consistency, old, new, roots[old], roots[new], wrong)
        assert_refused(verify_consistency, old, new, roots[old - 1], roots[new], proof)
        assert_refused(verify_consistency, old, new, roots[old], roots[new + 1], proof)


def test_hashes_of_31_and_33_bytes_do_not_pass_for_two_of_32() -> None:
    left, right = LEAVES[:2]
    root = node_hash(left, right)
    joined = left + right
    verify_inclusion(left, 0, 2, [right], root)
    for cut in (31, 33):
        assert_refused(verify_inclusion, joined[:cut], 0, 2, [joined[cut:]], root)
        assert_refused(verify_consistency, 1, 2, joined[:cut], root, [joined[cut:]])


def test_the_empty_tree_is_consistent_with_itself_alone() -> None:
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert_refused(verify_consistency, 0, 0, EMPTY_ROOT, LEAVES[0], [])
    assert_refused(verify_consistency, 0, 0, LEAVES[0], EMPTY_ROOT, [])
    assert_refused(verify_consistency, 0, 0, LEAVES[0], LEAVES[0], [])
    assert_refused(verify_consistency, 0, 1, EMPTY_ROOT, LEAVES[0], [])


def test_a_tree_is_not_consistent_with_another_of_its_size() -> None:
    assert_refused(verify_consistency, 3, 3, LEAVES[0], LEAVES[1], [])


def test_a_stored_node_that_is_no_hash_is_tampering() -> None:
    rows = Frontier().extend(LEAVES[:6])
    rows[3] = rows[3][:-1]
    with pytest.raises(TamperError) as caught:
        root_at(6, reader(rows))
    assert (caught.value.position, caught.value.kind) == (4, "node")
    with pytest.raises(TamperError):
        root_at(6, lambda nodes: [])


def test_proofs_outside_the_tree_are_misuse(read: ReadNodes) -> None:
    for index, size in ((-1, 2), (2, 2), (0, 0)):
        with pytest.raises(ValueError, match="does not stand"):
            inclusion_proof(index, size, read)
    for old, new in ((0, 2), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="no proof leads"):
            consistency_proof(old, new, read)


def test_a_frontier_of_other_hashes_than_its_size_has_is_misuse() -> None:
    for size, edge in ((3, LEAVES[:1]), (1, [b"short"]), (-1, [])):
        with pytest.raises(ValueError, match="frontier"):
            Frontier(size, edge)
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().append(b"short")
    with pytest.raises(ValueError, match="row of the last leaf"):
        Frontier().amend(bytes(32))


def vectors(shared_real: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    folder = shared_real / "vectors" / "merkle" / "testdata" / kind
    return [(path.name, json.loads(path.read_text())) for path in sorted(folder.rglob("*.json"))]


def hashes(vector: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(vector[name]) for name in names]


def proof_of(vector: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(value) for value in vector["proof"] or []]


def check_vector(verify: Callable[..., None], vector: dict[str, Any], *arguments: object) -> None:
    if vector["wantErr"]:
        assert_refused(verify, *arguments)
    else:
        verify(*arguments)


@pytest.mark.parametrize(
    ("kind", "count"), [("inclusion", 98), ("consistency", 98), ("subtreeinclusion", 204), ("subtreeconsistency", 118)]
)
def test_the_public_vectors_agree(shared_real: Path, kind: str, count: int) -> None:
    found = vectors(shared_real, kind)
    assert len(found) == count
    for name, vector in found:
        try:
            check_kind(kind, vector)
        except (AssertionError, TamperError, pytest.fail.Exception) as error:
            error.add_note(f"{kind}/{name}")
            raise


def check_kind(kind: str, vector: dict[str, Any]) -> None:
    proof = proof_of(vector)
    if kind.endswith("inclusion"):
        leaf, root = hashes(vector, "leafHash", "root")
        if kind == "inclusion":
            check_vector(verify_inclusion, vector, leaf, vector["leafIdx"], vector["treeSize"], proof, root)
        else:
            span = vector["leafIdx"], vector["start"], vector["end"]
            check_vector(verify_subtree_inclusion, vector, leaf, *span, proof, root)
    else:
        sizes = ["size1", "size2"] if kind == "consistency" else ["start", "end", "size"]
        verify = verify_consistency if kind == "consistency" else verify_subtree_consistency
        check_vector(verify, vector, *(vector[size] for size in sizes), *hashes(vector, "root1", "root2"), proof)


def test_only_complete_nodes_are_ever_asked_for() -> None:
    rows = Frontier().extend(LEAVES)
    asked: set[Node] = set()

    def read(nodes: Any) -> list[bytes]:
        asked.update(nodes)
        return reader(rows)(nodes)

    inclusion_proof(100, SIZE, read)
    consistency_proof(77, SIZE, read)
    assert asked
    assert all((index + 1) << level <= SIZE for level, index in asked)
