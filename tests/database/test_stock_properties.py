"""Whatever the ERP tells: what was not refused stands in Magento, and nothing else moved."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.domains.stock.news import StockLevel
from sidecar.magento.applier import Written
from sidecar.testing.magento_db import CATALOGUE, PrivateServer, create_magento
from tests.stock_shop import StockShop, stock_shop

SOURCES = ("default", "north", "Nowhere")
SKUS = (*CATALOGUE, "mug", "NOPE", "MUG ")
QUANTITIES = st.one_of(
    st.integers(-3, 3000).map(Decimal),
    st.decimals(-2, 200, places=4),
    st.sampled_from([Decimal("1000"), Decimal("1E+9"), Decimal("NaN")]),
)
ROWS = st.lists(
    st.builds(
        StockLevel,
        sku=st.sampled_from(SKUS),
        source_code=st.sampled_from(SOURCES),
        quantity=QUANTITIES,
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def shop(server: PrivateServer) -> Iterator[StockShop]:
    magento = create_magento(server, "stock_properties")
    with stock_shop(magento) as made:
        made.add_source("north")
        yield made
    magento.drop()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_the_table_is_what_the_erp_told_and_nothing_else_moved(
    shop: StockShop, rows: list[StockLevel]
) -> None:
    applier = shop.applier()
    before = shop.levels()
    plan = applier.plan(iter(rows), whole=False)
    done = applier.write(plan, lambda: False)

    refused = {one.number for one in plan.refused}
    wanted = {
        (row.sku, row.source_code): row.quantity
        for row in rows
        if f"{row.sku} @ {row.source_code}" not in refused
    }
    after = shop.levels()
    assert done.rows == len(plan.changes)
    assert done.left == 0
    assert {key: found for key, found in after.items() if key not in wanted} == {
        key: found for key, found in before.items() if key not in wanted
    }
    # A level that is not there says 0.
    assert {key: after.get(key, (Decimal(0), 0))[0] for key in wanted} == wanted
    for (sku, source), (quantity, status) in after.items():
        if source == "default" and (sku, source) in wanted and quantity != before[sku, source][0]:
            assert shop.legacy(sku) == (quantity, status)
    assert applier.write(applier.plan(iter(rows), whole=False), lambda: False) == Written(0)
