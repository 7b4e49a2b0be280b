"""Which columns an order is read from: they follow the fields of `sidecar.domains.orders.payload`.

A field that has Magento's name is a column of the same name, so the value and the statement cannot
drift apart; only what is named in `_OURS` comes from elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domains.orders.amounts import Pairs, fill, pairs_of
from sidecar.domains.orders.payload import (
    Address,
    DownloadLink,
    GiftMessage,
    Order,
    OrderItem,
    Payment,
    PaymentTransaction,
    StatusHistory,
    TaxItem,
    TaxRate,
)
from sidecar.model.columns import bare

_OURS: dict[type[msgspec.Struct], frozenset[str]] = {
    Order: frozenset(
        {
            "store_code", "website_code", "customer_group_code", "applied_rules",
            "pickup_location_code", "credits_amount", "base_credits_amount", "surcharges", "extra",
            "base_is_derived", "gift_message", "guest_account", "billing_address",
            "shipping_address", "payment", "items", "taxes", "shipping_taxes", "status_histories",
        }
    ),
    OrderItem: frozenset(
        {
            "is_sellable", "parent_sku", "catalog_sku", "options", "gift_message",
            "download_links", "taxes", "extra",
        }
    ),
    Payment: frozenset({"method_title", "transactions"}),
    TaxItem: frozenset({"tax_code"}),
}  # fmt: skip

# Magento's tables allow NULL nearly everywhere, also where an order without a value makes no
# sense.  A text of NULL is an empty one, an amount of NULL is reckoned from the other currency's,
# else 0.  Not for integers: those needed are NOT NULL.
_NO_TEXT = "''"


@dataclass(frozen=True, slots=True)
class RowShape:
    """How rows of one table become values of one Struct."""

    struct: type[msgspec.Struct]
    columns: tuple[str, ...]
    _expressions: tuple[str, ...]
    _flags: tuple[str, ...]
    _amounts: tuple[str, ...]
    _pairs: Pairs

    @classmethod
    def of(cls, struct: type[msgspec.Struct]) -> RowShape:
        """The shape of a Struct of `sidecar.domains.orders.payload`."""
        ours = _OURS.get(struct, frozenset())
        fields = [field for field in msgspec.structs.fields(struct) if field.name not in ours]
        return cls(
            struct,
            tuple(field.name for field in fields),
            tuple(
                f"COALESCE({{alias}}`{field.name}`, {_NO_TEXT})"
                if bare(field.type) is str
                else f"{{alias}}`{field.name}`"
                for field in fields
            ),
            tuple(field.name for field in fields if field.type is bool),
            (amounts := tuple(field.name for field in fields if bare(field.type) is Decimal)),
            pairs_of(amounts),
        )

    def select(self, alias: str = "") -> str:
        """The select list, in the order that `values` expects."""
        prefix = f"{alias}." if alias else ""
        return ", ".join(self._expressions).format(alias=prefix)

    def raw(self, row: Sequence[Any], start: int = 0) -> dict[str, Any]:
        """The row by name, as it is; its column `start` is the first of `select`."""
        return dict(zip(self.columns, row[start : start + len(self.columns)], strict=True))

    def complete(self, values: dict[str, Any], rate: Decimal | None = None) -> bool:
        """Make the Struct's arguments of a raw row; gives whether amounts had to be reckoned.

        `rate`: of the base currency into the order's, None where that is not known.
        """
        reckoned = fill(values, self._pairs, rate)
        for amount in self._amounts:
            if values[amount] is None:
                values[amount] = _ZERO
        for flag in self._flags:
            values[flag] = bool(values[flag])
        return reckoned

    def values(self, row: Sequence[Any], start: int = 0) -> dict[str, Any]:
        """The Struct's arguments out of a row without pairs of currencies."""
        values = self.raw(row, start)
        self.complete(values)
        return values


_ZERO = Decimal(0)

ORDER = RowShape.of(Order)
ITEM = RowShape.of(OrderItem)
ADDRESS = RowShape.of(Address)
PAYMENT = RowShape.of(Payment)
TAX_RATE = RowShape.of(TaxRate)
TAX_ITEM = RowShape.of(TaxItem)
HISTORY = RowShape.of(StatusHistory)
TRANSACTION = RowShape.of(PaymentTransaction)
GIFT_MESSAGE = RowShape.of(GiftMessage)
DOWNLOAD_LINK = RowShape.of(DownloadLink)

#: Adobe Commerce only: what was paid with store credit, gift cards and reward points.
CREDIT_COLUMNS = ("customer_balance_amount", "gift_cards_amount", "reward_currency_amount")
