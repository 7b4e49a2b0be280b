"""A domain that is limited to stores: what is of others is left alone, and stays so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.model.errors import ConfigurationError
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import TAKES, ScriptedErp
from tests.pipeline import Pipeline

REFUNDS = frozenset({"refund.issued", "refund.canceled"})
ONLY_US = "    only: {websites: [us]}\n  refunds: {}\n"


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "limited")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp(subscriptions=TAKES | REFUNDS)


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def pushed(erp: ScriptedErp) -> list[tuple[str, str]]:
    return [(delivery.event.type, delivery.ref) for delivery in erp.pushed]


def sold_and_refunded(php: Shop, store: str) -> str:
    order = php.place(store=store)
    php.invoice(order.entity_id)
    php.refund(order.entity_id)
    return order.increment_id


def test_orders_of_other_websites_and_their_refunds_do_not_go(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with Pipeline(magento, tmp_path, adapter=erp, domains=ONLY_US) as pipeline:
        sold_and_refunded(php, "default")
        american = sold_and_refunded(php, "us")
        pipeline.run()
        for sweep in pipeline.sweeps:
            sweep.full()
        pipeline.run()

        types = {(type_, ref.endswith(american)) for type_, ref in pushed(erp)}
        assert {ours for _, ours in types} == {True}
        assert {"order.placed", "refund.issued"} <= {type_ for type_, _ in types}
        waiting = pipeline.sql(f"SELECT id FROM {pipeline.sidecar.names('outbox')}")
        assert waiting == []


def test_what_was_left_alone_is_not_sent_when_the_limit_is_lifted(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    with Pipeline(magento, tmp_path, adapter=erp, domains=ONLY_US) as pipeline:
        before = php.place()
        pipeline.run()
    with Pipeline(magento, tmp_path, adapter=erp, domains="  refunds: {}\n") as pipeline:
        after = php.place()
        for sweep in pipeline.sweeps:
            sweep.full()
        pipeline.run()
        assert pushed(erp) == [("order.placed", after.increment_id)]

        php.cancel(before.entity_id)
        pipeline.run()
        assert pushed(erp) == [("order.placed", after.increment_id)]


def test_a_website_that_the_shop_does_not_have_is_refused(
    magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"sidecar.yaml:\d+: .*no website 'usa'") as found:
        Pipeline(magento, tmp_path, adapter=erp, domains="    only: {websites: [usa]}\n")
    assert found.value.remedy == "there are base, us"


def test_two_companies_are_served_by_two_ledgers_on_one_shop(
    magento: MagentoDatabase, php: Shop, tmp_path: Path
) -> None:
    german, american = ScriptedErp(), ScriptedErp()
    with (
        Pipeline(
            magento,
            tmp_path / "de",
            adapter=german,
            triggers="false",
            domains="    only: {websites: [base]}\n",
        ) as one,
        Pipeline(
            magento,
            tmp_path / "us",
            adapter=american,
            ledger=f"{magento.name}_us",
            triggers="false",
            domains="    only: {stores: [us]}\n",
        ) as other,
    ):
        # It finds the other's statuses in the shop, and may be a copy for all that it knows.
        other.sidecar.identification.accept(By("test", "the second company"))
        orders = {store: php.place(store=store) for store in ("default", "us")}
        for pipeline in (one, other):
            for sweep in pipeline.sweeps:
                sweep.full()
            pipeline.run()

        assert pushed(german) == [("order.placed", orders["default"].increment_id)]
        assert pushed(american) == [("order.placed", orders["us"].increment_id)]
        statuses = pipeline.sql(f"SELECT status FROM {magento.table('sales_order')}")
        assert [row.status for row in statuses] == ["erp_received", "erp_received"]
