"""`record`: bad input is met at the border, with file, line and field; nothing is half-written."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, site

GOOD = site("good")


def size_of(run: Run, ledger: Path) -> int:
    return int(run("-L", ledger, "verify", "--json").json["size"])


def declared(**line: object) -> str:
    lines = [{"line": "1", "chip": "nvidia-h100", "quantity": 64, **line}]
    return json.dumps({"type": "shipment.declared", "stream": "shipment:s", "basis": "declared", "lines": lines}) + "\n"


BAD = {
    "malformed JSON": ('{"type":"site.registered",}\n', "not JSON", ""),
    "not an object": ("[1,2]\n", "one JSON object", ""),
    "an unknown type": (GOOD.replace("registered", "registred"), "not an event type", "site.registered"),
    "an unknown kind of stream": (GOOD.replace("site:good", "lease:good"), "belongs in a site: stream", ""),
    "a stream id with a space": (GOOD.replace("site:good", "site:go od"), "not a stream id", ""),
    "no basis": (GOOD.replace('"basis": "declared", ', ""), "/basis: the field is missing", ""),
    "an unknown field": (GOOD.replace('"name"', '"nane"'), "/nane: there is no such field", "name"),
    "wrong units: a fraction of a chip": (declared(quantity="1.5"), "/lines/0/quantity: 1.5 is not a whole number", ""),
    "a binary fraction": (declared(quantity=1.5), "/lines/0/quantity: 1.5 would be rounded", ""),
    "a negative quantity": (declared(quantity=-1), "negative", ""),
    "a quantity of 2^63": (declared(quantity=2**63), "/lines/0/quantity", ""),
    "a quantity of 2^63 as text": (declared(quantity=str(2**63)), "no count of things is that large", ""),
    "a number of a thousand digits": (declared(quantity=10**999), "/lines/0/quantity: the number is 2^53 or more", ""),
    "an impossible date": (
        site("a", occurred_at="2024-02-30"),
        "/occurred_at: '2024-02-30': 2024-02 has no day 30",
        "",
    ),
    "a date of a spreadsheet": (
        site("a", occurred_at="3/5/2024"),
        "/occurred_at: '3/5/2024' is not a date or interval",
        "",
    ),
    "an interval that runs backwards": (site("a", occurred_at="2024-03/2024-01"), "ends before it starts", ""),
    "a time without offset": (site("a", occurred_at="2024-03-05T10:00:00"), "offset", ""),
    "an unknown chip": (declared(chip="H10O"), "did you mean NVIDIA H100", ""),
    "a country that is none": (site("a", country="UK"), "did you mean GB", ""),
    "a right-to-left mark in a name": (site("a", place="Jo\u202ehor"), "U+202E (right-to-left override)", ""),
    "a control character in a name": (site("a", place="Jo\x07hor"), "U+0007", ""),
    "half a surrogate pair": (GOOD.replace('"good"', '"\\ud800"'), "surrogate", ""),
    "a field twice": ('{"type":"site.registered","type":"x"}\n', "'type' is there twice", ""),
    "NaN": (GOOD.replace('"good"}', '"good","power_kw":NaN}'), "NaN is not a number", ""),
    "deep nesting": ('{"a":' + "[" * 100_000 + "\n", "nested too deeply", ""),
    "a serial twice": (declared(serials=["S1", "S1"]), "serial 'S1' is listed twice", ""),
    "more serials than pieces": (declared(quantity=1, serials=["S1", "S2"]), "2 serials for a quantity of 1", ""),
    "an event of the ledger itself": (
        '{"type":"ledger.created","stream":"ledger:self","basis":"declared"}\n',
        "recorded by its own commands",
        "",
    ),
    "a correction of nothing": (
        '{"type":"site.corrected","stream":"site:x","basis":"declared","corrects":1,"reason":"r","replace":{"/name":"y"}}\n',
        "there is no version 1 to correct",
        "",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_line_is_one_clear_error_and_nothing_is_recorded(
    name: str, run: Run, made: Path, tmp_path: Path
) -> None:
    line, problem, hint = BAD[name]
    file = tmp_path / "events.jsonl"
    file.write_text(GOOD + line + site("after"))
    ran = run("-L", made, "record", file)
    assert ran.code == 2
    assert f"{file}:2: " in ran.err
    assert problem in ran.err
    assert hint in ran.err
    assert ran.err.count("\n") <= 2
    assert ran.out == ""
    assert size_of(run, made) == 1


def test_bytes_that_are_not_utf_8_are_refused(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(GOOD.encode() + b'{"type":"\xff\xfe"}\n')
    ran = run("-L", made, "record", file)
    assert ran.code == 2
    assert f"{file}:2: byte 10 of the line is not UTF-8" in ran.err


def test_a_line_of_100_megabytes_is_refused_without_being_held(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    with file.open("wb") as out:
        out.write(GOOD.encode())
        out.seek(100 << 20, io.SEEK_CUR)
        out.write(b"x\n")
    ran = run("-L", made, "record", file)
    assert ran.code == 2
    assert f"{file}:2: the line is longer than 1,048,576 bytes" in ran.err
    assert size_of(run, made) == 1


def test_a_file_that_stops_mid_line_says_so(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(GOOD + site("cut")[:-20])
    ran = run("-L", made, "record", file)
    assert ran.code == 2
    assert f"{file}:2: the file ends in the middle of a line" in ran.err
    assert size_of(run, made) == 1


def test_a_last_line_without_newline_that_is_whole_is_read(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("\ufeff" + GOOD + "\n" + site("last").rstrip("\n"))
    assert run("-L", made, "record", file).code == 0
    assert size_of(run, made) == 3


def test_the_same_file_twice_adds_nothing(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(GOOD + site("other"))
    assert run("-L", made, "record", file, "--json").json["added"] == 2
    again = run("-L", made, "record", file)
    assert again.code == 0
    assert "2 were on record already" in again.out
    assert size_of(run, made) == 3


def test_the_same_source_key_with_other_content_is_refused_where_it_stands(
    run: Run, made: Path, tmp_path: Path
) -> None:
    source = {"name": "list", "key": "7"}
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    first.write_text(site("a", source=source))
    second.write_text(site("b") + site("a", source=source, country="SG"))
    assert run("-L", made, "record", first).code == 0
    ran = run("-L", made, "record", second)
    assert ran.code == 2
    assert f"{second}:2: this source and key are on record at position 2, with other content" in ran.err
    assert "site.corrected" in ran.err
    assert size_of(run, made) == 2


def test_a_source_key_used_twice_in_one_file_is_refused(run: Run, made: Path, tmp_path: Path) -> None:
    source = {"name": "list", "key": "7"}
    file = tmp_path / "events.jsonl"
    file.write_text(site("a", source=source) + site("b", source=source))
    ran = run("-L", made, "record", file)
    assert ran.code == 2
    assert f"{file}:2: this source and key stand at {file}:1 already" in ran.err


def test_opening_a_subject_twice_is_refused(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(site("a") + site("a", country="SG"))
    ran = run("-L", made, "record", file)
    assert ran.code == 2
    assert f"{file}:2: site:a: site.registered stands already, as version 1" in ran.err


def test_a_chip_by_any_name_is_recorded_by_its_catalogue_id(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(declared(chip="H100 SXM5 80GB"))
    assert run("-L", made, "record", file).code == 0
    assert '"chip":"nvidia-h100-sxm5-80gb"' in run("-L", made, "export").out


def test_a_chip_that_the_catalogue_lacks_is_kept_as_it_stands(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(declared(chip="other:Sunway SW26010"))
    assert run("-L", made, "record", file).code == 0
    assert '"chip":"other:Sunway SW26010"' in run("-L", made, "export").out


def test_what_is_exported_can_be_recorded_elsewhere(run: Run, made: Path, tmp_path: Path) -> None:
    file, copy = tmp_path / "events.jsonl", tmp_path / "copy.jsonl"
    file.write_text(GOOD + declared() + site("u", place="柔佛 ü"))
    assert run("-L", made, "record", file).code == 0
    copy.write_text(run("-L", made, "export").out)
    other = tmp_path / "other"
    assert run("init", other, "--origin", "example.org/other").code == 0
    assert run("-L", other, "record", copy).code == 0
    assert run("-L", other, "export").out == copy.read_text()


def test_dry_run_says_what_would_be_recorded_and_records_nothing(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(GOOD)
    ran = run("-L", made, "record", "--dry-run", file)
    assert (ran.code, ran.out) == (0, "Good: 1 event would be recorded, 0 on record already.\n")
    assert size_of(run, made) == 1


def test_an_empty_file_records_nothing_and_says_so(run: Run, made: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("")
    assert "holds no events" in run("-L", made, "record", file).out


@pytest.mark.parametrize("missing", ["nothing.jsonl", "."])
def test_a_file_that_is_not_there_or_no_file_is_one_clear_error(
    missing: str, run: Run, made: Path, tmp_path: Path
) -> None:
    ran = run("-L", made, "record", tmp_path / missing)
    assert ran.code == 2
    assert "the file cannot be read" in ran.err


def test_input_from_a_pipe_is_named_stdin(run: Run, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipe:
        buffer = io.BytesIO(GOOD.encode() + b"{\n")

    monkeypatch.setattr("sys.stdin", Pipe)
    ran = run("-L", made, "record", "-")
    assert ran.code == 2
    assert "<stdin>:2: this is not JSON" in ran.err


def test_more_events_than_one_transaction_are_batches_that_resume(
    run: Run, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.application.ONE_TRANSACTION", 10)
    file = tmp_path / "events.jsonl"
    file.write_text("".join(site(f"s{i}") for i in range(35)))
    appended = []
    from ledger.application import Ledger

    append = Ledger.append

    def failing(self: Ledger, facts: list[object]) -> object:
        appended.append(len(facts))
        if len(appended) == 3:
            raise KeyboardInterrupt
        return append(self, facts)

    monkeypatch.setattr(Ledger, "append", failing)
    interrupted = run("-L", made, "record", file)
    assert interrupted.code == 130
    assert interrupted.err.splitlines()[0] == "Recorded so far: 20 events. The same command goes on from there."
    assert interrupted.err.endswith("chipledger: interrupted\n")
    monkeypatch.setattr(Ledger, "append", append)
    resumed = run("-L", made, "record", file, "--json").json
    assert (resumed["added"], resumed["known"]) == (15, 20)
    assert size_of(run, made) == 36
