"""A shop whose prices the ERP owns, its REST API, and the applier that carries them into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import UNSET

from sidecar.database.connection import Database
from sidecar.domains.prices.applier import PriceApplier, open_prices
from sidecar.domains.prices.needs import INBOUND
from sidecar.domains.prices.news import PriceLevel, TierPrice
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.applier import BesideMagento, Plan, Refusal, Written
from sidecar.magento.live_schema import read_schema
from sidecar.magento.rest.client import Address, Credentials
from sidecar.magento.rest.client import MagentoRest as Api
from sidecar.model.secret import Secret
from sidecar.settings.inbound import Prices
from sidecar.testing.magento_db import CATALOGUE, MagentoDatabase, Shop
from sidecar.testing.magento_rest import ADMIN, PASSWORD, MagentoRest
from tests.harness import login

#: Lifts the bound of a run, for tests of rows in a shop of some dozen SKUs.
UNBOUND: Mapping[str, Any] = {"bounds": {"run": {"changed": "100%"}}}
ANY_CHANGE: Mapping[str, Any] = {"bounds": {"row": {"change": None}, "run": {"changed": "100%"}}}
#: As Magento numbers them.
_ATTRIBUTES = {"price": 77, "special_price": 78, "special_from_date": 79, "special_to_date": 80}


def told(
    sku: str,
    price: str | int | Decimal | None = None,
    website: str | None = None,
    *,
    special: str | int | Any = UNSET,
    first: str | Any = UNSET,
    last: str | Any = UNSET,
    tiers: tuple[TierPrice, ...] | Any = UNSET,
    at: Any = None,
) -> PriceLevel:
    return PriceLevel(
        sku=sku,
        website_code=website,
        price=None if price is None else Decimal(price),
        special_price=Decimal(special) if isinstance(special, str | int) else special,
        special_from=_day(first),
        special_to=_day(last),
        tier_prices=tiers,
        at=at,
    )


def _day(text: Any) -> Any:
    return date.fromisoformat(text) if isinstance(text, str) else text


def tier(quantity: str | int, price: str | int, group: str | None = None) -> TierPrice:
    return TierPrice(quantity=Decimal(quantity), price=Decimal(price), customer_group=group)


@dataclass
class PricesShop:
    """What stands in Magento is read as root; the applier works as `database` is logged in."""

    magento: MagentoDatabase
    database: Database
    served: MagentoRest
    api: Api

    def applier(self, **settings: Any) -> PriceApplier:
        schema = read_schema(self.database, (), self.magento.prefix, inbound=(INBOUND,))
        section = Prices.model_validate({**UNBOUND, **settings})
        names = LedgerNames(f"{self.magento.name}_ledger")
        return open_prices(BesideMagento(schema, self.database, self.api, section, names))

    def plan(self, *rows: PriceLevel, whole: bool = False, **settings: Any) -> Plan:
        return self.applier(**settings).plan(iter(rows), whole=whole)

    def write(self, *rows: PriceLevel, **settings: Any) -> Written:
        """Plan and write at once; nothing is refused."""
        applier = self.applier(**settings)
        plan = applier.plan(iter(rows), whole=False)
        assert (plan.held, plan.refused) == (None, [])
        return applier.write(plan, lambda: False)

    def refusal(self, *rows: PriceLevel, **settings: Any) -> Refusal:
        """The one row that is refused."""
        (refusal,) = self.plan(*rows, **settings).refused
        return refusal

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall())

    def values(self, sku: str, code: str, kind: str = "decimal") -> dict[int, Any]:
        """Store → value."""
        return dict(
            self.sql(
                f"SELECT v.store_id, v.value FROM catalog_product_entity_{kind} v JOIN "
                "catalog_product_entity p USING (entity_id) WHERE p.sku = %s AND "
                "v.attribute_id = %s ORDER BY v.store_id",
                sku, _ATTRIBUTES[code],
            )
        )  # fmt: skip

    def prices(self, sku: str) -> dict[int, Any]:
        return self.values(sku, "price")

    def specials(self, sku: str) -> dict[int, tuple[Any, str | None, str | None]]:
        """Store → price and the two days as they stand there."""
        first = self.values(sku, "special_from_date", "datetime")
        last = self.values(sku, "special_to_date", "datetime")
        return {
            store: (price, *(str(days[store]) if store in days else None for days in (first, last)))
            for store, price in self.values(sku, "special_price").items()
        }

    def tiers(self, sku: str) -> set[tuple[int, str | None, Any, Any]]:
        """Website, group, quantity, price or its percentage."""
        return {
            (website, group, quantity, f"{discount:f}%" if discount is not None else price)
            for website, group, quantity, price, discount in self.sql(
                "SELECT t.website_id, IF(t.all_groups, NULL, g.customer_group_code), t.qty, "
                "t.value, t.percentage_value FROM catalog_product_entity_tier_price t "
                "JOIN customer_group g USING (customer_group_id) "
                "JOIN catalog_product_entity p USING (entity_id) WHERE p.sku = %s",
                sku,
            )
        }

    def all_prices(self) -> list[tuple[Any, ...]]:
        """Everything that a price call could have written."""
        return [
            row
            for table in ("decimal", "datetime", "tier_price")
            for row in self.sql(f"SELECT * FROM catalog_product_entity_{table} ORDER BY value_id")
        ]

    def calls(self) -> Counter[str]:
        """How often each route was called since `reset`."""
        return Counter(
            exchange.target.rpartition("/V1/")[2]
            for exchange in self.served.exchanges
            if not exchange.target.endswith("token")
        )

    def by_website(self) -> None:
        """Prices are of website scope from now on."""
        self.served.configure("catalog/price/scope", 1)

    def reset(self) -> None:
        """As it was made, with a second store view in the first website; prices are global."""
        self.sql("DELETE FROM catalog_product_entity_tier_price")
        self.sql("DELETE FROM catalog_product_entity_datetime")
        self.sql("DELETE FROM catalog_product_entity_decimal WHERE attribute_id = 78 OR "
                 "(attribute_id = 77 AND store_id <> 0)")  # fmt: skip
        for sku, product in CATALOGUE.items():
            self.sql("UPDATE catalog_product_entity_decimal v JOIN catalog_product_entity p "
                     "USING (entity_id) SET v.value = %s WHERE p.sku = %s AND attribute_id = 77",
                     product.price, sku)  # fmt: skip
        self.served.configure("catalog/price/scope", None)
        self.served.configure("webapi/validation/input_limit_enabled", None)
        self.sql("DELETE FROM core_config_data WHERE scope = 'websites'")
        self.served.exchanges.clear()
        self.api.limits.items = 100


@contextmanager
def prices_shop(magento: MagentoDatabase, user: str = "root") -> Iterator[PricesShop]:
    with ExitStack() as undo:
        shop = undo.enter_context(Shop(magento))
        shop.session.insert(
            "store",
            {"store_id": 3, "code": "de", "website_id": 1, "group_id": 1, "name": "German"},
        )
        served = undo.enter_context(MagentoRest(shop))
        database = Database(login(magento, user))
        undo.callback(database.close)
        api = Api(Address(served.url), Credentials(user=ADMIN, password=Secret(PASSWORD)))
        yield PricesShop(magento, database, served, api)
