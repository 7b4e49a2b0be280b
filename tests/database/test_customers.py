"""Customers from Magento to the ERP: what is sent of whom, and what waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from sidecar.domains.customers.payload import Customer
from sidecar.model.errors import ConfigurationError
from sidecar.model.guest import guest_id
from sidecar.model.outcome import Rejected
from sidecar.operate.queue import By
from sidecar.testing.magento_db import (
    CUSTOMERS,
    MagentoDatabase,
    PrivateServer,
    Shop,
    create_magento,
)
from tests.harness import TAKES, ScriptedErp
from tests.pipeline import DEMO_CALLS, Pipeline

EVENTS = frozenset({"customer.saved", "customer.erased"})
ALL_FIELDS = (
    "[email, prefix, firstname, middlename, lastname, suffix, dob, gender, taxvat, group_code, "
    "created_at, store_code, website_code, addresses]"
)
JANA = CUSTOMERS[0]
CALLS = """
customers:
  push:
    on: [customer.saved]
    call: {method: PUT, path: ="/customers/" ~ ref, json: {mail: =customer.email}}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
  erase:
    on: [customer.erased]
    call: {method: DELETE, path: ="/customers/" ~ link.reference}
    answer: {accepted: =response.status == 204}
"""
Open = Callable[..., AbstractContextManager[Pipeline]]


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "customers")
    yield magento
    magento.drop()
    # Of a start that was refused the ledger is left.
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS customers_ledger")


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp(subscriptions=TAKES | EVENTS)


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


@pytest.fixture
def opened(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Open:
    def open_with(customers: str = "{}", orders: str = "", **settings: object) -> Pipeline:
        domains = f"{orders}  customers: {customers}\n"
        calls = DEMO_CALLS + CALLS
        return Pipeline(magento, tmp_path, calls=calls, adapter=erp, domains=domains, **settings)

    return open_with


def told(erp: ScriptedErp) -> list[tuple[str, str]]:
    """Type and external reference of all that was pushed."""
    return [(delivery.event.type, delivery.ref) for delivery in erp.pushed]


def last(erp: ScriptedErp) -> Customer:
    data = erp.pushed[-1].event.data
    assert isinstance(data, Customer)
    return data


def standing(pipeline: Pipeline, kind: str = "customer") -> list[tuple[str, str, str | None]]:
    rows = pipeline.sql(
        "SELECT type, status, COALESCE(waiting, reason) AS why "
        f"FROM {pipeline.sidecar.names('event')} WHERE kind = %s ORDER BY id",
        kind,
    )
    return [(row.type, row.status, row.why) for row in rows]


# --- what is sent ---------------------------------------------------------------------------


def test_a_new_customer_is_sent_with_what_may_leave_and_nothing_else(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened("{fields: [email, lastname]}") as pipeline:
        new = php.create_customer("ada@example.com", "Ada", "Lovelace")

        pipeline.run()

        assert told(erp) == [("customer.saved", f"CU{new}")]
        assert last(erp) == Customer(
            entity_id=new,
            email="ada@example.com",
            lastname="Lovelace",
            updated_at=last(erp).updated_at,
        )
        [[payload]] = pipeline.sql(f"SELECT payload FROM {pipeline.sidecar.names('payload')}")
        assert "Ada" not in payload


def test_a_customer_is_sent_as_magentos_rest_api_shows_him(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened(f"{{fields: {ALL_FIELDS}}}") as pipeline:
        php.save_customer(JANA.entity_id, taxvat="DE123", dob="1980-12-01", gender=2)

        pipeline.run()

        jana = last(erp)
        assert (jana.id, jana.email, jana.taxvat, jana.dob, jana.gender, jana.group_code) == (
            JANA.entity_id, JANA.email, "DE123", "1980-12-01", 2, "General",
        )  # fmt: skip
        [address] = jana.addresses
        assert (address.default_billing, address.default_shipping) == (True, True)
        assert (address.street, address.city) == (
            tuple(JANA.address.street.splitlines()), JANA.address.city,
        )  # fmt: skip


def test_what_was_in_the_shop_before_is_sent_when_it_changes_and_not_earlier(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened() as pipeline:
        pipeline.run()
        assert told(erp) == []

        php.save_customer(JANA.entity_id, firstname="Johanna")
        pipeline.run()

        assert told(erp) == [("customer.saved", "CU1")]
        assert last(erp).firstname == "Johanna"


@pytest.mark.parametrize("triggers", ["true", "false"])
def test_a_login_and_what_may_not_leave_are_no_news(
    opened: Open, php: Shop, erp: ScriptedErp, *, triggers: str
) -> None:
    with opened(triggers=triggers) as pipeline:
        php.save_customer(JANA.entity_id, failures_num=1, session_cutoff="2026-11-23 12:00:00")
        php.save_customer(JANA.entity_id, taxvat="DE1")
        php.save_customer_address(JANA.address_id, city="Ulm")

        pipeline.run()

        assert told(erp) == []


@pytest.mark.parametrize("triggers", ["true", "false"])
def test_an_address_that_alone_was_written_is_found(
    opened: Open, php: Shop, erp: ScriptedErp, magento: MagentoDatabase, *, triggers: str
) -> None:
    with opened("{fields: [email, addresses]}", triggers=triggers) as pipeline:
        pipeline.sql(
            f"UPDATE `{magento.name}`.customer_address_entity SET city = 'Ulm', "
            "updated_at = NOW() + INTERVAL 1 SECOND WHERE parent_id = 1"
        )

        pipeline.run()

        assert [address.city for address in last(erp).addresses] == ["Ulm"]


def test_of_changes_that_wait_only_the_newest_is_sent(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened() as pipeline:
        pipeline.pause()
        for name in ("Anna", "Anne", "Annika"):
            php.save_customer(JANA.entity_id, firstname=name)
            pipeline.work()
        pipeline.resume()

        pipeline.run()

        assert [last(erp).firstname, len(told(erp))] == ["Annika", 1]
        assert [status for _, status, _ in standing(pipeline)] == [
            "superseded", "superseded", "accepted",
        ]  # fmt: skip


def test_a_deleted_customer_is_erased_in_the_erp_that_holds_him(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened() as pipeline:
        php.save_customer(JANA.entity_id, firstname="Johanna")
        pipeline.run()
        php.delete_customer(JANA.entity_id)
        php.delete_customer(2)  # of whom the ERP never heard

        pipeline.run()

        assert told(erp) == [("customer.saved", "CU1"), ("customer.erased", "CU1")]
        link = erp.pushed[-1].link
        assert link is not None
        assert link.reference == "SO-CU1"


def test_one_that_was_deleted_before_he_was_sent_is_nothing_to_the_erp(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    erp.can = ScriptedErp(subscriptions=TAKES | EVENTS, probe=False).can
    with opened() as pipeline:
        pipeline.pause()
        new = php.create_customer("ada@example.com", "Ada", "Lovelace")
        pipeline.work()
        php.delete_customer(new)
        pipeline.look_everywhere()
        pipeline.work()
        pipeline.resume()

        pipeline.run()

        assert told(erp) == []
        assert [status for _, status, _ in standing(pipeline)] == ["superseded", "superseded"]


# --- of whom --------------------------------------------------------------------------------


def test_a_customer_of_another_group_is_not_sent(opened: Open, php: Shop, erp: ScriptedErp) -> None:
    with opened("{only: {groups: [Wholesale]}}") as pipeline:
        php.create_customer("ada@example.com", "Ada", "Lovelace", group_id=1)
        wholesale = php.create_customer("grace@example.com", "Grace", "Hopper", group_id=2)

        pipeline.run()

        assert told(erp) == [("customer.saved", f"CU{wholesale}")]


def test_without_consent_nothing_is_sent_or_kept_and_with_it_everything(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    consent = php.add_customer_attribute("privacy_accepted")
    with opened("{only: {consent: privacy_accepted}}") as pipeline:
        new = php.create_customer("ada@example.com", "Ada", "Lovelace")
        pipeline.run()
        assert told(erp) == []
        assert pipeline.sql(f"SELECT 1 FROM {pipeline.sidecar.names('payload')}") == []

        php.set_customer_attribute(new, consent, 1)
        pipeline.run()

        assert told(erp) == [("customer.saved", f"CU{new}")]


def test_who_withdraws_the_consent_is_not_sent_any_more_and_an_operator_is_told_once(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    consent = php.add_customer_attribute("privacy_accepted")
    with opened("{only: {consent: privacy_accepted}}") as pipeline:
        new = php.create_customer("ada@example.com", "Ada", "Lovelace")
        php.set_customer_attribute(new, consent, 1)
        pipeline.run()
        php.set_customer_attribute(new, consent, 0)
        php.save_customer(new, firstname="Augusta")
        pipeline.run()
        php.save_customer(new, firstname="Gussie")
        pipeline.run()
        pipeline.sidecar.operations.release_as_is([f"customer/{new}"], By("test", "a test"))
        pipeline.run()

        assert told(erp) == [("customer.saved", f"CU{new}")]
        first, *others = standing(pipeline)
        assert first[1] == "accepted"
        assert {status for _, status, _ in others} == {"parked"}
        assert "consent was withdrawn" in (others[0][2] or "")
        rows = pipeline.sql(f"SELECT payload FROM {pipeline.sidecar.names('payload')}")
        assert not any("Augusta" in row[0] or "Gussie" in row[0] for row in rows)

        php.set_customer_attribute(new, consent, 1)
        pipeline.run()
        assert last(erp).firstname == "Gussie"


@pytest.mark.parametrize(
    ("only", "wrong"),
    [
        ("{groups: [Whole]}", "only.groups: the shop has no group 'Whole'"),
        ("{consent: privacy}", "only.consent: the shop has no customer attribute 'privacy'"),
    ],
)
def test_a_group_or_an_attribute_that_the_shop_does_not_have_is_refused_at_start(
    opened: Open, *, only: str, wrong: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"sidecar\.yaml:\d+: .*" + wrong):
        opened(f"{{only: {only}}}")


# --- what waits for it ----------------------------------------------------------------------

NEEDS = "    needs: [customer]\n"


def test_an_order_waits_for_its_customer_and_is_sent_with_what_the_erp_calls_him(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened(orders=NEEDS) as pipeline:
        php.place(customer=JANA)

        pipeline.run()

        assert told(erp) == [("customer.saved", "CU1"), ("order.placed", "000000001")]
        parent = erp.pushed[-1].parent
        assert parent is not None
        assert parent.link is not None
        assert parent.link.reference == "SO-CU1"
        assert isinstance(parent.payload, Customer)


def test_a_guests_order_waits_for_nobody_where_guests_are_not_made_customers(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened(orders=NEEDS) as pipeline:
        php.place()

        pipeline.run()

        assert told(erp) == [("order.placed", "000000001")]


def test_a_refused_customer_holds_his_orders_with_his_own_reason(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    erp.answers["CU1"] = [Rejected(message="the VAT id is none")] * 9
    with opened(orders=NEEDS) as pipeline:
        php.place(customer=JANA)
        pipeline.run()

        [(_, status, why)] = standing(pipeline, "order")
        assert status == "pending"
        assert (why or "").startswith(
            "gate parent: the ERP refused customer 1, a person must act; 'erp-sidecar show "
            "customer/1' says why"
        )

        erp.answers.clear()
        pipeline.requeue("customer/1")
        pipeline.run()
        assert told(erp)[-1] == ("order.placed", "000000001")


def test_the_order_of_a_customer_who_is_not_sent_waits_and_says_why(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened("{only: {groups: [Wholesale]}}", orders=NEEDS) as pipeline:
        php.place(customer=JANA)

        pipeline.run()

        assert told(erp) == []
        [(_, _, why)] = standing(pipeline, "order")
        assert "customer 1 is not sent (other group)" in (why or "")


# --- guests ---------------------------------------------------------------------------------


def guest_account(erp: ScriptedErp) -> Any:
    return getattr(erp.pushed[-1].event.data, "guest_account", None)


@pytest.mark.parametrize(
    ("policy", "account"),
    [
        ("{guests: never}", None),
        ("{guests: one_time}", "GU000000001"),
        ("{guests: catch_all, guest_account: K-GUESTS}", "K-GUESTS"),
    ],
)
def test_a_guests_order_names_the_account_of_the_policy(
    opened: Open, php: Shop, erp: ScriptedErp, *, policy: str, account: str | None
) -> None:
    with opened(policy) as pipeline:
        php.place()
        pipeline.run()
        assert (told(erp), guest_account(erp)) == ([("order.placed", "000000001")], account)

        php.place(customer=JANA)
        pipeline.run()
        assert guest_account(erp) is None


def test_a_guest_becomes_one_customer_of_all_his_orders_before_they_go(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    policy = "{guests: create, fields: [email, lastname, addresses]}"
    with opened(policy, orders=NEEDS) as pipeline:
        php.place(email="guest@example.com")
        php.place(email="GUEST@example.com")

        pipeline.run()

        guest = guest_id("guest@example.com", "base")
        assert sorted(told(erp)[1:]) == [
            ("order.placed", "000000001"), ("order.placed", "000000002"),
        ]  # fmt: skip
        assert told(erp)[0] == ("customer.saved", f"CU{guest}")
        made = erp.pushed[0].event.data
        assert isinstance(made, Customer)
        assert (made.is_guest, made.id) == (True, guest)
        assert made.lastname
        assert [address.default_billing for address in made.addresses] == [True]


def test_a_guest_who_registers_becomes_no_other_customer_in_silence(
    opened: Open, php: Shop, erp: ScriptedErp
) -> None:
    with opened("{guests: create}", orders=NEEDS) as pipeline:
        order = php.place(email="guest@example.com")
        php.session.execute(
            "an order of last week",
            "UPDATE sales_order SET created_at = created_at - INTERVAL 7 DAY",
        )
        pipeline.run()
        guest = guest_id("guest@example.com", "base")
        new = php.create_customer("guest@example.com", "Gustav", "Gast")
        php.register_guest(order.entity_id, new)

        pipeline.run()

        assert f"CU{new}" not in [ref for _, ref in told(erp)]
        parked = [why for _, status, why in standing(pipeline) if status == "parked"]
        assert len(parked) == 1
        assert f"customer {guest}, who ordered as a guest" in (parked[0] or "")

        pipeline.sidecar.operations.release_as_is([f"customer/{new}"], By("test", "another one"))
        pipeline.run()
        assert ("customer.saved", f"CU{new}") in told(erp)


def test_a_guests_order_under_the_address_of_an_account_makes_no_other_customer_in_silence(
    opened: Open, php: Shop, erp: ScriptedErp, magento: MagentoDatabase
) -> None:
    with opened("{guests: create}", orders=NEEDS) as pipeline:
        php.place(email=JANA.email)

        pipeline.run()

        assert told(erp) == []
        [(_, status, why)] = standing(pipeline)
        assert status == "parked"
        assert "customer 1, who has an account" in (why or "")
        [(_, _, waits)] = standing(pipeline, "order")
        assert "is parked, a person must act" in (waits or "")


# --- Magento 2.4.8 --------------------------------------------------------------------------


def test_where_mview_watches_the_customers_there_is_no_trigger_and_the_sweep_finds_them(
    opened: Open, php: Shop, erp: ScriptedErp, magento: MagentoDatabase
) -> None:
    with magento.connect() as connection, connection.cursor() as cursor:
        for table in ("customer_entity", "customer_address_entity"):
            entity = "parent_id" if "address" in table else "entity_id"
            for event in ("insert", "update"):
                cursor.execute(
                    f"CREATE TRIGGER trg_{table}_after_{event} AFTER {event} ON {table} "
                    "FOR EACH ROW INSERT IGNORE INTO customer_grid_cl (entity_id) "
                    f"VALUES (NEW.{entity})"
                )
        cursor.execute(
            "CREATE TABLE customer_grid_cl (version_id int unsigned NOT NULL AUTO_INCREMENT, "
            "entity_id int unsigned NOT NULL, PRIMARY KEY (version_id))"
        )
    with opened("{fields: [email, addresses]}") as pipeline:
        ours = pipeline.sql(
            "SELECT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s "
            "AND TRIGGER_NAME LIKE 'erp_sidecar_customer%%'",
            magento.name,
        )
        new = php.create_customer("ada@example.com", "Ada", "Lovelace")
        php.save_customer_address(JANA.address_id, city="Ulm")
        pipeline.work()
        before_the_sweep = told(erp)

        pipeline.run()

        assert (ours, before_the_sweep) == ([], [])
        assert sorted(told(erp)) == [("customer.saved", "CU1"), ("customer.saved", f"CU{new}")]
