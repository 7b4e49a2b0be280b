"""Make the ERP's credit notes into credit memos of Magento, each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from sidecar.database.connection import Database
from sidecar.domains.refunds.news import ErpRefund
from sidecar.domains.refunds.spec import SPEC
from sidecar.magento.made_once import compared, made_once, mark_of, marked
from sidecar.magento.open_order import Mismatch, OpenLine, OpenOrder, OpenOrders
from sidecar.magento.rest import documents
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.documents import CreditMemo, Document, Quantity
from sidecar.model.errors import BadData
from sidecar.model.news import Application, Applied, Differs, InDoubt, NeedsPerson, News, Waits

#: The class of a difference between the ERP's refund and what Magento can refund or has refunded.
REFUND = "refund"
_NONE = Decimal(0)
_HELD_WAIT = 300.0
_INVOICE_WAIT = 60.0
_PAID = 2


class RefundApplier:
    """See `sidecar.magento.applier.DocumentApplier`."""

    spec = SPEC

    def __init__(self, magento: MagentoRest, database: Database, orders: OpenOrders) -> None:
        self._magento = magento
        self._database = database
        self._orders = orders

    def apply(self, news: News, writing: Callable[[str], None]) -> Application:
        """See `DocumentApplier`."""
        refund = news.row
        if not isinstance(refund, ErpRefund) or news.entity_id is None:
            raise BadData("this is no refund")
        with self._database.transaction("reading what is open of an order") as connection:
            order = self._orders.read(connection, news.entity_id)
        if order is None:
            return NeedsPerson("the order is gone from Magento", "was it deleted?")
        mark = mark_of("refund", news.account, news.number)
        found = marked(documents.credit_memos_of(self._magento, order.entity_id), mark)
        if found is not None:
            return _compared(found, refund)
        if obstacle := _obstacle(order, refund):
            return obstacle
        try:
            lines = order.wanted(refund.items, _open, shipping=False)
            returned = _returned(order, refund)
        except Mismatch as mismatch:
            if _may_be_invoiced_yet(order, refund):
                return Waits("it is of what is not invoiced in Magento yet", _INVOICE_WAIT)
            return Differs(REFUND, mismatch.ours, mismatch.theirs, mismatch.reason)
        memo = CreditMemo(
            shipping_amount=refund.shipping,
            items=[Quantity(item_id, quantity) for item_id, quantity in lines.items()],
            adjustment_positive=max(_NONE, refund.adjustment),
            adjustment_negative=max(_NONE, -refund.adjustment),
            comment=mark,
            notify=refund.notify,
            return_to_stock=returned,
        )
        return self._made(news, order, refund, memo, mark, writing)

    def _made(
        self,
        news: News,
        order: OpenOrder,
        refund: ErpRefund,
        memo: CreditMemo,
        mark: str,
        writing: Callable[[str], None],
    ) -> Application:
        make: Callable[[], int]
        if refund.online:
            invoice = self._paid_invoice(order)
            if isinstance(invoice, NeedsPerson):
                return invoice

            def make() -> int:
                return documents.refund_invoice(
                    self._magento, order.entity_id, invoice, memo, online=True
                )
        else:

            def make() -> int:
                return documents.refund(self._magento, order.entity_id, memo)

        memory = json.dumps({str(one.order_item_id): str(one.qty) for one in memo.items})
        made = made_once(news, memory, make, writing)
        if isinstance(made, InDoubt):
            return made
        stands = marked(documents.credit_memos_of(self._magento, order.entity_id), mark)
        return _compared(stands, refund) if stands else Applied("credit memo", document=made)

    def _paid_invoice(self, order: OpenOrder) -> int | NeedsPerson:
        """The invoice whose payment is given back: money goes back by the invoice that took it."""
        paid = [
            invoice.entity_id
            for invoice in documents.invoices_of(self._magento, order.entity_id)
            if invoice.state == _PAID
        ]
        if len(paid) == 1:
            return paid[0]
        return NeedsPerson(
            f"the order has {len(paid)} paid invoices, and money goes back by one",
            "refund it in Magento's admin by the right one, then 'erp-sidecar incoming drop' it",
        )


def _open(line: OpenLine) -> Decimal:
    return line.to_refund


def _may_be_invoiced_yet(order: OpenOrder, refund: ErpRefund) -> bool:
    """Whether an invoice that is still on its way (each domain is asked for itself) would do."""
    try:
        order.wanted(refund.items, lambda line: line.to_refund + line.to_invoice, shipping=False)
    except Mismatch:
        return False
    return True


def _obstacle(order: OpenOrder, refund: ErpRefund) -> Application | None:
    if order.state == "holded":
        return Waits("the order is on hold in Magento", _HELD_WAIT)
    if order.state in ("canceled", "closed"):
        return Differs(REFUND, order.state, "refunded", f"the order is {order.state} in Magento")
    if not refund.items and not refund.shipping and not refund.adjustment:
        return NeedsPerson(
            "the ERP's refund names no line, no shipping and no adjustment",
            "correct the mapping of refunds: changes in the file of calls",
        )
    if refund.shipping < 0:
        return NeedsPerson("the ERP refunds a negative shipping amount", "correct it in the ERP")
    if refund.currency is not None and refund.currency != order.currency:
        return Differs(REFUND, order.currency, refund.currency, "the currency is not the order's")
    return None


def _returned(order: OpenOrder, refund: ErpRefund) -> list[int]:
    """The lines whose goods lie in the warehouse again."""
    back = [line for line in refund.items if line.to_stock]
    return list(order.wanted(back, lambda line: line.invoiced, shipping=False)) if back else []


def _compared(made: Document, refund: ErpRefund) -> Applied:
    reason = "the ERP refunded another amount"
    return compared(made, refund.total, "credit memo", REFUND, reason)
