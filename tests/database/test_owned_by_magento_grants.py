"""The rights that stock, products and prices of Magento's add: enough, and none too many.

Each table that they read is looked for at start, so a right that is missing is named there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.domains import SPECS
from sidecar.install.grants import Role, grants_for, optional_tables
from sidecar.magento.live_schema import read_schema
from sidecar.model.errors import PermissionDenied
from sidecar.testing.magento_db import PrivateServer, create_magento
from tests.harness import ScriptedErp
from tests.owned_by_magento import OWNED, erp_of_all, pipeline_of_all, tally_of, told
from tests.pipeline import USER, Pipeline

ACCOUNT = f"{USER}@localhost"
CARRIED = [spec for spec in SPECS if spec.name in ("orders", *OWNED)]


@pytest.fixture(scope="module")
def erp() -> ScriptedErp:
    return erp_of_all(dedupe=True)


@pytest.fixture(scope="module")
def pipeline(
    server: PrivateServer, erp: ScriptedErp, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    magento = create_magento(server, "owned_grants")
    folder: Path = tmp_path_factory.mktemp("owned_grants")
    with pipeline_of_all(magento, erp, folder) as pipeline:
        yield pipeline
        grant(pipeline, [f"GRANT ALL ON *.* TO {ACCOUNT}"])
    magento.drop()


def printed(pipeline: Pipeline) -> list[str]:
    """What `grants print` prints."""
    sidecar, magento = pipeline.sidecar, pipeline.magento
    there = optional_tables(sidecar.database, magento.name, magento.prefix, CARRIED)
    return grants_for(sidecar.settings, Role.DAEMON, ACCOUNT, SPECS, there=there).statements


def root(pipeline: Pipeline, *statements: str) -> None:
    with pipeline.magento.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        connection.commit()


def grant(pipeline: Pipeline, statements: list[str]) -> None:
    root(pipeline, f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ACCOUNT}", *statements)
    # A connection keeps the rights over the whole server that it began with.
    pipeline.sidecar.database.close()


@pytest.fixture(scope="module")
def least(pipeline: Pipeline) -> list[str]:
    return printed(pipeline)


def test_they_are_enough(pipeline: Pipeline, erp: ScriptedErp, least: list[str]) -> None:
    grant(pipeline, least)
    shop = f"`{pipeline.magento.name}`"
    root(
        pipeline,
        f"UPDATE {shop}.inventory_source_item SET quantity = quantity + 1 WHERE sku = 'MUG'",
        f"INSERT INTO {shop}.inventory_reservation (stock_id, sku, quantity) VALUES (1, 'MUG', -2)",
        f"UPDATE {shop}.catalog_product_entity_decimal SET value = value + 1 WHERE entity_id = 1",
        f"UPDATE {shop}.catalog_product_entity SET updated_at = NOW() + INTERVAL 1 HOUR "
        "WHERE entity_id = 1",
    )
    tally_of(pipeline).run_once()
    pipeline.look_everywhere()
    pipeline.run()

    assert {type_ for type_, _ in told(erp)} == {
        "stock.adjusted", "stock.demand", "product.saved", "price.changed",
    }  # fmt: skip


def test_each_table_that_may_not_be_read_is_named(pipeline: Pipeline, least: list[str]) -> None:
    shop = pipeline.magento.name
    orders, *owned = CARRIED
    own = {
        table
        for spec in owned
        for table in (*spec.needs.reads, *spec.needs.optional)
        if table not in orders.needs.tables
    }
    for table in sorted(own):
        one = f"GRANT SELECT ON `{shop}`.`{table}` TO "
        without = [other for other in least if not other.startswith(one)]
        assert len(without) == len(least) - 1, table
        grant(pipeline, without)
        with pytest.raises(PermissionDenied, match=table):
            read_schema(pipeline.sidecar.database, CARRIED)
