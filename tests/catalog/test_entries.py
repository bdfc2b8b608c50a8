"""The format of the data files is read strictly: what is wrong in a file is an error that names the part."""

from decimal import Decimal

import pytest

from ledger.catalog import Catalogue, Source
from ledger.catalog.entries import read_parts, read_sources
from ledger.errors import InputError

SOURCES = {"s": Source(title="t", publisher="p", licence="l", as_of="2026", grade="compiled")}
PART = '[[part]]\nid = "x-one"\nname = "X One"\ndesigner = "X"\n'
STATED = '[[part.stated]]\nsource = "s"\nrow = "r"\n'


def catalogue(text: str) -> Catalogue:
    return Catalogue(read_parts(text, "x.toml", SOURCES), SOURCES)


def test_numbers_are_read_as_decimals_exactly() -> None:
    part = catalogue(PART + STATED + "dense_tflops = { fp16 = 989.4, fp8 = 0.1 }").get("x-one")
    assert part.dense_tflops["fp8"].value == Decimal("0.1")
    assert part.tpp is not None
    assert (part.tpp.value, part.tpp.derived) == (Decimal("15830.4"), "dense fp16 x 16 bits")
    assert (part.tpp.source, part.tpp.row) == ("s", "r")


def test_a_part_about_which_nothing_is_stated_is_unknown_throughout() -> None:
    part = catalogue(PART).get("x-one")
    assert part.vendor == "X"
    assert (part.tpp, part.tpp_at_least, part.data_centre, part.performance_density) == (None, None, None, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PART + "colour = 1", "colour"),
        (PART + STATED + "tdp_w = 700", "tdp_w"),
        (PART + STATED + "dense_tflops = { bf16 = 1 }", "bf16"),
        (PART + STATED + "tpp = 0", "above zero"),
        (PART + STATED + "tpp = nan", "tpp"),
        (PART + STATED + "dense_tflops = { fp16 = -1 }", "above zero"),
        (PART + STATED + 'release_date = "2020-13"', "release_date"),
        (PART + STATED + 'pci = ["2330"]', "PCI identity"),
        (PART + STATED + "tpp = 1\n" + STATED + "tpp = 1", "stated twice"),
        (PART + STATED + "dense_tflops = { fp8 = 1 }\n" + STATED + "dense_tflops = { fp8 = 2 }", "stated twice"),
        (PART + STATED.replace('"s"', '"nobody"'), "no source 'nobody'"),
        (PART + "matrix_peak_unstated = true\n" + STATED + "tpp = 1", "matrix units"),
        (PART + 'variants = ["x-two"]', "no part 'x-two'"),
        (PART + PART, "same id"),
        (PART.replace("x-one", "X One"), "id"),
        (PART + "name = 2", "x.toml"),
        (PART.replace('designer = "X"\n', ""), "designer"),
    ],
)
def test_what_the_format_does_not_have_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        catalogue(text)
    assert caught.value.place.file == "x.toml"


def test_a_family_that_states_a_figure_of_its_own_is_refused() -> None:
    family = '[[part]]\nid = "x"\nname = "X"\ndesigner = "X"\nvariants = ["x-one"]\n'
    with pytest.raises(InputError, match="follow from its variants"):
        catalogue(PART + family.replace('"x"', '"x-all"').replace('"X"', '"X all"') + STATED + "tpp = 1")


def test_two_parts_that_answer_to_one_name_are_refused() -> None:
    other = PART.replace("x-one", "x-two").replace("X One", "NVIDIA x-ONE")
    with pytest.raises(InputError, match="names both 'x-one' and 'x-two'"):
        catalogue(PART + other)


def test_two_parts_with_one_pci_identity_are_refused() -> None:
    pci = STATED + 'pci = ["10DE:2330"]\n'
    with pytest.raises(InputError, match="10DE:2330 names both"):
        catalogue(PART + pci + PART.replace("x-one", "x-two").replace("X One", "X Two") + pci)


def test_a_source_without_a_licence_is_refused() -> None:
    with pytest.raises(InputError, match="licence"):
        read_sources(
            '[sources.somebody]\ntitle = "t"\npublisher = "p"\nas_of = "2026"\ngrade = "vendor"', "sources.toml"
        )
