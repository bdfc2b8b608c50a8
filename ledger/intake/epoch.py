"""Epoch AI's data on AI models (CSV, https://epoch.ai/data, CC BY 4.0): each row a training run.

Each row becomes ``run.reported`` in ``run:epoch-<label>``, each organisation ``party.reported`` in
``party:epoch-<label>``. A later release becomes corrections (`ledger.intake.revision`). What a row lacks is left out.

==================================  ==================================================================================
column                              becomes
==================================  ==================================================================================
Model                               `model`, the label, and the source key, with more of the row where rows share it
Organization                        `developers`; a party's name is an alias, for nobody says that it is the legal one
Country (of organization)           the party's `headquartered_in`, where the rows say whose country it is
Organization categorization         the party's `party_kind`, likewise: Industry, Academia or Government
Publication date                    `published_on`: the day of the paper, never that of the training
Training compute (FLOP)             `operations` of a model trained from nothing; Epoch counts the base model's in
Finetune compute (FLOP)             `operations` of a model with a base model; without it, at most the total
Parameters                          `parameters`
Training hardware                   `accelerators`, one per kind: the catalogue's chip, or ``other:`` and the name
Hardware quantity                   their `quantity`, where there is one kind
Training time (hours)               `wall_hours`
Training chip-hours                 `chip_hours`; in a release without it, hours x quantity where there is one kind
Link                                `evidence`, each URI in it
Base model, compute notes           `note`, with what could not be attributed
==================================  ==================================================================================

Dataset sizes are left out: their unit is tokens, words, images or hours, by domain. A model that is renamed is a new
run, unless both names make one label and the day is the same (``GLM 4.6``, ``GLM-4.6``).

Basis. Confidence describes how well Training compute, Parameters and dataset size are known. Where it is Confident,
Unknown or empty the run is `reported`; below that (Likely, Speculative, Unverified, …) the run is `estimated`, and
what Confidence does not describe is `reported` in `basis_of`. Training compute is Epoch's own estimate even where it is
Confident (to within a factor of 3), so `operations` is `estimated` unless the release has a column Training compute
estimation method and it says Reported; chip-hours that are a product of two columns are `estimated` too.

Shown by `tests/intake/test_epoch.py`, `test_epoch_refusals.py` and `test_epoch_releases.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Context
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from ledger.catalog import load
from ledger.domain.codec import event_fields, event_from_fields
from ledger.domain.event import Basis, Evidence, Source
from ledger.domain.quantity import Count, Quantity
from ledger.domain.training import Reported
from ledger.errors import InputError, Place
from ledger.intake.draft import Draft, OnRecord
from ledger.intake.epoch_parties import Listed, listed, party_drafts, party_id
from ledger.intake.labels import label_of
from ledger.intake.revision import Release, Said, revised, said, source_of
from ledger.intake.table import Row, Table

__all__ = ["SOURCE", "read_epoch_models"]

SOURCE: Final = "epoch-notable-models"

_REQUIRED: Final = ("Model", "Organization", "Publication date", "Training compute (FLOP)")
_OTHER_NAMES: Final = {
    "System": "Model",
    "Country (from Organization)": "Country (of organization)",
    "Organization categorization (from Organization)": "Organization categorization",
}
_WHAT_ELSE: Final = {
    "Hardware name": "Epoch AI's data on machine learning hardware",
    "H100 equivalents": "Epoch AI's data on GPU clusters",
}
# Fields of a run, and the columns without which a release says nothing of them.
_COLUMNS_OF: Final = {
    "operations": ("Base model", "Finetune compute (FLOP)"),
    "parameters": ("Parameters",),
    "accelerators": ("Training hardware", "Hardware quantity"),
    "wall_hours": ("Training time (hours)",),
    "chip_hours": ("Training hardware", "Hardware quantity", "Training time (hours)"),
    "evidence": ("Link",),
    "note": ("Training compute notes", "Base model", "Hardware quantity"),
    "basis": ("Confidence",),
}
_NOT_ESTIMATED: Final = frozenset({"", "Confident", "Unknown"})
_URI: Final = re.compile(r"https?://(?:(?!,https?://)[!-~])+", re.ASCII | re.IGNORECASE)
_LONGEST_URI: Final = 1990
_EXACT: Final = Context(prec=100)
_LONGEST_KEY: Final = 250


class _Run(Struct, frozen=True):
    """What is kept of a row: its lists, its event but for the source, and `keys`, each more exact, to know it by."""

    place: Place
    listed: Listed
    fields: dict[str, Any]
    keys: tuple[str, ...]


def read_epoch_models(path: Path, on_record: OnRecord) -> Iterator[Draft]:
    """The drafts of one file: organisations first, then runs. InputError for the first cell that cannot be read.

    The whole file is read before the first draft, and only what becomes facts is kept.
    """
    with Table(path) as table:
        table.also_called(_OTHER_NAMES)
        _require_columns(table)
        runs = [_run(row) for row in table if not _is_empty_entry(row)]
        release = Release("Epoch AI", "".join(c if c.isprintable() else "?" for c in path.name), table.sha256)
        silent = frozenset(
            field for field, columns in _COLUMNS_OF.items() if any(column not in table.columns for column in columns)
        )
    yield from party_drafts([run.listed for run in runs], release, on_record)
    record = _Record(on_record, frozenset(key for run in runs for key in run.keys))
    keys = _own_keys(runs)
    labels = Counter(label_of(key) for key in keys)
    for run, key in zip(runs, keys, strict=True):
        found = record.find(run, key)
        if found is not None:
            now = run.fields | {"evidence": [*run.fields.get("evidence", []), release.evidence]}
            yield revised(*found, now, silent, release, run.place)
        else:
            stream = record.new_stream(key, alone=labels[label_of(key)] == 1)
            yield Draft(stream, "reported", _reported(run, key, release), run.place)


def _require_columns(table: Table) -> None:
    missing = [column for column in _REQUIRED if column not in table.columns]
    if not missing:
        return
    seems = next((what for column, what in _WHAT_ELSE.items() if column in table.columns), None)
    found = ", ".join(table.header[:6])[:200]
    raise InputError(
        f"this is not Epoch AI's data on AI models: it has no {' and no '.join(missing)}",
        Place(table.file, 1),
        f"It seems to be {seems}." if seems else f"The file's columns begin: {found}.",
    )


def _is_empty_entry(row: Row) -> bool:
    """Whether a row is an entry that somebody began and left: no model, and nothing that could be recorded of one."""
    return not any(row.cell(column) for column in (*_REQUIRED, "Training hardware", "Parameters"))


# One row


def _run(row: Row) -> _Run:
    model = row.name("Model")
    if model is None:
        raise row.refuse("Model", "the row names no model")
    lists = listed(row)
    published = row.date("Publication date")
    parameters = row.number("Parameters", Quantity)
    operations = _operations(row)
    accelerators = _accelerators(row)
    hours, chip_hours, derived = _hours(row, accelerators)
    values: dict[str, Any] = {
        "model": model,
        "developers": list(dict.fromkeys(party_id(name) for name in lists.organisations)) or None,
        "operations": operations and operations.json(),
        "parameters": parameters and parameters.json(),
        "accelerators": accelerators or None,
        "wall_hours": hours and hours.json(),
        "chip_hours": chip_hours and chip_hours.json(),
        "published_on": published and published.text,
        "evidence": [{"uri": uri} for uri in _links(row)] or None,
        "note": _note(row, accelerators),
    }
    fields = {name: value for name, value in values.items() if value is not None}
    basis, basis_of = _bases(row, fields, derived)
    fields |= {"basis": basis, **({"basis_of": basis_of} if basis_of else {})}
    try:
        fields = event_fields(event_from_fields(Reported, fields))
    except msgspec.ValidationError as error:
        raise row.refuse("", f"the row cannot be recorded: {error}") from None
    return _Run(row.place(), lists, fields, _keys(model, lists.organisations, fields))


def _operations(row: Row) -> Quantity | None:
    """The run's own: Epoch's total counts the base model's training in, which was another run."""
    total = row.number("Training compute (FLOP)", Quantity)
    own = row.number("Finetune compute (FLOP)", Quantity)
    if not row.cell("Base model"):
        return total or own
    return own or (total and Quantity(None, total.high))


