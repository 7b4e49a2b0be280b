"""What must hold of an order before it may go to an ERP.

The arithmetic, in the order's currency and in the base currency, each by itself (Magento computes
and rounds both on their own, so neither follows from the other by the rate):

    Σ row totals of the sellable lines (+ their fixed product taxes) + shipping + tax
    + compensation for tax on discounts (of lines and of shipping) + discount + surcharges
    − credits = grand total

Magento's discount is negative.  Where prices include tax, row totals are without it and the tax
that a discount takes away is given back as the "discount tax compensation".  Surcharges are what
modules add (`domains.orders.totals`).  docs/amounts.md shows it on real orders.

Nothing here may be a rule that a sound shop cannot meet: modules have product types of their own,
importers leave flags and base amounts out, and Magento itself is off by a cent now and then.
"""

from __future__ import annotations

from decimal import Decimal

from sidecar.domains.orders.charges import total_of
from sidecar.domains.orders.payload import Order
from sidecar.model.money import CENT, Parts, imbalance, rounded

COMPOSITE_TYPES = frozenset({"configurable", "bundle"})

#: Magento's own roundings (of a discount over lines, of tax by row and by total) leave no more.
TOLERANCE = CENT

_ZERO = Decimal(0)


def problems(order: Order, tolerance: Decimal = TOLERANCE) -> list[str]:
    """Why the order must not be sent, each a sentence for a person; empty when all is well.

    `tolerance`: how far the sums may be off, in either currency.
    """
    return [
        *_of_identity(order),
        *_of_lines(order),
        *_of_addresses(order),
        *differences(order, tolerance),
    ]


def problems_of(payload: object) -> list[str]:
    """As `problems`, of a payload that may be what is left of an order that is gone."""
    return problems(payload) if isinstance(payload, Order) else []


def is_nameless(order: Order) -> bool:
    """Whether it has no number: an ERP knows an order by it, so nobody can let such a one go."""
    return not order.increment_id.strip()


def differences(order: Order, tolerance: Decimal = _ZERO) -> list[str]:
    """Where the order's amounts do not come to its total by more than `tolerance`, in words."""
    total = order.money(order.grand_total)
    sums = [imbalance("grand_total", total, _parts(order), tolerance)]
    if not order.base_is_derived:
        base_total = order.base_money(order.base_grand_total)
        sums.append(imbalance("base_grand_total", base_total, _base_parts(order), tolerance))
    return [problem for problem in sums if problem]


def _of_identity(order: Order) -> list[str]:
    problems = []
    if is_nameless(order):
        problems.append(f"the order with entity_id {order.entity_id} has no number (increment_id)")
    return problems


def _of_lines(order: Order) -> list[str]:
    problems = []
    present = {item.item_id for item in order.items}
    parents = {item.parent_item_id for item in order.items}
    for item in order.items:
        if item.parent_item_id is not None and item.parent_item_id not in present:
            problems.append(
                f"line {item.item_id} ({item.sku}) belongs to line {item.parent_item_id}, which "
                "the order does not have"
            )
        if item.product_type in COMPOSITE_TYPES and item.item_id not in parents:
            problems.append(
                f"line {item.item_id} ({item.sku}) is a {item.product_type} without the line of "
                "what it consists of"
            )
        if item.is_sellable and item.row_total and not item.qty_ordered:
            # NULL, as importers leave it: the ERP would book, and ship, nothing of it.
            problems.append(
                f"line {item.item_id} ({item.sku}) costs {rounded(item.row_total)} and has no "
                "quantity"
            )
    if not order.sellable_items:
        problems.append(f"no line to book among its {len(order.items)} lines")
    return problems


def _of_addresses(order: Order) -> list[str]:
    problems = []
    if not order.billing_address.entity_id:
        problems.append("no billing address")
    if order.shipping_address is None and _is_to_be_shipped(order):
        problems.append("no shipping address although the order is not virtual")
    if not order.payment.entity_id:
        problems.append("no payment")
    return problems


def _is_to_be_shipped(order: Order) -> bool:
    return not order.is_virtual and not (
        order.items and all(item.is_virtual for item in order.items)
    )


def _parts(order: Order) -> Parts:
    return (
        ("lines", total_of(order, lambda item: item.row_total)),
        ("fixed product tax", total_of(order, lambda item: item.weee_tax_applied_row_amount)),
        ("shipping", order.shipping_amount),
        ("tax", order.tax_amount),
        (
            "discount tax compensation",
            order.discount_tax_compensation_amount
            + order.shipping_discount_tax_compensation_amount,
        ),
        ("discount", order.discount_amount),
        *((charge.name, charge.amount) for charge in order.surcharges),
        ("credits", -order.credits_amount),
    )


def _base_parts(order: Order) -> Parts:
    return (
        ("lines", total_of(order, lambda item: item.base_row_total)),
        ("fixed product tax", total_of(order, lambda item: item.base_weee_tax_applied_row_amnt)),
        ("shipping", order.base_shipping_amount),
        ("tax", order.base_tax_amount),
        (
            "discount tax compensation",
            order.base_discount_tax_compensation_amount
            + order.base_shipping_discount_tax_compensation_amnt,
        ),
        ("discount", order.base_discount_amount),
        *((charge.name, charge.base_amount) for charge in order.surcharges),
        ("credits", -order.base_credits_amount),
    )
