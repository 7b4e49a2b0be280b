"""Invoices of Magento, each made once for its mark: an ERP's invoice, or a state of an order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal

from sidecar.database.connection import Database
from sidecar.magento.made_once import compared, made_once, marked
from sidecar.magento.open_order import Mismatch, NamedLine, OpenLine, OpenOrder, OpenOrders
from sidecar.magento.rest import documents
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.documents import Document, Quantity
from sidecar.model.news import Application, Applied, Differs, InDoubt, NeedsPerson, News, Waits

#: The class of a difference between the ERP's invoice and what Magento can invoice or has invoiced.
INVOICE = "invoice"
_ENDED = frozenset({"canceled", "closed"})
_WAITING = frozenset({"holded", "payment_review"})
_HELD_WAIT = 300.0


class InvoiceMaker:
    """Used by one thread at a time for one order."""

    def __init__(self, magento: MagentoRest, database: Database, orders: OpenOrders) -> None:
        self._magento = magento
        self._database = database
        self._orders = orders

    def invoice_open(
        self, news: News, order_id: int, mark: str, writing: Callable[[str], None]
    ) -> Application:
        """All that is open, with its payment captured; nothing open is as good as done."""
        return self.invoice(news, order_id, mark, None, writing, capture=True)

    def invoice(
        self,
        news: News,
        order_id: int,
        mark: str,
        items: Iterable[NamedLine] | None,
        writing: Callable[[str], None],
        *,
        capture: bool,
        notify: bool = False,
        total: Decimal | None = None,
    ) -> Application:
        """These lines (None: all that is open).  `total`: what the ERP says that it comes to."""
        with self._database.transaction("reading what is open of an order") as connection:
            order = self._orders.read(connection, order_id)
        if order is None:
            return NeedsPerson("the order is gone from Magento", "was it deleted?")
        found = marked(documents.invoices_of(self._magento, order_id), mark)
        if found is not None:
            return _compared(found, total)
        if order.state in _WAITING:
            return Waits(f"the order is in the state {order.state} in Magento", _HELD_WAIT)
        try:
            lines = order.wanted(items, _open, shipping=False)
        except Mismatch as mismatch:
            return Differs(INVOICE, mismatch.ours, mismatch.theirs, mismatch.reason)
        if not lines:
            return _nothing_open(order, asked_for_all=items is None)
        if order.state in _ENDED:
            reason = f"the order is {order.state} in Magento"
            return Differs(INVOICE, order.state, "invoiced", reason)

        def make() -> int:
            named = [Quantity(item_id, quantity) for item_id, quantity in lines.items()]
            return documents.invoice(
                self._magento, order_id, named, capture=capture, comment=mark, notify=notify
            )

        memory = json.dumps({str(item_id): str(quantity) for item_id, quantity in lines.items()})
        made = made_once(news, memory, make, writing)
        if isinstance(made, InDoubt):
            return made
        made_now = marked(documents.invoices_of(self._magento, order_id), mark)
        return _compared(made_now, total) if made_now else Applied("invoice", document=made)


def _open(line: OpenLine) -> Decimal:
    return line.to_invoice


def _nothing_open(order: OpenOrder, *, asked_for_all: bool) -> Application:
    if asked_for_all and order.state not in _ENDED:
        return Applied("everything is invoiced already")
    reason = f"nothing is left to invoice of the order, which is {order.state}"
    return Differs(INVOICE, order.state, "invoiced", reason)


def _compared(made: Document, total: Decimal | None) -> Applied:
    """Magento splits shipping in a way of its own: the first invoice carries all of it."""
    return compared(made, total, "invoice", INVOICE, "the ERP invoiced another amount")
