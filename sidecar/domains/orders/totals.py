"""Totals that Magento does not have of itself: fees, gift wrapping, a module's surcharge.

A module adds a column to sales_order (or sales_order_item) and its amount to grand_total.  Which
columns count is known in three ways: the configuration names them (`domains.orders.totals`), they
are Adobe Commerce's own, or, where an order does not add up, they explain it to the cent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, product
from typing import Literal

from sidecar.domains.orders.charges import is_money
from sidecar.model.errors import ConfigurationError

ORDER, ITEMS = "sales_order", "sales_order_item"

#: An order has a fee, perhaps with its tax, perhaps a discount beside it; more is no explanation.
_MOST_AT_ONCE = 3
#: Modules leave many columns; the search grows with the third power of their number.
_MOST_CANDIDATES = 12
#: What became of an amount later, and the same amount in another form, are no totals.
_NO_TOTALS = (
    "_invoiced", "_refunded", "_canceled", "_paid", "_due", "_incl_tax", "_rate", "_cost",
    "_percent", "_weight",
)  # fmt: skip
_MAGENTOS_OWN = frozenset(
    {"adjustment_negative", "adjustment_positive", "payment_authorization_amount"}
)


@dataclass(frozen=True, slots=True)
class ExtraTotal:
    """A column that is read by name; `counts`: 1 added to the grand total, −1 taken off it, 0 not.

    `base`: the column of the same amount in the base currency, None where there is none.
    """

    column: str
    base: str | None
    counts: Literal[1, 0, -1]
    table: str = ORDER


#: Adobe Commerce's gift wrapping: of the order, of its lines, the printed card.  Its tax is in
#: tax_amount.  What was paid by credit is `credits_amount`, and can be read by name too.
COMMERCE = (
    ExtraTotal("gw_price", "gw_base_price", 1),
    ExtraTotal("gw_items_price", "gw_items_base_price", 1),
    ExtraTotal("gw_card_price", "gw_card_base_price", 1),
    ExtraTotal("customer_balance_amount", "base_customer_balance_amount", 0),
    ExtraTotal("gift_cards_amount", "base_gift_cards_amount", 0),
    ExtraTotal("reward_currency_amount", "base_reward_currency_amount", 0),
)

Columns = Mapping[str, frozenset[str]]


def extra_totals(
    named: Iterable[ExtraTotal], columns: Columns, where: Mapping[str, str]
) -> tuple[ExtraTotal, ...]:
    """Those named and Commerce's, as far as the shop has them.

    `where`: a named column's place in the configuration.  Raises ConfigurationError for a named
    column that the shop does not have.
    """
    named = tuple(named)
    missing = [
        f"{where.get(total.column, 'domains.orders.totals')}: {total.table} has no column {column}"
        for total in named
        for column in (total.column, total.base)
        if column is not None and column not in columns[total.table]
    ]
    if missing:
        raise ConfigurationError(
            "\n".join(missing),
            "correct the name, or take it out if its module was removed from the shop",
        )
    configured = {total.column for total in named}
    of_commerce = [
        total
        for total in COMMERCE
        if total.column not in configured and {total.column, total.base} <= columns[ORDER]
    ]
    return (*named, *of_commerce)


def candidates(amounts: Iterable[str], read: Iterable[str]) -> tuple[ExtraTotal, ...]:
    """The columns of amounts in sales_order that may be a module's total, shortest names first.

    `amounts`: its decimal columns; `read`: those whose meaning is known.
    """
    amounts, taken = frozenset(amounts), frozenset(read) | _MAGENTOS_OWN
    totals = [
        ExtraTotal(name, base if (base := f"base_{name}") in amounts else None, 1)
        for name in amounts - taken
        if not name.startswith("base_") and not name.endswith(_NO_TOTALS)
    ]
    return tuple(sorted(totals, key=lambda total: (len(total.column), total.column)))


@dataclass(frozen=True, slots=True)
class Amounts:
    """What one order has in a candidate's columns."""

    total: ExtraTotal
    amount: Decimal
    base_amount: Decimal


def explanation(
    missing: Decimal, base_missing: Decimal, amounts: Sequence[Amounts]
) -> list[Amounts]:
    """The fewest amounts that come to what is missing, in both currencies; empty for none.

    Signed as they count: what a module takes off the total stands in its column without a sign.
    """
    held = [part for part in amounts if part.amount or part.base_amount][:_MOST_CANDIDATES]
    for size in range(1, min(_MOST_AT_ONCE, len(held)) + 1):
        for chosen in combinations(held, size):
            for signs in product((1, -1), repeat=size):
                signed = [
                    Amounts(part.total, sign * part.amount, sign * part.base_amount)
                    for sign, part in zip(signs, chosen, strict=True)
                ]
                amount = missing - sum(part.amount for part in signed)
                base_amount = base_missing - sum(part.base_amount for part in signed)
                if not is_money(amount) and not is_money(base_amount):
                    return signed
    return []
