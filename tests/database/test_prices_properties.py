"""Whatever the ERP tells: what was not refused stands in Magento, and nothing else moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from sidecar.domains.prices.news import PriceLevel, TierPrice
from sidecar.domains.prices.run import number_of
from sidecar.testing.magento_db import CATALOGUE, PrivateServer, create_magento
from tests.prices_shop import PricesShop, prices_shop

pytestmark = pytest.mark.any_server

SKUS = ("MUG", "DESK", "GIFTBOX", "TEASET", "mug", "NOPE")
STORES = {None: (0,), "base": (1, 3), "us": (2,)}
WEBSITES = {None: 0, "base": 1, "us": 2}
PRICES = st.one_of(
    st.decimals(-1, 400, places=2),
    st.sampled_from([Decimal(0), Decimal("9.99"), Decimal("9.123456"), Decimal("NaN")]),
)
DAYS = st.one_of(st.none(), st.just(UNSET), st.dates(date(2026, 1, 1), date(2026, 12, 31)))
TIERS = st.lists(
    st.builds(
        TierPrice,
        quantity=st.sampled_from([Decimal(0), Decimal(2), Decimal("2.0"), Decimal(5)]),
        price=PRICES,
        customer_group=st.sampled_from([None, "Wholesale", "Retailer", "Nobody"]),
    ),
    max_size=3,
).map(tuple)
ROWS = st.lists(
    st.builds(
        PriceLevel,
        sku=st.sampled_from(SKUS),
        website_code=st.sampled_from([None, "base", "us", "moon"]),
        price=st.one_of(st.none(), PRICES),
        special_price=st.one_of(st.none(), st.just(UNSET), PRICES),
        special_from=DAYS,
        special_to=DAYS,
        tier_prices=st.one_of(st.just(UNSET), TIERS),
    ),
    max_size=8,
)
LIFTED = {"bounds": {"row": {"change": None, "zero": "allow"}, "run": {"changed": "100%"}}}


@pytest.fixture(scope="module")
def shop(server: PrivateServer) -> Iterator[PricesShop]:
    magento = create_magento(server, "prices_properties")
    with prices_shop(magento) as made:
        yield made
    magento.drop()


@settings(max_examples=30, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(first=ROWS, rows=ROWS, by_website=st.booleans())
def test_the_tables_are_what_the_erp_told_and_nothing_else_moved(
    shop: PricesShop, first: list[PriceLevel], rows: list[PriceLevel], by_website: bool
) -> None:
    shop.reset()
    if by_website:
        shop.by_website()
    applier = shop.applier(**LIFTED)
    applier.write(applier.plan(iter(first), whole=False), lambda: False)
    before = {sku: stands(shop, sku) for sku in CATALOGUE}

    plan = applier.plan(iter(rows), whole=False)
    done = applier.write(plan, lambda: False)

    refused = {one.number for one in (*plan.refused, *done.refused)}
    after = {sku: stands(shop, sku) for sku in CATALOGUE}
    taken = [row for row in rows if number_of(row.sku, row.website_code) not in refused]
    for row in taken:
        assert says(row, shop, by_website)
    told = {row.sku for row in taken}
    for sku in CATALOGUE:
        if sku not in told:
            assert after[sku] == before[sku]
    assert (done.rows + len(done.refused), done.left) == (len(plan.changes), 0)
    again = applier.write(applier.plan(iter(rows), whole=False), lambda: False)
    assert (again.rows, again.left) == (0, 0)


def stands(shop: PricesShop, sku: str) -> tuple[object, ...]:
    return shop.prices(sku), shop.specials(sku), shop.tiers(sku)


def says(row: PriceLevel, shop: PricesShop, by_website: bool) -> bool:
    """Whether Magento has what the row says, and in the rows where it says it."""
    code = row.website_code if by_website else None
    prices, specials = shop.prices(row.sku), shop.specials(row.sku)
    for store in STORES[code]:
        if row.price is not None and prices.get(store) != row.price:
            return False
        special = specials.get(store)
        if row.special_price is None and special is not None:
            return False
        if isinstance(row.special_price, Decimal):
            if special is None or special[0] != row.special_price:
                return False
            for day, stored in zip((row.special_from, row.special_to), special[1:], strict=True):
                if day is not UNSET and stored != (day and f"{day} 00:00:00"):
                    return False
    if row.tier_prices is UNSET:
        return True
    website = WEBSITES[code]
    return {(group, quantity, price) for at, group, quantity, price in shop.tiers(row.sku)
            if at == website} == {(one.customer_group, one.quantity, one.price)
                                  for one in row.tier_prices}  # fmt: skip
