"""What `show` tells of a subject beside its own fields: the rows of the tables beside its kind's."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.view.details import details
from ledger.view.home import View
from tests.cli.conftest import Run


@pytest.fixture
def demo(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("KEYS", "STATE", "CACHE"):
        monkeypatch.setenv(f"CHIPLEDGER_{name}", str(tmp_path / name.lower()))
    assert run("demo", tmp_path / "demo").code == 0
    return tmp_path / "demo"


def test_each_kind_is_shown_with_the_tables_that_describe_it(demo: Path, run: Run) -> None:
    for stream, table, words in (
        ("run:qwen-latest", "legs", ("alibaba-sg", "2,048 × nvidia-h100-sxm5-80gb", "2025-05-20 – 2025-10-10")),  # noqa: RUF001
        ("lease:alibaba-sg", "accelerators", ("let", "nvidia-h100-sxm5-80gb", "2304")),
        ("site:sg-tuas", "accelerators", ("installed", "sg-h100-2023")),
        ("shipment:my-a100-2022", "lines", ("nvidia-a100-sxm4-80gb", "512")),
        ("shipment:my-a100-2022", "movements", ("received", "520", "my-sedenak")),
        ("weights:qwen-latest", "copies", ("transferred", "site:cn-alibaba")),
    ):
        shown = run("-L", demo, "show", stream).out
        part = next(part for part in shown.split("\n\n") if part.startswith(f"{table}\n"))
        for word in words:
            assert word in part, (stream, part)


def test_json_has_the_same_rows_under_details(demo: Path, run: Run) -> None:
    found = run("-L", demo, "show", "run:qwen-latest", "--json").json["details"]
    assert [leg["leg"] for leg in found["legs"]] == ["sg", "my", "cn"]
    assert {row["chip"] for row in found["accelerators"]} == {"nvidia-h100-sxm5-80gb", "nvidia-h20"}
    assert run("-L", demo, "show", "party:alibaba", "--json").json["details"].keys() <= {"stakes"}


def test_no_kind_lacks_an_answer(demo: Path, run: Run) -> None:
    assert run("-L", demo, "log", "-n", "1").code == 0
    with View(demo / "view.db") as view:
        streams = [row[0] for row in view.connection.execute("SELECT min(stream) FROM subjects GROUP BY kind")]
        for stream in streams:
            assert isinstance(details(view, stream), dict)
        assert details(view, "nothing") == {}


def test_on_a_terminal_the_tables_fit(demo: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from ledger.cli import details as shown
    from ledger.cli import output

    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(output.sys.stdout.__class__, "isatty", lambda self: True, raising=False)
    with View(demo / "view.db") as view:
        for stream in ("run:qwen-latest", "site:sg-tuas", "shipment:my-a100-2022", "weights:qwen-latest"):
            lines: list[str] = []
            monkeypatch.setattr(output.click, "echo", lambda text="", lines=lines, **_: lines.append(text))
            shown.print_details(details(view, stream))
            assert max(map(output.width_of, lines), default=0) <= 80
