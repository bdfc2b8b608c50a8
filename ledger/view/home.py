"""Where a view lies, and whether the file there is one that this release made of its tables.

A view is a SQLite file of its own: ``view.db`` in the ledger's folder or, where that cannot be written to, a file in
the user's cache: ``$CHIPLEDGER_CACHE``, else ``chipledger`` in ``$XDG_CACHE_HOME``, else in ``~/.cache``. What is not a
view of this release, is damaged, or was made of another log is made anew, never an error; `View.notice` says why.
Whoever controls the file controls what is shown from it, until `ledger.view.check` compares it with the log.

Processes open, make and renew it one at a time, under a lock on its folder: a new view is made whole beside its place
and then put there. Whoever has the old file open reads on in it, and moves to the new one when it next follows the log.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from ledger.errors import LedgerError, StoreError
from ledger.log.merkle import EMPTY_ROOT, Frontier
from ledger.view import schema

__all__ = ["State", "View", "cache_folder", "view_errors", "view_path"]

BUSY_SECONDS: Final = 60
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class State(Struct, frozen=True):
    """How far a view came: the tree up to `position`, and when the last event in it was recorded (UTC milliseconds)."""

    position: int = 0
    edge: tuple[bytes, ...] = ()
    recorded_at: int = 0
    origin: str = ""

    @property
    def root(self) -> bytes:
        """The root of the log's tree at `position`."""
        return Frontier(self.position, self.edge).root() if self.position else EMPTY_ROOT


