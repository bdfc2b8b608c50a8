"""All chip models, by id, by any name that people write, and by PCI identity.

Held by `tests/catalog/`: every figure has a source, every name leads to one part, and the figures that are
attributed to a data set equal it. What only reading or guessing needs is imported when it is done, so that
importing the catalogue stays cheap for a command that never asks it anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache

from ledger.catalog.chips import ChipModel, PciId, Source
from ledger.catalog.names import key, without_memory
from ledger.errors import InputError

_NVIDIA = "10DE"
# A capacity is written nominal (192 GB) or usable (180 GB); two sizes of one model differ by far more than this.
_SAME_MEMORY = Decimal("0.1")


class Catalogue:
    """Chip models and the sources of their figures; iterates over the models, families included.

    `digest` is the SHA-256, in hex, of the data that it was read from: it names the state of the catalogue.
    """

    def __init__(self, models: Iterable[ChipModel], sources: Mapping[str, Source], digest: str = "") -> None:
        self.sources = dict(sources)
        self.digest = digest
        self._models: dict[str, ChipModel] = {}
        self._names: dict[str, ChipModel] = {}
        self._pci: dict[PciId, ChipModel] = {}
        for model in models:
            self._add(model)

    def __iter__(self) -> Iterator[ChipModel]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, id: object) -> bool:
        return id in self._models

    def get(self, id: str) -> ChipModel:
        """The model with this id; an `InputError` that hints at near names if there is none."""
        model = self._models.get(id)
        if model is None:
            near = ", ".join(self.nearest(id))
            raise InputError(f"no chip model {id!r}", hint=f"Near names: {near}." if near else "")
        return model

    def resolve(self, name: str) -> ChipModel | None:
        """The model that a name means, or `None`; a name that several parts share gives their family.

        A memory size that the name adds must agree with the model, and picks the variant of a family when
        it fits exactly one; where it fits several, the answer stays the family.
        """
        model = self._names.get(key(name))
        if model is not None:
            return model
        short, size = without_memory(name)
        model = self._names.get(short)
        if model is None or size is None:
            return model
        fitting = [part for part in model.parts if _may_have(part, size)]
        if not fitting:
            return None
        return fitting[0] if len(fitting) == 1 else model

    def nearest(self, name: str, n: int = 3) -> list[str]:
        """Display names of up to `n` models whose names or aliases look most like `name`, best first."""
        from difflib import get_close_matches

        close = get_close_matches(key(name), self._names, n=4 * n, cutoff=0.5)
        return list(dict.fromkeys(self._names[match].name for match in close))[:n]

    def by_pci(self, device: str, subsystem: str = "") -> ChipModel | None:
        """The model with a PCI identity, in the forms that nvidia-smi prints (``233010DE``, ``16C110DE``).

        `device` is four hex digits, or eight with the vendor last (without it, NVIDIA's); `subsystem` is eight,
        its vendor last, or empty when unknown. `None` where the table does not decide between parts.
        """
        number, vendor = _halves(device)
        vendor = vendor or _NVIDIA
        subdevice, subvendor = _halves(subsystem)
        exact = self._pci.get(PciId(vendor, number, subvendor, subdevice)) or self._pci.get(PciId(vendor, number))
        if exact is not None or subsystem:
            return exact
        candidates = {model.id: model for id, model in self._pci.items() if (id.vendor, id.device) == (vendor, number)}
        return next(iter(candidates.values())) if len(candidates) == 1 else None

    def _add(self, model: ChipModel) -> None:
        if model.id in self._models:
            raise InputError(f"two chip models have the id {model.id!r}")
        self._models[model.id] = model
        for name in (model.id, model.name, *model.aliases):
            short = key(name)
            other = self._names.setdefault(short, model)
            if other is not model:
                raise InputError(f"{name!r} names both {other.id!r} and {model.id!r}")
        for id in model.pci.value if model.pci else ():
            if self._pci.setdefault(id, model) is not model:
                raise InputError(f"PCI identity {id} names both {self._pci[id].id!r} and {model.id!r}")


@cache
def load() -> Catalogue:
    """The catalogue that comes with the package, read once."""
    from importlib.resources import files

    from ledger.catalog.entries import read_parts, read_sources

    folder = files(__package__) / "data"
    data = sorted((file.name, file.read_bytes()) for file in folder.iterdir() if file.name.endswith(".toml"))
    digest = hashlib.sha256(b"".join(b"%s\n%d\n%s" % (name.encode(), len(body), body) for name, body in data))
    sheets = {name: body.decode() for name, body in data}
    sources = read_sources(sheets.pop("sources.toml"), "sources.toml")
    models = [model for name, text in sheets.items() for model in read_parts(text, name, sources)]
    return Catalogue(models, sources, digest.hexdigest())


def _may_have(part: ChipModel, size: Decimal) -> bool:
    """Whether a part may have this much memory, in GB: it has, or nobody says how much it has."""
    if part.memory_gb is None:
        return True
    return abs(part.memory_gb.value - size) <= _SAME_MEMORY * size


def _halves(digits: str) -> tuple[str, str]:
    bare = digits.strip().upper().removeprefix("0X")
    return bare[:4], bare[4:8]
