"""What is known while the rows of one run are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec import UNSET

from sidecar.domains.prices.change import Change, Place
from sidecar.domains.prices.news import PriceLevel
from sidecar.domains.prices.shop import PriceShop
from sidecar.magento.applier import Refusal
from sidecar.magento.level_rows import NotTaken, plain

#: SKU and website code.
Key: TypeAlias = tuple[str, str | None]

_TWICE = NotTaken("the ERP tells it twice in one run, and otherwise the second time")


class Run:
    """Of a row that is equal only its key and a digest are kept; a newer one of the same key
    replaces what came of it."""

    def __init__(self, shop: PriceShop, attributes: Mapping[str, int]) -> None:
        self.shop = shop
        self.attributes = attributes
        self.outcomes: dict[Key, Change | Refusal | None] = {}
        self._seen: dict[Key, tuple[datetime | None, int]] = {}
        self._aside: dict[str, dict[str | None, PriceLevel]] = defaultdict(dict)

    def counting(self, rows: Iterable[PriceLevel]) -> list[PriceLevel]:
        """The rows that count, each key once: the newest by `at`.

        What is told twice otherwise, and not with a newer moment, is refused: whoever guesses which
        is right sells at the other.
        """
        counting: dict[Key, PriceLevel] = {}
        for row in rows:
            key, digest = key_of(row), hash(msgspec.structs.replace(row, at=None))
            seen = self._seen.get(key)
            if seen is None or _is_newer(row.at, seen[0]):
                counting[key] = row
                self._seen[key] = (row.at, digest)
                self._take_back(key)
            elif seen[1] != digest and not _is_newer(seen[0], row.at):
                counting.pop(key, None)
                self._take_back(key)
                self.refuse([row], _TWICE)
        return list(counting.values())

    def set_aside(self, row: PriceLevel) -> None:
        """Of one website where prices are the same everywhere: until the others have spoken."""
        self._aside[row.sku][row.website_code] = row

    def _take_back(self, key: Key) -> None:
        sku, website_code = key
        if sku in self._aside:
            self._aside[sku].pop(website_code, None)

    def of_websites(self) -> Iterator[Sequence[PriceLevel]]:
        """What was set aside, by SKU."""
        return (list(rows.values()) for rows in self._aside.values() if rows)

    def refuse(self, rows: Iterable[PriceLevel], why: NotTaken) -> None:
        """These must not be written."""
        for row in rows:
            self.refuse_keys([key_of(row)], row, why)

    def refuse_keys(self, keys: Iterable[Key], row: PriceLevel, why: NotTaken) -> None:
        """Nor must what says the same as this row."""
        for key in keys:
            self.outcomes[key] = Refusal(number_of(*key), why.reason, why.ours, _theirs(row))

    def equal(self, keys: Iterable[Key]) -> None:
        """Nothing is to be written of these."""
        self.outcomes.update(dict.fromkeys(keys))

    def changes(self) -> list[Change]:
        """In the order of the SKUs, so that what is of one goes together."""
        found = [one for one in self.outcomes.values() if isinstance(one, Change)]
        return sorted(found, key=lambda change: change.number)

    def refusals(self) -> list[Refusal]:
        """In the order told; those of websites where prices are global come last."""
        return [one for one in self.outcomes.values() if isinstance(one, Refusal)]

    def equals(self) -> int:
        """How many rows say what is so."""
        return sum(one is None for one in self.outcomes.values())

    def told_places(self) -> list[Place]:
        """Of which places that Magento has the ERP spoke."""
        codes = {website for _, website in self.outcomes}
        if not self.shop.by_website:
            return [self.shop.everywhere] if codes else []
        told = [place for code, place in self.shop.websites.items() if code in codes]
        return [self.shop.everywhere, *told] if None in codes else told


def key_of(row: PriceLevel) -> Key:
    """What a row is about."""
    return row.sku, row.website_code


def number_of(sku: str, website_code: str | None) -> str:
    """What people call it: as `sidecar.inbound.numbers` names the row."""
    return sku if website_code is None else f"{sku} @ {website_code}"


def _is_newer(one: datetime | None, than: datetime | None) -> bool:
    return one is not None and (than is None or one > than)


def _theirs(row: PriceLevel) -> str:
    """The ERP's word, short."""
    told = []
    if row.price is not None:
        told.append(plain(row.price))
    if row.special_price is not UNSET and row.special_price is not None:
        told.append(f"special {plain(row.special_price)}")
    if row.tier_prices is not UNSET and row.tier_prices:
        told.append(f"{len(row.tier_prices)} tier(s)")
    return ", ".join(told)
