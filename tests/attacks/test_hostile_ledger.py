"""A stranger's ledger file runs nothing, and a stranger's environment changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.domain.event import Opaque
from ledger.domain.registry import EVENT_TYPES
from ledger.errors import InputError

from .small_ledger import SIZE, SmallLedger, reseal

CANARY = "canary"

TOPICS = [
    f"{CANARY}:Run",
    f"{CANARY}.run",
    "os:system",
    "builtins:eval",
    "subprocess:Popen",
    "eventsourcing.domain:Aggregate.Created",
    "ledger.cli:main",
    "__reduce__.x",
]

PAYLOADS = [
    {"originator_topic": f"{CANARY}:Run"},
    {"__reduce__": ["os.system", ["touch canary"]]},
    {"__class__": f"{CANARY}.Run", "__init__": [], "__type__": f"{CANARY}:Run", "_type_": "uuid_hex", "_data_": "x"},
    {"py/object": f"{CANARY}.Run", "$type": f"{CANARY}.Run", "!!python/object/apply": "os.system"},
    {"basis": "declared", "origin": f"{CANARY}:Run"},
]

READ_ALL = """
import json, sys
from pathlib import Path
from ledger.application import Ledger
from ledger.verification import verify
import ledger.domain.registry, msgspec.json
before = set(sys.modules)
with Ledger(Path(sys.argv[1]), recorded_by="x") as ledger:
    report = verify(ledger)
    for fact in ledger.facts():
        repr(fact)
    for stream in {fact.originator_id for fact in ledger.facts()}:
        ledger.subject(stream)
        ledger.history(stream)
print(json.dumps([report.ok, sorted(set(sys.modules) - before)]))
"""


def run(small: SmallLedger, code: str, *args: object, **environment: str) -> str:
    """What `code` prints, in a process whose import path has a module that tells when it is imported."""
    (small.folder / f"{CANARY}.py").write_text(
        f"open({str(small.folder / 'ran')!r}, 'w')\ndef run(*a, **k): ...\nclass Run: ..."
    )
    path = os.pathsep.join([str(small.folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        cwd=small.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_hostile_payload_imports_nothing_and_runs_nothing(small: SmallLedger) -> None:
    with small.raw() as connection:
        position = SIZE
        for kind in [*TOPICS, "site.registered", "ledger.payload_erased"]:
            for payload in PAYLOADS:
                position += 1
                # The type is no canonical one for most, which reading refuses: so half of them get one that is.
                for_show = kind if position % 2 else f"{CANARY}.run"
                connection.execute(
                    f"""INSERT INTO entries SELECT {position}, 'site:hostile', {position - SIZE}, ?, 1, recorded_at,
                    recorded_by, header_salt, payload_commitment, nodes, NULL FROM entries WHERE position = {SIZE}""",
                    (for_show,),
                )
                encoded = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
                connection.execute(f"INSERT INTO payloads VALUES ({position}, randomblob(16), ?)", (encoded,))
        reseal(connection, SIZE + 1)
    tolerant = READ_ALL.replace("    for fact in ledger.facts():\n        repr(fact)\n", "").replace(
        "{fact.originator_id for fact in ledger.facts()}", "['site:hall', 'site:quay']"
    )
    ok, imported = json.loads(run(small, tolerant, small.path))
    assert not ok, "types that are no types"
    assert not (small.folder / "ran").exists()
    assert CANARY not in imported
    assert imported == []


def test_types_that_no_release_knows_are_read_and_run_nothing(small: SmallLedger) -> None:
    with small.raw() as connection:
        for step, payload in enumerate(PAYLOADS, 1):
            position = SIZE + step
            connection.execute(
                f"""INSERT INTO entries SELECT {position}, 'site:hostile', {step}, '{CANARY}.run', 1, recorded_at,
                recorded_by, header_salt, payload_commitment, nodes, NULL FROM entries WHERE position = {SIZE}"""
            )
            encoded = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
            connection.execute(f"INSERT INTO payloads VALUES ({position}, randomblob(16), ?)", (encoded,))
        reseal(connection, SIZE + 1)
    ok, imported = json.loads(run(small, READ_ALL, small.path))
    assert ok
    assert not (small.folder / "ran").exists()
    assert imported == []
    with small.open() as ledger:
        fact = ledger.fact_at(SIZE + 1)
        assert fact is not None
        assert isinstance(fact.event, Opaque)
        subject = ledger.subject("site:hostile")
        assert subject is not None
        assert subject.read_only


def test_no_type_is_a_path_to_a_module() -> None:
    assert all(name.count(".") == 1 and ":" not in name for name in EVENT_TYPES)


RECORD = """
import os, sys, time
from pathlib import Path
os.urandom = lambda size: bytes(size)
time.time_ns = lambda: 1_715_934_600_000_000_000
from ledger.application import Ledger
from ledger.log.note import SignerKey
from ledger.store.keys import KeyStore
sys.path.insert(0, sys.argv[2])
from attacks.small_ledger import site
signer = SignerKey.parse("PRIVATE+KEY+example.com/ledger+93727de6+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")
keys = KeyStore(Path(sys.argv[1]) / "keys")
keys.folder.mkdir()
keys.path(signer.name).write_text(signer.text())
keys.path(signer.name).chmod(0o600)
with Ledger.create(Path(sys.argv[1]) / "ledger", signer.name, signer, recorded_by="ops") as ledger:
    ledger.append([site("hall"), site("hall", 2)])
    ledger.checkpoint(keys)
    subject = ledger.subject("site:hall")
    print(subject.status, *ledger.log_recorder.rows(), ledger.log_recorder.checkpoints(), sep="\\n")
