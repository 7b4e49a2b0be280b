"""The arithmetic of documents: which part of an order one covers, and what that comes to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sidecar.model.errors import BadData
from sidecar.testing.magento_db.cart import ZERO, cents
from sidecar.testing.magento_db.order_acts import LoadedOrder
from sidecar.testing.magento_db.session import Row

# So many of each line, or so many by item_id (of the top-level line; of the parts of a bundle that
# is shipped separately); None: all that is open.
Quantities = Decimal | int | Mapping[int, Decimal | int] | None

PREFIXES = ("base_", "")


@dataclass(frozen=True)
class Part:
    """An order item and how many of it a document covers."""

    item: Row
    qty: Decimal


# Chooses from the order as it is once it is locked, and may refuse it.
Choice = Callable[[LoadedOrder], Sequence[Part]]


def to_invoice(item: Row) -> Decimal:
    return Decimal(item["qty_ordered"] - item["qty_invoiced"] - item["qty_canceled"])


def to_ship(item: Row) -> Decimal:
    if item["is_virtual"]:
        return ZERO
    gone = item["qty_shipped"] + item["qty_refunded"] + item["qty_canceled"]
    return max(Decimal(item["qty_ordered"] - gone), ZERO)


def to_refund(item: Row) -> Decimal:
    return Decimal(item["qty_invoiced"] - item["qty_refunded"])


def chosen_parts(
    loaded: LoadedOrder, wanted: Quantities | Choice, open_qty: Callable[[Row], Decimal], verb: str
) -> list[Part]:
    """The lines that a document covers, by quantities or as somebody else chooses."""
    if callable(wanted):
        return list(wanted(loaded))
    return select_parts(loaded, wanted, open_qty, verb)


def select_parts(
    loaded: LoadedOrder, qty: Quantities, open_qty: Callable[[Row], Decimal], verb: str
) -> list[Part]:
    """The lines that a document covers, each followed by its companions in proportion."""
    if loaded.order["state"] in ("canceled", "closed", "holded") and verb != "refund":
        raise BadData(
            f"Order {loaded.order['increment_id']} is {loaded.order['state']}.",
            "Only an open order that is not on hold can be invoiced or shipped.",
        )
    parts: list[Part] = []
    for item in named_lines(loaded, verb):
        available = open_qty(item)
        wanted = _wanted(qty, item, available)
        if wanted > available:
            raise BadData(
                f"Only {available} of item {item['item_id']} ({item['sku']}) are left to {verb}."
            )
        if wanted > 0:
            parts += with_companions(loaded, item, wanted)
    if not parts:
        raise BadData(f"Nothing of order {loaded.order['increment_id']} is left to {verb}.")
    return parts


def ships_separately(item: Row) -> bool:
    """Whether this is a bundle whose parts are shipped one by one."""
    if item["product_type"] != "bundle":
        return False
    return str(json.loads(item["product_options"]).get("shipment_type")) == "1"


def named_lines(loaded: LoadedOrder, verb: str) -> list[Row]:
    """The lines that a document names: those without parent, but for a bundle that is shipped
    separately its parts."""
    lines: list[Row] = []
    for item in loaded.items:
        if item["parent_item_id"]:
            continue
        apart = verb == "ship" and ships_separately(item)
        lines += loaded.children_of(item) if apart else [item]
    return lines


def with_companions(loaded: LoadedOrder, item: Row, qty: Decimal) -> list[Part]:
    """A line, followed by its children in proportion."""
    return [
        Part(item, qty),
        *(
            Part(child, child["qty_ordered"] * qty / item["qty_ordered"])
            for child in loaded.children_of(item)
        ),
    ]


def with_separate_bundles(loaded: LoadedOrder, parts: Sequence[Part]) -> list[Part]:
    """A shipment of a bundle's parts counts one of the bundle as shipped, while one is left."""
    covered = {part.item["item_id"] for part in parts}
    completed: list[Part] = []
    for part in parts:
        bundle = loaded.parent_of(part.item)
        if bundle is not None and bundle["item_id"] not in covered and ships_separately(bundle):
            covered.add(bundle["item_id"])
            if bundle["qty_shipped"] < bundle["qty_ordered"]:
                completed.append(Part(bundle, Decimal(1)))
        completed.append(part)
    return completed


def left_to_ship(loaded: LoadedOrder) -> bool:
    """Whether a shipment of the order is possible."""
    return any(to_ship(item) > 0 for item in named_lines(loaded, "ship"))


def _wanted(qty: Quantities, item: Row, available: Decimal) -> Decimal:
    if qty is None:
        return available
    if isinstance(qty, Mapping):
        return Decimal(qty.get(item["item_id"], 0))
    return min(Decimal(qty), available)


def stocked_pieces(loaded: LoadedOrder, parts: Sequence[Part]) -> dict[str, Decimal]:
    """Pieces by SKU: of what lies in the stock, that is of lines without children."""
    pieces: dict[str, Decimal] = {}
    for part in parts:
        if not loaded.children_of(part.item):
            sku = part.item["sku"]
            pieces[sku] = pieces.get(sku, ZERO) + part.qty
    return pieces


