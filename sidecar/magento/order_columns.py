"""Which columns an order is read from: they follow the fields of `sidecar.domain.order`.

A field that has Magento's name is a column of the same name, so the value and the statement cannot
drift apart; only what is named in `_OURS` comes from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domain.columns import bare
from sidecar.domain.order import (
    Address,
    Order,
    OrderItem,
    Payment,
    StatusHistory,
    TaxItem,
    TaxRate,
)

_OURS: dict[type[msgspec.Struct], frozenset[str]] = {
    Order: frozenset(
        {
            "store_code", "website_code", "customer_group_code", "applied_rules",
            "pickup_location_code", "credits_amount", "base_credits_amount", "billing_address",
            "shipping_address", "payment", "items", "taxes", "shipping_taxes", "status_histories",
        }
    ),
    OrderItem: frozenset({"is_sellable", "parent_sku", "options", "taxes"}),
    Payment: frozenset({"method_title"}),
    TaxItem: frozenset({"tax_code"}),
}  # fmt: skip

# Magento's tables allow NULL nearly everywhere, also where an order without a value makes no
# sense.  The server turns it into nothing of the right type: an amount of NULL is an amount of 0.
# Not for integers: COALESCE of an unsigned column and 0 is a decimal; those needed are NOT NULL.
_NOTHING: dict[object, str] = {Decimal: "0", str: "''"}


@dataclass(frozen=True, slots=True)
class RowShape:
    """How rows of one table become values of one Struct."""

    struct: type[msgspec.Struct]
    columns: tuple[str, ...]
    _expressions: tuple[str, ...]
    _flags: tuple[str, ...]

    @classmethod
    def of(cls, struct: type[msgspec.Struct]) -> RowShape:
        """The shape of a Struct of `sidecar.domain.order`."""
        ours = _OURS.get(struct, frozenset())
        fields = [field for field in msgspec.structs.fields(struct) if field.name not in ours]
        return cls(
            struct,
            tuple(field.name for field in fields),
            tuple(
                f"COALESCE({{alias}}`{field.name}`, {_NOTHING[kind]})"
                if (kind := bare(field.type)) in _NOTHING
                else f"{{alias}}`{field.name}`"
                for field in fields
            ),
            tuple(field.name for field in fields if field.type is bool),
        )

    def select(self, alias: str = "") -> str:
        """The select list, in the order that `values` expects."""
        prefix = f"{alias}." if alias else ""
        return ", ".join(self._expressions).format(alias=prefix)

    def values(self, row: Sequence[Any], start: int = 0) -> dict[str, Any]:
        """The Struct's arguments out of a row whose column `start` is the first of `select`."""
        stop = start + len(self.columns)
        values = dict(zip(self.columns, row[start:stop], strict=True))
        for flag in self._flags:
            values[flag] = bool(values[flag])
        return values


ORDER = RowShape.of(Order)
ITEM = RowShape.of(OrderItem)
ADDRESS = RowShape.of(Address)
PAYMENT = RowShape.of(Payment)
TAX_RATE = RowShape.of(TaxRate)
TAX_ITEM = RowShape.of(TaxItem)
HISTORY = RowShape.of(StatusHistory)

#: Adobe Commerce only: what was paid with store credit, gift cards and reward points.
CREDIT_COLUMNS = ("customer_balance_amount", "gift_cards_amount", "reward_currency_amount")
