"""Invoices, shipments and credit memos: what was ordered, paid, sent and given back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sidecar.domain.errors import BadData
from sidecar.testing.magento_db import stock
from sidecar.testing.magento_db.cart import ZERO, cents
from sidecar.testing.magento_db.grids import refresh_document_grid, refresh_order_grid
from sidecar.testing.magento_db.order_acts import LoadedOrder, OrderActs, Via, insert_comment
from sidecar.testing.magento_db.session import Row

# So many of each line, or so many by item_id of the top-level line; None: all that is open.
Quantities = Decimal | int | Mapping[int, Decimal | int] | None

_PREFIXES = ("base_", "")
_CURRENCY_SIGNS = {"EUR": "€", "USD": "$"}
# Both documents' state for a sum that needs nothing more: paid, refunded.
_DONE = 2


@dataclass(frozen=True)
class Document:
    """A document that was made of an order; `grand_total` in order currency (shipments: 0)."""

    entity_id: int
    increment_id: str
    grand_total: Decimal


@dataclass(frozen=True)
class Track:
    """A parcel's number."""

    track_number: str
    title: str = "UPS"
    carrier_code: str = "ups"


@dataclass(frozen=True)
class _Part:
    """An order item and how many of it a document covers."""

    item: Row
    qty: Decimal


