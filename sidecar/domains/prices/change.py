"""Prices of one product at one place, as they stand and as they are to become."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

#: What Magento's API calls the group of everybody.
ALL_GROUPS = "ALL GROUPS"


class Place(msgspec.Struct, frozen=True):
    """Where a price holds: everywhere (`website_code` None), or in one website.

    `stores`: whose rows it has in the value tables; Magento writes the price of a website into the
    row of each of its store views, and what holds everywhere into that of store 0.
    `has_all_tiers`: prices are of global scope, so all tiers of a product are of this place.
    """

    website_code: str | None
    website_id: int
    stores: tuple[int, ...]
    has_all_tiers: bool = False


class Special(msgspec.Struct, frozen=True, gc=False):
    """A price for a while, as Magento keeps it: from the midnight of a day of the store's to that
    of its last day, which counts whole.  `price` None: days that a price has left behind."""

    price: Decimal | None
    first: datetime | None = None
    last: datetime | None = None


class Tier(msgspec.Struct, frozen=True, gc=False):
    """A fixed price from a quantity on, or so many percent off (`discount`; `price` None)."""

    website_id: int
    group: str
    quantity: Decimal
    price: Decimal | None
    discount: Decimal | None = None


#: One for each store of a place.
BasePrices: TypeAlias = tuple[Decimal | None, ...]
SpecialPrices: TypeAlias = tuple[Special | None, ...]


class Figures(msgspec.Struct, frozen=True):
    """Prices of one product at one place; what is unset is not spoken of."""

    base: BasePrices | UnsetType = UNSET
    special: SpecialPrices | UnsetType = UNSET
    tiers: frozenset[Tier] | UnsetType = UNSET

    @property
    def is_empty(self) -> bool:
        """Whether it speaks of nothing."""
        return self == Figures()

    def beyond(self, other: Figures) -> Figures:
        """Of these, the parts in which the other differs."""
        return Figures(
            base=UNSET if self.base == other.base else self.base,
            special=UNSET if self.special == other.special else self.special,
            tiers=UNSET if self.tiers == other.tiers else self.tiers,
        )

    def parts_of(self, other: Figures) -> Figures:
        """Of these, the parts of which the other speaks."""
        return Figures(
            base=UNSET if other.base is UNSET else self.base,
            special=UNSET if other.special is UNSET else self.special,
            tiers=UNSET if other.tiers is UNSET else self.tiers,
        )


class Change(msgspec.Struct, frozen=True):
    """What differs of one product at one place; `number`: what people call it."""

    number: str
    sku: str
    product_id: int
    place: Place
    was: Figures
    becomes: Figures

    @property
    def falls_to_zero(self) -> bool:
        """Whether its base price was above 0, and will be 0."""
        if self.was.base is UNSET or self.becomes.base is UNSET:
            return False
        return self.becomes.base[0] == 0 and any(self.was.base)


def described(figures: Figures) -> dict[str, object]:
    """For people and scripts; where the stores of a website differ, what the first one has."""
    told: dict[str, object] = {}
    if figures.base is not UNSET:
        told["price"] = figures.base[0]
    if figures.special is not UNSET:
        special = figures.special[0]
        told["special_price"] = None if special is None else special.price
        told["special_from"] = None if special is None else _day(special.first)
        told["special_to"] = None if special is None else _day(special.last)
    if figures.tiers is not UNSET:
        told["tier_prices"] = [
            {"customer_group": tier.group, "quantity": tier.quantity,
             **({"price": tier.price} if tier.discount is None else {"discount": tier.discount})}
            for tier in sorted(figures.tiers, key=lambda one: (one.group, one.quantity))
        ]  # fmt: skip
    return told


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.date().isoformat()