"""

ENVIRONMENTS = [
    {"COMPRESSOR_TOPIC": "zlib"},
    {"COMPRESSOR_TOPIC": f"{CANARY}:run"},
    {"CIPHER_TOPIC": "eventsourcing.cipher:AESCipher", "CIPHER_KEY": "00" * 16},
    {"CIPHER_TOPIC": f"{CANARY}:Run", "CHIPLEDGER_CIPHER_TOPIC": f"{CANARY}:Run"},
    {"MAPPER_TOPIC": f"{CANARY}:Run", "TRANSCODER_TOPIC": f"{CANARY}:Run", "LEDGER_MAPPER_TOPIC": f"{CANARY}:Run"},
    {"PERSISTENCE_MODULE": CANARY, "INFRASTRUCTURE_FACTORY": f"{CANARY}:Run", "FACTORY_TOPIC": f"{CANARY}:Run"},
    {"CHIPLEDGER_PERSISTENCE_MODULE": "eventsourcing.popo", "IS_SNAPSHOTTING_ENABLED": "y"},
    {"SQLITE_DBNAME": "/nowhere", "SQLITE_LOCK_TIMEOUT": "0", "CREATE_TABLE": "n", "AGGREGATE_CACHE_MAXSIZE": "1"},
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("undisturbed")
    return run(SmallLedger(folder), RECORD, folder, Path(__file__).parents[1])


@pytest.mark.parametrize("environment", ENVIRONMENTS, ids=lambda value: next(iter(value)))
def test_what_is_stored_is_the_same_in_any_environment(
    environment: dict[str, str], undisturbed: str, tmp_path: Path
) -> None:
    assert "registered" in undisturbed or "completed" in undisturbed
    assert run(SmallLedger(tmp_path), RECORD, tmp_path, Path(__file__).parents[1], **environment) == undisturbed
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("by", ["a\nb", "\x1b[2J", "\u202egnp", "x" * 129, "\udcff"])
def test_who_records_cannot_spell_a_line_of_the_header(small: SmallLedger, by: str) -> None:
    with pytest.raises(InputError):
        Ledger(small.path, read_only=False, recorded_by=by)
    with Ledger(small.path, recorded_by=by) as ledger:
        assert ledger.size() == SIZE, "reading asks for no name"