class DocumentActs(OrderActs):
    """Acts on an order that make a document.

    `via="api"` is the service class behind REST, `via="admin"` the admin's controller: same
    tables, other order.  `notify` mails the document and notes that on it.
    """

    def invoice(
        self, order_id: int, qty: Quantities = None, via: Via = "api", notify: bool = False
    ) -> Document:
        """Invoice (and capture offline) all or part of what is not invoiced."""
        loaded = self._load_open(order_id)
        parts = _select(loaded, qty, _to_invoice, "invoice")
        first = not loaded.order["total_invoiced"]
        amounts = {
            prefix: _amounts(loaded, parts, prefix, "invoiced", first) for prefix in _PREFIXES
        }
        session = self.session
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
            increment_id = self._next_number("invoice", loaded.order["store_id"])
            invoice_id = session.insert(
                "sales_invoice",
                {
                    **_document_row(loaded, increment_id),
                    **_money_columns(amounts),
                    "total_qty": sum(
                        (part.qty for part in parts if not part.item["parent_item_id"]), ZERO
                    ),
                    "state": _DONE,
                },
            )
            self._deliver_virtual(loaded, parts)
            for part in parts:
                session.insert(
                    "sales_invoice_item", _item_row(loaded, part, invoice_id, "invoiced")
                )
                _book(loaded, part, "invoiced")
                loaded.write_item(part.item)
            refresh_document_grid(session, "sales_invoice", invoice_id)
            _book_invoice(loaded, amounts)
            _settle_state(loaded)
            loaded.write()
            self._note_mail("sales_invoice", invoice_id, notify)
        refresh_document_grid(session, "sales_invoice", invoice_id)
        refresh_order_grid(session, order_id)
        return Document(invoice_id, increment_id, amounts[""]["grand_total"])

    def ship(
        self,
        order_id: int,
        qty: Quantities = None,
        via: Via = "api",
        notify: bool = False,
        tracks: Sequence[Track] | None = None,
    ) -> Document:
        """Ship all or part of what is not shipped, from source `default` (None: one parcel).

        A part leaves the order's own row untouched.
        """
        loaded = self._load_open(order_id)
        parts = _select(loaded, qty, _to_ship, "ship")
        taken = _stocked(loaded, parts)
        session, order = self.session, loaded.order
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
            increment_id = self._next_number("shipment", order["store_id"])
            shipment_id = session.insert(
                "sales_shipment",
                {
                    "store_id": order["store_id"],
                    "total_qty": sum(
                        (part.qty for part in parts if not part.item["parent_item_id"]), ZERO
                    ),
                    "order_id": order_id,
                    "customer_id": order["customer_id"],
                    "shipping_address_id": order["shipping_address_id"],
                    "billing_address_id": order["billing_address_id"],
                    "increment_id": increment_id,
                    "packages": "[]",
                },
            )
            stock.deduct(session, taken)
            stock.reserve(
                session, taken, stock.metadata("shipment_created", order_id, order["increment_id"])
            )
            self._insert_shipment_items(parts, shipment_id, via)
            for track in [Track(f"1Z{increment_id}")] if tracks is None else tracks:
                session.insert(
                    "sales_shipment_track",
                    {
                        "parent_id": shipment_id,
                        "order_id": order_id,
                        "track_number": track.track_number,
                        "title": track.title,
                        "carrier_code": track.carrier_code,
                    },
                )
            refresh_document_grid(session, "sales_shipment", shipment_id)
            session.insert(
                "inventory_shipment_source", {"shipment_id": shipment_id, "source_code": "default"}
            )
            for part in parts:
                if _is_shipped_itself(loaded, part.item, via):
                    part.item["qty_shipped"] += part.qty
            _settle_state(loaded)
            loaded.write()
            self._note_mail("sales_shipment", shipment_id, notify)
        refresh_document_grid(session, "sales_shipment", shipment_id)
        refresh_order_grid(session, order_id)
        return Document(shipment_id, increment_id, ZERO)

    def _insert_shipment_items(self, parts: Sequence[_Part], shipment_id: int, via: Via) -> None:
        """One row per top-level line; the admin saves and at once removes the companions."""
        for part in parts:
            item = part.item
            if item["parent_item_id"]:
                if via == "admin":
                    self.session.delete("sales_shipment_item", entity_id=0)
                continue
            self.session.insert(
                "sales_shipment_item",
                {
                    "parent_id": shipment_id,
                    "price": item["price"],
                    "weight": item["weight"],
                    "qty": part.qty,
                    "product_id": item["product_id"],
                    "order_item_id": item["item_id"],
                    "name": item["name"],
                    "sku": item["sku"],
                },
            )

    def refund(
        self,
        order_id: int,
        qty: Quantities = None,
        via: Via = "api",
        notify: bool = False,
        *,
        shipping: Decimal | None = None,
        adjustment_positive: Decimal = ZERO,
        adjustment_negative: Decimal = ZERO,
    ) -> Document:
        """Refund offline all or part of what was invoiced.

        `shipping` (order currency, without tax; None: all that is left) and the adjustments go
        into the grand total.  The admin puts the goods back into the stock, the API does not.
        """
        loaded = self.load_order(order_id)
        parts = _select(loaded, qty, _to_refund, "refund")
        amounts = {
            prefix: _refund_amounts(
                loaded, parts, prefix, shipping, adjustment_positive, adjustment_negative
            )
            for prefix in _PREFIXES
        }
        items = [_item_row(loaded, part, 0, "refunded") for part in parts]
        for part in parts:
            _book(loaded, part, "refunded")
        _book_refund(loaded, amounts)
        _settle_state(loaded)
        session = self.session
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
                self._write_refunded_order(loaded, amounts)
                document = self._write_creditmemo(loaded, parts, items, amounts, via)
            else:
                document = self._write_creditmemo(loaded, parts, items, amounts, via)
                self._write_refunded_order(loaded, amounts)
            self._note_mail("sales_creditmemo", document.entity_id, notify)
        refresh: list[Callable[[], None]] = [
            lambda: refresh_order_grid(session, order_id),
            lambda: refresh_document_grid(session, "sales_creditmemo", document.entity_id),
        ]
        for write in refresh if via == "api" else reversed(refresh):
            write()
        return document

    def _write_refunded_order(
        self, loaded: LoadedOrder, amounts: Mapping[str, Mapping[str, Decimal]]
    ) -> None:
        sign = _CURRENCY_SIGNS[loaded.order["order_currency_code"]]
        text = f"We refunded {sign}{cents(amounts['']['grand_total'])} offline."
        loaded.write(within=lambda: insert_comment(self.session, loaded, text, "creditmemo"))

    def _write_creditmemo(
        self,
        loaded: LoadedOrder,
        parts: Sequence[_Part],
        items: Sequence[Row],
        amounts: Mapping[str, Mapping[str, Decimal]],
        via: Via,
    ) -> Document:
        session = self.session
        increment_id = self._next_number("creditmemo", loaded.order["store_id"])
        creditmemo_id = session.insert(
            "sales_creditmemo",
            {
                **_document_row(loaded, increment_id),
                **_money_columns(amounts),
                **{
                    f"{prefix}{name}": amounts[prefix][name]
                    for prefix in _PREFIXES
                    for name in ("adjustment", "adjustment_positive", "adjustment_negative")
                },
                "state": _DONE,
            },
        )
        self._return_stock(loaded, parts, via)
        for item in items:
            session.insert("sales_creditmemo_item", {**item, "parent_id": creditmemo_id})
        refresh_document_grid(session, "sales_creditmemo", creditmemo_id)
        return Document(creditmemo_id, increment_id, amounts[""]["grand_total"])

    def _return_stock(self, loaded: LoadedOrder, parts: Sequence[_Part], via: Via) -> None:
        """What was never shipped gets its reservation back, what was shipped may come back."""
        shipped: dict[str, Decimal] = {}
        unshipped: dict[str, Decimal] = {}
        for part in parts:
            top = loaded.parent_of(part.item) or part.item
            gone = shipped if top["qty_shipped"] or top["is_virtual"] else unshipped
            for sku, qty in _stocked(loaded, [part]).items():
                gone[sku] = gone.get(sku, ZERO) + qty
        if via == "admin":
            stock.deduct(self.session, {sku: -qty for sku, qty in shipped.items()})
        if unshipped:
            stock.reserve(
                self.session,
                unshipped,
                stock.metadata("creditmemo_created", loaded.order_id, loaded.order["increment_id"]),
            )
        elif via == "admin":
            stock.queue_salability(self.session, [])

    def _deliver_virtual(self, loaded: LoadedOrder, parts: Sequence[_Part]) -> None:
        """What has no parcel leaves the stock with its invoice."""
        taken = _stocked(loaded, [part for part in parts if part.item["is_virtual"]])
        if taken:
            stock.deduct(self.session, taken)
            why = stock.metadata("invoice_created", loaded.order_id, loaded.order["increment_id"])
            stock.reserve(self.session, taken, why)

    def _note_mail(self, table: str, entity_id: int, notify: bool) -> None:
        if notify:
            self.session.update(table, {"send_email": 1, "email_sent": 1}, entity_id=entity_id)

    def _load_open(self, order_id: int) -> LoadedOrder:
        loaded = self.load_order(order_id)
        if loaded.order["state"] in ("canceled", "closed", "holded"):
            raise BadData(
                f"Order {loaded.order['increment_id']} is {loaded.order['state']}.",
                "Only an open order that is not on hold can be invoiced or shipped.",
            )
        return loaded


