"""Domains that the sidecar does not have yet, as far as their triggers go: every shop has them."""

from __future__ import annotations

from typing import Literal

from sidecar.domains import SPECS
from sidecar.model.domain_spec import DomainSpec, Watch

_Event = Literal["INSERT", "UPDATE"]


def watching(name: str, kind: str, *watches: Watch) -> DomainSpec:
    """A domain that says nothing, and watches."""
    return DomainSpec(name, kind, kind, kind, (), watches=watches)


def _both(table: str, entity: str) -> tuple[Watch, Watch]:
    return Watch(table, "INSERT", entity), Watch(table, "UPDATE", entity, compare=True)


CUSTOMERS = watching(
    "customers",
    "customer",
    *_both("customer_entity", "entity_id"),
    *_both("customer_address_entity", "parent_id"),
)
RESERVATIONS = watching(
    "reservations", "reservation", Watch("inventory_reservation", "INSERT", "reservation_id")
)
ALL = (*SPECS, CUSTOMERS, RESERVATIONS)


def named(*names: str) -> tuple[DomainSpec, ...]:
    """The domains of these names."""
    return tuple(spec for spec in ALL if spec.name in names)
