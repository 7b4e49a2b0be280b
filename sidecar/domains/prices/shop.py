"""What of a shop says where a price holds: its scope, websites, store views, customer groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from sidecar.domains.prices.change import ALL_GROUPS, Place
from sidecar.magento.level_rows import NotTaken, spelt
from sidecar.magento.live_schema import MagentoSchema

_SCOPE = "catalog/price/scope"
_CURRENCY = "currency/options/base"
_BY_WEBSITE = "1"


@dataclass(frozen=True, slots=True)
class PriceShop:
    """The shop as far as prices go.

    `by_website`: prices are of website scope, else they are the same everywhere.  `foreign`: codes
    of the websites whose base currency is not the shop's: a price that holds everywhere says
    nothing there, Magento converts it.
    """

    by_website: bool
    websites: Mapping[str, Place]
    foreign: frozenset[str]
    groups: frozenset[str]
    everywhere: Place = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "everywhere", Place(None, 0, (0,), not self.by_website))

    def place(self, website_code: str | None) -> Place:
        """By the website's code, exact in its case.  Raises NotTaken."""
        if website_code is None:
            return self.everywhere
        place = self.websites.get(website_code)
        if place is None:
            raise NotTaken("Magento has no such website", spelt(website_code, self.websites))
        if not place.stores:
            raise NotTaken("the website has no store view that could have a price")
        return place

    def group(self, code: str | None) -> str:
        """The customer group of this code, exact in its case; None: everybody.  Raises NotTaken."""
        if code is None or code.upper() == ALL_GROUPS:
            return ALL_GROUPS
        if code not in self.groups:
            raise NotTaken(
                "a tier of a customer group that Magento does not have", spelt(code, self.groups)
            )
        return code

    def is_shared(self, place: Place) -> bool:
        """Whether what holds everywhere is in the currency of this place."""
        return place.website_code not in self.foreign


class PriceShopReader:
    """Reads with plain selects: nobody waits for it."""

    def __init__(self, schema: MagentoSchema) -> None:
        self._configuration = schema.table("core_config_data")
        self._website = schema.table("store_website")
        self._store = schema.table("store")
        self._group = schema.table("customer_group")

    def read(self, connection: sa.Connection) -> PriceShop:
        """As it is configured in the database (what app/etc/config.php locks is not seen)."""
        rows = connection.exec_driver_sql(
            f"SELECT path, scope, scope_id, value FROM {self._configuration} WHERE path IN %s",
            ([_SCOPE, _CURRENCY],),
        )
        set_ = {(path, scope, number): value for path, scope, number, value in rows}
        places = self._places(connection)
        shared = set_.get((_CURRENCY, "default", 0))
        return PriceShop(
            by_website=set_.get((_SCOPE, "default", 0)) == _BY_WEBSITE,
            websites=places,
            foreign=frozenset(
                code
                for code, place in places.items()
                if set_.get((_CURRENCY, "websites", place.website_id), shared) != shared
            ),
            groups=frozenset(
                code
                for (code,) in connection.exec_driver_sql(
                    f"SELECT customer_group_code FROM {self._group}"
                )
            ),
        )

    def _places(self, connection: sa.Connection) -> dict[str, Place]:
        """Of every website but the admin's."""
        rows = connection.exec_driver_sql(
            f"SELECT w.code, w.website_id, s.store_id FROM {self._website} AS w "
            f"LEFT JOIN {self._store} AS s ON s.website_id = w.website_id "
            "WHERE w.website_id <> 0 ORDER BY w.website_id, s.store_id"
        )
        stores: dict[tuple[str, int], list[int]] = defaultdict(list)
        for code, website_id, store_id in rows:
            stores[code, website_id] += [] if store_id is None else [int(store_id)]
        return {code: Place(code, number, tuple(ids)) for (code, number), ids in stores.items()}
