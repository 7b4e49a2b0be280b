"""What the ERP tells of prices reaches Magento through the daemon, and what may not is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.magento.rest.errors import MagentoUnknown
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from sidecar.testing.magento_rest import MagentoRest, Misbehaviour
from tests.harness import TellingErp
from tests.pipeline import Pipeline
from tests.prices_shop import tier, told
from tests.told import news, telling

pytestmark = pytest.mark.any_server

SECTION = "{owner: erp, every: 30s, bounds: {run: {changed: 15%}}}"


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "pricing")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> TellingErp:
    return TellingErp()


@pytest.fixture
def rest(magento: MagentoDatabase) -> Iterator[MagentoRest]:
    with Shop(magento) as php, MagentoRest(php) as rest:
        yield rest


@pytest.fixture
def pipeline(
    magento: MagentoDatabase, erp: TellingErp, rest: MagentoRest, tmp_path: Path
) -> Iterator[Pipeline]:
    each = "{sku: =item.sku}"
    with telling(magento, tmp_path, erp, rest, "prices", SECTION, each) as pipeline:
        yield pipeline


def hear(pipeline: Pipeline) -> None:
    pipeline.let_pass(60)
    pipeline.hear()


def price(pipeline: Pipeline, sku: str) -> Decimal:
    [row] = pipeline.sql(
        f"SELECT v.value FROM `{pipeline.magento.name}`.catalog_product_entity_decimal v "
        f"JOIN `{pipeline.magento.name}`.catalog_product_entity p USING (entity_id) "
        "WHERE p.sku = %s AND v.attribute_id = 77 AND v.store_id = 0", sku,
    )  # fmt: skip
    return Decimal(row.value)


def kept(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [(one.number, one.status) for one in news(pipeline)]


def test_what_differs_is_written_and_what_is_equal_asks_magento_nothing(
    pipeline: Pipeline, erp: TellingErp, rest: MagentoRest
) -> None:
    erp.said["prices"] = [told("MUG", 9, special=8, tiers=(tier(5, 7),)), told("DESK", 349)]
    hear(pipeline)
    assert price(pipeline, "MUG") == 9
    calls = len(rest.exchanges)
    hear(pipeline)
    assert len(rest.exchanges) == calls
    assert kept(pipeline) == []


def test_a_row_that_is_refused_is_parked_by_its_name_until_the_erp_says_otherwise(
    pipeline: Pipeline, erp: TellingErp
) -> None:
    erp.said["prices"] = [told("MUG", 0), told("DESK", 340), told("LAMP", 70, "us")]
    hear(pipeline)
    hear(pipeline)
    assert price(pipeline, "MUG") == Decimal("9.99")
    assert price(pipeline, "DESK") == 340
    assert sorted(kept(pipeline)) == [("LAMP @ us", "parked"), ("MUG", "parked")]
    erp.said["prices"] = [told("MUG", 9)]
    hear(pipeline)
    assert price(pipeline, "MUG") == 9
    assert sorted(kept(pipeline)) == [("LAMP @ us", "parked"), ("MUG", "superseded")]


def test_a_run_that_changes_too_much_waits_whole_for_a_person(
    pipeline: Pipeline, erp: TellingErp
) -> None:
    erp.said["prices"] = [told("MUG", 9), told("DESK", 340), told("LAMP", 70)]
    hear(pipeline)
    assert price(pipeline, "MUG") == Decimal("9.99")
    (waiting,) = news(pipeline)
    assert (waiting.number, waiting.status) == ("(run)", "parked")
    assert "would change the prices of 3 of 14 (21.4%)" in (waiting.what or "")
    assert "'erp-sidecar prices diff'" in (waiting.remedy or "")
    pipeline.sidecar.incoming.apply([str(waiting.id)], By("test", "the new list"))
    hear(pipeline)
    assert price(pipeline, "MUG") == 9


def test_what_a_lost_answer_left_unwritten_is_written_by_the_next_run(
    pipeline: Pipeline, erp: TellingErp, rest: MagentoRest
) -> None:
    erp.said["prices"] = [told("MUG", 9, tiers=(tier(5, 7),))]
    rest.misbehave(Misbehaviour.DROP_AFTER, "products/base-prices")
    with pytest.raises(MagentoUnknown):
        hear(pipeline)
    hear(pipeline)
    assert price(pipeline, "MUG") == 9
    puts = [json.loads(one.body)["prices"] for one in rest.exchanges if one.method == "PUT"]
    assert [len(tiers) for tiers in puts] == [1]
