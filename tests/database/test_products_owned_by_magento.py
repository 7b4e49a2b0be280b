"""Products and prices where Magento owns them: what changed, once, and nothing for a mere save."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.prices.payload import Price
from sidecar.domains.products.payload import CustomAttribute, Product, StoreValue
from sidecar.domains.products.reader import ProductReader
from sidecar.model.errors import ConfigurationError
from sidecar.testing.magento_db import (
    CATALOGUE,
    MagentoDatabase,
    PrivateServer,
    Shop,
    create_magento,
)
from sidecar.testing.magento_db.product_values import (
    TierPrice,
    Value,
    save_tier_prices,
    save_values,
)
from tests.harness import ScriptedErp
from tests.owned_by_magento import erp_of_all, pipeline_of_all, told
from tests.pipeline import Pipeline

SKU, PRODUCT = "MUG", CATALOGUE["MUG"].entity_id


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "owns_products")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    return erp_of_all("product.saved", "product.removed", "price.changed", probe=False)


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline_of_all(magento, erp, tmp_path) as pipeline:
        yield pipeline


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def give(php: Shop, code: str, value: object, store: int = 0) -> None:
    """What Magento's price calls write: the value, and nothing of the product's own row."""
    save_values(php.session, code, [Value(PRODUCT, store, value)])


def touch(pipeline: Pipeline, **columns: object) -> None:
    """What every save of a product writes of its own row."""
    sets = "".join(f", {name} = %s" for name in columns)
    pipeline.sql(
        f"UPDATE `{pipeline.magento.name}`.catalog_product_entity SET updated_at = "
        f"GREATEST(UTC_TIMESTAMP(), updated_at + INTERVAL 5 SECOND){sets} WHERE entity_id = %s",
        *columns.values(), PRODUCT,
    )  # fmt: skip


def look(pipeline: Pipeline) -> None:
    pipeline.look_everywhere()
    pipeline.run()


def newest(erp: ScriptedErp, kind: type[Product] | type[Price]) -> Product | Price:
    return next(
        delivery.event.data for delivery in reversed(erp.pushed)
        if isinstance(delivery.event.data, kind)
    )  # fmt: skip


def test_what_is_there_already_is_known_and_a_mere_save_is_no_news(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    look(pipeline)
    touch(pipeline)
    look(pipeline)

    assert erp.pushed == []


def test_a_product_that_was_changed_is_told_with_its_values(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    give(php, "name", "A blue mug")
    touch(pipeline)
    look(pipeline)

    assert told(erp) == [("product.saved", SKU)]
    product = newest(erp, Product)
    assert isinstance(product, Product)
    assert (product.sku, product.name, product.type_id) == (SKU, "A blue mug", "simple")
    assert product.websites
    assert product.created_at.tzinfo is UTC


def test_a_view_that_says_otherwise_stands_beside_what_counts_for_all(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    give(php, "name", "Becher", store=1)
    touch(pipeline)
    look(pipeline)

    product = newest(erp, Product)
    assert isinstance(product, Product)
    assert product.name != "Becher"
    (store,) = pipeline.sql(f"SELECT code FROM `{pipeline.magento.name}`.store WHERE store_id = 1")
    assert product.store_values == (
        StoreValue(store_code=store.code, attribute_code="name", value="Becher"),
    )


def test_a_further_attribute_goes_along_with_the_label_of_its_option(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    shop = pipeline.magento.name
    pipeline.sql(
        f"INSERT INTO `{shop}`.eav_attribute_option (option_id, attribute_id) VALUES (77, 93)"
    )
    pipeline.sql(
        f"INSERT INTO `{shop}`.eav_attribute_option_value (option_id, store_id, value) "
        "VALUES (77, 0, 'Blue')"
    )
    give(php, "color", 77)
    touch(pipeline)
    look(pipeline)

    product = newest(erp, Product)
    assert isinstance(product, Product)
    assert product.custom_attributes == (
        CustomAttribute(attribute_code="color", value="77", label="Blue"),
    )


def test_a_product_that_the_erp_knows_is_removed_there_and_another_one_is_nobodys_news(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    give(php, "name", "A blue mug")
    touch(pipeline)
    look(pipeline)
    products = f"`{pipeline.magento.name}`.catalog_product_entity"
    pipeline.sql(f"DELETE FROM {products} WHERE entity_id = %s OR sku = 'LAMP'", PRODUCT)
    look(pipeline)

    assert told(erp) == [("product.saved", SKU), ("product.removed", SKU)]


def test_a_price_that_moves_no_updated_at_is_found(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    give(php, "price", "12.34")
    look(pipeline)
    look(pipeline)

    assert told(erp, "price.changed") == [("price.changed", SKU)]
    price = newest(erp, Price)
    assert isinstance(price, Price)
    assert (price.price, price.website_code, price.product_id) == (
        Decimal("12.340000"),
        None,
        PRODUCT,
    )


def test_a_special_price_has_its_days_and_tiers_their_groups(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    give(php, "special_price", "9.99")
    give(php, "special_from_date", datetime(2026, 12, 1))  # noqa: DTZ001 - a day of the store
    save_tier_prices(
        php.session,
        [
            TierPrice(PRODUCT, 0, None, Decimal(10), Decimal("8.50"), None),
            TierPrice(PRODUCT, 0, 1, Decimal(5), Decimal(0), Decimal(20)),
        ],
    )
    look(pipeline)

    price = newest(erp, Price)
    assert isinstance(price, Price)
    assert (price.special_price, price.special_from, price.special_to) == (
        Decimal("9.990000"),
        "2026-12-01",
        None,
    )
    tiers = [
        (tier.quantity, tier.price, tier.percentage, tier.customer_group is None)
        for tier in price.tier_prices
    ]
    assert tiers == [
        (Decimal(10), Decimal("8.5"), None, True),
        (Decimal(5), None, Decimal(20), False),
    ]


def test_with_prices_by_website_each_has_its_own(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    shop = pipeline.magento.name
    pipeline.sql(
        f"INSERT INTO `{shop}`.core_config_data (scope, scope_id, path, value) "
        "VALUES ('default', 0, 'catalog/price/scope', '1')"
    )
    look(pipeline)
    erp.pushed.clear()
    give(php, "price", "55", store=1)
    look(pipeline)

    (website,) = pipeline.sql(
        f"SELECT w.code FROM `{shop}`.store s JOIN `{shop}`.store_website w USING (website_id) "
        "WHERE s.store_id = 1"
    )
    assert told(erp) == [("price.changed", f"{SKU}@{website.code}")]
    price = newest(erp, Price)
    assert isinstance(price, Price)
    assert (price.price, price.website_code) == (Decimal(55), website.code)


def test_an_attribute_that_the_shop_does_not_have_is_named(pipeline: Pipeline) -> None:
    reader = ProductReader(pipeline.sidecar.magento, ["colour"])
    with (
        pytest.raises(ConfigurationError, match="no attribute 'colour'"),
        pipeline.sidecar.database.snapshot("reading") as view,
    ):
        reader.read(view, [PRODUCT])
