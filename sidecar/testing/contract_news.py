"""What the conformance kit has to know of the ERP's news: rows of each domain, and how the
simulator is made to tell them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from sidecar.domains.calendar.news import PostingPeriod
from sidecar.domains.calendar.spec import SPEC as CALENDAR
from sidecar.domains.invoices.news import ErpInvoice, InvoicedLine
from sidecar.domains.invoices.spec import SPEC as INVOICES
from sidecar.domains.order_status.news import OrderStatus
from sidecar.domains.order_status.spec import SPEC as ORDER_STATUS
from sidecar.domains.prices.news import PriceLevel, TierPrice
from sidecar.domains.prices.spec import SPEC as PRICES
from sidecar.domains.refunds.news import ErpRefund, RefundedLine
from sidecar.domains.refunds.spec import SPEC as REFUNDS
from sidecar.domains.shipments.news import Delivery, ShippedLine, Track
from sidecar.domains.shipments.spec import SPEC as SHIPMENTS
from sidecar.domains.stock.news import StockLevel
from sidecar.domains.stock.spec import SPEC as STOCK
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.news import NewsSpec
from sidecar.ports import ErpAdapter
from sidecar.testing.contract_calls import push_one, reference_of
from sidecar.testing.contract_documents import ORDERS
from sidecar.testing.erpsim import (
    DeliveryNote,
    GoodsReturn,
    ItemPrice,
    OfLine,
    OwnInvoice,
    Parcel,
    PostingMonth,
    Scale,
)
from sidecar.testing.erpsim import StockLevel as Level

#: When the ERP changed what it tells; to the millisecond.
CHANGED = datetime(2026, 11, 29, 23, 15, 30, 250_000, tzinfo=UTC)
#: The simulator's warehouse, which the file of calls makes the shop's source of.
WAREHOUSE, SOURCE = "MAIN", "default"
#: More places than money has, and more digits than a float holds.
QUANTITIES = (Decimal("0.3330"), Decimal("12345678901.1250"), Decimal("2"))

Row = Any
#: (simulator, adapter, row) → the row as the ERP has to tell it.
Say = Callable[[Any, ErpAdapter, Row], Row]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ToldDomain:
    """One domain of which the ERP tells.

    `row`: one of it by a count; `say`: makes the simulator tell it, in the place of what it told of
    the same number; `spoils`: fields of the simulator's answer, by their names in REST and in SOAP,
    without which a row cannot be read; `changed`: the same row with another content.
    """

    spec: DomainSpec
    row: Callable[[int], Row]
    say: Say
    spoils: str
    changed: Callable[[Row], Row]

    @property
    def name(self) -> str:
        """As the configuration writes it."""
        return self.spec.name

    @property
    def news(self) -> NewsSpec:
        """What a row of it is."""
        if self.spec.tells is None:
            raise ValueError(f"the ERP tells nothing of {self.name}")
        return self.spec.tells

    def number(self, row: Row) -> tuple[Any, ...]:
        """What the row is about."""
        return tuple(getattr(row, name) for name in self.news.number)


def at(count: int) -> datetime:
    """A moment of its own for each."""
    return CHANGED + timedelta(minutes=count)


def _order(count: int) -> str:
    return f"{count:09}"


def _lines(count: int) -> list[tuple[str, Decimal, int]]:
    """SKU, quantity and the order's line, one to three of them."""
    return [(f"SKU {n}", QUANTITIES[n % 3], 100 + n) for n in range(1 + count % 3)]


def _delivery(count: int) -> Delivery:
    return Delivery(
        number=f"D-{count}",
        order=_order(count),
        source_code=SOURCE,
        items=tuple(
            ShippedLine(qty=qty, order_item_id=line, sku=sku) for sku, qty, line in _lines(count)
        ),
        tracks=tuple(Track(track_number=f"1Z{n}", title="DHL") for n in range(count % 3)),
        at=at(count),
    )


def _say_delivery(erp: Any, _: ErpAdapter, row: Delivery) -> Delivery:
    note = DeliveryNote(
        number=row.number,
        external_order=row.order,
        warehouse=WAREHOUSE,
        lines=_of_lines(row.items or ()),
        parcels=tuple(Parcel(carrier=one.title, number=one.track_number) for one in row.tracks),
    )
    erp.tell(note, row.at)
    return row


def _of_lines(items: Sequence[Any]) -> tuple[OfLine, ...]:
    return tuple(
        OfLine(sku=item.sku, quantity=item.qty, external_line=item.order_item_id) for item in items
    )


def _level(count: int) -> StockLevel:
    quantity = QUANTITIES[count % 3]
    return StockLevel(sku=f"SKU {count}", source_code=SOURCE, quantity=quantity, at=at(count))


def _say_level(erp: Any, _: ErpAdapter, row: StockLevel) -> StockLevel:
    erp.tell(Level(sku=row.sku, warehouse=WAREHOUSE, quantity=row.quantity), row.at)
    return row


