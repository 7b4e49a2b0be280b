"""Base, special and tier prices by Magento's bulk calls.

They touch the price tables alone, where saving a product would also write back the stock that it
was loaded with.  Each answers 200 with a list of what failed, and the good rows are written.  With
prices of global scope any `store_id` writes the price of all stores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from itertools import groupby
from typing import Any, Literal, TypeVar

import msgspec
from msgspec.json import Decoder

from sidecar.magento.rest.answer import Complaint, reasons_of
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.errors import MagentoRefused
from sidecar.magento.rest.exact import exact
from sidecar.magento.rest.in_portions import Refusal, Unit, in_portions

_FREE = Decimal(0)
_MOST_ASKED = 100
#: Magento's names of what is wrong, where `parameters` are [name, value].
_FIELD_NAMES = ("SKU", "Price")


class BasePrice(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a SKU; store 0 is the default value."""

    sku: str
    price: Decimal
    store_id: int = 0


class SpecialPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price for a while: from and to as Magento keeps them: `2026-11-01 00:00:00`."""

    sku: str
    price: Decimal
    price_from: str
    price_to: str
    store_id: int = 0


class TierPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price from a quantity on, for a group of customers of a website (0: all)."""

    sku: str
    price: Decimal
    quantity: Decimal
    price_type: Literal["fixed", "discount"] = "fixed"
    website_id: int = 0
    customer_group: str = "ALL GROUPS"


#: `post` or `put` of the client.
Write = Callable[[str, dict[str, Any], Decoder[list[Complaint]]], list[Complaint]]
Price = TypeVar("Price", bound=BasePrice | SpecialPrice | TierPrice)


_FAILED = Decoder(list[Complaint])
_BASE_PRICES = Decoder(list[BasePrice], strict=False)


def write_base_prices(
    magento: MagentoRest, prices: Sequence[BasePrice]
) -> tuple[Refusal[BasePrice], ...]:
    """Set them; those that Magento did not take.  Raises BadData for what is no price."""
    _require_prices(prices)
    return _each(magento, "products/base-prices", prices)


def write_special_prices(
    magento: MagentoRest, prices: Sequence[SpecialPrice]
) -> tuple[Refusal[SpecialPrice], ...]:
    """Set them; those that Magento did not take."""
    _require_prices(prices)
    return _each(magento, "products/special-price", prices)


def delete_special_prices(
    magento: MagentoRest, prices: Sequence[SpecialPrice]
) -> tuple[Refusal[SpecialPrice], ...]:
    """Take them away.

    Magento finds one by all its fields: where one differs nothing is deleted and nothing said.
    """
    _require_prices(prices)
    return _each(magento, "products/special-price-delete", prices)


def replace_tier_prices(
    magento: MagentoRest, prices: Sequence[TierPrice]
) -> tuple[Refusal[TierPrice], ...]:
    """All tiers of each SKU that is named are replaced by these.

    Where one tier of a SKU was not taken all of them are told, whatever became of the others.
    """
    _require_tiers(prices)
    # A SKU's tiers in two calls: the second would take away those of the first.
    units = [tuple(tiers) for _, tiers in groupby(sorted(prices, key=_sku), key=_sku)]
    send = partial(_sent, magento, magento.put, "products/tier-prices")
    return in_portions(units, send, magento.limits)


def delete_tier_prices(
    magento: MagentoRest, prices: Sequence[TierPrice]
) -> tuple[Refusal[TierPrice], ...]:
    """Take them away.

    Magento finds one by all its fields: where one differs nothing is deleted and nothing said.
    """
    _require_tiers(prices)
    return _each(magento, "products/tier-prices-delete", prices)


def base_prices_of(magento: MagentoRest, skus: Sequence[str]) -> list[BasePrice]:
    """As Magento holds them, a row for each store view.  Raises NoSuchEntity for an unknown SKU."""
    return _asked(magento, "products/base-prices-information", skus, _BASE_PRICES)


def _each(magento: MagentoRest, path: str, prices: Sequence[Price]) -> tuple[Refusal[Price], ...]:
    units = [(price,) for price in prices]
    return in_portions(units, partial(_sent, magento, magento.post, path), magento.limits)


def _sent(
    magento: MagentoRest, write: Write, path: str, units: Sequence[Unit[Price]]
) -> list[Refusal[Price]]:
    complaints = write(path, {"prices": [row for unit in units for row in unit]}, _FAILED)
    refused: dict[Unit[Price], tuple[str, ...]] = {}
    for complaint in complaints:
        reasons = reasons_of(complaint, magento.strike)
        named = _named(complaint, units)
        if named is None:
            # Which one is bad will be seen when it is sent in a smaller call.
            raise MagentoRefused(f"{path}: {'; '.join(reasons)}", reasons=reasons)
        refused[named] = (*refused.get(named, ()), *reasons)
    return [Refusal(row, why) for unit, why in refused.items() for row in unit]


def _named(complaint: Complaint, units: Sequence[Unit[Price]]) -> Unit[Price] | None:
    """The only one whose SKU stands in the complaint: of a bad price Magento tells no SKU."""
    if len(units) == 1:
        return units[0]
    given = complaint.parameters or []
    values = [str(value) for value in (given.values() if isinstance(given, dict) else given)]
    if len(values) == 2 and values[0] in _FIELD_NAMES:
        values = values[1:] if values[0] == "SKU" else []
    named = [unit for unit in units if unit[0].sku in values]
    return named[0] if len(named) == 1 else None


def _asked(
    magento: MagentoRest, path: str, skus: Sequence[str], of: Decoder[list[Price]]
) -> list[Price]:
    return [
        price
        for start in range(0, len(skus), _MOST_ASKED)
        for price in magento.ask(path, {"skus": list(skus[start : start + _MOST_ASKED])}, of)
    ]


def _require_prices(prices: Sequence[BasePrice | SpecialPrice | TierPrice]) -> None:
    for price in prices:
        exact(price.price, f"price of SKU {price.sku}", least=_FREE)


def _require_tiers(prices: Sequence[TierPrice]) -> None:
    _require_prices(prices)
    for price in prices:
        exact(price.quantity, f"quantity of a tier of SKU {price.sku}", least=_FREE)


def _sku(price: TierPrice) -> str:
    return price.sku
