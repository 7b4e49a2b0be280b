"""What the conformance kit has to know of a domain: what of it goes to an ERP, and what the books
hold of it then.

Another package's domain has a `ContractDomain` of its own; its adapter's tests override the kit's
fixture `domain`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from sidecar.domains.orders.payload import Order
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.event import Event, event_id, schema_urn
from sidecar.ports import Delivery, Link, Parent
from sidecar.testing.erpsim import DocumentKind, SideRecord
from sidecar.testing.sample_order import SHOP, simple_order

NUMBER = "000000042"


class Held(Protocol):
    """A document or a record in the ERP's books."""

    @property
    def external(self) -> str:
        """The reference that it was sent with."""

    @property
    def number(self) -> str:
        """What the ERP calls it; where it gives none, our reference."""


@dataclass(frozen=True, slots=True)
class ContractDomain:
    """One domain as the kit's tests have it, or one kind of what it sends.

    `opens`: the event that a document begins with, or that tells how something is.  `kind`: what
    the simulator calls it.  `made_of`: what comes of a sample order, a record of its first line;
    `ref_of`: a number's external reference.  `facts`: what the books are to hold of a payload,
    `noted`: the same of a record in the books (of a document it is the kit that reads its lines).
    `ended`: the payload of the event that ends it.  `unplayed`: what is not played with it, a
    misbehaviour or a word of the kit's, and why.  `title`: its name among the tests where a domain
    has several.  `parent`: the document that all of a test belong to, once the ERP has it.
    """

    spec: DomainSpec
    opens: str
    kind: DocumentKind | type[SideRecord]
    made_of: Callable[[Order], msgspec.Struct]
    ref_of: Callable[[str], str]
    facts: Callable[[Any], Any]
    noted: Callable[[Any], Any] = lambda held: held
    ended: Callable[[Any], msgspec.Struct] = lambda payload: payload
    unplayed: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    parent: Parent | None = None

    @property
    def name(self) -> str:
        """As the configuration writes it."""
        return self.spec.name

    @property
    def ends(self) -> str | None:
        """The event that ends one, where there is one."""
        return next((event.type for event in self.spec.events if event.role is Role.ENDS), None)

    @property
    def ref(self) -> str:
        """The external reference of the document that most tests send."""
        return self.ref_of(NUMBER)

    def payload(self, order: Order) -> msgspec.Struct:
        """What comes of a sample order; it belongs to the parent's own."""
        made = self.made_of(order)
        above = self.parent.payload if self.parent else None
        if not isinstance(above, Order):
            return made
        of_parent = {
            "order_id": above.entity_id,
            "order_increment_id": above.increment_id,
            "order_grand_total": above.grand_total,
        }
        there = {name: of_parent[name] for name in made.__struct_fields__ if name in of_parent}
        return msgspec.structs.replace(made, **there)

    def opening(self, order: Order | str = NUMBER) -> Delivery:
        """The delivery of what comes of a sample order; of a number, of one of simple products."""
        whole = simple_order(order) if isinstance(order, str) else order
        return self._delivery(whole, self.payload(whole), self.opens)

    def ending(self, link: Link) -> Delivery:
        """The delivery that ends what the ERP knows as `link`."""
        order = simple_order(NUMBER)
        return self._delivery(order, self.ended(self.payload(order)), self.ends or "", 2, link)

    def _delivery(
        self,
        order: Order,
        payload: msgspec.Struct,
        event_type: str,
        sequence: int = 1,
        link: Link | None = None,
    ) -> Delivery:
        event = Event(
            id=event_id(SHOP, self.spec.kind, order.entity_id, sequence),
            type=event_type,
            source=f"urn:magento:{SHOP}",
            subject=f"{self.spec.kind}/{order.increment_id}",
            time=order.updated_at or order.created_at,
            dataschema=schema_urn(self.spec.event(event_type)),
            data=payload,
            sequence=sequence,
        )
        return Delivery(event, self.ref_of(order.increment_id), link, self.parent)
