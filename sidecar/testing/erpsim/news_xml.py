"""The XML of what the ERP tells by itself, as zeep renders it by the WSDL."""

from __future__ import annotations

from collections.abc import Sequence
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
    """One element of a list."""
    return {**_fields(told), "ChangedAt": told.changed}


def _fields(told: Told) -> dict[str, Any]:
    match told.entry:
        case DeliveryNote() as note:
            parcels = [{"Carrier": one.carrier, "Number": one.number} for one in note.parcels]
            return {
                "DeliveryNo": note.number,
                "ExternalOrder": note.external_order,
                "OrderNo": note.order,
                "Warehouse": note.warehouse,
                "Lines": _lines(note.lines),
                "Parcels": {"Parcel": parcels},
            }
        case StockLevel() as level:
            return {"Sku": level.sku, "Warehouse": level.warehouse, "Qty": level.quantity}
        case ItemPrice() as price:
            scales = [
                {"Group": scale.group, "From": scale.quantity, "Price": scale.price}
                for scale in price.scales
            ]
            return {
                "Sku": price.sku,
                "Channel": price.channel,
                "Price": price.price,
                "Promo": price.promo,
                "PromoFrom": price.promo_from,
                "PromoTo": price.promo_to,
                "Scales": {"Scale": scales},
            }
        case PostingMonth() as month:
            return {"Month": month.period, "Locked": month.locked, "Note": month.note}
        case OwnInvoice() as invoice:
            return {
                "InvoiceNo": invoice.number,
                "ExternalOrder": invoice.external_order,
                "OrderNo": invoice.order,
                "Lines": _lines(invoice.lines),
                "Total": invoice.total,
                "Currency": invoice.currency,
            }
        case GoodsReturn() as returned:
            return {
                "ReturnNo": returned.number,
                "ExternalOrder": returned.external_order,
                "OrderNo": returned.order,
                "Lines": _lines(returned.lines),
                "Shipping": returned.shipping,
                "Adjustment": returned.adjustment,
                "Total": returned.total,
                "Currency": returned.currency,
            }


def _lines(lines: Sequence[OfLine]) -> dict[str, Any]:
    shown = [
        {"ExternalLine": line.external_line, "Sku": line.sku, "Qty": line.quantity}
        for line in lines
    ]
    return {"Line": shown}
