"""The conformance kit over the SAP pack: in change sets, and one by one over OData 4."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from adapters.erps.sap_s4 import PACK, PACK_4
from sidecar.domains.shipments.news import Delivery, ShippedLine, Track
from sidecar.model.errors import Unavailable
from sidecar.model.outcome import Accepted, Rejected
from sidecar.ports import ErpAdapter, Pack
from sidecar.testing.adapter_contract import AdapterContract
from sidecar.testing.contract_calls import Erp, push_one
from sidecar.testing.contract_documents import ORDERS, REFUNDS
from sidecar.testing.contract_domain import NUMBER, ContractDomain
from sidecar.testing.contract_news import QUANTITIES, TOLD_DOMAINS, ToldDomain, at
from sidecar.testing.erpsim import DeliveryNote, Line, OfLine, Parcel
from sidecar.testing.erpsim.books import Document
from sidecar.testing.sample_order import SampleLine, sample_order
from tests.contract.sap_bench import overlay

#: The words of the kit for what the pack calls otherwise.
WORDS = """
  state: {C: POSTED}
"""


def _delivery(count: int) -> Delivery:
    """Of an order by SAP's number, whose lines SAP knows by their material; told to the day."""
    day = datetime.combine(at(count).date(), time(), UTC)
    return Delivery(
        number=f"D-{count}",
        order_reference=f"SO-{count}",
        source_code="default",
        items=tuple(
            ShippedLine(qty=QUANTITIES[n % 3], sku=f"SKU {n}") for n in range(1 + count % 3)
        ),
        tracks=tuple(Track(track_number=f"1Z{n}", title="Carrier") for n in range(count % 3)),
        at=day,
    )


def _say_delivery(erp: Any, _: ErpAdapter, row: Delivery) -> Delivery:
    note = DeliveryNote(
        number=row.number,
        order=row.order_reference,
        lines=tuple(OfLine(sku=one.sku, quantity=one.qty) for one in row.items or ()),
        parcels=tuple(Parcel(number=one.track_number) for one in row.tracks),
    )
    erp.tell(note, row.at)
    return msgspec.structs.replace(row, at=_midnight(row.at))


def _midnight(moment: datetime | None) -> datetime | None:
    return None if moment is None else datetime.combine(moment.date(), time(), UTC)


def _told_by_sap() -> tuple[ToldDomain, ...]:
    by_name = {domain.name: domain for domain in TOLD_DOMAINS}
    shipments = by_name["shipments"]
    return (
        by_name["order_status"],
        ToldDomain(shipments.spec, _delivery, _say_delivery, shipments.spoils, shipments.changed),
    )


class SapContract(AdapterContract):
    """What both have in common; customers go in several calls and are in `test_sap_pack`."""

    domains = (ORDERS, REFUNDS)
    told_domains = _told_by_sap()
    pack: ClassVar[Pack] = PACK
    further: ClassVar[str] = ""

    @pytest.fixture(autouse=True)
    def _calls(self, tmp_path: Path) -> None:
        self.calls = overlay(tmp_path, WORDS + self.further)

    def make_adapter(self, url: str, read_timeout: float) -> ErpAdapter:
        made = self.pack(self.adapter_settings(url, read_timeout, calls=self.calls))
        # A service gives its token with the first answer: what breaks shall be the call itself.
        for domain in ("orders", "refunds"):
            with suppress(Unavailable):
                made.probe(domain, ["nothing"])
        return made

    def sold(self, document: Document) -> Sequence[Line]:
        """The pack books shipping and charges as lines of their own."""
        return [line for line in document.lines if line.sku not in ("SHIPPING", "WEEE")]


class TestChangeSets(SapContract):
    def test_what_did_not_change_since_is_not_told(
        self, adapter: ErpAdapter, erp: Erp, told: ToldDomain
    ) -> None:
        """Of deliveries SAP tells the day only, so that all of a day are told again."""
        if told.name == "shipments":
            pytest.skip("SAP tells deliveries by their day")
        super().test_what_did_not_change_since_is_not_told(adapter, erp, told)


class TestOData4(SapContract):
    """Sales orders over OData 4; what else there is goes over OData 2 as before."""

    pack = PACK_4
    told_domains = _told_by_sap()[:1]

    def test_every_character_arrives(
        self, adapter: ErpAdapter, erp: Erp, domain: ContractDomain
    ) -> None:
        """A product has 18 characters there: a longer one is refused, and nothing is booked."""
        for sku, outcome in (("'日本' <&> 👟 \\ ĳ", Accepted), ("1234567890123456789", Rejected)):
            order = sample_order(NUMBER, [SampleLine(sku, price="1")])
            became = push_one(adapter, domain.opening(order))
            booked = [line.sku for one in erp.bookings(domain.ref) for line in self.sold(one)]

            if domain.name == "orders":
                assert isinstance(became, outcome), became
                assert sku in booked or outcome is Rejected
