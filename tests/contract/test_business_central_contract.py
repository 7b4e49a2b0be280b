"""The conformance kit over the Business Central pack."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.erps.dynamics_bc import PACK
from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.order_status.spec import SPEC as ORDER_STATUS
from sidecar.domains.shipments.news import Delivery, ShippedLine
from sidecar.domains.shipments.spec import SPEC as SHIPMENTS
from sidecar.model.outcome import Accepted
from sidecar.ports import ErpAdapter, Telling
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import Erp, push_one
from sidecar.testing.contract_documents import ORDERS, REFUNDS
from sidecar.testing.contract_domain import NUMBER, ContractDomain
from sidecar.testing.contract_news import QUANTITIES, ToldDomain, at
from sidecar.testing.erpsim import DeliveryNote, ErpSim, Line, OfLine
from sidecar.testing.erpsim.books import Document
from sidecar.testing.erpsim.business_central.documents import RELEASED
from sidecar.testing.sample_order import SampleLine, sample_order
from sidecar.testing.telling_contract import LONG_AGO
from tests.contract.business_central_bench import ONE_CUSTOMER, overlay


def _delivery(count: int) -> Delivery:
    """By the number of the order in Business Central, which knows lines by their items."""
    return Delivery(
        number=f"D-{count}",
        order_reference=f"SO-{count}",
        source_code="default",
        items=tuple(
            ShippedLine(qty=QUANTITIES[n % 3], sku=f"SKU {n}") for n in range(1 + count % 3)
        ),
        at=at(count),
    )


def _say_delivery(erp: Any, _: ErpAdapter, row: Delivery) -> Delivery:
    note = DeliveryNote(
        number=row.number,
        external_order="000000042",
        order=row.order_reference,
        lines=tuple(OfLine(sku=one.sku, quantity=one.qty) for one in row.items or ()),
    )
    erp.tell(note, row.at)
    return row


def _status(count: int) -> OrderStatus:
    return OrderStatus(status="OPEN", external=f"{count:09}", at=at(count))


def _say_status(erp: Any, adapter: ErpAdapter, row: OrderStatus) -> OrderStatus:
    external = row.external or ""
    if not erp.bookings(external):
        push_one(adapter, ORDERS.opening(external))
    [document] = erp.bookings(external)
    erp.set_state(document.number, {"OPEN": RELEASED}.get(row.status, row.status), None, row.at)
    return msgspec.structs.replace(row, reference=document.number)


TOLD = (
    ToldDomain(
        ORDER_STATUS,
        _status,
        _say_status,
        "status",
        lambda row: msgspec.structs.replace(row, status="IN REVIEW"),
    ),
    ToldDomain(
        SHIPMENTS,
        _delivery,
        _say_delivery,
        "salesShipmentLines",
        lambda row: msgspec.structs.replace(row, items=row.items[:1]),
    ),
)


class TestBusinessCentral(AdapterContract):
    """With one customer for all, so that what breaks is the call itself.

    A customer is looked for before he is made: what breaks then is a question's answer, and is
    played in `test_business_central`.
    """

    domains = (ORDERS, REFUNDS)
    told_domains = TOLD

    @pytest.fixture(autouse=True)
    def _calls(self, tmp_path: Path) -> None:
        self.calls = overlay(tmp_path, ONE_CUSTOMER)

    @classmethod
    def start_erp(cls) -> AbstractContextManager[Erp]:
        return ErpSim.start(page_size=3, interface="business-central")

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        made = PACK(self.adapter_settings(url, read_timeout, calls=self.calls))
        # It knows its company from now on: what breaks shall be the call itself.
        made.ping()
        return made

    def sent(self, domain: ContractDomain, payload: msgspec.Struct) -> Any:
        """The number of an item is a code: in capitals."""
        return [(sku.upper(), quantity, price) for sku, quantity, price in domain.facts(payload)]

    def sold(self, document: Document) -> Sequence[Line]:
        """The pack books shipping and charges as lines of accounts."""
        lines = document.other["lines"]
        return [one for one in document.lines if lines[str(one.line_id)]["lineType"] == "Item"]

    def test_every_character_arrives(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """In texts; the number of an item is a code of 20 characters, in capitals."""
        name = "Größe \"5\" <&> '日本' 👟 \\ ĳ"
        order = sample_order(NUMBER, [SampleLine("A", price="1")])
        [item] = order.items
        order = msgspec.structs.replace(order, items=(msgspec.structs.replace(item, name=name),))

        push_one(adapter, domain.opening(order))

        [document] = erp.bookings(domain.ref)
        assert document.other["lines"]["10000"]["description"] == name

    def test_a_draft_is_partial_and_names_its_document(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """Every document is a draft at first; one that waits for approval is booked, too."""
        erp.rule("draft_on_201")

        outcome = push_one(adapter, domain.opening())

        [document] = erp.bookings(domain.ref)
        assert isinstance(outcome, Accepted), outcome
        assert (outcome.booked.reference, outcome.booked.status) == (document.number, "IN REVIEW")

    def test_an_erp_that_has_nothing_to_tell_tells_nothing(
        self, adapter: ErpAdapter, told: ToldDomain
    ) -> None:
        """After the orders come the invoices of those that were posted."""
        assert isinstance(adapter, Telling)
        page = adapter.changes(told.name, LONG_AGO)
        assert (page.rows, page.unreadable) == ((), ())
        while page.next is not None:
            page = adapter.changes(told.name, LONG_AGO, page.next)
            assert (page.rows, page.unreadable) == ((), ())
