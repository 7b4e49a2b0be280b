"""The Odoo pack against a real Odoo 19: what is sold in the shop stands there once, and right."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from sidecar.domains.customers.payload import Customer, CustomerErased
from sidecar.domains.customers.spec import SPEC as CUSTOMERS
from sidecar.model.event import Event, schema_urn
from sidecar.model.outcome import Accepted, Misconfigured, Rejected, Retry, Taken
from sidecar.ports import Delivery, Link, Telling
from sidecar.testing.full_payloads import full_customer
from sidecar.testing.magento_db import Line, MagentoDatabase, Shop
from sidecar.testing.sample_order import PLACED_AT, SampleLine, placed, sample_order
from tests.erps.odoo_server import OdooServer
from tests.erps.odoo_stage import OWN, Stage, make_adapter, money, opened

#: Odoo reckons the tax over the whole order, Magento line by line: a cent for each line.
CENT = Decimal("0.01")


@pytest.fixture
def stage(
    odoo: OdooServer, magento: MagentoDatabase, shop: Shop, tmp_path: Path
) -> Iterator[Stage]:
    with opened(odoo, magento, shop, tmp_path) as stage:
        yield stage


def test_an_order_is_confirmed_in_odoo_with_its_total_and_its_number_in_magento(
    stage: Stage,
) -> None:
    placed = stage.shop.place([Line("MUG", 2), Line("TEAPOT"), Line("EBOOK")])

    stage.pipeline.run()

    order = stage.order(placed)
    assert stage.pipeline.open_events() == []
    assert order["state"] == "sale"
    assert abs(money(order["amount_total"]) - placed.grand_total) <= 3 * CENT
    assert set(stage.pipeline.differences(placed.entity_id)) <= {"tax", "total"}
    [[ext_order_id]] = stage.pipeline.sql(
        f"SELECT ext_order_id FROM `{stage.pipeline.magento.name}`.sales_order "
        "WHERE increment_id = %s", placed.increment_id,
    )  # fmt: skip
    assert ext_order_id == order["name"]


def test_discounts_bundles_and_a_second_currency_arrive_as_they_were_sold(stage: Stage) -> None:
    coupon = stage.shop.place([Line("TEASET"), Line("SHIRT", 2, option="Red")], coupon="SAVE10")
    dollars = stage.shop.place([Line("LAMP", 3)], store="us")

    stage.pipeline.run()

    assert stage.pipeline.open_events() == []
    for one, currency in ((coupon, "EUR"), (dollars, "USD")):
        order = stage.order(one)
        assert order["currency_id"][1] == currency
        assert abs(money(order["amount_total"]) - one.grand_total) <= 3 * CENT


@pytest.mark.parametrize(
    "path",
    [
        "/json/2/res.partner/load",
        "/json/2/sale.order/load",
        "/json/2/sale.order/web_search_read",
        "/json/2/sale.order/action_confirm",
    ],
)
def test_a_cut_answer_doubles_nothing(stage: Stage, path: str) -> None:
    stage.wire.rule("cut_after", path=path, times=1)
    placed = stage.shop.place([Line("MUG", 2), Line("TEAPOT")], email=f"{len(path)}@example.com")

    stage.pipeline.run()

    order = stage.order(placed)
    assert stage.pipeline.open_events() == []
    assert order["state"] == "sale"
    assert len(order["order_line"]) == 3
    partners = stage.odoo.call(
        "res.partner", "search_count",
        domain=[["email", "=", f"{len(path)}@example.com"], ["parent_id", "=", False]],
    )  # fmt: skip
    assert partners == 1


def test_a_cancellation_cancels_what_is_not_delivered(stage: Stage) -> None:
    placed = stage.shop.place([Line("MUG")])
    stage.pipeline.run()

    stage.shop.cancel(placed.entity_id)
    stage.pipeline.run()

    assert stage.order(placed)["state"] == "cancel"
    assert stage.pipeline.open_events() == []


def test_what_is_delivered_is_not_cancelled_and_a_person_is_told(stage: Stage) -> None:
    placed = stage.shop.place([Line("MUG")])
    stage.pipeline.run()
    deliver(stage.odoo, stage.order(placed)["name"])

    stage.shop.cancel(placed.entity_id)
    stage.pipeline.run()

    assert stage.order(placed)["state"] == "sale"
    (parked,) = stage.pipeline.open_events()
    assert (parked.type, parked.status) == ("order.canceled", "rejected")
    assert "cancelable" in parked.reason


def test_a_refund_is_a_posted_credit_note_of_the_same_amount(stage: Stage) -> None:
    placed = stage.shop.place([Line("MUG", 2), Line("TEAPOT")])
    invoiced = stage.shop.invoice(placed.entity_id)
    stage.pipeline.run()

    refunded = stage.shop.refund(invoiced.entity_id)
    stage.pipeline.run()

    (note,) = stage.credit_notes(stage.order(placed))
    assert stage.pipeline.open_events() == []
    assert note["ref"] == f"CM{stage.name}-{refunded.increment_id}"
    assert note["state"] == "posted"
    assert abs(money(note["amount_total"]) - refunded.grand_total) <= 3 * CENT
    assert note["name"].startswith("RINV/")


def test_a_refund_whose_answer_is_lost_is_booked_once(stage: Stage) -> None:
    placed = stage.shop.place([Line("MUG", 2)])
    invoiced = stage.shop.invoice(placed.entity_id)
    stage.pipeline.run()
    stage.wire.rule("cut_after", path="/json/2/account.move/load", times=1)
    stage.wire.rule("cut_after", path="/json/2/account.move/action_post", times=1)

    stage.shop.refund(invoiced.entity_id)
    stage.pipeline.run()

    (note,) = stage.credit_notes(stage.order(placed))
    assert note["state"] == "posted"
    assert stage.pipeline.open_events() == []


class TestTheAdapterAlone:
    """What no shop does, and what Odoo does with it."""

    @pytest.fixture
    def calls(self, tmp_path: Path) -> Path:
        (tmp_path / "own.yaml").write_text(OWN, "utf-8")
        return tmp_path / "own.yaml"

    def test_the_totals_of_odoos_own_arithmetic(self, odoo: OdooServer, calls: Path) -> None:
        prices = sample_order(
            "000091001",
            [
                SampleLine("MUG", "3", "9.99", tax_percent="8.25"),
                SampleLine("SEVEN", "7", "3.3333", tax_percent="8.25"),
            ],
        )
        pennies = sample_order(
            "000091002", [SampleLine("PENNY", "1", "0.07", tax_percent="8.25")] * 9
        )
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            for order in (prices, pennies):
                (*_, call) = adapter.push([placed(order)])
                assert isinstance(call.results[0].outcome, Taken), call.results[0].outcome
            (of_prices,) = adapter.probe("orders", ["000091001"])["000091001"]
            (of_pennies,) = adapter.probe("orders", ["000091002"])["000091002"]

        assert [line.row_total for line in of_prices.items or ()] == [
            Decimal("29.97"),
            Decimal("23.33"),
        ]
        assert of_prices.tax == Decimal("4.40")
        assert of_pennies.tax == Decimal("0.05")  # over the whole order; line by line it is 0.09

    def test_eight_at_a_time_make_one_order(self, odoo: OdooServer, calls: Path) -> None:
        order = sample_order("000091003", [SampleLine("MUG", "1", "9.99"), SampleLine("SEVEN")])
        with (
            closing(make_adapter(odoo.url, odoo.key, calls)) as adapter,
            ThreadPoolExecutor(8) as threads,
        ):
            adapter.push([placed(sample_order("000091004", [SampleLine("MUG", "1", "9.99")]))])
            answers = [
                call.results[0].outcome
                for *_, call in threads.map(adapter.push, [[placed(order)]] * 8)
            ]

        (found,) = odoo.orders("000091003")
        assert len(found["order_line"]) == 3
        assert {type(one) for one in answers} <= {Taken, Retry}
        assert any(isinstance(one, Taken) for one in answers)

    def test_sent_again_it_has_the_same_lines(self, odoo: OdooServer, calls: Path) -> None:
        order = placed(sample_order("000091005", [SampleLine("MUG", "2", "9.99", discount="1")]))
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            adapter.push([order])
            (*_, again) = adapter.push([order])

        assert isinstance(again.results[0].outcome, Taken)
        (found,) = odoo.orders("000091005")
        assert len(found["order_line"]) == 3  # with the discount and the shipping

    def test_three_lines_carry_a_field_of_the_customers_own(
        self, odoo: OdooServer, calls: Path
    ) -> None:
        calls.write_text(
            OWN + "orders:\n  push:\n    call:\n      json:\n"
            "        context: {default_x_web_channel: =order.store_code}\n",
            "utf-8",
        )
        order = sample_order("000091006", [SampleLine("MUG", "2", "9.99")])
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            adapter.push([placed(order)])

        (found,) = odoo.call(
            "sale.order", "search_read",
            domain=[["client_order_ref", "=", "000091006"]], fields=["x_web_channel"],
        )  # fmt: skip
        assert found["x_web_channel"] == order.store_code

    def test_a_field_that_odoo_does_not_have_stops_the_domain(
        self, odoo: OdooServer, calls: Path
    ) -> None:
        calls.write_text(
            OWN + "orders:\n  push:\n    call: {json: {fields: {0: x_none}}}\n", "utf-8"
        )
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            (*_, call) = adapter.push([placed(sample_order("000091007", [SampleLine("MUG")]))])

        outcome = call.results[0].outcome
        assert isinstance(outcome, Misconfigured)
        assert "x_none" in outcome.message

    def test_a_wrong_key_is_no_answer(self, odoo: OdooServer, calls: Path) -> None:
        with closing(make_adapter(odoo.url, "0" * 40, calls)) as adapter:
            assert not adapter.ping().authorised
            (*_, call) = adapter.push([placed(sample_order("000091008", [SampleLine("MUG")]))])
            assert isinstance(call.results[0].outcome, Misconfigured)

    def test_a_rejection_has_odoos_words(self, odoo: OdooServer, calls: Path) -> None:
        calls.write_text(OWN + "orders: {push: {call: {json: {data: {0: {3: never}}}}}}\n", "utf-8")
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            (*_, call) = adapter.push([placed(sample_order("000091009", [SampleLine("MUG")]))])

        outcome = call.results[0].outcome
        assert isinstance(outcome, Rejected)
        assert "never" in outcome.message

    def test_a_sku_that_odoo_does_not_have_is_named(self, odoo: OdooServer, calls: Path) -> None:
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            (*_, call) = adapter.push([placed(sample_order("000091011", [SampleLine("NONE")]))])

        outcome = call.results[0].outcome
        assert isinstance(outcome, Rejected)
        assert outcome.code == "not_found"
        assert "first.product" in outcome.message

    def test_a_customer_is_one_contact_and_is_erased_with_his_addresses(
        self, odoo: OdooServer, calls: Path
    ) -> None:
        order = sample_order(
            "000091012", [SampleLine("MUG")], customer_id=91012, customer_is_guest=False
        )
        found = {"domain": [["ref", "=", "CU91012"]], "context": {"active_test": False}}
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            adapter.push([placed(order)])
            (call,) = adapter.push([customer_saved(91012)])
            outcome = call.results[0].outcome
            assert isinstance(outcome, Accepted)
            assert odoo.call("res.partner", "search_count", domain=found["domain"]) == 1
            link = Link(outcome.booked.reference, key=outcome.booked.key)
            (*_, erased) = adapter.push([customer_erased(91012, link)])

        assert isinstance(erased.results[0].outcome, Accepted)
        (customer,) = odoo.call(
            "res.partner", "search_read", fields=["name", "email", "active", "child_ids"], **found
        )
        assert (customer["name"], customer["email"], customer["active"]) == ("erased", False, False)
        contacts = odoo.call(
            "res.partner", "search_read", fields=["name", "street", "phone"],
            domain=[["parent_id", "=", customer["id"]]], context={"active_test": False},
        )  # fmt: skip
        assert len(contacts) == 2
        assert {(one["name"], one["street"], one["phone"]) for one in contacts} == {
            ("erased", False, False)
        }

    def test_stock_and_states_are_told(self, odoo: OdooServer, calls: Path) -> None:
        with closing(make_adapter(odoo.url, odoo.key, calls)) as adapter:
            adapter.push([placed(sample_order("000091010", [SampleLine("LAMP", "1", "79.90")]))])
            assert isinstance(adapter, Telling)
            told = structs.asdict
            levels = {
                row["sku"]: row["quantity"]
                for row in map(told, adapter.changes("stock", None, None).rows)
            }
            states = {
                row["external"]: row["status"]
                for row in map(told, adapter.changes("order_status", PLACED_AT, None).rows)
            }

        assert levels["PENNY"] == 100
        assert "MAGENTO-SHIPPING" not in levels
        assert states["000091010"] == "draft"


def customer_saved(entity_id: int) -> Delivery:
    """The newest state of a registered customer."""
    return _of_customer(
        structs.replace(full_customer(), entity_id=entity_id), "customer.saved", None
    )


def customer_erased(entity_id: int, link: Link) -> Delivery:
    """His erasure."""
    return _of_customer(CustomerErased(entity_id=entity_id), "customer.erased", link)


def _of_customer(payload: Customer | CustomerErased, type_: str, link: Link | None) -> Delivery:
    event = Event(
        id=f"main.customer.{payload.entity_id}.1",
        type=type_,
        source="/magento/main",
        subject=f"customer/{payload.entity_id}",
        time=PLACED_AT,
        dataschema=schema_urn(CUSTOMERS.event(type_)),
        data=payload,
        sequence=1,
    )
    return Delivery(event, f"CU{payload.entity_id}", link)


def deliver(odoo: OdooServer, order: str) -> None:
    """All of a sale order, as the warehouse does."""
    (picking,) = odoo.call("stock.picking", "search", domain=[["origin", "=", order]])
    moves = odoo.call("stock.move", "search_read", domain=[["picking_id", "=", picking]],
                      fields=["product_uom_qty"])  # fmt: skip
    for move in moves:
        odoo.call("stock.move", "write", ids=[move["id"]],
                  vals={"quantity": move["product_uom_qty"], "picked": True})  # fmt: skip
    odoo.call("stock.picking", "button_validate", ids=[picking], context={"skip_sms": True})
    (done,) = odoo.call("stock.picking", "read", ids=[picking], fields=["state"])
    assert done["state"] == "done"
