"""The example of every domain (`domains-rest.yaml`) at work against the simulator, as written.

What is there of it runs; domains and events that are not there yet are left out, block by block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.rest import generic
from sidecar.documents import read_document
from sidecar.domains import SPECS
from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.prices.news import PriceLevel, TierPrice
from sidecar.domains.shipments.news import Delivery, ShippedLine, Track
from sidecar.domains.stock.news import StockLevel
from sidecar.model.outcome import Accepted
from sidecar.ports import AdapterSettings, ErpAdapter, Link, Parent, ShopContext, Telling
from sidecar.testing.contract_calls import push_one
from sidecar.testing.contract_documents import REFUNDS
from sidecar.testing.erpsim import (
    DeliveryNote,
    ErpSimClient,
    OfLine,
    Parcel,
    Scale,
    serve_in_thread,
)
from sidecar.testing.sample_order import placed, simple_order

EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "domains-rest.yaml"
ORDERS = EXAMPLE.with_name("legacy-rest.yaml")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not EXAMPLE.is_file(), reason="needs ../shared/examples"),
]


def without(text: str, *path: str) -> str:
    """The file without one block."""
    indent = "  " * (len(path) - 1)
    head, begin, rest = text.partition(f"\n{path[0]}:")
    block = re.compile(rf"^{indent}{path[-1]}:.*\n(?:{indent} .*\n|\s*\n)*", re.MULTILINE)
    return head + block.sub("", (begin + rest), count=1)


def readable() -> str:
    """The example without what this version does not have."""
    known = {spec.name: spec.types for spec in SPECS}
    text = EXAMPLE.read_text("utf-8")
    for domain, section in read_document(EXAMPLE).data.items():
        if domain != "tables" and domain not in known:
            text = without(text, domain)
            continue
        for name, call in section.items() if domain != "tables" else ():
            if set(call.get("on", [])) - set(known[domain]):
                text = without(text, domain, name)
    return text


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread(page_size=2) as running:
        yield running


def adapter_of(calls: Path, url: str) -> ErpAdapter:
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    return generic.create(
        AdapterSettings(
            url=url, connect_timeout=5, read_timeout=20, shop=shop, calls=calls, domains=SPECS
        )
    )


@pytest.fixture
def adapter(tmp_path: Path, erp: ErpSimClient) -> Iterator[ErpAdapter]:
    calls = tmp_path / EXAMPLE.name
    calls.write_text(readable(), "utf-8")
    with closing(adapter_of(calls, erp.url)) as made:
        yield made


def changes(adapter: ErpAdapter, domain: str, since: datetime | None = SINCE) -> list[object]:
    assert isinstance(adapter, Telling)
    page = adapter.changes(domain, since)
    rows: list[object] = list(page.rows)
    while page.next is not None:
        page = adapter.changes(domain, since, page.next)
        rows += page.rows
    assert page.unreadable == ()
    return rows


def test_stock_is_told_since_and_whole(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    for sku, warehouse in (("A", "W1"), ("B", "W2"), ("C", "W1")):
        erp.set_stock(sku, "2.5000", warehouse)

    rows = changes(adapter, "stock")
    whole = changes(adapter, "stock", None)

    assert [(row.sku, row.source_code) for row in rows if isinstance(row, StockLevel)] == [
        ("A", "default"),
        ("B", "eu-2"),
        ("C", "default"),
    ]
    assert whole == [
        StockLevel(sku=sku, source_code=source, quantity=Decimal("2.5000"))
        for sku, source in (("A", "default"), ("B", "eu-2"), ("C", "default"))
    ]


def test_prices_are_told_with_their_scales(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    scale = Scale(quantity=Decimal(10), price=Decimal("8.50"), group="General")
    days = {"promo_from": date(2026, 11, 30), "promo_to": date(2026, 12, 24)}
    erp.set_price("A", "9.90", channel="base", promo=Decimal("7.95"), scales=[scale], **days)

    assert changes(adapter, "prices") == [
        PriceLevel(
            sku="A",
            website_code="base",
            price=Decimal("9.90"),
            special_price=Decimal("7.95"),
            special_from=date(2026, 11, 30),
            special_to=date(2026, 12, 24),
            tier_prices=(
                TierPrice(quantity=Decimal(10), price=Decimal("8.50"), customer_group="General"),
            ),
        )
    ]


def test_deliveries_are_told_with_their_parcels(adapter: ErpAdapter, erp: ErpSimClient) -> None:
    line = OfLine(sku="A", quantity=Decimal(2), external_line=7)
    parcels = (Parcel(carrier="DHL", number="1Z"), Parcel(carrier=None, number="2Z"))
    erp.tell(
        DeliveryNote(
            number="D-1",
            external_order="000000042",
            warehouse="W1",
            lines=(line,),
            parcels=parcels,
        )
    )

    assert changes(adapter, "shipments") == [
        Delivery(
            number="D-1",
            order="000000042",
            source_code="default",
            items=(ShippedLine(qty=Decimal(2), order_item_id=7, sku="A"),),
            tracks=(
                Track(track_number="1Z", title="DHL Paket"),
                Track(track_number="2Z", title="Carrier"),
            ),
            notify=True,
        )
    ]


def test_an_order_that_was_sent_tells_its_state_and_is_refunded(
    adapter: ErpAdapter, erp: ErpSimClient
) -> None:
    order = simple_order("000000042")
    with closing(adapter_of(ORDERS, erp.url)) as of_orders:
        sent = push_one(of_orders, placed(order))
    assert isinstance(sent, Accepted)
    erp.set_state(sent.booked.reference, "POSTED", "on its way", SINCE)

    assert changes(adapter, "order_status") == [
        OrderStatus(
            status="POSTED",
            external="000000042",
            reference=sent.booked.reference,
            at=SINCE,
            message="on its way",
        )
    ]

    parent = Parent(order, Link(sent.booked.reference))
    refund = replace(REFUNDS, parent=parent).opening(order)
    refunded = push_one(adapter, refund)

    assert isinstance(refunded, Accepted), refunded
    listed = adapter.list("refunds", SINCE)
    assert [(row.external, row.booked.reference) for row in listed.rows] == [
        (refund.ref, refunded.booked.reference)
    ]
    [probed] = adapter.probe("refunds", [refund.ref])[refund.ref]
    assert probed.reference == refunded.booked.reference
