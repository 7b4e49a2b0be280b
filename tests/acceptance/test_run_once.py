"""The commands of a day: install, run, look, pause, requeue, uninstall."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from sidecar.testing.magento_db.cart import Line
from tests.rig import Rig


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "run_once") as installed:
        yield installed


def as_json(rig: Rig, *arguments: str, code: int = 0) -> Any:
    done = subprocess.run(
        rig.command(*arguments, "--json"), capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout, parse_float=Decimal)


def order_row(rig: Rig, entity_id: int) -> tuple[Any, ...]:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT o.state, o.status, o.ext_order_id, g.status FROM sales_order o "
            "JOIN sales_order_grid g USING (entity_id) WHERE o.entity_id = %s",
            (entity_id,),
        )
        row = cursor.fetchone()
    assert row is not None
    return tuple(row)


def test_a_pass_that_stops_the_domain_does_not_end_well(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        shop.place([Line("MUG")])
    rig.erp.rule("unauthorised")

    done = subprocess.run(rig.command("run", "--once"), capture_output=True, text=True, check=False)

    assert done.returncode == 78, done.stderr
    assert "orders is stopped" in done.stderr
    assert "domain resume orders" in done.stderr


def test_an_erp_that_does_not_answer_ends_it_with_69_where_something_waits(rig: Rig) -> None:
    rig.erp.stop()
    rig.sidecar("run", "--once")
    with Shop(rig.magento) as shop:
        shop.place([Line("MUG")])

    for _ in range(2):
        done = subprocess.run(
            rig.command("run", "--once"), capture_output=True, text=True, check=False
        )
        assert done.returncode == 69, done.stderr
        assert f"the ERP at {rig.erp.url.removeprefix('http://')}" in done.stderr.replace(
            "http://", ""
        )
        assert "does not answer, and orders wait for it" in done.stderr


def test_an_order_reaches_the_erp_and_its_answer_stands_on_the_order(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place([Line("MUG", 2), Line("SHIRT", option="Red")], coupon="SAVE10")
    rig.sidecar("run", "--once")
    (document,) = rig.erp.bookings(placed.increment_id)
    assert document.total == placed.grand_total
    assert [line.sku for line in document.lines] == ["MUG", "SHIRT-RED"]
    number = document.number
    assert order_row(rig, placed.entity_id) == ("new", "erp_received", number, "erp_received")
    (story,) = as_json(rig, "order", "show", placed.increment_id)
    assert story["link"]["reference"] == number
    assert [event["status"] for event in story["events"]] == ["accepted"]
    assert story["erp"][0]["total"] == placed.grand_total
    (attention,) = as_json(rig, "status", code=2)["attention"]
    assert "no daemon works" in attention


def test_a_second_run_finds_nothing_to_do(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        placed = shop.place()
    rig.sidecar("run", "--once")
    rig.sidecar("run", "--once")
    assert len(rig.erp.bookings(placed.increment_id)) == 1


def test_a_refused_order_is_held_and_goes_again_after_unhold(rig: Rig) -> None:
    rig.erp.rule("credit_limit", times=1)
    with Shop(rig.magento) as shop:
        placed = shop.place()
        rig.sidecar("run", "--once")
        state, status, _, grid = order_row(rig, placed.entity_id)
        assert (state, status, grid) == ("holded", "erp_rejected", "erp_rejected")
        assert as_json(rig, "status", code=2)["attention"]
        shop.unhold(placed.entity_id)
    rig.sidecar("run", "--once")
    (document,) = rig.erp.bookings(placed.increment_id)
    assert order_row(rig, placed.entity_id)[:3] == ("new", "erp_received", document.number)


def test_a_requeued_order_goes_again_and_its_hold_is_taken_back(rig: Rig) -> None:
    rig.erp.rule("credit_limit", times=1)
    with Shop(rig.magento) as shop:
        placed = shop.place()
    rig.sidecar("run", "--once")
    (waiting,) = as_json(rig, "queue", "list")
    assert (waiting["status"], waiting["number"]) == ("rejected", placed.increment_id)
    dry = as_json(rig, "queue", "requeue", placed.increment_id, "--dry-run")
    assert dry["money"] == {"EUR": placed.grand_total}
    rig.sidecar("queue", "requeue", placed.increment_id, "--reason", "limit raised")
    rig.sidecar("run", "--once")
    assert order_row(rig, placed.entity_id)[:2] == ("new", "erp_received")
    (story,) = as_json(rig, "order", "show", placed.increment_id)
    assert [act["reason"] for act in story["audit"]] == ["limit raised"]


def test_a_paused_domain_sends_nothing_and_loses_nothing(rig: Rig) -> None:
    rig.sidecar("domain", "pause", "orders", "--reason", "stocktaking")
    with Shop(rig.magento) as shop:
        placed = shop.place()
    rig.sidecar("run", "--once")
    assert rig.erp.documents() == []
    assert as_json(rig, "domain", "list")[0]["paused_reason"] == "stocktaking"
    assert as_json(rig, "domain", "pause", "orders")["result"] == "already_paused"
    rig.sidecar("domain", "resume", "orders")
    rig.sidecar("run", "--once")
    assert len(rig.erp.bookings(placed.increment_id)) == 1


def test_a_refused_login_stops_the_domain_until_it_is_resumed(rig: Rig) -> None:
    rig.erp.rule("unauthorised")
    with Shop(rig.magento) as shop:
        placed = shop.place()
    rig.sidecar("run", "--once", code=78)
    (listed,) = as_json(rig, "domain", "list")
    assert not listed["working"]
    assert listed["stopped_reason"]
    rig.erp.clear_rules()
    rig.sidecar("run", "--once", code=78)
    assert rig.erp.documents() == []
    rig.sidecar("domain", "resume", "orders")
    rig.sidecar("run", "--once")
    assert len(rig.erp.bookings(placed.increment_id)) == 1


def test_an_order_canceled_before_it_was_sent_leaves_nothing_in_the_erp(rig: Rig) -> None:
    rig.sidecar("domain", "pause", "orders")
    with Shop(rig.magento) as shop:
        placed = shop.place()
        rig.sidecar("run", "--once")
        shop.cancel(placed.entity_id)
    rig.sidecar("domain", "resume", "orders")
    rig.sidecar("run", "--once")
    assert rig.erp.documents() == []
    events = as_json(rig, "queue", "list", "--all")
    assert {event["status"] for event in events} == {"superseded"}


def test_existing_orders_stay_out_unless_they_are_asked_for(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "existing") as rig:
        rig.sidecar("uninstall", "--drop-ledger", "--yes")
        with Shop(rig.magento) as shop:
            old = shop.place()
            rig.sidecar("install")
            new = shop.place()
        rig.sidecar("run", "--once")
        assert [document.external for document in rig.erp.documents()] == [new.increment_id]
        rig.sidecar("uninstall", "--drop-ledger", "--yes")
        said = rig.sidecar("install", "--existing-orders", "send")
        # Orders carry the answers of a ledger that is not there any more: it may be a copy.
        assert "nothing will be sent: a sidecar served this shop before" in said
        rig.sidecar("identity", "accept", "--reason", "the ledger was dropped", "--yes")
        rig.erp.reset()
        rig.sidecar("run", "--once")
        assert {document.external for document in rig.erp.documents()} == {
            old.increment_id,
            new.increment_id,
        }


def test_uninstall_leaves_no_trigger_and_keeps_statuses_that_orders_carry(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        shop.place()
        rig.sidecar("run", "--once")
        done = as_json(rig, "uninstall")
        assert len(done["triggers"]) == 3
        assert done["statuses"]["still_used"] == {"erp_received": 1}
        assert done["statuses"]["removed"] == ["erp_released", "erp_rejected"]
        shop.place()
    rig.sidecar("install")


def test_the_mode_without_triggers_delivers_too(rig: Rig) -> None:
    file = rig.folder / "sidecar.yaml"
    file.write_text(
        file.read_text("utf-8").replace("capture: {", "capture: {triggers: false, "), "utf-8"
    )
    rig.sidecar("triggers", "remove")
    with Shop(rig.magento) as shop:
        placed = shop.place()
        rig.sidecar("run", "--once")
        assert len(rig.erp.bookings(placed.increment_id)) == 1
        assert as_json(rig, "triggers", "status")["triggers"] == []
