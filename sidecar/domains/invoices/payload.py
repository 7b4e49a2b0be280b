"""An invoice as one immutable value: the payload of the invoice events."""

from __future__ import annotations

from sidecar.magento.money_document import MoneyDocument
from sidecar.model.columns import Decimal12


class Invoice(MoneyDocument, frozen=True, kw_only=True, gc=False):
    """Row of sales_invoice and its lines.

    `state`: 1 open (not paid yet), 2 paid, 3 canceled.  `transaction_id` is there where the payment
    provider captured online.  Ours: `order_increment_id` and `order_grand_total` of the order that
    it invoices, `store_code`.
    """

    total_qty: Decimal12