def is_shipped_itself(loaded: LoadedOrder, item: Row) -> bool:
    """A bundle's children count as shipped along with it, a configurable's child never does."""
    parent = loaded.parent_of(item)
    return parent is None or parent["product_type"] == "bundle"


# What of an order item's money is shared among its documents, and where the sum is kept.
_SHARED = {
    "row_total": {"invoiced": "row_invoiced", "refunded": "amount_refunded"},
    "tax_amount": {"invoiced": "tax_invoiced", "refunded": "tax_refunded"},
    "discount_amount": {"invoiced": "discount_invoiced", "refunded": "discount_refunded"},
    "discount_tax_compensation_amount": {
        "invoiced": "discount_tax_compensation_invoiced",
        "refunded": "discount_tax_compensation_refunded",
    },
}


def _done_column(column: str, kind: str, prefix: str) -> str:
    return f"{prefix}{_SHARED[column][kind]}"


def _share(item: Row, column: str, kind: str, prefix: str, qty: Decimal) -> Decimal:
    """This document's part of an amount; the last document takes the rest, so that they add up."""
    total = item[f"{prefix}{column}"] or ZERO
    if item[f"qty_{kind}"] + qty == item["qty_ordered"]:
        return Decimal(total - (item[_done_column(column, kind, prefix)] or ZERO))
    return cents(total * qty / item["qty_ordered"])


def document_item_row(loaded: LoadedOrder, part: Part, document_id: int, kind: str) -> Row:
    """An item of an invoice or credit memo; companions have a quantity and no money."""
    item = part.item
    row: Row = {
        "parent_id": document_id,
        "base_price": item["base_price"],
        "price": item["price"],
        "price_incl_tax": item["price_incl_tax"],
        "base_price_incl_tax": item["base_price_incl_tax"],
        "qty": part.qty,
        "product_id": item["product_id"],
        "order_item_id": item["item_id"],
        "sku": item["sku"],
        "name": item["name"],
    }
    if not loaded.carries_price(item):
        return row
    for prefix in PREFIXES:
        for column in _SHARED:
            row[f"{prefix}{column}"] = _share(item, column, kind, prefix, part.qty)
        row[f"{prefix}row_total_incl_tax"] = _incl_tax(item, prefix, part.qty)
        if not item["discount_amount"]:
            del row[f"{prefix}discount_amount"]
    return row


def _incl_tax(item: Row, prefix: str, qty: Decimal) -> Decimal:
    return cents(item[f"{prefix}row_total_incl_tax"] * qty / item["qty_ordered"])


def invoice_amounts(
    loaded: LoadedOrder, parts: Sequence[Part], prefix: str, kind: str, with_shipping: bool
) -> dict[str, Decimal]:
    """The sums of a document in one currency; shipping goes with the first invoice."""
    order = loaded.order
    sellable = [part for part in parts if loaded.carries_price(part.item)]
    sums = {
        column: sum((_share(p.item, column, kind, prefix, p.qty) for p in sellable), ZERO)
        for column in _SHARED
    }
    amounts = {
        "subtotal": sums["row_total"],
        "subtotal_incl_tax": sum((_incl_tax(p.item, prefix, p.qty) for p in sellable), ZERO),
        "discount": sums["discount_amount"],
        "compensation": sums["discount_tax_compensation_amount"],
        "shipping": order[f"{prefix}shipping_amount"] if with_shipping else ZERO,
        "shipping_tax": order[f"{prefix}shipping_tax_amount"] if with_shipping else ZERO,
    }
    amounts["tax"] = sums["tax_amount"] + amounts["shipping_tax"]
    return amounts | {"grand_total": _grand_total(amounts)}


def _grand_total(amounts: Mapping[str, Decimal]) -> Decimal:
    plus = ("subtotal", "tax", "compensation", "shipping")
    return sum((amounts[name] for name in plus), ZERO) - amounts["discount"]


def refund_amounts(
    loaded: LoadedOrder,
    parts: Sequence[Part],
    prefix: str,
    shipping: Decimal | None,
    positive: Decimal,
    negative: Decimal,
) -> dict[str, Decimal]:
    order = loaded.order
    amounts = invoice_amounts(loaded, parts, prefix, "refunded", with_shipping=False)
    factor = Decimal(1) / order["base_to_order_rate"] if prefix == "base_" else Decimal(1)
    left = order[f"{prefix}shipping_amount"] - (order[f"{prefix}shipping_refunded"] or ZERO)
    tax = order[f"{prefix}shipping_tax_amount"]
    tax_left = tax - (order[f"{prefix}shipping_tax_refunded"] or ZERO)
    amounts["shipping"] = left if shipping is None else cents(shipping * factor)
    if shipping is None or amounts["shipping"] == left:
        amounts["shipping_tax"] = tax_left
    else:
        amounts["shipping_tax"] = cents(
            tax * amounts["shipping"] / order[f"{prefix}shipping_amount"]
        )
    amounts["tax"] += amounts["shipping_tax"]
    amounts["adjustment_positive"] = cents(positive * factor)
    amounts["adjustment_negative"] = cents(negative * factor)
    amounts["adjustment"] = amounts["adjustment_positive"] - amounts["adjustment_negative"]
    return amounts | {"grand_total": _grand_total(amounts) + amounts["adjustment"]}


