"""Domains that the sidecar does not have yet, as far as their triggers go: every shop has them."""

from __future__ import annotations

from sidecar.domains import SPECS
from sidecar.model.domain_spec import DomainSpec, Watch


def watching(name: str, kind: str, *watches: Watch) -> DomainSpec:
    """A domain that says nothing, and watches."""
    return DomainSpec(name, kind, kind, kind, (), watches=watches)


RESERVATIONS = watching(
    "reservations", "reservation", Watch("inventory_reservation", "INSERT", "reservation_id")
)
STOCK = watching(
    "stock",
    "stock",
    Watch("cataloginventory_stock_status", "UPDATE", "product_id", compare=True),
)
#: Those that are shipped, and what stands in for those whose triggers are not.
_SHIPPED = tuple(spec for spec in SPECS if spec.watches)
_WATCHED = {watch.table for spec in _SHIPPED for watch in spec.watches}
ALL = (
    *_SHIPPED,
    *(
        spec
        for spec in (RESERVATIONS, STOCK)
        if not _WATCHED & {watch.table for watch in spec.watches}
    ),
)


def named(*names: str) -> tuple[DomainSpec, ...]:
    """The domains of these names."""
    return tuple(spec for spec in ALL if spec.name in names)
