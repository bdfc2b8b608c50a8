"""Names as people and machines write them lead to the part that they mean, or to none."""

import subprocess
import sys

import pytest

from ledger.catalog import load
from ledger.errors import InputError

CATALOGUE = load()


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("nvidia-h100-sxm5-80gb", "nvidia-h100-sxm5-80gb"),
        ("NVIDIA H100 80GB HBM3", "nvidia-h100-sxm5-80gb"),
        ("NVIDIA H100-SXM5-80GB", "nvidia-h100-sxm5-80gb"),
        ("h100 pcie", "nvidia-h100-pcie-80gb"),
        ("NVIDIA A100-SXM4-40GB", "nvidia-a100-sxm4-40gb"),
        ("NVIDIA A100 SXM4 80 GB", "nvidia-a100-sxm4-80gb"),
        ("NVIDIA A100 80GB PCIe", "nvidia-a100-pcie-80gb"),
        ("Tesla V100-SXM2-32GB", "nvidia-v100-sxm2-32gb"),
        ("NVIDIA Tesla V100 DGXS 32 GB", "nvidia-v100-dgxs-32gb"),
        ("Tesla T4", "nvidia-t4"),
        ("NVIDIA H200-SXM5-141GB", "nvidia-h200-sxm5-141gb"),
        ("NVIDIA H800 SXM5", "nvidia-h800-sxm5-80gb"),
        ("NVIDIA Blackwell GPU (B200-SXM-180GB)", "nvidia-b200"),
        ("B200 192GB", "nvidia-b200"),
        ("NVIDIA L20 PCle", "nvidia-l20"),
        ("GeForce RTX 4090", "nvidia-rtx-4090"),
        ("AMD Instinct MI300X 192GB HBM3", "amd-mi300x"),
        ("AMD Radeon Instinct MI250X", "amd-mi250x"),
        ("Intel(R) Gaudi(R) 2 AI Accelerator", "intel-gaudi2"),
        ("TPU-v5p", "google-tpu-v5p"),
        ("Google TPU v6e Trillium", "google-tpu-v6e"),
        ("AWS Trainium", "aws-trainium1"),
        ("昇腾 910B", "huawei-ascend-910b"),
        ("Cerebras CS-2", "cerebras-wse-2"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, id: str) -> None:
    model = CATALOGUE.resolve(name)
    assert model is not None
    assert model.id == id


@pytest.mark.parametrize("name", ["NVIDIA A100", "A100", "NVIDIA H100", "V100", "P100", "Huawei Ascend 910B", "MI300"])
def test_a_name_that_several_parts_share_gives_their_family(name: str) -> None:
    model = CATALOGUE.resolve(name)
    assert model is not None
    assert model.is_family


def test_a_memory_size_picks_a_variant_only_if_it_fits_exactly_one() -> None:
    def id(name: str) -> str | None:
        model = CATALOGUE.resolve(name)
        return model.id if model else None

    assert id("H100 94GB") == "nvidia-h100-nvl-94gb"
    assert id("A100 80GB") == "nvidia-a100"
    assert id("A100 SXM4 80 GB HBM2e") == "nvidia-a100-sxm4-80gb"


@pytest.mark.parametrize("name", ["MI300X 128GB", "A100 24GB", "", "NVIDIA", "H10O", "Pentium", "RTX 3080 Laptop GPU"])
def test_a_name_that_means_no_part_of_the_catalogue_resolves_to_none(name: str) -> None:
    assert CATALOGUE.resolve(name) is None


def test_nearest_suggests_what_a_typing_error_may_have_meant() -> None:
    assert CATALOGUE.nearest("H10O")[0] == "NVIDIA H100"
    assert len(CATALOGUE.nearest("Nvdia A10O SXM4")) == 3
    assert CATALOGUE.nearest("gaudi4", n=1) in (
        ["Intel Habana Gaudi2"],
        ["Intel Habana Gaudi3"],
        ["Intel Gaudi HL-205"],
    )
    assert CATALOGUE.nearest("zzzzzzzz") == []


def test_an_unknown_id_is_an_input_error_that_hints_at_near_names() -> None:
    assert "nvidia-a100" in CATALOGUE
    with pytest.raises(InputError, match="nvidia-a1000") as caught:
        CATALOGUE.get("nvidia-a1000")
    assert "NVIDIA A100" in caught.value.hint


def test_a_pci_identity_leads_to_its_part_in_the_forms_of_nvidia_smi() -> None:
    def id(device: str, subsystem: str = "") -> str | None:
        model = CATALOGUE.by_pci(device, subsystem)
        return model.id if model else None

    assert id("0x233010DE", "0x16C110DE") == "nvidia-h100-sxm5-80gb"
    assert id("2330") == "nvidia-h100-sxm5-80gb"
    assert id("20b010de", "134f10de") == "nvidia-a100-sxm4-40gb"  # listed for any subsystem but one
    assert id("20B0", "145010DE") == "nvidia-a100-pg509-200"
    assert id("2339", "17FC10DE") == "nvidia-h100"
    assert id("2342") is None  # two parts, told apart by the subsystem
    assert id("2342", "180910DE") == "nvidia-gh200-480gb"
    assert id("2330", "00001028") is None
    assert id("233010EE") is None
    assert id("") is None


def test_importing_the_catalogue_reads_no_data() -> None:
    code = (
        "import sys, ledger.catalog as c; assert 'tomllib' not in sys.modules; assert c.load.cache_info().misses == 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_digest_names_the_data() -> None:
    assert len(CATALOGUE.digest) == 64
    assert load() is CATALOGUE
