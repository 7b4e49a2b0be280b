"""A whole run of the ERP's prices against Magento's: what would change, what must not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import msgspec
from msgspec import UNSET

from sidecar.database.connection import Database
from sidecar.domains.prices.change import Change, Figures, Place, described
from sidecar.domains.prices.news import PriceLevel
from sidecar.domains.prices.present import PriceReader
from sidecar.domains.prices.rules import RowRules
from sidecar.domains.prices.run import Key, Run, key_of, number_of
from sidecar.domains.prices.shop import PriceShopReader
from sidecar.magento.applier import Plan
from sidecar.magento.level_rows import NotTaken, percent
from sidecar.settings.inbound import RunBoundsOfPrices

#: Rows that are compared by one set of questions to the database.
_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class _Asked:
    """A row to be compared at a place; `alike`: keys of the rows that say the same there."""

    row: PriceLevel
    place: Place
    alike: tuple[Key, ...]


class Planner:
    """Compares; writes nothing."""

    def __init__(
        self,
        database: Database,
        shops: PriceShopReader,
        prices: PriceReader,
        rules: RowRules,
        bounds: RunBoundsOfPrices,
    ) -> None:
        self._database = database
        self._shops = shops
        self._prices = prices
        self._rules = rules
        self._bounds = bounds

    def plan(self, rows: Iterable[PriceLevel], *, whole: bool) -> Plan:
        """See `LevelApplier.plan`."""
        with self._database.transaction("reading where Magento's prices hold") as connection:
            run = Run(self._shops.read(connection), self._prices.attributes(connection))
        pulled = iter(rows)
        # What the ERP is asked for comes while no transaction is open.
        while some := list(islice(pulled, _TOGETHER)):
            self._compare(run, list(self._placed(run, run.counting(some))))
        shared = self._of_all_websites(run)
        while some_shared := list(islice(shared, _TOGETHER)):
            self._compare(run, some_shared)
        return self._judged(run, whole)

    def _placed(self, run: Run, rows: Iterable[PriceLevel]) -> Iterator[_Asked]:
        for row in rows:
            try:
                place = run.shop.place(row.website_code)
            except NotTaken as why:
                run.refuse([row], why)
                continue
            if row.website_code is None or run.shop.by_website:
                yield _Asked(row, place, (key_of(row),))
            else:
                run.set_aside(row)

    def _of_all_websites(self, run: Run) -> Iterator[_Asked]:
        """Where prices are the same everywhere, what all websites say in one voice holds there.

        Magento writes the price of all whichever website was meant.
        """
        for rows in run.of_websites():
            try:
                said = _in_one_voice(rows, run.shop.websites)
            except NotTaken as why:
                run.refuse(rows, why)
            else:
                yield _Asked(said, run.shop.everywhere, tuple(key_of(row) for row in rows))

    def _compare(self, run: Run, some: Sequence[_Asked]) -> None:
        if not some:
            return
        with self._database.transaction("comparing prices") as connection:
            products = self._prices.products(
                connection,
                [asked.row.sku for asked in some],
                {store for asked in some for store in asked.place.stores},
                run.attributes,
                _spoken_of(some),
            )
        for asked in some:
            row, place = asked.row, asked.place
            try:
                product = self._rules.require_product(row, products)
                wanted = self._rules.figures(row, product, place, run.shop)
            except NotTaken as why:
                run.refuse_keys(asked.alike, row, why)
                continue
            present = product.figures(place).parts_of(wanted)
            becomes = wanted.beyond(present)
            run.equal(asked.alike)
            if not becomes.is_empty:
                key = asked.alike[0]
                run.outcomes[key] = Change(
                    number=number_of(*key),
                    sku=row.sku,
                    product_id=product.product_id,
                    place=place,
                    was=present.parts_of(becomes),
                    becomes=becomes,
                )

    def _judged(self, run: Run, whole: bool) -> Plan:
        with self._database.transaction("counting prices") as connection:
            known = self._prices.counted(connection, run.told_places())
        changes = run.changes()
        return Plan(
            changes,
            run.refusals(),
            known=known,
            equal=run.equals(),
            to_zero=sum(change.falls_to_zero for change in changes),
            held=self._held(len(changes), known, whole),
        )

    def _held(self, changed: int, known: int, whole: bool) -> str | None:
        # A website's price of a product that is not sold there is none of the known ones.
        of = max(known, changed)
        if changed <= self._bounds.changed * of:
            return None
        told = "all that the ERP has" if whole else "what the ERP changed"
        return (
            f"{told} would change the prices of {changed} of {of} "
            f"({percent(Decimal(changed) / of)}): more than domains.prices.bounds.run allows "
            f"(changed: {percent(self._bounds.changed)})"
        )


def _in_one_voice(rows: Sequence[PriceLevel], websites: Mapping[str, Place]) -> PriceLevel:
    """What all websites say.  Raises NotTaken where they do not."""
    missing = sorted(websites.keys() - {row.website_code for row in rows})
    if missing:
        raise NotTaken(
            "Magento's prices are the same everywhere (catalog/price/scope), and the ERP does not "
            f"say this of {', '.join(missing)}"
        )
    said = {msgspec.structs.replace(row, website_code=None, at=None) for row in rows}
    if len(said) > 1:
        raise NotTaken(
            "Magento's prices are the same everywhere (catalog/price/scope), and the ERP says "
            "others of other websites"
        )
    return said.pop()


def _spoken_of(some: Sequence[_Asked]) -> Figures:
    return Figures(
        special=() if any(asked.row.special_price is not UNSET for asked in some) else UNSET,
        tiers=frozenset() if any(asked.row.tier_prices is not UNSET for asked in some) else UNSET,
    )


def shown(changes: Sequence[Change], most: int) -> Iterator[dict[str, object]]:
    """The first changes, for a person."""
    for change in changes[:most]:
        yield {
            "number": change.number,
            "sku": change.sku,
            "website_code": change.place.website_code,
            "is": described(change.was),
            "would_be": described(change.becomes),
        }