def _accelerators(row: Row) -> list[dict[str, Any]]:
    kinds = list(dict.fromkeys(row.names("Training hardware")))
    quantity = row.number("Hardware quantity", Count)
    chips: list[dict[str, Any]] = []
    for name in kinds:
        part = load().resolve(name)
        chips.append({"chip": f"other:{name}" if part is None else part.id})
    if quantity is not None and len(chips) == 1:
        chips[0]["quantity"] = quantity.json()
    return chips


def _hours(row: Row, accelerators: Sequence[dict[str, Any]]) -> tuple[Quantity | None, Quantity | None, bool]:
    """(elapsed hours, accelerator-hours, whether the latter are a product that the file does not state itself)."""
    hours = row.number("Training time (hours)", Quantity)
    stated = row.number("Training chip-hours", Quantity)
    if stated is not None or hours is None or hours.value is None or len(accelerators) != 1:
        return hours, stated, False
    quantity = row.number("Hardware quantity", Count)
    if quantity is None or quantity.value is None:
        return hours, None, False
    return hours, Quantity.exact(_EXACT.multiply(hours.value, quantity.value)), True


def _bases(row: Row, fields: dict[str, Any], derived: bool) -> tuple[str, dict[str, str]]:
    """The run's basis, and that of the fields that differ from it; the module's first lines say why."""
    basis = Basis.REPORTED if row.cell("Confidence") in _NOT_ESTIMATED else Basis.ESTIMATED
    methods = {method.strip() for method in row.cell("Training compute estimation method").split(",")}
    bases = dict.fromkeys(fields.keys() - {"evidence", "note"}, Basis.REPORTED)
    bases["parameters"] = basis
    bases["operations"] = Basis.REPORTED if methods == {"Reported"} else Basis.ESTIMATED
    if derived:
        bases["chip_hours"] = Basis.ESTIMATED
    differing = [name for name in sorted(fields.keys() & bases) if bases[name] != basis]
    return basis.value, {f"/{name}": bases[name].value for name in differing}


