"""All tiers of a SKU, put together of those of its places: Magento replaces them all at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from sidecar.domains.prices.change import Change, Tier
from sidecar.domains.prices.shop import PriceShop
from sidecar.magento.level_rows import plain


class NotTogether(Exception):
    """Tiers that Magento does not take beside one another."""


def tier_set(present: Iterable[Tier], changes: Sequence[Change], shop: PriceShop) -> list[Tier]:
    """The tiers that are there, with those of each place that changes in place of its own.

    Raises NotTogether for a tier of a website beside the same one of all websites: Magento takes
    neither, replaces the others all the same, and both would be gone.
    """
    gone = {change.place.website_id for change in changes}
    everything = any(change.place.has_all_tiers for change in changes)
    tiers = [tier for tier in present if not everything and tier.website_id not in gone]
    for change in changes:
        if change.becomes.tiers is not UNSET:
            tiers += change.becomes.tiers
    shared = {(tier.group, tier.quantity) for tier in tiers if tier.website_id == 0}
    own = {place.website_id for place in shop.websites.values() if shop.is_shared(place)}
    for tier in tiers:
        if tier.website_id in own and (tier.group, tier.quantity) in shared:
            raise NotTogether(
                f"Magento takes no tier of one website beside the same of all websites: "
                f"{tier.group} from {plain(tier.quantity)} on"
            )
    return sorted(tiers, key=lambda one: (one.website_id, one.group, one.quantity))
