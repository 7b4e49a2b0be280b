"""A refund (Magento's credit memo) as one immutable value: the payload of the refund events."""

from __future__ import annotations

from sidecar.magento.money_document import MoneyDocument
from sidecar.model.columns import Decimal20


class Refund(MoneyDocument, frozen=True, kw_only=True, gc=False):
    """Row of sales_creditmemo and its lines.

    `state`: 1 open (the money is not back yet), 2 refunded, 3 canceled.  `transaction_id` is there
    where the payment provider refunded online.  Ours: `order_increment_id` and
    `order_grand_total` of the order that it refunds, `store_code`.
    """

    invoice_id: int | None
    adjustment: Decimal20
    base_adjustment: Decimal20
    adjustment_positive: Decimal20
    base_adjustment_positive: Decimal20
    adjustment_negative: Decimal20
    base_adjustment_negative: Decimal20