def _links(row: Row) -> list[str]:
    found = [uri.rstrip(",;.>)" if "(" not in uri else ",;.>") for uri in _URI.findall(row.cell("Link"))]
    return list(dict.fromkeys(uri[:5].lower() + uri[5:] for uri in found if len(uri) <= _LONGEST_URI))


def _note(row: Row, accelerators: Sequence[dict[str, Any]]) -> str | None:
    """What the row says of the run and no field could take, and how its compute was come by."""
    lines = []
    if base := ", ".join(row.names("Base model")):
        lines.append(f"Base model: {base}")
        if total := row.number("Training compute (FLOP)", Quantity):
            lines.append(f"Training compute with that of the base model: {total} FLOP")
    quantity = row.number("Hardware quantity", Count)
    if quantity is not None and len(accelerators) != 1:
        which = "of all kinds together" if accelerators else "of a kind that is not stated"
        lines.append(f"Hardware quantity: {quantity}, {which}")
    if confidence := row.name("Confidence"):
        lines.append(f"Confidence: {confidence}")
    if notes := row.text("Training compute notes"):
        lines.append(f"Training compute notes: {notes}")
    return "\n".join(lines) or None


# What a row is known by


def _keys(model: str, organisations: Sequence[str], fields: dict[str, Any]) -> tuple[str, ...]:
    parts = [", ".join(organisations), fields.get("published_on", ""), str(fields.get("parameters", ""))]
    longer = [f"{model} ({'; '.join(parts[:n])})" for n in range(1, len(parts) + 1)]
    return tuple(_shortened(key) for key in (model, *longer))


def _shortened(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else f"{key[:200].strip()}~{sha256(key.encode()).hexdigest()[:16]}"


def _own_keys(runs: Sequence[_Run]) -> list[str]:
    """For each row the shortest key that no other row shares; InputError where two rows share all of them."""
    rows_with = Counter(key for run in runs for key in set(run.keys))
    own = []
    for run in runs:
        key = next((key for key in run.keys if rows_with[key] == 1), None)
        if key is None:
            later = next(other for other in reversed(runs) if run.keys[-1] in other.keys)
            problem = (
                f"{run.keys[0]!r} stands at line {run.place.line} already, with the same organisations, date and size"
            )
            hint = "Remove one of the two rows, or give it a name of its own."
            raise InputError(problem, Place(later.place.file, later.place.line, "Model"), hint)
        own.append(key)
    return own


def _reported(run: _Run, key: str, release: Release) -> Reported:
    event = event_from_fields(Reported, run.fields)
    evidence = (*(event.evidence or ()), msgspec.convert(release.evidence, Evidence))
    return msgspec.structs.replace(event, evidence=evidence, source=Source(name=SOURCE, key=key))


# Against the record


class _Record:
    """Where rows are on record already. `keys` are all that the rows of the release at hand may be known by."""

    def __init__(self, on_record: OnRecord, keys: frozenset[str]) -> None:
        self._on_record = on_record
        self._keys = keys

    def find(self, run: _Run, own: str) -> tuple[str, Said] | None:
        """The stream of a row, and what it says: by its own key, one that another release knew it by, or its label."""
        for key in dict.fromkeys((own, *run.keys)):
            for stream in _streams(key):
                before = self._said(stream, key)
                if before is not None and (key == own or _agree(before, run, "model", "developers", "published_on")):
                    return stream, before
        plain, _ = _streams(own)
        subject = self._on_record.subject(plain)
        former = None if subject is None else source_of(subject, SOURCE)
        if former is None or former.key in self._keys:
            return None
        before = self._said(plain, former.key)
        return (plain, before) if before is not None and _agree(before, run, "published_on") else None

    def new_stream(self, key: str, *, alone: bool) -> str:
        """A stream for a row that has none; `alone` where no other row of the release has its label."""
        plain, exact = _streams(key)
        return plain if alone and self._on_record.subject(plain) is None else exact

    def _said(self, stream: str, key: str) -> Said | None:
        subject = self._on_record.subject(stream)
        return None if subject is None else said(subject, Source(name=SOURCE, key=key))


def _streams(key: str) -> tuple[str, str]:
    """The streams that a row with this key may be in: the second where the first one's label is another row's too."""
    label = f"run:epoch-{label_of(key)}"
    return label, f"{label}-{sha256(key.encode()).hexdigest()[:8]}"


def _agree(before: Said, run: _Run, *names: str) -> bool:
    return all(before.fields.get(name) == run.fields.get(name) for name in names)
