"""The figures that are attributed to a data set equal that data set, where it is at hand under `../shared/real`.

A figure of a data set that the catalogue does not follow is in the data as rejected: nothing is dropped silently.
"""

import csv
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.catalog import ChipModel, load

REAL = Path(__file__).parents[3] / "shared" / "real"
CATALOGUE = load()
PARTS = [model for model in CATALOGUE if not model.is_family]

# A column in 64-bit floats; the figure to restate is the shortest decimal near it.
FLOAT = Decimal("1e-9")

COLUMNS = {
    "node_nm": ("Process size (nm)", 1),
    "transistors_millions": ("Transistors (millions)", 1),
    "tpp": ("Total processing performance (bit-OP/s)", 10**12),
    "die_area_mm2": ("Die Size (mm^2)", 1),
    "memory_gb": ("Memory (bytes)", 10**9),
    "memory_bandwidth_gb_s": ("Memory bandwidth (byte/s)", 10**9),
    "interconnect_gb_s": ("Intranode bandwidth (byte/s)", 10**9),
}
PEAKS = {
    "fp64": "FP64 (double precision) performance (FLOP/s)",
    "fp32": "FP32 (single precision) performance (FLOP/s)",
    "tf32": "TF32 (TensorFloat-32) performance (FLOP/s)",
    "fp16": "Tensor-FP16/BF16 performance (FLOP/s)",
    "fp8": "FP8 performance (FLOP/s)",
    "fp4": "FP4 performance (FLOP/s)",
    "int16": "INT16 performance (OP/s)",
    "int8": "INT8 performance (OP/s)",
    "int4": "INT4 performance (OP/s)",
}
# Rows that name several parts at once: what they say is followed, where at all, for parts that are named in full.
SHARED_ROWS = {
    "NVIDIA A100",
    "NVIDIA V100",
    "NVIDIA P100",
    "AMD Radeon Instinct MI300",
    "Huawei Ascend 910B",
    "Cambricon MLU370-S4/S8",
}


def real(path: str) -> Path:
    file = REAL / path
    if not file.exists():
        pytest.skip(f"{file} is not at hand: the facts are shared beside the checkout, not kept in it")
    return file


