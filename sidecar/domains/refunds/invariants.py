"""What must hold of a refund before it may go to an ERP.

In the order's currency and in the base currency, each by itself:

    Σ row totals of the sellable lines (+ their fixed product taxes) + tax + shipping
    + compensation for tax on discounts (of the document and of shipping) + discount
    + adjustment_positive − adjustment_negative = grand total

Magento's discount is negative; its tax has the shipping's in it.  Held against the credit memos of
a real Magento (tests/acceptance/test_recorded_flows.py).
"""

from __future__ import annotations

from decimal import Decimal

from sidecar.domains.refunds.payload import Refund
from sidecar.model.money import CENT, Basis, Money, Parts, imbalance, rounded


def problems(refund: Refund, tolerance: Decimal = CENT) -> list[str]:
    """Why the refund must not be sent, each a sentence for a person; empty when all is well."""
    broken = []
    if not refund.increment_id.strip():
        broken.append("the credit memo has no number (increment_id)")
    if refund.grand_total > refund.order_grand_total + tolerance:
        broken.append(
            f"it refunds {rounded(refund.grand_total)} {refund.order_currency_code} of order "
            f"{refund.order_increment_id}, which was only {rounded(refund.order_grand_total)}"
        )
    return broken + differences(refund, tolerance)


def problems_of(payload: object) -> list[str]:
    """As `problems`, of any payload."""
    return problems(payload) if isinstance(payload, Refund) else []


def differences(refund: Refund, tolerance: Decimal = Decimal(0)) -> list[str]:
    """Where the parts are not the total, as arithmetic."""
    total = Money(refund.grand_total, refund.order_currency_code, Basis.ORDER)
    base_total = Money(refund.base_grand_total, refund.base_currency_code, Basis.BASE)
    sums = (
        imbalance("grand_total", total, _parts(refund), tolerance),
        imbalance("base_grand_total", base_total, _base_parts(refund), tolerance),
    )
    return [problem for problem in sums if problem]


def _parts(refund: Refund) -> Parts:
    lines = refund.sellable_items
    return (
        ("lines", sum((item.row_total for item in lines), Decimal(0))),
        ("fixed product tax", sum((i.weee_tax_applied_row_amount for i in lines), Decimal(0))),
        ("shipping", refund.shipping_amount),
        ("tax", refund.tax_amount),
        (
            "tax compensation",
            refund.discount_tax_compensation_amount
            + refund.shipping_discount_tax_compensation_amount,
        ),
        ("discount", refund.discount_amount),
        ("adjustment", refund.adjustment_positive - refund.adjustment_negative),
    )


def _base_parts(refund: Refund) -> Parts:
    lines = refund.sellable_items
    return (
        ("lines", sum((item.base_row_total for item in lines), Decimal(0))),
        ("fixed product tax", sum((i.base_weee_tax_applied_row_amnt for i in lines), Decimal(0))),
        ("shipping", refund.base_shipping_amount),
        ("tax", refund.base_tax_amount),
        (
            "tax compensation",
            refund.base_discount_tax_compensation_amount
            + refund.base_shipping_discount_tax_compensation_amnt,
        ),
        ("discount", refund.base_discount_amount),
        ("adjustment", refund.base_adjustment_positive - refund.base_adjustment_negative),
    )