def _price(count: int) -> PriceLevel:
    return PriceLevel(
        sku=f"SKU {count}",
        website_code="base",
        price=Decimal("19.9900") + count,
        special_price=Decimal("9.95") if count % 2 else None,
        special_from=date(2026, 11, 30) if count % 2 else None,
        special_to=date(2026, 12, 24) if count % 2 else None,
        tier_prices=tuple(
            TierPrice(quantity=Decimal(10), price=Decimal("8.5000"), customer_group=group)
            for group in ("General", None)[: count % 3]
        ),
        at=at(count),
    )


def _or_none(value: _T | msgspec.UnsetType) -> _T | None:
    return None if isinstance(value, msgspec.UnsetType) else value


def _say_price(erp: Any, _: ErpAdapter, row: PriceLevel) -> PriceLevel:
    tiers = row.tier_prices
    price = ItemPrice(
        sku=row.sku,
        channel=row.website_code,
        price=row.price,
        promo=_or_none(row.special_price),
        promo_from=_or_none(row.special_from),
        promo_to=_or_none(row.special_to),
        scales=()
        if isinstance(tiers, msgspec.UnsetType)
        else tuple(
            Scale(quantity=tier.quantity, price=tier.price, group=tier.customer_group)
            for tier in tiers
        ),
    )
    erp.tell(price, row.at)
    return row


def _invoice(count: int) -> ErpInvoice:
    return ErpInvoice(
        number=f"I-{count}",
        order=_order(count),
        items=tuple(
            InvoicedLine(qty=qty, order_item_id=line, sku=sku) for sku, qty, line in _lines(count)
        ),
        total=Decimal("119.0000"),
        currency="EUR",
        at=at(count),
    )


def _say_invoice(erp: Any, _: ErpAdapter, row: ErpInvoice) -> ErpInvoice:
    invoice = OwnInvoice(
        number=row.number,
        external_order=row.order,
        lines=_of_lines(row.items or ()),
        total=row.total,
        currency=row.currency,
    )
    erp.tell(invoice, row.at)
    return row


def _refund(count: int) -> ErpRefund:
    return ErpRefund(
        number=f"R-{count}",
        order=_order(count),
        items=tuple(
            RefundedLine(qty=qty, order_item_id=line, sku=sku) for sku, qty, line in _lines(count)
        ),
        shipping=Decimal("4.9000"),
        adjustment=Decimal("-2.5000"),
        total=Decimal("21.0000"),
        currency="EUR",
        at=at(count),
    )


def _say_refund(erp: Any, _: ErpAdapter, row: ErpRefund) -> ErpRefund:
    returned = GoodsReturn(
        number=row.number,
        external_order=row.order,
        lines=_of_lines(row.items),
        shipping=row.shipping,
        adjustment=row.adjustment,
        total=row.total,
        currency=row.currency,
    )
    erp.tell(returned, row.at)
    return row


def _status(count: int) -> OrderStatus:
    return OrderStatus(
        status="POSTED", external=_order(count), message="Müller & Söhne <1>", at=at(count)
    )


def _say_status(erp: Any, adapter: ErpAdapter, row: OrderStatus) -> OrderStatus:
    """The order is in the ERP first; its number there is known only then."""
    booked = [one.number for one in erp.bookings(row.external)]
    number = (
        booked[0] if booked else reference_of(push_one(adapter, ORDERS.opening(row.external or "")))
    )
    erp.set_state(number, row.status, row.message, row.at)
    return msgspec.structs.replace(row, reference=number)


def _period(count: int) -> PostingPeriod:
    return PostingPeriod(
        period=f"{2000 + count // 12}-{1 + count % 12:02}",
        closed=count % 2 == 0,
        reason="Monatsabschluss <1>" if count % 3 else None,
        at=at(count),
    )


def _say_period(erp: Any, _: ErpAdapter, row: PostingPeriod) -> PostingPeriod:
    erp.tell(PostingMonth(period=row.period, locked=row.closed, note=row.reason), row.at)
    return row


TOLD_DOMAINS = (
    ToldDomain(
        ORDER_STATUS,
        _status,
        _say_status,
        "state|Status",
        lambda row: msgspec.structs.replace(row, status="OPEN"),
    ),
    ToldDomain(
        SHIPMENTS,
        _delivery,
        _say_delivery,
        "lines|Lines",
        lambda row: msgspec.structs.replace(row, items=row.items[:1], tracks=()),
    ),
    ToldDomain(
        STOCK,
        _level,
        _say_level,
        "available|Qty",
        lambda row: msgspec.structs.replace(row, quantity=Decimal(-5)),
    ),
    ToldDomain(
        PRICES,
        _price,
        _say_price,
        "scales|Scales",
        lambda row: msgspec.structs.replace(row, price=Decimal("0.01"), special_price=None),
    ),
    ToldDomain(
        INVOICES,
        _invoice,
        _say_invoice,
        "lines|Lines",
        lambda row: msgspec.structs.replace(row, total=Decimal("0.01")),
    ),
    ToldDomain(
        REFUNDS,
        _refund,
        _say_refund,
        "lines|Lines",
        lambda row: msgspec.structs.replace(row, total=Decimal("0.01")),
    ),
    ToldDomain(
        CALENDAR,
        _period,
        _say_period,
        "locked|Locked",
        lambda row: msgspec.structs.replace(row, closed=not row.closed),
    ),
)
