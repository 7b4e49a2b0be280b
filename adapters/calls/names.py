"""What a domain's payload, and the document that its own belong to, are called in expressions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.calls.sent_event import SentEvent
from adapters.language.shape import Plain, Record, Shape, shape_of
from sidecar.model.domain_spec import DomainSpec
from sidecar.ports import Link

#: Magento's number of a document.
REF = Plain("text", longest=50)


@dataclass(frozen=True, slots=True)
class Names:
    """What a domain's payload is called in expressions, and its parent's where it has one.

    The parent's document in the ERP has the parent's name and `_link`.
    """

    payload: str
    parent: str | None = None


def names_of(domains: Sequence[DomainSpec]) -> dict[str, Names]:
    """Domain → its names."""
    payloads = {spec.kind: spec.payload for spec in domains}
    return {
        spec.name: Names(spec.payload, payloads.get(spec.parent) if spec.parent else None)
        for spec in domains
    }


@dataclass(frozen=True, slots=True)
class Above:
    """A document that others belong to: what its payload is called, and what is in it."""

    name: str
    payload: Shape


def names_of_event(
    spec: DomainSpec, payload: Shape, domains: Collection[DomainSpec]
) -> dict[str, Shape]:
    """What an expression about one event of a domain may name, beside `shop`."""
    above = _above(spec, domains)
    return {
        "event": _event_shape(payload, above),
        spec.payload: payload,
        **_named_shapes(above),
        "link": shape_of(Link),
        "ref": REF,
        "posting_date": shape_of(datetime),
    }


def _above(spec: DomainSpec, domains: Collection[DomainSpec]) -> Above | None:
    """The document that those of a domain belong to."""
    above = next((one for one in domains if one.kind == spec.parent), None)
    if above is None or above.opening is None:
        return None
    return Above(above.payload, shape_of(above.event(above.opening).payload))


def _named_shapes(above: Above | None) -> dict[str, Shape]:
    """What a call that carries one event knows of the document above it."""
    if above is None:
        return {}
    return {above.name: above.payload, f"{above.name}_link": shape_of(Link)}


def _event_shape(payload: Shape, above: Above | None) -> Shape:
    """Of an event in a batch, which has the document above it beside its data."""
    shape = shape_of(SentEvent)
    if not isinstance(shape, Record):
        raise TypeError("an event is a record")
    members = {**shape.members, "data": payload}
    beside = {} if above is None else {"parent": above.payload, "parent_link": shape_of(Link)}
    of_own = {name: it for name, it in members.items() if name not in ("parent", "parent_link")}
    return Record(shape.name, {**of_own, **beside})
