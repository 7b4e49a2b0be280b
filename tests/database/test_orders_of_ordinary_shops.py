"""Orders as modules, importers and payment providers leave them: none is stuck for good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.spec import SPEC
from sidecar.model.errors import ConfigurationError, UsageError
from sidecar.model.event import decode_payload
from sidecar.operate.queue import By
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline

WHY = By("test", "a test")
FEE = (
    "ALTER TABLE sales_order ADD COLUMN {name} decimal(20,4), ADD COLUMN base_{name} decimal(20,4)"
)


@dataclass
class Stage:
    """A shop whose rows a test bends, and the sidecar beside it."""

    pipeline: Pipeline
    shop: Shop
    magento: MagentoDatabase
    erp: ScriptedErp

    def place(self, *changes: str) -> int:
        """Place an order and change its rows; `{id}` is its entity id."""
        entity_id = self.shop.place().entity_id
        self.change(*(one.format(id=entity_id) for one in changes))
        return entity_id

    def change(self, *statements: str) -> None:
        with self.magento.connect(sql_mode="") as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def alter(self, *statements: str) -> None:
        """A module is installed; the daemon begins anew."""
        self.change(*statements)
        self.pipeline.pump.workers.close()
        del self.pipeline.sidecar.magento, self.pipeline.sidecar.parts
        self.pipeline.start()

    def sweep(self) -> None:
        self.pipeline.sweep.recent()
        self.pipeline.work()

    def status(self, entity_id: int) -> str:
        return str(self.pipeline.events(entity_id)[0].status)

    def event(self, entity_id: int) -> Any:
        return self.pipeline.events(entity_id)[0]

    def payload(self, entity_id: int) -> Order:
        [[text]] = self.pipeline.sql(
            f"SELECT payload FROM {self.pipeline.sidecar.names('payload')} "
            "WHERE entity_id = %s AND sequence = 1", entity_id,
        )  # fmt: skip
        payload = decode_payload(SPEC.event(ORDER_PLACED), text)
        assert isinstance(payload, Order)
        return payload

    def read(self, entity_id: int) -> Order:
        reader = OrderReader(self.pipeline.sidecar.magento)
        with self.pipeline.sidecar.database.snapshot() as view:
            return reader.read(view, [entity_id])[entity_id]

    def configured(self, text: str, folder: Path) -> Pipeline:
        """The same shop under a configuration with more under `domains.orders`."""
        self.pipeline.__exit__(None, None, None)
        self.pipeline = stage_of(self.magento, folder, self.erp, text)
        return self.pipeline


def stage_of(magento: MagentoDatabase, folder: Path, erp: ScriptedErp, more: str = "") -> Pipeline:
    # The template ends the value with its unit.
    lease = f"20s\n{more}    pause_alarm: 90" if more else "20"
    return Pipeline(magento, folder, adapter=erp, lease=lease)


@pytest.fixture
def stage(server: PrivateServer, tmp_path: Path) -> Iterator[Stage]:
    magento = create_magento(server, "ordinary_shop")
    erp = ScriptedErp()
    with Shop(magento) as shop:
        made = Stage(stage_of(magento, tmp_path / "one", erp), shop, magento, erp)
        yield made
        made.pipeline.__exit__(None, None, None)
    magento.drop()


PLUS = "UPDATE sales_order SET {name} = 3, base_{name} = 3 WHERE entity_id = {{id}}"
TOTAL = (
    "UPDATE sales_order SET grand_total = grand_total {by:+}, "
    "base_grand_total = base_grand_total {by:+} WHERE entity_id = {{id}}"
)


@pytest.mark.parametrize(("sign", "name"), [(3, "mollie_payment_fee"), (-3, "loyalty_deduction")])
def test_a_modules_column_that_explains_the_total_to_the_cent_is_carried_without_a_word(
    stage: Stage, sign: int, name: str
) -> None:
    stage.alter(FEE.format(name=name))
    order = stage.place(PLUS.format(name=name), TOTAL.format(by=sign))

    stage.sweep()

    assert stage.status(order) == "accepted"
    [charge] = stage.payload(order).charges
    figures = (charge.amount, charge.base_amount)
    assert (charge.name, figures) == (name, (Decimal(sign), Decimal(sign)))
    assert stage.payload(order).extra[name] == 3


def test_a_column_that_explains_nothing_is_not_taken_for_a_total(stage: Stage) -> None:
    stage.alter(FEE.format(name="module_fee"))
    sound = stage.place(PLUS.format(name="module_fee"))
    off = stage.place(PLUS.format(name="module_fee"), TOTAL.format(by=4))

    stage.sweep()

    assert stage.status(sound) == "accepted"
    assert stage.payload(sound).charges == ()
    assert (stage.status(off), stage.event(off).error_code) == ("parked", "bad_data")


def test_columns_that_are_named_count_as_the_configuration_says(
    stage: Stage, tmp_path: Path
) -> None:
    stage.change(FEE.format(name="fee"), FEE.format(name="fee_tax"))
    stage.change("ALTER TABLE sales_order_item ADD COLUMN engraving decimal(12,4)")
    stage.configured(
        '    totals: {fee: {}, fee_tax: {counts: "no"}, engraving: {of: items}}\n',
        tmp_path / "two",
    )
    order = stage.place(
        PLUS.format(name="fee"),
        "UPDATE sales_order SET fee_tax = 0.57 WHERE entity_id = {id}",
        "UPDATE sales_order_item SET engraving = 2 WHERE order_id = {id} LIMIT 1",
        TOTAL.format(by=5),
    )

    stage.sweep()

    assert stage.status(order) == "accepted"
    sent = stage.payload(order)
    assert [(charge.name, charge.amount) for charge in sent.charges] == [
        ("fee", Decimal(3)), ("engraving", Decimal(2)),
    ]  # fmt: skip
    assert sent.extra["fee_tax"] == Decimal("0.57")
    assert sent.items[0].extra["engraving"] == 2


_PLACE = (
    r"sidecar\.yaml:\d+: domains\.orders\.totals\.no_such_fee: "
    "sales_order has no column no_such_fee"
)


def test_a_named_column_that_the_shop_does_not_have_is_an_error_with_its_place(
    stage: Stage, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=_PLACE):
        stage.configured("    totals: {no_such_fee: {}}\n", tmp_path / "two")
    stage.pipeline = stage_of(stage.magento, tmp_path / "three", stage.erp)


def test_what_commerce_adds_is_known_without_being_named(stage: Stage) -> None:
    columns = ("gw_price", "gw_base_price", "customer_balance_amount",
               "base_customer_balance_amount")  # fmt: skip
    stage.alter(
        "ALTER TABLE sales_order " + ", ".join(f"ADD COLUMN {one} decimal(20,4)" for one in columns)
    )
    order = stage.place(
        "UPDATE sales_order SET gw_price = 4, gw_base_price = 4, customer_balance_amount = 10, "
        "base_customer_balance_amount = 10 WHERE entity_id = {id}",
        TOTAL.format(by=-6),
    )

    stage.sweep()

    assert stage.status(order) == "accepted"
    assert [(one.name, one.amount) for one in stage.payload(order).charges] == [
        ("gw_price", Decimal(4)), ("credits", Decimal(-10)),
    ]  # fmt: skip
    assert stage.payload(order).extra["customer_balance_amount"] == 10


def test_a_cent_goes_and_is_told_and_two_wait(stage: Stage) -> None:
    cent = stage.place(TOTAL.format(by=0.01))
    two = stage.place(TOTAL.format(by=0.02))

    stage.sweep()

    assert (stage.status(cent), stage.status(two)) == ("accepted", "parked")
    assert "capture.tolerated" in stage.pipeline.told.names()
    [charge] = stage.payload(cent).charges
    assert (charge.name, charge.amount) == ("difference", Decimal("0.01"))


LACKING = {
    "base amounts of the order": "UPDATE sales_order SET base_grand_total = NULL, "
    "base_tax_amount = NULL, base_subtotal = NULL, base_shipping_amount = NULL "
    "WHERE entity_id = {id}",
    "base amounts of the lines": "UPDATE sales_order_item SET base_row_total = 0, base_price = 0, "
    "base_tax_amount = 0 WHERE order_id = {id}",
    "product type": "UPDATE sales_order_item SET product_type = NULL WHERE order_id = {id}",
    "whether the lines are virtual": "UPDATE sales_order_item SET is_virtual = NULL "
    "WHERE order_id = {id}",
    "whether the customer is a guest": "UPDATE sales_order SET customer_is_guest = NULL "
    "WHERE entity_id = {id}",
    "amounts that are none": "UPDATE sales_order SET discount_amount = NULL, "
    "base_discount_amount = NULL, shipping_discount_amount = NULL WHERE entity_id = {id}",
}  # fmt: skip


@pytest.mark.parametrize("what", LACKING)
def test_an_order_that_lacks_what_can_be_told_without_it_goes(stage: Stage, what: str) -> None:
    order = stage.place(LACKING[what])

    stage.sweep()

    assert stage.status(order) == "accepted", stage.event(order).reason
    sent = stage.payload(order)
    assert sent.base_grand_total == sent.grand_total
    assert [item.base_row_total for item in sent.items] == [item.row_total for item in sent.items]


def test_an_order_without_a_number_never_goes_not_even_as_it_is(stage: Stage) -> None:
    order = stage.place("UPDATE sales_order SET increment_id = NULL WHERE entity_id = {id}")

    stage.sweep()

    assert stage.status(order) == "parked"
    assert "has no number" in stage.event(order).reason
    with pytest.raises(UsageError, match="has no number"):
        stage.pipeline.sidecar.operations.release_as_is([stage.event(order).event_id], WHY)
    assert stage.erp.pushed == []


LATER = {
    "lines": ("sales_order_item", "order_id = {id}"),
    "payment": ("sales_order_payment", "parent_id = {id}"),
    "billing address": ("sales_order_address", "parent_id = {id} AND address_type = 'billing'"),
    "shipping address": ("sales_order_address", "parent_id = {id} AND address_type = 'shipping'"),
}


@pytest.mark.parametrize("what", LATER)
def test_what_an_importer_writes_later_is_seen_without_a_hint_and_without_a_person(
    stage: Stage, what: str
) -> None:
    table, where = LATER[what]
    stage.change("DROP TABLE IF EXISTS kept")
    order = stage.place(
        f"CREATE TABLE kept AS SELECT * FROM {table} WHERE {where}",
        f"DELETE FROM {table} WHERE {where}",
    )  # fmt: skip
    stage.sweep()
    assert stage.status(order) == "parked"
    stage.sweep()

    stage.change(f"INSERT INTO {table} SELECT * FROM kept")
    age(stage, order)
    stage.sweep()

    assert stage.status(order) == "accepted"
    assert len(stage.erp.pushed) == 1


def age(stage: Stage, entity_id: int, seconds: int = 3600) -> None:
    """Let the last look and the parking be so long ago, and no hint wait."""
    names = stage.pipeline.sidecar.names
    stage.pipeline.sql(f"DELETE FROM {names('outbox')}")
    stage.pipeline.sql(
        f"UPDATE {names('entity')} SET looked_at = looked_at - INTERVAL %s SECOND "
        "WHERE entity_id = %s", seconds, entity_id,
    )  # fmt: skip


def test_an_order_that_stays_broken_is_looked_at_ever_more_rarely_and_makes_no_events(
    stage: Stage,
) -> None:
    order = stage.place(TOTAL.format(by=7))
    names = stage.pipeline.sidecar.names
    looks = []
    stage.sweep()
    for parked_for in (10, 100, 1000, 100_000):
        stage.pipeline.sql(
            f"UPDATE {names('event')} SET created_at = UTC_TIMESTAMP(3) - INTERVAL %s SECOND",
            parked_for,
        )
        stage.pipeline.sql(
            f"UPDATE {names('entity')} SET looked_at = UTC_TIMESTAMP(3) - INTERVAL %s SECOND",
            parked_for * 0.6,
        )
        with stage.pipeline.sidecar.database.transaction() as connection:
            looks.append(stage.pipeline.sidecar.store.events.broken(connection, "orders", 3600))
        stage.pipeline.sql(
            f"UPDATE {names('entity')} SET looked_at = UTC_TIMESTAMP(3) - INTERVAL %s SECOND",
            parked_for * 0.4,
        )
        with stage.pipeline.sidecar.database.transaction() as connection:
            looks.append(stage.pipeline.sidecar.store.events.broken(connection, "orders", 3600))
    stage.sweep()

    assert looks == [[order], [], [order], [], [order], [], [order], [order]]
    assert len(stage.pipeline.events(order)) == 1


def test_what_an_operator_sends_as_it_is_goes_and_is_not_asked_about_again(stage: Stage) -> None:
    order = stage.place(TOTAL.format(by=7))
    stage.sweep()
    number = stage.event(order).number

    done = stage.pipeline.sidecar.operations.release_as_is([number], By("test", "agreed"))
    stage.pipeline.work()

    assert [one.number for one in done.documents] == [number]
    assert stage.status(order) == "accepted"
    [charge] = stage.payload(order).charges
    assert (charge.name, charge.amount) == ("difference", Decimal(7))

    stage.change(
        f"UPDATE sales_order SET customer_email = 'new@example.com', "
        f"updated_at = updated_at + INTERVAL 1 MINUTE WHERE entity_id = {order}"
    )
    stage.sweep()

    assert [event.status for event in stage.pipeline.events(order)][-1] == "accepted"
    assert stage.erp.types() == ("order.placed", "order.updated")
    [note] = stage.pipeline.sql(
        f"SELECT command, reason, detail FROM {stage.pipeline.sidecar.names('audit')} "
        "WHERE command = 'queue release'"
    )
    assert note.reason == "agreed"
    assert "7.00 EUR too much" in note.detail


def test_only_what_was_parked_for_its_data_is_released_as_it_is(stage: Stage) -> None:
    order = stage.place()
    stage.pipeline.pause()
    stage.sweep()

    with pytest.raises(UsageError, match="is parked because of its data"):
        stage.pipeline.sidecar.operations.release_as_is([stage.event(order).number], WHY)


def test_what_waits_is_counted_by_its_gate(stage: Stage) -> None:
    stage.place("UPDATE sales_order_payment SET method = 'banktransfer' WHERE parent_id = {id}")
    stage.place("UPDATE sales_order SET state = 'holded', status = 'holded' WHERE entity_id = {id}")
    stage.place("UPDATE sales_order SET state = 'payment_review' WHERE entity_id = {id}")
    gone = stage.place()

    stage.sweep()

    assert stage.status(gone) == "accepted"
    vitals = stage.pipeline.sidecar.vitals().read().ledger.domains["orders"]
    assert vitals.gates == {"payment": 1, "hold": 1, "state": 1}
