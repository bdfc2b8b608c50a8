"""Stream ids: ``<kind>:<label>``, such as ``shipment:sg-2024-017``. Never a natural person's name."""

from __future__ import annotations

import re
from typing import Annotated, Final

from msgspec import Meta

__all__ = [
    "AuthorisationId",
    "DeploymentId",
    "LeaseId",
    "PartyId",
    "RunId",
    "ShipmentId",
    "SiteId",
    "StreamId",
    "WeightsId",
    "kind_of",
    "label_from",
]

_LABEL: Final = r"[A-Za-z0-9._~-]{1,128}"

StreamId = Annotated[str, Meta(pattern=rf"\A[a-z]+:{_LABEL}\Z", description="a stream id, KIND:LABEL")]
PartyId = Annotated[str, Meta(pattern=rf"\Aparty:{_LABEL}\Z", description="a stream id, party:LABEL")]
SiteId = Annotated[str, Meta(pattern=rf"\Asite:{_LABEL}\Z", description="a stream id, site:LABEL")]
ShipmentId = Annotated[str, Meta(pattern=rf"\Ashipment:{_LABEL}\Z", description="a stream id, shipment:LABEL")]
AuthorisationId = Annotated[
    str, Meta(pattern=rf"\Aauthorisation:{_LABEL}\Z", description="a stream id, authorisation:LABEL")
]
LeaseId = Annotated[str, Meta(pattern=rf"\Alease:{_LABEL}\Z", description="a stream id, lease:LABEL")]
RunId = Annotated[str, Meta(pattern=rf"\Arun:{_LABEL}\Z", description="a stream id, run:LABEL")]
WeightsId = Annotated[str, Meta(pattern=rf"\Aweights:{_LABEL}\Z", description="a stream id, weights:LABEL")]
DeploymentId = Annotated[str, Meta(pattern=rf"\Adeployment:{_LABEL}\Z", description="a stream id, deployment:LABEL")]

_STREAM = re.compile(rf"[a-z]+:{_LABEL}", re.ASCII)
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9._~]+", re.ASCII)


def kind_of(stream: str) -> str:
    """The kind's name in a stream id; ValueError where `stream` is not one."""
    if _STREAM.fullmatch(stream) is None:
        raise ValueError(
            f"{stream[:80]!r} is not a stream id: write kind:label, the label 1 to 128 of letters, digits and . _ ~ -"
        )
    return stream.partition(":")[0]


def label_from(name: str) -> str:
    """A label made from a name that somebody else wrote; "" where none of its characters may stand in one."""
    return _NOT_IN_LABEL.sub("-", name.strip().lower()).strip("-")[:100]