def epoch() -> dict[str, dict[str, Decimal | str]]:
    """Rows of Epoch AI's hardware by name, in the catalogue's figures and units."""
    with real("epoch/ml_hardware_2026-07.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["Hardware name"]: dict(in_our_terms(row)) for row in csv.DictReader(file)}


def in_our_terms(row: dict[str, str]) -> Iterator[tuple[str, Decimal | str]]:
    if row["Release date"]:
        yield "release_date", row["Release date"]
    for name, (column, unit) in COLUMNS.items():
        if Decimal(row[column] or 0):
            yield name, Decimal(row[column]) / unit
    for precision, column in PEAKS.items():
        text = row[column]
        if precision == "fp16":
            text = text or row["FP16 (half precision) performance (FLOP/s)"]
        if text:
            yield f"dense_tflops.{precision}", Decimal(text) / 10**12


def numbers(model: ChipModel, source: str) -> Iterator[tuple[str, str, Decimal]]:
    """(figure, row, value) of what the catalogue attributes to a source, followed or not."""
    for name in (*COLUMNS, "memory_bandwidth_density"):
        figure = getattr(model, name)
        if figure is not None and figure.source == source and not figure.derived:
            yield name, figure.row, figure.value
    for precision, peak in model.dense_tflops.items():
        if peak.source == source:
            yield f"dense_tflops.{precision}", peak.row, peak.value
    for rejected in model.rejected:
        if rejected.source == source:
            yield rejected.figure, rejected.row, rejected.value


def disagreements(models: list[ChipModel], rows: dict[str, dict[str, Decimal | str]]) -> list[str]:
    """Figures that the models attribute to Epoch AI and that its rows do not bear out."""
    found = []
    for model in models:
        for name, row, value in numbers(model, "epoch"):
            theirs = rows.get(row, {}).get(name)
            if not isinstance(theirs, Decimal) or abs(theirs - value) > FLOAT * theirs:
                found.append(f"{model.id}: {name} is {value}, and {row!r} says {theirs}")
        date = model.release_date
        if date is not None and date.source == "epoch":
            theirs = rows.get(date.row, {}).get("release_date")
            if theirs != (date.value if len(date.value) == 10 else f"{date.value}-01-01"):
                found.append(f"{model.id}: release_date is {date.value}, and {date.row!r} says {theirs}")
    return found


def test_every_figure_attributed_to_epoch_ai_equals_its_table() -> None:
    assert disagreements(PARTS, epoch()) == []


def test_a_figure_that_differs_from_the_table_would_be_noticed() -> None:
    rows = epoch()
    rows["NVIDIA H100 SXM5 80GB"]["tpp"] = Decimal(15833)
    rows["NVIDIA H100 SXM5 80GB"]["release_date"] = "2022-09-21"
    del rows["Google TPU v4"]["dense_tflops.int8"]
    assert [text.split(" is ")[0] for text in disagreements(PARTS, rows)] == [
        "google-tpu-v4: dense_tflops.int8",
        "nvidia-h100-sxm5-80gb: tpp",
        "nvidia-h100-sxm5-80gb: release_date",
    ]


def test_every_number_of_epoch_ai_is_followed_or_rejected_with_a_reason() -> None:
    silent = []
    for row, theirs in epoch().items():
        citing = [model for model in PARTS if any(cited == row for _, cited, _ in numbers(model, "epoch"))]
        named = CATALOGUE.resolve(row)
        if row in SHARED_ROWS or named is None:
            continue
        about = citing or named.parts
        ours = [(name, value) for model in about for by in ("epoch", "tables") for name, _, value in numbers(model, by)]
        for name, value in theirs.items():
            if isinstance(value, Decimal) and not any(n == name and abs(v - value) <= FLOAT * value for n, v in ours):
                silent.append(f"{row}: {name} {value}")
    assert silent == []


def test_every_accelerator_that_epoch_ai_lists_is_known_by_that_name() -> None:
    assert [name for name in epoch() if CATALOGUE.resolve(name) is None] == []


def test_the_hardware_of_notable_models_is_known_by_the_names_that_epoch_ai_gives_it() -> None:
    with real("epoch/notable_ai_models_2025-11.csv").open(encoding="utf-8-sig", newline="") as file:
        lists = [row["Training hardware"] for row in csv.DictReader(file)]
    names = [name.strip() for hardware in lists for name in hardware.split(",") if name.strip()]
    unknown = [name for name in names if CATALOGUE.resolve(name) is None]
    assert len(names) > 300
    assert len(unknown) <= 0.01 * len(names), unknown


def tables() -> dict[str, dict[str, Decimal]]:
    """Chip figures of `law/chips.yaml`, whose lines read ``  NAME: [TPP, PD, interconnect, memory bandwidth]``."""
    lines = re.findall(r"^  (\w+): \[([\d., ]+)\]", real("law/chips.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    names = ("tpp", "density", "interconnect_gb_s", "memory_bandwidth_gb_s")
    return {row: dict(zip(names, map(Decimal, values.split(",")), strict=True)) for row, values in lines}


LAW = {
    "A100_SXM": "nvidia-a100-sxm4-80gb",
    "A800_SXM": "nvidia-a800-sxm4-80gb",
    "H100_SXM": "nvidia-h100-sxm5-80gb",
    "H800_SXM": "nvidia-h800-sxm5-80gb",
    "H20": "nvidia-h20",
    "H200_SXM": "nvidia-h200-sxm5-141gb",
    "B200": "nvidia-b200",
    "B300": "nvidia-b300",
    "B30A": "nvidia-b30a",
    "MI210": "amd-mi210",
    "MI250X": "amd-mi250x",
    "MI300X": "amd-mi300x",
    "MI325X": "amd-mi325x",
}


def test_the_classification_tables_are_followed_or_rejected_with_a_reason() -> None:
    rows = tables()
    assert rows.keys() == LAW.keys()
    for row, theirs in rows.items():
        model = CATALOGUE.get(LAW[row])
        rejected = {(item.figure, item.value) for item in model.rejected if item.source == "tables"}
        for name in ("tpp", "interconnect_gb_s", "memory_bandwidth_gb_s"):
            figure = getattr(model, name)
            agrees = figure is not None and abs(figure.value - theirs[name]) < 1
            assert agrees or (name, theirs[name]) in rejected, f"{row}: {name}"


def test_performance_density_agrees_with_the_classification_tables() -> None:
    for row, theirs in tables().items():
        density = CATALOGUE.get(LAW[row]).performance_density
        assert density is not None
        assert abs(density - theirs["density"]) <= Decimal("0.01"), row


def test_what_the_classification_tables_expect_follows_from_the_figures() -> None:
    """By the thresholds of ECCN 3A090 as `law/rules.yaml` words them; the law itself is the plugins' business."""

    def figures(row: str) -> tuple[Decimal, Decimal, Decimal | None]:
        model = CATALOGUE.get(LAW[row])
        assert model.tpp is not None
        assert model.performance_density is not None
        links = model.interconnect_gb_s
        return model.tpp.value, model.performance_density, links.value if links else None

    def class_2023(row: str) -> str:
        tpp, density, _ = figures(row)
        if tpp >= 4800 or (tpp >= 1600 and density >= Decimal("5.92")):
            return "a"
        b = 2400 <= tpp < 4800 and Decimal("1.6") <= density < Decimal("5.92")
        return "b" if b or (tpp >= 1600 and Decimal("3.2") <= density < Decimal("5.92")) else "none"

    assert {row: class_2023(row) for row in ("A800_SXM", "H20", "MI210", "H200_SXM", "MI325X", "B200")} == {
        "A800_SXM": "a",
        "H20": "none",
        "MI210": "b",
        "H200_SXM": "a",
        "MI325X": "a",
        "B200": "a",
    }
    a800, a100 = figures("A800_SXM")[2], figures("A100_SXM")[2]
    assert a800 is not None
    assert a100 is not None
    assert a800 < 600 <= a100
    eligible = {row for row in ("H200_SXM", "MI325X", "B200") if figures(row)[0] < 21000}
    assert eligible == {"H200_SXM", "MI325X"}


def test_every_pci_identity_of_a_part_is_that_of_its_product_in_nvidias_list() -> None:
    with real("nvidia_smi/pci_device_ids.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    matched = 0
    for row in rows:
        by_id = CATALOGUE.by_pci(row["device_id"], row["subdevice_id"] + row["subvendor_id"])
        by_name = CATALOGUE.resolve(row["product_name"])
        assert (by_id is None) == (by_name is None), row
        if by_id is not None and by_name is not None:
            assert by_name is by_id or by_id in by_name.parts, row
            matched += 1
    assert matched > 150


def test_what_nvidia_smi_prints_leads_to_the_same_part_by_name_and_by_pci_identity() -> None:
    real("nvidia_smi")
    seen = set()
    for file in sorted((REAL / "nvidia_smi").glob("*.xml")):
        text = file.read_text(encoding="utf-8")
        fields = ("product_name", "pci_device_id", "pci_sub_system_id")
        for name, device, subsystem in zip(*(re.findall(rf"<{tag}>(.*?)<", text) for tag in fields), strict=True):
            model = CATALOGUE.by_pci(device, subsystem)
            assert model is not None, name
            assert CATALOGUE.resolve(name) is model
            seen.add(model.id)
    assert len(seen) >= 6


def test_the_accelerators_of_mlperf_systems_are_known_by_the_names_that_submitters_give_them() -> None:
    systems = sorted(real("mlperf/systems").rglob("*.json"))
    pattern = re.compile(r'"accelerator_model_name":\s*"([^"]+)"')
    names = {name for file in systems for name in pattern.findall(file.read_text(encoding="utf-8"))}
    assert names
    assert [name for name in sorted(names) if CATALOGUE.resolve(name) is None] == []
