"""Invoices and credit memos: what was paid and given back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal

from sidecar.testing.magento_db import stock
from sidecar.testing.magento_db.cart import ZERO, cents
from sidecar.testing.magento_db.document_amounts import (
    PREFIXES,
    Choice,
    Part,
    Quantities,
    book_invoice,
    book_item,
    book_refund,
    chosen_parts,
    document_item_row,
    document_row,
    invoice_amounts,
    money_columns,
    refund_amounts,
    settle_state,
    stocked_pieces,
    to_invoice,
    to_refund,
)
from sidecar.testing.magento_db.grids import refresh_document_grid, refresh_order_grid
from sidecar.testing.magento_db.order_acts import LoadedOrder, Remark, Via, insert_comment
from sidecar.testing.magento_db.session import Row
from sidecar.testing.magento_db.shipments import Document, ShipmentActs

_CURRENCY_SIGNS = {"EUR": "€", "USD": "$"}
# Both documents' state for a sum that needs nothing more: paid, refunded.
_DONE = 2


@dataclass(frozen=True)
class _CreditMemo:
    """What a credit memo covers; `items` are its rows, worked out before the order was booked."""

    items: Sequence[Row]
    parts: Sequence[Part]
    amounts: Mapping[str, Mapping[str, Decimal]]
    back_in_stock: Mapping[str, Decimal]
    invoice_id: int | None
    remark: Remark | None


class DocumentActs(ShipmentActs):
    """Acts on an order that make a document.

    `via="api"` is the service class behind REST, `via="admin"` the admin's controller: same
    tables, other order.  `notify` mails the document and notes that on it.
    """

    def invoice(
        self,
        order_id: int,
        qty: Quantities | Choice = None,
        via: Via = "api",
        notify: bool = False,
        remark: Remark | None = None,
    ) -> Document:
        """Invoice (and capture offline) all or part of what is not invoiced."""
        session = self.session
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
            loaded = self.load_order(order_id)
            parts = chosen_parts(loaded, qty, to_invoice, "invoice")
            first = not loaded.order["total_invoiced"]
            amounts = {
                prefix: invoice_amounts(loaded, parts, prefix, "invoiced", first)
                for prefix in PREFIXES
            }
            increment_id = self._next_number("invoice", loaded.order["store_id"])
            invoice_id = session.insert(
                "sales_invoice",
                {
                    **document_row(loaded, increment_id),
                    **money_columns(amounts),
                    "total_qty": sum(
                        (part.qty for part in parts if not part.item["parent_item_id"]), ZERO
                    ),
                    "state": _DONE,
                },
            )
            self._deliver_virtual(loaded, parts)
            for part in parts:
                session.insert(
                    "sales_invoice_item", document_item_row(loaded, part, invoice_id, "invoiced")
                )
                book_item(loaded, part, "invoiced")
                loaded.write_item(part.item)
            if remark is not None:
                self._insert_remark("sales_invoice", invoice_id, remark)
            refresh_document_grid(session, "sales_invoice", invoice_id)
            book_invoice(loaded, amounts)
            settle_state(loaded)
            loaded.write()
            self._note_mail("sales_invoice", invoice_id, notify)
        refresh_document_grid(session, "sales_invoice", invoice_id)
        refresh_order_grid(session, order_id)
        return Document(invoice_id, increment_id, amounts[""]["grand_total"])

    def refund(
        self,
        order_id: int,
        qty: Quantities | Choice = None,
        via: Via = "api",
        notify: bool = False,
        *,
        shipping: Decimal | None = None,
        adjustment_positive: Decimal = ZERO,
        adjustment_negative: Decimal = ZERO,
        return_to_stock: Set[int] = frozenset(),
        invoice_id: int | None = None,
        remark: Remark | None = None,
    ) -> Document:
        """Refund offline all or part of what was invoiced.

        `shipping` (order currency, without tax; None: all that is left) and the adjustments go
        into the grand total.  The admin puts the goods back into the stock, the API only those of
        the lines in `return_to_stock` (item ids).
        """
        session = self.session
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
            loaded = self.load_order(order_id)
            parts = chosen_parts(loaded, qty, to_refund, "refund")
            amounts = {
                prefix: refund_amounts(
                    loaded, parts, prefix, shipping, adjustment_positive, adjustment_negative
                )
                for prefix in PREFIXES
            }
            memo = _CreditMemo(
                items=[document_item_row(loaded, part, 0, "refunded") for part in parts],
                parts=parts,
                amounts=amounts,
                back_in_stock=_back_in_stock(loaded, parts, via, return_to_stock),
                invoice_id=invoice_id,
                remark=remark,
            )
            for part in parts:
                book_item(loaded, part, "refunded")
            book_refund(loaded, amounts)
            settle_state(loaded)
            if via == "api":
                self._write_refunded_order(loaded, amounts)
                document = self._write_creditmemo(loaded, memo, via)
            else:
                document = self._write_creditmemo(loaded, memo, via)
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
        loaded.write(
            within=lambda: insert_comment(self.session, loaded, Remark(text), "creditmemo")
        )

    def _write_creditmemo(self, loaded: LoadedOrder, memo: _CreditMemo, via: Via) -> Document:
        session = self.session
        increment_id = self._next_number("creditmemo", loaded.order["store_id"])
        creditmemo_id = session.insert(
            "sales_creditmemo",
            {
                **document_row(loaded, increment_id),
                **money_columns(memo.amounts),
                **{
                    f"{prefix}{name}": memo.amounts[prefix][name]
                    for prefix in PREFIXES
                    for name in ("adjustment", "adjustment_positive", "adjustment_negative")
                },
                "invoice_id": memo.invoice_id,
                "state": _DONE,
            },
        )
        self._return_stock(loaded, memo, via)
        for item in memo.items:
            session.insert("sales_creditmemo_item", {**item, "parent_id": creditmemo_id})
        if memo.remark is not None:
            self._insert_remark("sales_creditmemo", creditmemo_id, memo.remark)
        refresh_document_grid(session, "sales_creditmemo", creditmemo_id)
        return Document(creditmemo_id, increment_id, memo.amounts[""]["grand_total"])

    def _return_stock(self, loaded: LoadedOrder, memo: _CreditMemo, via: Via) -> None:
        """What was never shipped gets its reservation back, what was shipped may come back."""
        if memo.back_in_stock:
            stock.deduct(self.session, {sku: -qty for sku, qty in memo.back_in_stock.items()})
        unshipped = [part for part in memo.parts if part.qty and not _is_gone(loaded, part)]
        released = stocked_pieces(loaded, unshipped)
        if released:
            stock.reserve(
                self.session,
                released,
                stock.metadata("creditmemo_created", loaded.order_id, loaded.order["increment_id"]),
            )
        elif via == "admin":
            stock.queue_salability(self.session, [])

    def _deliver_virtual(self, loaded: LoadedOrder, parts: Sequence[Part]) -> None:
        """What has no parcel leaves the stock with its invoice."""
        taken = stocked_pieces(loaded, [part for part in parts if part.item["is_virtual"]])
        if taken:
            stock.deduct(self.session, taken)
            why = stock.metadata("invoice_created", loaded.order_id, loaded.order["increment_id"])
            stock.reserve(self.session, taken, why)


def _is_gone(loaded: LoadedOrder, part: Part) -> bool:
    """Whether what the line took from the stock has left it."""
    top = loaded.parent_of(part.item) or part.item
    return bool(top["qty_shipped"] or top["is_virtual"])


def _back_in_stock(
    loaded: LoadedOrder, parts: Sequence[Part], via: Via, named: Set[int]
) -> dict[str, Decimal]:
    """Pieces by SKU that return to source `default`."""
    returned = [
        part
        for part in parts
        if part.qty
        and _is_gone(loaded, part)
        and (via == "admin" or named & {part.item["item_id"], part.item["parent_item_id"]})
    ]
    return stocked_pieces(loaded, returned)
