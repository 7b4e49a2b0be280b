"""What must hold of an invoice or a credit memo before it may go to an ERP.

In the order's currency and in the base currency, each by itself:

    Σ row totals of the sellable lines (+ their fixed product taxes) + tax + shipping
    + compensation for tax on discounts (of the document and of shipping) + discount
    + adjustment (credit memos only) = grand total

Magento's discount is negative; its tax has the shipping's in it.  Held against the documents of a
real Magento (tests/acceptance/test_recorded_flows.py).
"""

from __future__ import annotations

from decimal import Decimal

from sidecar.magento.money_document import MoneyDocument
from sidecar.model.money import Basis, Money, Parts, imbalance, rounded

_ZERO = Decimal(0)


def document_problems(
    document: MoneyDocument, tolerance: Decimal, called: str, takes: str
) -> list[str]:
    """Why it must not be sent, its sums apart: sentences for a person; empty when all is well.

    `called`: what people call such a document; `takes`: what it does with its amount.
    """
    broken = []
    if not document.increment_id.strip():
        broken.append(f"the {called} has no number (increment_id)")
    if document.grand_total > document.order_grand_total + tolerance:
        broken.append(
            f"it {takes} {rounded(document.grand_total)} {document.order_currency_code} of order "
            f"{document.order_increment_id}, which was only {rounded(document.order_grand_total)}"
        )
    return broken


def imbalances(
    document: MoneyDocument,
    tolerance: Decimal,
    adjustment: Decimal = _ZERO,
    base_adjustment: Decimal = _ZERO,
) -> list[str]:
    """Where the parts are not the total, as arithmetic."""
    total = Money(document.grand_total, document.order_currency_code, Basis.ORDER)
    base_total = Money(document.base_grand_total, document.base_currency_code, Basis.BASE)
    parts = (*_parts(document), ("adjustment", adjustment))
    base_parts = (*_base_parts(document), ("adjustment", base_adjustment))
    sums = (
        imbalance("grand_total", total, parts, tolerance),
        imbalance("base_grand_total", base_total, base_parts, tolerance),
    )
    return [problem for problem in sums if problem]


def _parts(document: MoneyDocument) -> Parts:
    lines = document.sellable_items
    return (
        ("lines", sum((item.row_total for item in lines), _ZERO)),
        ("fixed product tax", sum((i.weee_tax_applied_row_amount for i in lines), _ZERO)),
        ("shipping", document.shipping_amount),
        ("tax", document.tax_amount),
        (
            "tax compensation",
            document.discount_tax_compensation_amount
            + document.shipping_discount_tax_compensation_amount,
        ),
        ("discount", document.discount_amount),
    )


def _base_parts(document: MoneyDocument) -> Parts:
    lines = document.sellable_items
    return (
        ("lines", sum((item.base_row_total for item in lines), _ZERO)),
        ("fixed product tax", sum((i.base_weee_tax_applied_row_amnt for i in lines), _ZERO)),
        ("shipping", document.base_shipping_amount),
        ("tax", document.base_tax_amount),
        (
            "tax compensation",
            document.base_discount_tax_compensation_amount
            + document.base_shipping_discount_tax_compensation_amnt,
        ),
        ("discount", document.base_discount_amount),
    )