def document_row(loaded: LoadedOrder, increment_id: str) -> Row:
    """What invoice and credit memo take over from the order."""
    order = loaded.order
    copied = (
        "store_id", "store_to_order_rate", "base_to_order_rate", "store_to_base_rate",
        "base_to_global_rate", "billing_address_id", "shipping_address_id",
        "store_currency_code", "order_currency_code", "base_currency_code",
        "global_currency_code", "discount_description",
    )  # fmt: skip
    return {
        **{column: order[column] for column in copied},
        "order_id": loaded.order_id,
        "increment_id": increment_id,
    }


def money_columns(amounts: Mapping[str, Mapping[str, Decimal]]) -> Row:
    row: Row = {}
    for prefix in PREFIXES:
        sums = amounts[prefix]
        row |= {
            f"{prefix}grand_total": sums["grand_total"],
            f"{prefix}subtotal": sums["subtotal"],
            f"{prefix}subtotal_incl_tax": sums["subtotal_incl_tax"],
            f"{prefix}tax_amount": sums["tax"],
            f"{prefix}discount_amount": -sums["discount"],
            f"{prefix}shipping_amount": sums["shipping"],
            f"{prefix}shipping_tax_amount": sums["shipping_tax"],
            f"{prefix}shipping_incl_tax": sums["shipping"] + sums["shipping_tax"],
            f"{prefix}discount_tax_compensation_amount": sums["compensation"],
        }
    return row


def book_item(loaded: LoadedOrder, part: Part, kind: str) -> None:
    """Add the document's quantities and amounts to the order item."""
    item = part.item
    if loaded.carries_price(item):
        for prefix in PREFIXES:
            for column in _SHARED:
                done = _done_column(column, kind, prefix)
                share = _share(item, column, kind, prefix, part.qty)
                item[done] = (item[done] or ZERO) + share
    item[f"qty_{kind}"] += part.qty


def _add(row: Row, column: str, amount: Decimal) -> None:
    row[column] = (row[column] or ZERO) + amount


def book_invoice(loaded: LoadedOrder, amounts: Mapping[str, Mapping[str, Decimal]]) -> None:
    order, payment = loaded.order, loaded.payment
    for prefix in PREFIXES:
        sums = amounts[prefix]
        _add(order, f"{prefix}subtotal_invoiced", sums["subtotal"])
        _add(order, f"{prefix}tax_invoiced", sums["tax"])
        _add(order, f"{prefix}shipping_invoiced", sums["shipping"])
        _add(order, f"{prefix}discount_invoiced", -sums["discount"])
        _add(order, f"{prefix}discount_tax_compensation_invoiced", sums["compensation"])
        _add(order, f"{prefix}total_invoiced", sums["grand_total"])
        _add(order, f"{prefix}total_paid", sums["grand_total"])
        order[f"{prefix}total_due"] = order[f"{prefix}grand_total"] - order[f"{prefix}total_paid"]
        _add(payment, f"{prefix}amount_paid", sums["grand_total"])
        _add(payment, f"{prefix}shipping_captured", sums["shipping"])
    _add(order, "base_total_invoiced_cost", ZERO)


def book_refund(loaded: LoadedOrder, amounts: Mapping[str, Mapping[str, Decimal]]) -> None:
    order, payment = loaded.order, loaded.payment
    for prefix in PREFIXES:
        sums = amounts[prefix]
        _add(order, f"{prefix}subtotal_refunded", sums["subtotal"])
        _add(order, f"{prefix}tax_refunded", sums["tax"])
        _add(order, f"{prefix}shipping_refunded", sums["shipping"])
        _add(order, f"{prefix}shipping_tax_refunded", sums["shipping_tax"])
        _add(order, f"{prefix}discount_refunded", -sums["discount"])
        _add(order, f"{prefix}discount_tax_compensation_refunded", sums["compensation"])
        _add(order, f"{prefix}adjustment_positive", sums["adjustment_positive"])
        _add(order, f"{prefix}adjustment_negative", sums["adjustment_negative"])
        _add(order, f"{prefix}total_refunded", sums["grand_total"])
        _add(order, f"{prefix}total_offline_refunded", sums["grand_total"])
        _add(payment, f"{prefix}amount_refunded", sums["grand_total"])
        _add(payment, f"{prefix}shipping_refunded", sums["shipping"])


def settle_state(loaded: LoadedOrder) -> None:
    """Move the state on as Magento's state handler does; a status of one's own stays as long as
    the state does."""
    order = loaded.order
    top = [item for item in loaded.items if not item["parent_item_id"]]
    if order["state"] == "new":
        loaded.set_state("processing")
    if any(to_invoice(item) > 0 for item in top):
        return
    unshipped = left_to_ship(loaded)
    refunded = bool(order["total_refunded"]) and order["total_refunded"] >= order["total_paid"]
    if refunded and not unshipped and order["state"] != "closed":
        loaded.set_state("closed")
    elif order["state"] == "processing" and not unshipped:
        loaded.set_state("complete")
