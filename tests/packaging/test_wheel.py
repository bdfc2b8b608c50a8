"""The wheel: what it contains, and that it runs from an environment made for it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_core_its_data_and_the_demonstration_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"ledger", "ledger_demo"}
    for needed in ("ledger/py.typed", "ledger/catalog/data/nvidia.toml", "ledger_demo/01-parties.jsonl"):
        assert needed in names
    source = {str(path.relative_to(ROOT)) for path in (ROOT / "ledger").rglob("*.py")}
    assert source <= set(names)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_installs_and_runs_the_demonstration_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "v")], check=True, capture_output=True)
    python = tmp_path / "v" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode and "No matching distribution" in installed.stderr:
        pytest.skip(f"no package index can be reached: {installed.stderr.strip().splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    command = tmp_path / "v" / "bin" / "chipledger"
    shown = subprocess.run([str(command), "demo"], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "Verified: all" in shown.stdout
    verified = subprocess.run(
        [str(command), "-L", "chipledger-demo", "verify"], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert verified.stdout.startswith("VERIFIED  demo.example/")