def _to_invoice(item: Row) -> Decimal:
    return Decimal(item["qty_ordered"] - item["qty_invoiced"] - item["qty_canceled"])


def _to_ship(item: Row) -> Decimal:
    if item["is_virtual"]:
        return ZERO
    gone = item["qty_shipped"] + item["qty_refunded"] + item["qty_canceled"]
    return max(Decimal(item["qty_ordered"] - gone), ZERO)


def _to_refund(item: Row) -> Decimal:
    return Decimal(item["qty_invoiced"] - item["qty_refunded"])


def _select(
    loaded: LoadedOrder, qty: Quantities, open_qty: Callable[[Row], Decimal], verb: str
) -> list[_Part]:
    """The lines that a document covers, each followed by its companions in proportion."""
    parts: list[_Part] = []
    for item in loaded.items:
        if item["parent_item_id"]:
            continue
        available = open_qty(item)
        wanted = _wanted(qty, item, available)
        if wanted > available:
            raise BadData(
                f"Only {available} of item {item['item_id']} ({item['sku']}) are left to {verb}."
            )
        if wanted > 0:
            parts.append(_Part(item, wanted))
            parts += [
                _Part(child, child["qty_ordered"] * wanted / item["qty_ordered"])
                for child in loaded.children_of(item)
            ]
    if not parts:
        raise BadData(f"Nothing of order {loaded.order['increment_id']} is left to {verb}.")
    return parts


