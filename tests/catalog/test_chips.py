"""What every entry of the catalogue must satisfy, whatever the figures are."""

from decimal import Decimal

import pytest

from ledger.catalog import BITS, ChipModel, Figure, load
from ledger.catalog.names import key

CATALOGUE = load()
PARTS = [model for model in CATALOGUE if not model.is_family]
FAMILIES = [model for model in CATALOGUE if model.is_family]

# Datasheets round each peak on its own (989.4 x 16 = 15830.4 beside 1979 x 8 = 15832), so a stated TPP is a
# little off the product of a rounded peak. What is further off is in the data as rejected, with its reason.
ROUNDING = Decimal("0.001")

FIGURES = [
    "release_date",
    "data_centre",
    "foundry",
    "node_nm",
    "transistors_millions",
    "tpp",
    "die_area_mm2",
    "memory_gb",
    "memory_bandwidth_gb_s",
    "interconnect_gb_s",
    "memory_bandwidth_density",
    "pci",
]


def figures(model: ChipModel) -> list[tuple[str, Figure[object]]]:
    named = [(name, getattr(model, name)) for name in FIGURES]
    named += [(f"dense_tflops.{precision}", figure) for precision, figure in model.dense_tflops.items()]
    return [(name, figure) for name, figure in named if figure is not None]


def test_the_catalogue_holds_more_than_a_hundred_parts_with_a_bound_on_their_processing_performance() -> None:
    assert len([model for model in PARTS if model.tpp_at_least is not None]) > 100


def test_the_figures_checked_here_are_all_the_figures_there_are() -> None:
    described = {"id", "name", "designer", "vendor", "aliases", "note", "variants", "rejected", "tpp_at_least"}
    assert set(ChipModel.__struct_fields__) - described - {"dense_tflops"} == set(FIGURES)


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.id)
def test_every_figure_names_a_source_that_exists_and_a_place_in_it(model: ChipModel) -> None:
    for name, figure in figures(model):
        assert figure.source in CATALOGUE.sources, name
        assert figure.row, name
    for rejected in model.rejected:
        assert rejected.source in CATALOGUE.sources
        assert rejected.why.endswith(".")


def test_every_source_is_used_and_says_its_licence() -> None:
    used = {figure.source for model in PARTS for _, figure in figures(model)}
    assert used == set(CATALOGUE.sources)
    assert all(source.licence and source.publisher for source in CATALOGUE.sources.values())
    assert "CC-BY-4.0" in CATALOGUE.sources["epoch"].licence
    assert "Epoch AI" in CATALOGUE.sources["epoch"].publisher


def test_no_two_models_share_a_name_however_it_is_written() -> None:
    owner: dict[str, str] = {}
    for model in CATALOGUE:
        for name in (model.id, model.name, *model.aliases):
            assert key(name), name
            assert owner.setdefault(key(name), model.id) == model.id, name


def test_no_alias_says_again_what_the_name_says() -> None:
    for model in CATALOGUE:
        assert len({*model.aliases}) == len(model.aliases), model.id
        assert model.name not in model.aliases, model.id


@pytest.mark.parametrize("model", [model for model in PARTS if model.dense_tflops], ids=lambda model: model.id)
def test_tpp_is_the_greatest_dense_peak_times_its_bits(model: ChipModel) -> None:
    product = max(figure.value * BITS[precision] for precision, figure in model.dense_tflops.items())
    if model.tpp is None:
        assert model.tpp_at_least == product
    else:
        assert model.tpp_at_least == model.tpp.value
        assert abs(model.tpp.value - product) <= ROUNDING * product


def test_a_tpp_from_vector_units_alone_is_a_lower_bound_and_no_figure() -> None:
    """Intel's Max 1550 has matrix engines whose peak no source at hand states; its vector rate understates it."""
    max_1550 = CATALOGUE.get("intel-max-1550")
    assert max_1550.tpp is None
    assert max_1550.performance_density is None
    assert max_1550.least_and_most("tpp") == (Decimal("1677.76"), None)
    assert [(rejected.figure, rejected.value) for rejected in max_1550.rejected] == [("tpp", Decimal("1677.76"))]


def test_performance_density_is_unknown_where_the_die_area_is() -> None:
    gh200 = CATALOGUE.get("nvidia-gh200-144gb")
    assert gh200.tpp is not None
    assert gh200.die_area_mm2 is None
    assert gh200.performance_density is None
    density = CATALOGUE.get("nvidia-h100-sxm5-80gb").performance_density
    assert density is not None
    assert round(density, 2) == Decimal("19.45")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda model: model.id)
def test_a_family_states_only_what_all_its_variants_agree_on(family: ChipModel) -> None:
    for name, figure in figures(family):
        if name == "pci":
            continue
        for variant in family.variants:
            own = dict(figures(variant)).get(name)
            assert own is not None, f"{variant.id}: {name}"
            assert own.value == figure.value, f"{variant.id}: {name}"


def test_a_family_leaves_open_what_its_variants_differ_in() -> None:
    a100 = CATALOGUE.get("nvidia-a100")
    assert a100.tpp is not None
    assert a100.tpp.value == 4992
    assert a100.memory_gb is None
    assert a100.least_and_most("memory_gb") == (Decimal(40), Decimal(80))
    h100 = CATALOGUE.get("nvidia-h100")
    assert h100.tpp is None
    assert h100.least_and_most("tpp") == (Decimal(12096), Decimal(15832))
    assert CATALOGUE.get("nvidia-a800").least_and_most("interconnect_gb_s") == (None, None)


def test_what_is_sold_for_desktops_is_told_from_what_is_sold_for_data_centres() -> None:
    def data_centre(id: str) -> bool | None:
        figure = CATALOGUE.get(id).data_centre
        return figure.value if figure else None

    assert [data_centre(id) for id in ("nvidia-h100", "amd-mi300x", "nvidia-l40s", "google-tpu-v4")] == [True] * 4
    assert [data_centre(id) for id in ("nvidia-rtx-4090", "nvidia-rtx-a6000", "amd-rx-7900-xtx")] == [False] * 3
    assert data_centre("nvidia-rtx-6000-ada-generation") is None
    assert data_centre("nvidia-rtx-pro-6000-blackwell") is None
