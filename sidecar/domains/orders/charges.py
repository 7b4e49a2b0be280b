"""What an order's grand total has beside goods and shipping.

A charge is for whoever adds up: Magento's total has parts that stand in no line (fixed product
taxes, fees of modules, store credit), and an ERP that reckons for itself must be told each.
docs/amounts.md shows the arithmetic on real orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from sidecar.model.money import CENT, rounded

if TYPE_CHECKING:
    from sidecar.domains.orders.payload import Order, OrderItem

_ZERO = Decimal(0)
#: taxable_item_type of the tax on a fixed product tax.
_WEEE = "weee"


class Charge(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Part of the grand total that is neither goods nor shipping (ours).

    `name`: the column that it stands in, `weee_tax` for a fixed product tax, `credits` for what
    store credit, gift cards and reward points paid, `discount` for one that no line shows,
    `difference` for what Magento's amounts leave.  `amount` is without tax and signed as it
    counts; `item_id` where it belongs to one line.
    """

    name: str
    amount: Decimal
    base_amount: Decimal
    tax_amount: Decimal = _ZERO
    base_tax_amount: Decimal = _ZERO
    tax_percent: Decimal = _ZERO
    item_id: int | None = None


def charges_of(order: Order) -> tuple[Charge, ...]:
    """See `Order.charges`; the `difference` is the last, and only where there is one."""
    charges = (
        *(item.weee_tax for item in order.sellable_items if item.weee_tax),
        *order.surcharges,
        *_credits(order),
        *_discount(order),
    )
    return (*charges, *_difference(order, charges))


def weee_tax_of(item: OrderItem) -> Charge | None:
    """See `OrderItem.weee_tax`."""
    on_it = [tax for tax in item.taxes if tax.taxable_item_type == _WEEE]
    if not (item.weee_tax_applied_row_amount or item.base_weee_tax_applied_row_amnt or on_it):
        return None
    return Charge(
        name="weee_tax",
        amount=item.weee_tax_applied_row_amount,
        base_amount=item.base_weee_tax_applied_row_amnt,
        tax_amount=sum((tax.real_amount for tax in on_it), _ZERO),
        base_tax_amount=sum((tax.real_base_amount for tax in on_it), _ZERO),
        tax_percent=sum((tax.tax_percent for tax in on_it), _ZERO),
        item_id=item.item_id,
    )


def total_of(order: Order, amount: Callable[[OrderItem], Decimal]) -> Decimal:
    """The sum of an amount over the lines that an ERP books."""
    return sum((amount(item) for item in order.sellable_items), _ZERO)


def is_money(amount: Decimal) -> bool:
    """Whether it is worth a cent: Magento keeps four places, and rounds each amount alone."""
    return rounded(abs(amount)) >= CENT


def _credits(order: Order) -> Iterator[Charge]:
    if order.credits_amount or order.base_credits_amount:
        yield Charge(
            name="credits", amount=-order.credits_amount, base_amount=-order.base_credits_amount
        )


def _discount(order: Order) -> Iterator[Charge]:
    """What a module took off the whole order and no line shows."""
    amount = (
        order.discount_amount
        + order.discount_tax_compensation_amount
        + total_of(order, lambda item: item.net_discount_amount)
        + order.shipping_discount_amount
    )
    base_amount = (
        order.base_discount_amount
        + order.base_discount_tax_compensation_amount
        + total_of(order, lambda item: item.base_net_discount_amount)
        + order.base_shipping_discount_amount
    )
    if is_money(amount) or is_money(base_amount):
        yield Charge(name="discount", amount=amount, base_amount=base_amount)


def _difference(order: Order, charges: Sequence[Charge]) -> Iterator[Charge]:
    tax = (
        order.tax_amount
        - order.shipping_tax_amount
        - total_of(order, lambda item: item.tax_amount)
        - sum((charge.tax_amount for charge in charges), _ZERO)
    )
    base_tax = (
        order.base_tax_amount
        - order.base_shipping_tax_amount
        - total_of(order, lambda item: item.base_tax_amount)
        - sum((charge.base_tax_amount for charge in charges), _ZERO)
    )
    amount = (
        order.grand_total
        - order.tax_amount
        - order.net_shipping_amount
        - total_of(order, lambda item: item.row_total - item.net_discount_amount)
        - sum((charge.amount for charge in charges), _ZERO)
    )
    base_amount = (
        order.base_grand_total
        - order.base_tax_amount
        - order.base_net_shipping_amount
        - total_of(order, lambda item: item.base_row_total - item.base_net_discount_amount)
        - sum((charge.base_amount for charge in charges), _ZERO)
    )
    if any(map(is_money, (amount, base_amount, tax, base_tax))):
        yield Charge(
            name="difference",
            amount=amount,
            base_amount=base_amount,
            tax_amount=tax,
            base_tax_amount=base_tax,
        )
