"""Amounts that Magento's row lacks, out of the same amount in the other currency.

Importers and API clients leave base amounts out: NULL in sales_order, 0 in sales_order_item, whose
columns have that default.  Read as "nothing", no such order would ever add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sidecar.model.money import CENT, rounded

_ZERO = Decimal(0)
#: Base amounts whose name Magento cut to the length of a column.
_CUT = {
    "base_weee_tax_applied_row_amnt": "weee_tax_applied_row_amount",
    "base_shipping_discount_tax_compensation_amnt": "shipping_discount_tax_compensation_amount",
}

Pairs = Sequence[tuple[str, str]]


def pairs_of(columns: Sequence[str]) -> Pairs:
    """(amount, base amount) of those columns that come in both currencies."""
    twins = {_CUT.get(name, name.removeprefix("base_")): name for name in columns if _is_base(name)}
    return tuple((name, twins[name]) for name in columns if name in twins)


def rate_of(order: Mapping[str, Any]) -> Decimal | None:
    """How many of the order's currency one of the base currency is; None where nobody knows."""
    if order["order_currency_code"] == order["base_currency_code"]:
        return Decimal(1)
    return order["base_to_order_rate"] or None


def fill(values: dict[str, Any], pairs: Pairs, rate: Decimal | None) -> bool:
    """Reckon what is missing of each pair; gives whether anything was."""
    filled = False
    for name, base in pairs:
        amount, base_amount = values[name], values[base]
        if amount and not base_amount:
            reckoned = _ZERO if rate is None else _converted(amount, 1 / rate)
            if rate is None or abs(reckoned) >= CENT:
                values[base], filled = reckoned, True
        elif base_amount and amount is None:
            values[name] = _ZERO if rate is None else _converted(base_amount, rate)
            filled = True
    return filled


def _converted(amount: Decimal, rate: Decimal) -> Decimal:
    return amount if rate == 1 else rounded(amount * rate)


def _is_base(name: str) -> bool:
    return name.startswith("base_") and not name.endswith(("_rate", "_code"))
