"""The JSON of what the ERP tells by itself, as the REST face shows it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sidecar.testing.erpsim.news_books import (
    DeliveryNote,
    GoodsReturn,
    ItemPrice,
    OfLine,
    OwnInvoice,
    PostingMonth,
    StockLevel,
    Told,
)


def show_told(told: Told) -> dict[str, Any]:
    """One row of a list."""
    return {**_fields(told), "changedAt": moment(told.changed)}


def moment(changed: datetime) -> str:
    """A moment as this ERP writes it, to the millisecond."""
    return changed.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(told: Told) -> dict[str, Any]:
    match told.entry:
        case DeliveryNote() as note:
            return {
                "deliveryNumber": note.number,
                "externalOrder": note.external_order,
                "order": note.order,
                "warehouse": note.warehouse,
                "lines": _lines(note.lines),
                "parcels": [
                    {"carrier": parcel.carrier, "number": parcel.number} for parcel in note.parcels
                ],
            }
        case StockLevel() as level:
            return {"sku": level.sku, "warehouse": level.warehouse, "available": level.quantity}
        case ItemPrice() as price:
            return {
                "sku": price.sku,
                "channel": price.channel,
                "price": price.price,
                "promo": price.promo,
                "promoFrom": price.promo_from,
                "promoTo": price.promo_to,
                "scales": [
                    {"group": scale.group, "from": scale.quantity, "price": scale.price}
                    for scale in price.scales
                ],
            }
        case PostingMonth() as month:
            return {"period": month.period, "locked": month.locked, "note": month.note}
        case OwnInvoice() as invoice:
            return {
                "invoiceNumber": invoice.number,
                "externalOrder": invoice.external_order,
                "order": invoice.order,
                "lines": _lines(invoice.lines),
                "total": invoice.total,
                "currency": invoice.currency,
            }
        case GoodsReturn() as returned:
            return {
                "returnNumber": returned.number,
                "externalOrder": returned.external_order,
                "order": returned.order,
                "lines": _lines(returned.lines),
                "shipping": returned.shipping,
                "adjustment": returned.adjustment,
                "total": returned.total,
                "currency": returned.currency,
            }


def _lines(lines: Sequence[OfLine]) -> list[dict[str, Any]]:
    return [
        {"externalLine": line.external_line, "sku": line.sku, "quantity": line.quantity}
        for line in lines
    ]