def _wanted(qty: Quantities, item: Row, available: Decimal) -> Decimal:
    if qty is None:
        return available
    if isinstance(qty, Mapping):
        return Decimal(qty.get(item["item_id"], 0))
    return min(Decimal(qty), available)


def _stocked(loaded: LoadedOrder, parts: Sequence[_Part]) -> dict[str, Decimal]:
    """Pieces by SKU: of what lies in the stock, that is of lines without children."""
    pieces: dict[str, Decimal] = {}
    for part in parts:
        if not loaded.children_of(part.item):
            sku = part.item["sku"]
            pieces[sku] = pieces.get(sku, ZERO) + part.qty
    return pieces


def _is_shipped_itself(loaded: LoadedOrder, item: Row, via: Via) -> bool:
    """A configurable's child is never counted as shipped, a bundle's only by the admin."""
    parent = loaded.parent_of(item)
    return parent is None or (parent["product_type"] == "bundle" and via == "admin")


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


def _item_row(loaded: LoadedOrder, part: _Part, document_id: int, kind: str) -> Row:
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
    for prefix in _PREFIXES:
        for column in _SHARED:
            row[f"{prefix}{column}"] = _share(item, column, kind, prefix, part.qty)
        row[f"{prefix}row_total_incl_tax"] = _incl_tax(item, prefix, part.qty)
        if not item["discount_amount"]:
            del row[f"{prefix}discount_amount"]
    return row


def _incl_tax(item: Row, prefix: str, qty: Decimal) -> Decimal:
    return cents(item[f"{prefix}row_total_incl_tax"] * qty / item["qty_ordered"])


def _amounts(
    loaded: LoadedOrder, parts: Sequence[_Part], prefix: str, kind: str, with_shipping: bool
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


def _refund_amounts(
    loaded: LoadedOrder,
    parts: Sequence[_Part],
    prefix: str,
    shipping: Decimal | None,
    positive: Decimal,
    negative: Decimal,
) -> dict[str, Decimal]:
    order = loaded.order
    amounts = _amounts(loaded, parts, prefix, "refunded", with_shipping=False)
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


def _document_row(loaded: LoadedOrder, increment_id: str) -> Row:
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


def _money_columns(amounts: Mapping[str, Mapping[str, Decimal]]) -> Row:
    row: Row = {}
    for prefix in _PREFIXES:
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


def _book(loaded: LoadedOrder, part: _Part, kind: str) -> None:
    """Add the document's quantities and amounts to the order item."""
    item = part.item
    if loaded.carries_price(item):
        for prefix in _PREFIXES:
            for column in _SHARED:
                done = _done_column(column, kind, prefix)
                share = _share(item, column, kind, prefix, part.qty)
                item[done] = (item[done] or ZERO) + share
    item[f"qty_{kind}"] += part.qty


def _add(row: Row, column: str, amount: Decimal) -> None:
    row[column] = (row[column] or ZERO) + amount


def _book_invoice(loaded: LoadedOrder, amounts: Mapping[str, Mapping[str, Decimal]]) -> None:
    order, payment = loaded.order, loaded.payment
    for prefix in _PREFIXES:
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


def _book_refund(loaded: LoadedOrder, amounts: Mapping[str, Mapping[str, Decimal]]) -> None:
    order, payment = loaded.order, loaded.payment
    for prefix in _PREFIXES:
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


def _settle_state(loaded: LoadedOrder) -> None:
    """Move the state on as Magento's state handler does; a status of one's own stays as long as
    the state does."""
    order = loaded.order
    top = [item for item in loaded.items if not item["parent_item_id"]]
    if order["state"] == "new":
        loaded.set_state("processing")
    if any(_to_invoice(item) > 0 for item in top):
        return
    to_ship = any(_to_ship(item) > 0 for item in top)
    refunded = bool(order["total_refunded"]) and order["total_refunded"] >= order["total_paid"]
    if refunded and not to_ship and order["state"] != "closed":
        loaded.set_state("closed")
    elif order["state"] == "processing" and not to_ship:
        loaded.set_state("complete")
