"""What must hold of an order before it may go to an ERP.

The arithmetic, in the order's currency and in the base currency, each by itself (Magento computes
and rounds both on their own, so neither follows from the other by the rate):

    Σ row totals of the sellable lines (+ their fixed product taxes) + shipping + tax
    + compensation for tax on discounts (of lines and of shipping) + discount − credits
    = grand total, to the cent

Magento's discount is negative.  Where prices include tax, row totals are without it and the tax
that a discount takes away is given back as the "discount tax compensation".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from sidecar.domain.money import CENT, Money, rounded
from sidecar.domain.order import Order, OrderItem

PRODUCT_TYPES = frozenset(
    {"simple", "virtual", "downloadable", "configurable", "bundle", "grouped", "giftcard"}
)
COMPOSITE_TYPES = frozenset({"configurable", "bundle"})

_ALWAYS_SHOWN = frozenset({"shipping", "tax", "discount"})
_ZERO = Decimal(0)

_Parts = tuple[tuple[str, Decimal], ...]


def problems(order: Order) -> list[str]:
    """Why the order must not be sent, each a sentence for a human; empty when all is well."""
    return [*_of_identity(order), *_of_lines(order), *_of_addresses(order), *_of_totals(order)]


def _of_identity(order: Order) -> list[str]:
    """An ERP knows an order by its number: nobody can let one go that has none."""
    found = []
    if not order.increment_id.strip():
        found.append(f"the order with entity_id {order.entity_id} has no number (increment_id)")
    return found


def _of_lines(order: Order) -> list[str]:
    found = [
        f"line {item.item_id} ({item.sku}) is of the unknown product type "
        f"{item.product_type!r}; known are {', '.join(sorted(PRODUCT_TYPES))}"
        for item in order.items
        if item.product_type not in PRODUCT_TYPES
    ]
    present = {item.item_id for item in order.items}
    parents = {item.parent_item_id for item in order.items}
    for item in order.items:
        if item.parent_item_id is not None and item.parent_item_id not in present:
            found.append(
                f"line {item.item_id} ({item.sku}) belongs to line {item.parent_item_id}, which "
                "the order does not have"
            )
        if item.product_type in COMPOSITE_TYPES and item.item_id not in parents:
            found.append(
                f"line {item.item_id} ({item.sku}) is a {item.product_type} without the line of "
                "what it consists of"
            )
    if not order.sellable_items:
        found.append(f"no line to book among its {len(order.items)} lines")
    return found


def _of_addresses(order: Order) -> list[str]:
    found = []
    if not order.billing_address.entity_id:
        found.append("no billing address")
    if order.shipping_address is None and not order.is_virtual:
        found.append("no shipping address although the order is not virtual")
    if not order.payment.entity_id:
        found.append("no payment")
    return found


def _of_totals(order: Order) -> list[str]:
    sums = (
        _of_sum(order.money, _parts(order), "grand_total", order.grand_total),
        _of_sum(order.base_money, _base_parts(order), "base_grand_total", order.base_grand_total),
    )
    return [problem for problem in sums if problem]


def _parts(order: Order) -> _Parts:
    return (
        ("lines", _total(order, lambda item: item.row_total)),
        ("fixed product tax", _total(order, lambda item: item.weee_tax_applied_row_amount)),
        ("shipping", order.shipping_amount),
        ("tax", order.tax_amount),
        (
            "discount tax compensation",
            order.discount_tax_compensation_amount
            + order.shipping_discount_tax_compensation_amount,
        ),
        ("discount", order.discount_amount),
        ("credits", -order.credits_amount),
    )


def _base_parts(order: Order) -> _Parts:
    return (
        ("lines", _total(order, lambda item: item.base_row_total)),
        ("fixed product tax", _total(order, lambda item: item.base_weee_tax_applied_row_amnt)),
        ("shipping", order.base_shipping_amount),
        ("tax", order.base_tax_amount),
        (
            "discount tax compensation",
            order.base_discount_tax_compensation_amount
            + order.base_shipping_discount_tax_compensation_amnt,
        ),
        ("discount", order.base_discount_amount),
        ("credits", -order.base_credits_amount),
    )


def _total(order: Order, amount: Callable[[OrderItem], Decimal | None]) -> Decimal:
    return sum((amount(item) or _ZERO for item in order.sellable_items), _ZERO)


def _of_sum(
    money: Callable[[Decimal], Money], parts: _Parts, field: str, claimed: Decimal
) -> str | None:
    """The arithmetic in words when it does not come to `claimed`, the amount of `field`."""
    total = money(_ZERO)
    for _, amount in parts:
        total += money(amount)
    difference = money(claimed) - total
    if rounded(abs(difference.amount)) < CENT:
        return None
    (first, amount), *others = parts
    terms = [f"{rounded(amount)} ({first})"] + [
        f"{_sign(name, amount)} {rounded(abs(amount))} ({name})"
        for name, amount in others
        if amount or name in _ALWAYS_SHOWN
    ]
    verdict = "too much" if difference.amount > 0 else "too little"
    return (
        f"{' '.join(terms)} = {rounded(total.amount)}, but {field} is {rounded(claimed)}: "
        f"{abs(difference)} {verdict}"
    )


def _sign(name: str, amount: Decimal) -> str:
    return "−" if amount < 0 or (name == "discount" and not amount) else "+"