def cache_folder() -> Path:
    """The user's cache of chipledger."""
    given = os.environ.get("CHIPLEDGER_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(given).expanduser() if given else Path(base).expanduser() / "chipledger"
    except RuntimeError as error:
        hint = "Set CHIPLEDGER_CACHE to a whole path."
        raise StoreError("missing", given or base, "there is no such home folder", hint) from error


def view_path(folder: Path) -> Path:
    """Where the view of the ledger in `folder` lies."""
    here = folder / "view.db"
    if os.access(folder, os.W_OK) and (not here.exists() or os.access(here, os.W_OK)):
        return here
    return cache_folder() / "views" / f"{sha256(os.fsencode(folder.resolve())).hexdigest()[:32]}.db"


@contextmanager
def view_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite raises into StoreError; what was interrupted, and what is damaged, stays as it is."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (*_DAMAGED, sqlite3.SQLITE_INTERRUPT):
            raise
        raise _translated(path, code, str(error)) from error


def _translated(path: Path, code: int, text: str) -> LedgerError:
    hint = "The view can be deleted at any time: it is made again from the log."
    if code == sqlite3.SQLITE_FULL:
        return StoreError("full", str(path), "the disk is full", "Free some space, or set CHIPLEDGER_CACHE.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError("busy", str(path), "another process is writing the view", "Wait for it, and run this again.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return StoreError(
            "read-only", str(path), "the view cannot be written here", "Set CHIPLEDGER_CACHE to a folder."
        )
    return StoreError("io", str(path), f"the view cannot be used: {text}", hint)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is not, or no longer, a database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


class View:
    """A view, open. Close it, or use it in a ``with``. A thread that reads opens one of its own (`read_only`).

    `notice` says why it was made anew, or is empty.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self.notice = ""
        if not read_only:
            self._make_room()
        with _alone(path.parent):
            self._open()

    def _open(self) -> None:
        """Opens the file that lies there, or makes it; the lock is held."""
        missing = not os.path.lexists(self.path)
        problem = "there is no view yet" if missing else self._not_a_file()
        if not problem:
            self._connect()
            try:
                problem = self._problem()
            except BaseException:
                self.close()
                raise
            if not problem:
                return
            self.close()
        if self.read_only:
            raise StoreError("missing", str(self.path), problem, "Make it with: chipledger view rebuild")
        self.notice = "" if missing else problem
        self._make()

    def _problem(self) -> str:
        """Why the open file is not a view of this release; empty where it is."""
        try:
            with view_errors(self.path):
                return _problem(self.connection)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return "the file was damaged, or no database"

    def _make_room(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreError("io", str(self.path), f"there is no place for the view: {error.strerror}") from error
        if self.path.is_dir():
            raise StoreError("io", str(self.path), "a folder stands where the view should be")

    def _not_a_file(self) -> str:
        """What is no file of its own where SQLite would open one: it would follow a link, and wait for ever at a pipe."""
        for file in _files(self.path):
            if os.path.lexists(file) and not stat.S_ISREG(file.lstat().st_mode):
                return f"{file.name} was not a file"
        return ""

    def _throw_away(self, path: Path) -> None:
        try:
            for file in _files(path):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError("io", str(self.path), f"the view cannot be made anew: {error.strerror}") from error

    def _connect(self) -> None:
        self.connection = self._connected(self.path)
        self._file = self._there()

    def _connected(self, path: Path) -> sqlite3.Connection:
        mode = "ro" if self.read_only else "rwc"
        with view_errors(path):
            uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"
            return sqlite3.connect(
                uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False,
                cached_statements=512,
            )  # fmt: skip

    def _there(self) -> tuple[int, int] | None:
        """Which file lies in the view's place."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _make(self) -> None:
        """Makes an empty view beside its place, puts it there, and opens it; the lock is held."""
        new = self.path.with_name(self.path.name + ".new")
        self._throw_away(new)
        with view_errors(new), closing(self._connected(new)) as made:
            _set_up(made)
            made.execute("PRAGMA journal_mode = WAL").fetchall()
            schema.create(made)
            rows = (("made_by", schema.made_by()), ("schema", schema.fingerprint(made)))
            made.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            made.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        self._throw_away(self.path)
        try:
            new.replace(self.path)
        except OSError as error:
            raise StoreError("io", str(self.path), f"the view cannot be made anew: {error.strerror}") from error
        self._connect()
        with view_errors(self.path):
            _set_up(self.connection)

    def renew(self, because: str) -> None:
        """Puts an empty view in the place of the file; `because` becomes the notice.

        Where another process did so already, its view is opened instead: it may be on its way up the log.
        """
        with _alone(self.path.parent):
            replaced = self._there() != self._file
            self.close()
            self.notice = because
            if replaced:
                self._open()
                self.notice = because
            else:
                self._make()

    def keep_place(self) -> None:
        """Opens the file that lies in the view's place, where another process put one there since."""
        if self._there() != self._file:
            with _alone(self.path.parent):
                self.close()
                self._open()

    def state(self) -> State:
        """How far the view came."""
        with view_errors(self.path):
            found = dict(self.connection.execute("SELECT name, value FROM meta"))
        try:
            edge = bytes.fromhex(found.get("edge", ""))
            nodes = tuple(edge[at : at + 32] for at in range(0, len(edge), 32))
            position = int(found.get("position", 0))
            Frontier(position, nodes)
            return State(position, nodes, int(found.get("recorded_at", 0)), found.get("origin", ""))
        except (TypeError, ValueError):
            return State(-1)

    def keep_state(self, state: State) -> None:
        """Keeps how far the view came, in the transaction that is open."""
        rows = (
            ("position", str(state.position)), ("edge", b"".join(state.edge).hex()),
            ("recorded_at", str(state.recorded_at)), ("origin", state.origin), ("root", state.root.hex()),
        )  # fmt: skip
        self.connection.execute("DELETE FROM meta WHERE name IN (SELECT value FROM json_each(?))", (_NAMES_OF_STATE,))
        self.connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what is written within it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def interrupt(self) -> None:
        """Ends what another thread is asking of this view."""
        self.connection.interrupt()

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _files(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in ("", "-wal", "-shm", "-journal")]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the lock on a folder that has views; none is taken where there is no such folder, or it knows no locks."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise _translated(folder, sqlite3.SQLITE_BUSY, "") from error
            time.sleep(0.01)
        except OSError:
            return


_NAMES_OF_STATE: Final = '["position","edge","recorded_at","origin","root"]'


_PRAGMAS: Final = (
    "trusted_schema = OFF", "mmap_size = 0", "cache_size = -16000", "secure_delete = ON", "synchronous = NORMAL",
)  # fmt: skip


def _set_up(connection: sqlite3.Connection) -> None:
    """How the file is used. Reads its header: on what is no database it raises."""
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _problem(connection: sqlite3.Connection) -> str:
    _set_up(connection)
    if connection.execute("PRAGMA application_id").fetchone()[0] != schema.APPLICATION_ID:
        return "the file was not a view"
    if not schema.holds_only_tables(connection):
        return "the view's tables were altered"
    made = dict(connection.execute("SELECT name, value FROM meta WHERE name IN ('made_by', 'schema')"))
    if made.get("made_by") != schema.made_by():
        return "the view was made by another release"
    if made.get("schema") != schema.fingerprint(connection):
        return "the view's tables were altered"
    return ""
