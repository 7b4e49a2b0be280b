"""What of the ERP's word about the prices of one SKU may be written; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal

from msgspec import UNSET, UnsetType

from sidecar.domains.prices.change import Figures, Place, Special, Tier
from sidecar.domains.prices.news import PriceLevel, TierPrice
from sidecar.domains.prices.present import BUNDLE, PRICED, Product
from sidecar.domains.prices.shop import PriceShop
from sidecar.magento.level_rows import NotTaken, percent, plain, spelt
from sidecar.settings.inbound import RowBoundsOfPrices

#: The columns have six places, and PHP counts in floats: with nine more before them what comes
#: back is what was sent.
_PRICE_STEP, _BEYOND = Decimal("0.000001"), Decimal(10) ** 9
_QUANTITY_STEP, _QUANTITY_BEYOND = Decimal("0.0001"), Decimal(10) ** 8


@dataclass(frozen=True, slots=True)
class RowRules:
    """`domains.prices.bounds.row`, and what Magento does not take or would take for nonsense."""

    bounds: RowBoundsOfPrices

    def require_product(self, row: PriceLevel, products: Mapping[str, Product]) -> Product:
        """The product of this SKU, exact in its case, that can bear these prices.

        Raises NotTaken.
        """
        product = products.get(row.sku)
        if product is None:
            raise NotTaken("Magento has no such SKU", spelt(row.sku, products))
        if product.type_id not in PRICED:
            raise NotTaken(f"a {product.type_id} product has no price of its own")
        if product.sums_up:
            raise NotTaken("a dynamic bundle has no price of its own")
        if product.type_id == BUNDLE and (row.special_price not in (UNSET, None)):
            raise NotTaken("the special price of a bundle is a percentage in Magento")
        if product.type_id == BUNDLE and row.tier_prices:
            raise NotTaken("Magento takes no fixed tier prices of a bundle")
        return product

    def figures(self, row: PriceLevel, product: Product, place: Place, shop: PriceShop) -> Figures:
        """What is to stand in Magento.  Raises NotTaken."""
        base = None if row.price is None else self._price(row.price, "price")
        if base is not None:
            for store in place.stores:
                self._not_a_jump(base, _in_force(product, store, place, shop))
        if product.type_id == BUNDLE:
            # Percentages of a person's: the ERP's none is not about them.
            return Figures(base=UNSET if base is None else (base,) * len(place.stores))
        measure = base if base is not None else _in_force(product, place.stores[0], place, shop)
        special = self._special(row, measure)
        return Figures(
            base=UNSET if base is None else (base,) * len(place.stores),
            special=UNSET
            if special is UNSET
            else tuple(_dated(special, row, product.specials.get(store)) for store in place.stores),
            tiers=self._tiers(row, place, shop, measure),
        )

    def _special(self, row: PriceLevel, measure: Decimal | None) -> Decimal | UnsetType | None:
        told = row.special_price
        if told is UNSET:
            if row.special_from or row.special_to:
                raise NotTaken("days of a special price, and the file of calls maps no price")
            return UNSET
        if told is None:
            return None
        if row.special_from and row.special_to and row.special_to < row.special_from:
            raise NotTaken("the special price ends before it begins")
        price = self._price(told, "special price")
        self._not_far_off(price, measure, "special price")
        return price

    def _tiers(
        self, row: PriceLevel, place: Place, shop: PriceShop, measure: Decimal | None
    ) -> frozenset[Tier] | UnsetType:
        if row.tier_prices is UNSET:
            return UNSET
        tiers: dict[tuple[str, Decimal], Tier] = {}
        for told in row.tier_prices:
            tier = self._tier(told, place, shop)
            if (tier.group, tier.quantity) in tiers:
                raise NotTaken(f"two tiers of {tier.group} from {plain(tier.quantity)} on")
            self._not_far_off(tier.price or Decimal(0), measure, "tier price")
            tiers[tier.group, tier.quantity] = tier
        return frozenset(tiers.values())

    def _tier(self, told: TierPrice, place: Place, shop: PriceShop) -> Tier:
        group = shop.group(told.customer_group)
        quantity = _exact(told.quantity, _QUANTITY_STEP, _QUANTITY_BEYOND, "quantity of a tier")
        if quantity <= 0:
            raise NotTaken("the quantity of a tier is not above 0")
        return Tier(place.website_id, group, quantity, self._price(told.price, "tier price"))

    def _price(self, told: Decimal, what: str) -> Decimal:
        price = _exact(told, _PRICE_STEP, _BEYOND, what)
        if price < 0:
            raise NotTaken(f"the {what} is below 0")
        if price == 0 and self.bounds.zero == "refuse":
            raise NotTaken(f"the {what} is 0")
        return price

    def _not_a_jump(self, wanted: Decimal, present: Decimal | None) -> None:
        most = self.bounds.change
        if most is not None and present and abs(wanted - present) > most * present:
            raise NotTaken(
                f"the price changes by {percent(abs(wanted - present) / present)}", plain(present)
            )

    def _not_far_off(self, wanted: Decimal, base: Decimal | None, what: str) -> None:
        """Measured by the base price: what was special so far may be years old."""
        if not base:
            return
        if wanted > base:
            raise NotTaken(f"the {what} is above the price", plain(base))
        if self.bounds.change is not None and base - wanted > self.bounds.change * base:
            raise NotTaken(
                f"the {what} is {percent((base - wanted) / base)} below the price", plain(base)
            )


def _exact(told: Decimal, step: Decimal, beyond: Decimal, what: str) -> Decimal:
    """As Magento's column can hold it."""
    if not told.is_finite() or abs(told) >= beyond:
        raise NotTaken(f"no {what} that Magento can keep")
    return told.quantize(step, ROUND_HALF_UP)


def _in_force(product: Product, store: int, place: Place, shop: PriceShop) -> Decimal | None:
    """The base price that a store of the place takes; None where there is none in its currency."""
    own = product.prices.get(store)
    return product.prices.get(0) if own is None and shop.is_shared(place) else own


def _dated(price: Decimal | None, row: PriceLevel, present: Special | None) -> Special | None:
    """A special price with its days; those that are not mapped stay as they are in Magento."""
    if price is None:
        # Days without a price mean nothing to Magento: they are no reason to write.
        return present if present is not None and present.price is None else None
    stays = present if present is not None and present.price is not None else Special(None)
    return Special(
        price,
        stays.first if row.special_from is UNSET else _midnight(row.special_from),
        stays.last if row.special_to is UNSET else _midnight(row.special_to),
    )


def _midnight(day: date | None) -> datetime | None:
    """As Magento keeps a day: in the store's time, without saying so; its last day counts whole."""
    return None if day is None else datetime.combine(day, time())
