"""Which triggers a shop gets, decided from what its schema looks like."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.capture.trigger_plan import (
    Column,
    Definer,
    LiveSchema,
    LiveTrigger,
    TriggerPlan,
    changelogs,
    plan,
    quoted_user,
    trigger_name,
)
from tests.sample_domains import ALL, named, watching

ENTITY = tuple(Column(name, text=False) for name in ("entity_id", "parent_id"))
TABLES = {
    "sales_order": (),
    "sales_order_payment": ENTITY,
    "sales_order_address": (*ENTITY, Column("lastname", text=True)),
    "sales_invoice": ENTITY,
    "sales_shipment": ENTITY,
    "sales_shipment_track": ENTITY,
    "sales_creditmemo": ENTITY,
    "customer_entity": (*ENTITY, Column("email", text=True), Column("updated_at", text=False)),
    "customer_address_entity": ENTITY,
    "inventory_reservation": (Column("reservation_id", text=False),),
    "cataloginventory_stock_status": (Column("product_id", text=False),),
}


def names(table: str) -> str:
    return f"`erp_sidecar`.`{table}`"


def mview(table: str, event: str = "insert", definer: str = "magento@%") -> LiveTrigger:
    return LiveTrigger(
        f"trg_{table}_after_{event}",
        table,
        "AFTER",
        event.upper(),
        "BEGIN INSERT IGNORE INTO `some_view_cl` (`entity_id`) VALUES (NEW.`entity_id`); END",
        definer,
    )


def a_shop(
    triggers: Iterable[LiveTrigger] = (),
    tables: dict[str, tuple[Column, ...]] | None = None,
    prefix: str = "",
) -> LiveSchema:
    chosen = TABLES if tables is None else tables
    return LiveSchema(
        "magento",
        prefix,
        "installer@localhost",
        {prefix + name: columns for name, columns in chosen.items()},
        tuple(triggers),
    )


def pointed(found: TriggerPlan) -> set[tuple[str, str]]:
    return {(trigger.table, trigger.event) for trigger in found.planned}


def test_orders_are_watched_through_payment_and_address_never_through_sales_order() -> None:
    found = plan(a_shop(), named("orders"), names)

    assert pointed(found) == {
        ("sales_order_payment", "INSERT"),
        ("sales_order_payment", "UPDATE"),
        ("sales_order_address", "UPDATE"),
    }
    assert (found.avoided, found.lost) == ((), ())


def test_only_enabled_domains_get_triggers() -> None:
    assert pointed(plan(a_shop(), (), names)) == set()
    assert pointed(plan(a_shop(), named("refunds"), names)) == {("sales_creditmemo", "INSERT")}


def test_a_domain_without_triggers_of_its_own_is_none_the_worse() -> None:
    assert plan(a_shop(), [watching("prices", "price")], names).planned == ()


def test_every_domain_of_the_default_set_can_be_had_in_a_stock_shop() -> None:
    found = plan(a_shop(), ALL, names)

    assert len(found.planned) == sum(len(spec.watches) for spec in ALL)
    assert len({trigger.name for trigger in found.planned}) == len(found.planned)


def test_each_table_of_mview_is_avoided_with_its_reason_wanted_or_not() -> None:
    found = plan(
        a_shop([mview("sales_order"), mview("sales_order", "update")]), named("orders"), names
    )

    (avoided,) = found.avoided
    assert (avoided.table, avoided.wanted) == ("sales_order", False)
    for word in (
        "trg_sales_order_after_insert",
        "trg_sales_order_after_update",
        "some_view_cl",
        "setup:upgrade",
        "exit 1",
        "2.4.6 and 2.4.7",
    ):
        assert word in avoided.why
    assert len(found.planned) == 3


def test_a_wanted_table_that_a_module_put_under_mview_falls_to_the_sweep() -> None:
    found = plan(a_shop([mview("sales_order_payment")]), named("orders"), names)

    assert pointed(found) == {("sales_order_address", "UPDATE")}
    assert [(entry.table, entry.wanted) for entry in found.avoided] == [
        ("sales_order_payment", True)
    ]
    assert {lost.watch.event for lost in found.lost} == {"INSERT", "UPDATE"}
    assert all("sweep" in lost.why for lost in found.lost)


def test_a_table_that_is_no_longer_wanted_is_avoided_without_being_lost() -> None:
    found = plan(a_shop([mview("sales_order_payment")]), named("refunds"), names)

    assert [entry.wanted for entry in found.avoided] == [False]
    assert found.lost == ()


@pytest.mark.parametrize(
    ("name", "body", "logs"),
    [
        ("trg_t_after_insert", "BEGIN INSERT IGNORE INTO `v_cl` (`entity_id`)", ("v_cl",)),
        ("trg_t_after_update", "BEGIN END", ()),
        ("trg_0cc175b9c0f1b6a831c399e269772661", "insert ignore into `v_cl` (x)", ("v_cl",)),
        ("m2", "INSERT INTO\n `shop`.`a_cl` VALUES (1); INSERT INTO b_cl (x)", ("a_cl", "b_cl")),
        ("audit_t", "BEGIN INSERT INTO clients (id) VALUES (NEW.id); END", None),
        ("trg_foo", "BEGIN INSERT INTO `clock` (id) VALUES (NEW.id); END", None),
        ("erp_sidecar_t_ai", "BEGIN INSERT INTO `x_cl` VALUES (1); END", None),
    ],
)
def test_mview_is_known_by_its_names_and_by_the_changelogs_it_writes(
    name: str, body: str, logs: tuple[str, ...] | None
) -> None:
    assert changelogs(LiveTrigger(name, "t", "AFTER", "INSERT", body, "x@y")) == logs


def test_another_tools_trigger_keeps_us_off_nothing() -> None:
    theirs = LiveTrigger("audit", "sales_order_payment", "AFTER", "INSERT", "BEGIN END", "dba@%")

    assert len(plan(a_shop([theirs]), named("orders"), names).planned) == 3


def test_the_definer_is_the_account_that_magentos_own_triggers_show() -> None:
    triggers = [
        mview("sales_order"),
        mview("store"),
        mview("store_group", definer="former@localhost"),
    ]

    found = plan(a_shop(triggers), named("orders"), names, definer=Definer("configured@%"))

    assert found.definer == "magento@%"
    assert {trigger.definer for trigger in found.planned} == {"magento@%"}
    assert all("DEFINER=`magento`@`%`" in trigger.statement for trigger in found.planned)


def test_magentos_own_account_defines_ours_although_a_dump_left_magentos_to_root() -> None:
    restored = a_shop([mview("sales_order", definer="root@localhost")])
    known = Definer("magento@%", beside="root@localhost")

    assert plan(restored, named("orders"), names, definer=known).definer == "magento@%"
    rebuilt = a_shop([mview("sales_order", definer="new@%")])
    assert plan(rebuilt, named("orders"), names, definer=known).definer == "new@%"


def test_without_mview_the_definer_is_the_configured_account_else_who_is_logged_in() -> None:
    assert (
        plan(a_shop(), named("orders"), names, definer=Definer("magento@%")).definer == "magento@%"
    )
    assert plan(a_shop(), named("orders"), names).definer == "installer@localhost"


def test_an_account_with_odd_characters_is_quoted_as_user_and_host() -> None:
    assert quoted_user("a`b@c@10.0.0.%") == "`a``b@c`@`10.0.0.%`"


def test_a_missing_table_or_column_is_lost_and_the_rest_is_planned() -> None:
    tables = {**TABLES, "sales_order_address": (Column("entity_id", text=False),)}
    del tables["inventory_reservation"]

    found = plan(a_shop(tables=tables), named("orders", "reservations", "stock"), names)

    assert pointed(found) == {
        ("sales_order_payment", "INSERT"),
        ("sales_order_payment", "UPDATE"),
        ("cataloginventory_stock_status", "INSERT"),
        ("cataloginventory_stock_status", "UPDATE"),
    }
    assert {(lost.watch.table, lost.why) for lost in found.lost} == {
        ("inventory_reservation", "this shop has no table inventory_reservation"),
        ("sales_order_address", "sales_order_address has no column parent_id in this shop"),
    }


def statement(found: TriggerPlan, name: str) -> str:
    return next(trigger.statement for trigger in found.planned if trigger.name == name)


def test_an_equal_write_of_the_payment_counts_and_one_of_the_address_does_not() -> None:
    found = plan(a_shop(), named("orders"), names)

    assert "IF TRUE THEN" in statement(found, "erp_sidecar_sales_order_payment_au")
    assert "IF NOT (OLD.`entity_id` <=> NEW.`entity_id`)" in statement(
        found, "erp_sidecar_sales_order_address_au"
    )


def test_a_text_is_compared_as_bytes_for_a_collation_takes_an_umlaut_for_its_vowel() -> None:
    text = statement(plan(a_shop(), named("orders"), names), "erp_sidecar_sales_order_address_au")

    assert "NOT (CAST(OLD.`lastname` AS BINARY) <=> CAST(NEW.`lastname` AS BINARY))" in text


def test_a_new_updated_at_alone_is_no_change() -> None:
    text = statement(plan(a_shop(), named("customers"), names), "erp_sidecar_customer_entity_au")

    assert "`email`" in text
    assert "updated_at" not in text


def test_the_statement_is_one_guarded_insert_without_comment_or_select() -> None:
    for trigger in plan(a_shop(), ALL, names).planned:
        assert trigger.statement.endswith(trigger.body)
        assert trigger.body.startswith("BEGIN")
        assert trigger.body.count("INSERT INTO `erp_sidecar`.`outbox` ") == 1
        assert trigger.body.count("INSERT INTO `erp_sidecar`.`outbox_fault` ") == 1
        assert "--" not in trigger.statement
        assert not re.search(r"\bSELECT\b|\{", trigger.statement)


def test_a_table_prefix_is_part_of_table_and_name() -> None:
    found = plan(a_shop(prefix="m2_"), named("orders"), names)

    assert {trigger.name for trigger in found.planned} == {
        "erp_sidecar_m2_sales_order_payment_ai",
        "erp_sidecar_m2_sales_order_payment_au",
        "erp_sidecar_m2_sales_order_address_au",
    }
    assert all(trigger.table.startswith("m2_sales_") for trigger in found.planned)


@given(st.text("abcdefghijklmnopqrstuvwxyz_0123456789", min_size=1, max_size=64))
def test_a_trigger_name_always_fits_is_ours_and_is_not_one_that_magento_drops(table: str) -> None:
    name = trigger_name(table, "UPDATE")

    assert len(name) <= 64
    assert name.startswith("erp_sidecar_")
    assert name.endswith("_au")
    assert name != trigger_name(table, "INSERT")
    assert name != trigger_name(table + "x", "UPDATE")


def test_on_magento_2_4_8_customers_are_left_to_the_sweep() -> None:
    theirs = [
        mview(table, event)
        for table in ("customer_entity", "customer_address_entity")
        for event in ("insert", "update", "delete")
    ]

    found = plan(a_shop(theirs), named("customers"), names)

    assert found.planned == ()
    assert {lost.watch.table for lost in found.lost} == {
        "customer_entity", "customer_address_entity",
    }  # fmt: skip
