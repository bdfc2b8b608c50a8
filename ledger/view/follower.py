"""The way from the log into the view: verified while it is read, block by block.

Nothing enters the view that the tree does not vouch for. Rows are read from where the view stands, hashed again and
compared with the tree (`ledger.log.verify`), and only then told to the tables. A fault raises TamperError at its
position: the sound rows before it are in the view, nothing of it or after it is. A block and the state after it, from
which the next run resumes, are one transaction, so a crash leaves the view as it was after some block.

Before resuming, the log's root at the view's position must be the view's; otherwise this is another log, or another
history, and the view is made anew, and says so. Memory is that of a block and of the streams that it touches.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Final, Protocol

from ledger.errors import TamperError
from ledger.log.merkle import Frontier, Node
from ledger.log.verify import LogRow, LogVerifier
from ledger.view.block import Block, Histories
from ledger.view.home import State, View, is_damage, view_errors

__all__ = ["Log", "Progress", "follow"]

BLOCK_ROWS: Final = 4000
BLOCK_BYTES: Final = 8 << 20

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how far it is, and of how much."""


class Log(Protocol):
    """What the view asks of the log's home; `ledger.store.recorder.LedgerRecorder` has it."""

    def size(self) -> int: ...
    def rows(self, first: int = 1, last: int | None = None) -> Iterator[LogRow]: ...
    def nodes(self, nodes: Sequence[Node]) -> list[bytes]: ...
    def erased(self) -> set[int]: ...


def no_progress(doing: str, done: int, of: int) -> None:
    """For callers that nobody watches."""


def follow(
    log: Log,
    view: View,
    progress: Progress = no_progress,
    *,
    checkpoints: Mapping[int, bytes] | None = None,
    block_rows: int = BLOCK_ROWS,
) -> int:
    """Brings the view up to the log's end, and returns the position where it then stands.

    `checkpoints` are roots by size that the log must agree with besides. TamperError: what is read is not what was
    written. `view.notice` says why the view was made anew, if it was.
    """
    view.keep_place()
    for attempt in (1, 2):
        try:
            return _Follower(log, view, progress, checkpoints or {}, block_rows).run()
        except sqlite3.DatabaseError as error:
            if attempt == 2 or not is_damage(error):
                raise
            view.renew("the file was damaged")
    raise AssertionError("unreachable")


class _Erased(Container[int]):
    """The erasures on record, read anew when one is not found: it may be logged while the log is read."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._known: set[int] = set()

    def __contains__(self, position: object) -> bool:
        if position not in self._known:
            self._known = self._log.erased()
        return position in self._known


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A block makes many small values and no cycles: looking for cycles among them would cost a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Overtaken(Exception):
    """Another process brought the view further in the meantime."""


class _Follower:
    def __init__(
        self, log: Log, view: View, progress: Progress, checkpoints: Mapping[int, bytes], block_rows: int
    ) -> None:
        self._log, self._view, self._progress = log, view, progress
        self._checkpoints = checkpoints
        self._block_rows = block_rows
        self._erased = _Erased(log)
        self._histories = Histories()
        self._size = 0
        self._resume()

    def run(self) -> int:
        while True:
            self._size = self._log.size()
            if self._state.position >= self._size:
                break
            self._progress("reading", self._state.position, self._size)
            rows = self._read(self._size)
            try:
                self._take(rows)
            except _Overtaken:
                self._resume()
        self._fold_waiting()
        self._progress("reading", self._state.position, self._state.position)
        for fault in self._verifier.end():
            raise fault.error()
        self._check_erasures()
        return self._state.position

    def _resume(self) -> None:
        """Starts from where the view stands, or from nothing where the log does not continue it."""
        state = self._view.state()
        while problem := log_broken_off(self._log, state):
            self._progress(f"making the view anew: {problem}", 0, self._log.size())
            self._view.renew(problem)
            state = self._view.state()
        self._state = state
        self._verifier = self._verifier_here()
        self._histories = Histories()

    def _verifier_here(self) -> LogVerifier:
        state = self._state
        return LogVerifier(Frontier(state.position, state.edge), state.recorded_at, self._checkpoints)

    def _read(self, size: int) -> list[LogRow]:
        first = self._state.position + 1
        block: list[LogRow] = []
        held = 0
        with closing(self._log.rows(first, min(size, first + self._block_rows - 1))) as rows:  # type: ignore[type-var]
            for row in rows:
                block.append(row)
                held += len(row[10]) if isinstance(row[10], bytes) else 0
                if held >= BLOCK_BYTES:
                    break
        if not block:
            raise TamperError(first, "row-missing", f"the log ends at {size}, and position {first} is missing")
        return block

    def _take(self, rows: list[LogRow]) -> None:
        """Checks the rows and writes them; of rows with a fault, those before it."""
        fault = next(iter(self._verifier.check(rows, self._erased)), None)
        if fault is None:
            self._write(rows)
            return
        before = rows[: max(0, fault.position - self._state.position - 1)]
        self._verifier = self._verifier_here()
        if before and not list(islice(self._verifier.check(before, self._erased), 1)):
            self._write(before)
        raise fault.error()

    def _write(self, rows: Sequence[LogRow]) -> None:
        view, verifier = self._view, self._verifier
        block = Block(view.connection, self._histories)
        try:
            with _without_collecting(), view_errors(view.path), view.transaction():
                if view.state() != self._state:
                    raise _Overtaken
                block.write(rows, last=verifier.size >= self._size)
                origin = self._state.origin or block.origin
                state = State(verifier.size, verifier.frontier.edge, verifier.recorded_at, origin)
                view.keep_state(state)
        except BaseException:
            self._histories = Histories()
            raise
        self._state = state
        if block.erases:
            view.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _fold_waiting(self) -> None:
        view = self._view
        waiting = 1
        while waiting:
            with _without_collecting(), view_errors(view.path), view.transaction():
                waiting = Block(view.connection, self._histories).fold_waiting()

    def _check_erasures(self) -> None:
        """Every payload that is gone must be one whose erasure an event says, which by now was read and verified."""
        sql = "SELECT position FROM erasures WHERE erased_by IS NULL ORDER BY position LIMIT 1"
        found = self._view.connection.execute(sql).fetchone()
        if found is not None:
            raise TamperError(found[0], "payload-missing", "the payload is gone and no erasure is on record")


def log_broken_off(log: Log, state: State) -> str:
    """Why the log does not continue what the view was made of; empty where it does."""
    if state.position < 0:
        return "the view does not know how far it came"
    size = log.size()
    if size < state.position:
        return f"the log ends at {size}, and the view was made of {state.position} events"
    try:
        root = Frontier.load(state.position, log.nodes).root()
    except TamperError:
        root = b""
    if root != state.root:
        return f"the log's root at size {state.position} is not the one that the view was made of"
    return ""
