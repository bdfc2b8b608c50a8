"""`verify`, `checkpoint`, `prove`, `verify-proof`, `erase`, `evidence`, `backup`, `key`: as a user meets them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run, site


@pytest.fixture
def recorded(run: Run, made: Path, tmp_path: Path) -> Path:
    file = tmp_path / "events.jsonl"
    file.write_text("".join(site(f"s{i}", country="SG") for i in range(9)))
    assert run("-L", made, "record", file).code == 0
    return made


def tamper(ledger: Path, statement: str) -> None:
    """Changes a row as an attacker would, the triggers dropped and put back."""
    connection = sqlite3.connect(ledger / "ledger.db")
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(statement)
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def test_a_sound_ledger_is_verified_at_first_sight_and_then_under_its_pin(run: Run, recorded: Path) -> None:
    first, second = run("-L", recorded, "verify"), run("-L", recorded, "verify", "--json")
    assert first.code == second.code == 0
    assert first.out.startswith("VERIFIED  example.org/test  10 of 10 entries")
    assert "at first sight" in first.out
    assert (second.json["trust"], second.json["seen_before"]) == ("pinned", 10)


def test_a_changed_payload_is_named_by_its_position_and_exits_1(run: Run, recorded: Path) -> None:
    tamper(
        recorded,
        "UPDATE payloads SET payload = CAST(replace(CAST(payload AS TEXT), 'SG', 'MY') AS BLOB) WHERE position = 4",
    )
    ran = run("-L", recorded, "verify")
    assert ran.code == 1
    assert ran.out.startswith("NOT VERIFIED")
    assert "position 4  payload:" in ran.out
    assert run("-L", recorded, "verify", "--json").json["faults"][0]["position"] == 4


def test_a_foreign_trigger_fails_every_command_in_one_line(run: Run, recorded: Path) -> None:
    connection = sqlite3.connect(recorded / "ledger.db")
    connection.execute("CREATE TRIGGER sneaky AFTER INSERT ON entries BEGIN DELETE FROM payloads; END")
    connection.commit()
    connection.close()
    for command in (("verify",), ("export",), ("checkpoint",)):
        ran = run("-L", recorded, *command)
        assert ran.code == 1
        assert "a foreign trigger 'sneaky'" in ran.out + ran.err


def test_history_signed_anew_does_not_pass_a_checkpoint_kept_elsewhere(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(run("-L", recorded, "checkpoint").out)
    assert run("-L", recorded, "verify", "--against", kept).code == 0
    other = tmp_path / "other"
    assert run("init", other, "--origin", "example.org/other").code == 0
    ran = run("-L", other, "verify", "--against", kept)
    assert ran.code == 1
    assert "the checkpoint given does not hold" in ran.out


def test_a_given_key_that_is_not_the_ledgers_fails(run: Run, recorded: Path, tmp_path: Path) -> None:
    key = run("key", "new", "example.org/stranger", "--json").json["verifier_key"]
    ran = run("-L", recorded, "verify", "--vkey", key)
    assert ran.code == 1
    assert "not among those given" in ran.out
    good = run("-L", recorded, "vkey").out.strip()
    assert run("-L", recorded, "verify", "--vkey", good).code == 0
    (tmp_path / "key.txt").write_text(good + "\n")
    assert run("-L", recorded, "verify", "--vkey", tmp_path / "key.txt").code == 0


def test_what_is_not_a_key_is_bad_usage(run: Run, recorded: Path) -> None:
    ran = run("-L", recorded, "verify", "--vkey", "nonsense")
    assert ran.code == 2
    assert "is not a verifier key" in ran.err


def test_a_proof_stands_alone(run: Run, recorded: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.txt"
    key = run("-L", recorded, "vkey").out.strip()
    assert run("-L", recorded, "prove", 5, "-o", proof).code == 0
    for path in sorted(recorded.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    ran = run("verify-proof", proof, "--vkey", key, "--json").json
    assert (ran["ok"], ran["position"], ran["payload"]["country"]) == (True, 5, "SG")


def test_a_proof_without_payload_discloses_none(run: Run, recorded: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.txt"
    key = run("-L", recorded, "vkey").out.strip()
    run("-L", recorded, "prove", 5, "--no-payload", "-o", proof)
    assert "payload" not in proof.read_text().replace("chipledger/", "")
    shown = run("verify-proof", proof, "--vkey", key)
    assert shown.code == 0
    assert "not disclosed" in shown.out


def test_a_changed_proof_exits_1_in_one_line(run: Run, recorded: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.txt"
    key = run("-L", recorded, "vkey").out.strip()
    run("-L", recorded, "prove", 5, "-o", proof)
    text = proof.read_text()
    for changed in (text.replace("index 4", "index 3"), text[:-2] + "\n", "rubbish\n", "", "\x00"):
        proof.write_text(changed)
        ran = run("verify-proof", proof, "--vkey", key)
        assert ran.code == 1
        assert ran.out.startswith("NOT PROVEN")


@pytest.mark.parametrize(("position", "code"), [(0, 2), (11, 2), (-1, 2)])
def test_proving_what_is_not_there_is_bad_usage(position: int, code: int, run: Run, recorded: Path) -> None:
    assert run("-L", recorded, "prove", position).code == code


def test_an_erased_payload_still_verifies_and_says_why(run: Run, recorded: Path) -> None:
    assert run("-L", recorded, "erase", 5, "--reason", "court order 7", "--yes").code == 0
    ran = run("-L", recorded, "verify")
    assert ran.code == 0
    assert "1 payload, with its erasure on record" in ran.out
    assert run("-L", recorded, "prove", 5).code == 2
    assert run("-L", recorded, "prove", 5, "--no-payload").code == 0


def test_evidence_is_kept_under_its_digest_and_a_change_of_it_is_found(run: Run, made: Path, tmp_path: Path) -> None:
    import json

    document = tmp_path / "licence.pdf"
    document.write_bytes(b"%PDF licence")
    cited = json.loads(run("-L", made, "evidence", document).out)
    file = tmp_path / "events.jsonl"
    file.write_text(site("a", evidence=[cited]))
    assert run("-L", made, "record", file).code == 0
    assert "1 of 1 cited document kept here" in run("-L", made, "verify").out
    (made / "evidence" / cited["sha256"]).write_bytes(b"%PDF another")
    ran = run("-L", made, "verify")
    assert ran.code == 1
    assert f"evidence/{cited['sha256']}" in ran.out


def test_a_backup_is_a_ledger_that_verifies(run: Run, recorded: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert run("-L", recorded, "backup", copy).code == 0
    assert run("-L", copy, "verify", "--json").json["size"] == 10
    assert run("-L", recorded, "backup", copy).code == 2


def test_an_old_backup_restored_is_found_by_the_pin_and_not_signed(run: Run, recorded: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    run("-L", recorded, "backup", copy)
    file = tmp_path / "more.jsonl"
    file.write_text(site("later"))
    run("-L", recorded, "record", file)
    assert run("-L", recorded, "verify").code == 0
    (recorded / "ledger.db").unlink()
    for rest in recorded.glob("ledger.db-*"):
        rest.unlink()
    (copy / "ledger.db").rename(recorded / "ledger.db")
    ran = run("-L", recorded, "verify")
    assert ran.code == 1
    assert "position 11  row-missing" in ran.out
    signed = run("-L", recorded, "checkpoint")
    assert signed.code == 1
    assert "does not continue it" in signed.err


def test_a_key_is_readable_by_its_owner_alone_and_never_overwritten(run: Run, own_folders: Path) -> None:
    made = run("key", "new", "example.org/k", "--json").json
    path = Path(made["path"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    before = path.read_bytes()
    assert run("key", "new", "example.org/k").code == 2
    assert path.read_bytes() == before
    path.chmod(0o644)
    ran = run("key", "list")
    assert ran.code == 2
    assert "others can read this key" in ran.err


def test_no_command_ever_prints_the_private_key(run: Run, recorded: Path, own_folders: Path) -> None:
    secret = next((own_folders / "keys").glob("*.key")).read_text().split("+", 4)[4].strip()
    for command in (
        ("key", "list"),
        ("-L", recorded, "vkey"),
        ("-L", recorded, "checkpoint"),
        ("-L", recorded, "export"),
    ):
        ran = run(*command)
        assert secret not in ran.out + ran.err


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, "there is no ledger here"),
        (lambda folder: folder.mkdir(), "there is no ledger here"),
        (lambda folder: folder.write_text("x"), "this is a file"),
        (lambda folder: (folder.mkdir(), (folder / "ledger.db").write_text("not a database at all")), "not a ledger"),
        (lambda folder: (folder.mkdir(), sqlite3.connect(folder / "ledger.db").execute("CREATE TABLE t (x)").connection.close()),
         "not a ledger"),
    ],
)  # fmt: skip
def test_what_is_not_a_ledger_is_one_clear_error(make: object, words: str, run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    make(folder)  # type: ignore[operator]
    for command in (("verify",), ("export",), ("record", "x.jsonl"), ("checkpoint",)):
        ran = run("-L", folder, *command)
        assert ran.code == 2
        assert words in ran.err


def test_a_ledger_of_a_newer_version_is_refused_with_what_to_do(run: Run, recorded: Path) -> None:
    connection = sqlite3.connect(recorded / "ledger.db")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    ran = run("-L", recorded, "verify")
    assert ran.code == 2
    assert "this ledger has format 2" in ran.err
    assert "Install a newer chipledger" in ran.err


def test_init_refuses_a_folder_that_is_not_empty_and_an_origin_in_use(run: Run, made: Path, tmp_path: Path) -> None:
    assert run("init", made, "--origin", "example.org/again").code == 2
    ran = run("init", tmp_path / "new", "--origin", "example.org/test")
    assert ran.code == 2
    assert "signs another ledger already" in ran.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "x\ny", "x\x1by", "x\u202ey"])
def test_an_origin_that_cannot_be_signed_is_refused_before_anything_is_made(
    origin: str, run: Run, tmp_path: Path
) -> None:
    ran = run("init", tmp_path / "new", "--origin", origin)
    assert ran.code == 2
    assert not (tmp_path / "new").exists()


def test_the_published_tiles_hash_to_the_checkpoints_root(run: Run, recorded: Path, tmp_path: Path) -> None:
    from ledger.log.checkpoint import parse_checkpoint
    from ledger.log.entry import leaf_hash
    from ledger.log.merkle import Frontier
    from ledger.log.tile import Tile, parse_bundle

    assert run("-L", recorded, "export", "--tiles", tmp_path / "t").code == 0
    claim = parse_checkpoint((tmp_path / "t" / "checkpoint").read_bytes())
    tile = Tile(None, 0, claim.size)
    frontier = Frontier()
    frontier.extend(leaf_hash(entry) for entry in parse_bundle(tile, (tmp_path / "t" / tile.path()).read_bytes()))
    assert frontier.root() == claim.root
    assert b'"country"' not in b"".join(path.read_bytes() for path in (tmp_path / "t").rglob("*") if path.is_file())


def test_what_is_not_a_checkpoint_is_bad_input_and_named(run: Run, recorded: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    for text in ("garbage", "", "example.org/test\n10\n"):
        kept.write_text(text)
        ran = run("-L", recorded, "verify", "--against", kept)
        assert ran.code == 2
        assert f"{kept}: this is not a checkpoint" in ran.err


def test_a_kept_checkpoint_of_which_a_byte_was_changed_fails_the_check(
    run: Run, recorded: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.txt"
    note = run("-L", recorded, "checkpoint").out
    kept.write_text(note.replace("\n10\n", "\n11\n"))
    assert run("-L", recorded, "verify", "--against", kept).code == 1
