"""The example with a login, ids and drafts, as it is written: a shop, an ERP, one daemon.

Only the address and the secrets are ours, as in the configuration of whoever follows the example.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.testing.erpsim import Document
from sidecar.testing.magento_db import Line, PlacedOrder, PrivateServer, Shop
from sidecar.testing.magento_db.catalogue import BERLIN, COLOGNE, VIENNA
from tests.stepped import SteppedRig

pytestmark = [pytest.mark.shared, pytest.mark.timeout(240)]

UNCONFIRMED = "ATU00000000"
AUSTRIAN = replace(VIENNA, company="Weiß OG", vat_id=UNCONFIRMED)


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path, shared: Path) -> Iterator[SteppedRig]:
    calls = (shared / "examples" / "steps-rest.yaml").read_text("utf-8")
    with SteppedRig(
        server,
        tmp_path,
        "example_of_steps",
        calls,
        items_unknown=["DESK"],
        vat_ids_invalid=[UNCONFIRMED],
    ) as rig:
        yield rig


@pytest.fixture
def seller(rig: SteppedRig) -> Iterator[Shop]:
    with Shop(rig.magento) as shop:
        yield shop


def booked(rig: SteppedRig, order: PlacedOrder) -> Document:
    [document] = rig.erp.bookings(order.increment_id)
    return document


def test_every_kind_of_order_is_made_complete(rig: SteppedRig, seller: Shop) -> None:
    business = seller.place(
        (Line("MUG", 3), Line("TEAPOT")), address=COLOGNE, coupon="SAVE10", email="Tee@example.com"
    )
    unconfirmed = seller.place((Line("LAMP"),), address=AUSTRIAN, email="otto@example.at")
    weighed = seller.place((Line("RIBBON", Decimal("2.375")),), email="jana@example.com")
    download = seller.place(
        (Line("EBOOK"), Line("WARRANTY")), coupon="FIVE", email="jana@example.com"
    )
    chosen = seller.place(
        (Line("SHIRT", 2, option="Red"),), address=BERLIN, email="tee@example.com"
    )
    rig.start()
    rig.until_made()

    def reverse_charge(order: PlacedOrder) -> bool:
        return bool(booked(rig, order).other["reverseCharge"])

    assert reverse_charge(business)
    assert not reverse_charge(unconfirmed)
    assert [line.quantity for line in booked(rig, weighed).lines][:1] == [Decimal("2.375")]
    assert "SHIPPING" not in [line.sku for line in booked(rig, download).lines]
    assert booked(rig, download).discount == Decimal("5")
    assert booked(rig, chosen).lines[0].sku == "SHIRT-RED"
    assert booked(rig, chosen).customer == booked(rig, business).customer
    assert [(one.state, one.discount > 0) for one in rig.erp.history(business.increment_id)] == [
        ("DRAFT", False),
        ("DRAFT", True),
        ("VALIDATED", True),
    ]
    assert rig.differences() == []


def test_a_customer_who_orders_again_and_again_within_seconds_is_one(
    rig: SteppedRig, seller: Shop
) -> None:
    rig.start()
    for _ in range(6):
        for name in ("anna", "Anna", "berta"):
            seller.place((Line("MUG"),), email=f"{name}@example.com")
    rig.until_made()

    assert sorted(str(customer.email) for customer in rig.erp.customers()) == [
        "anna@example.com",
        "berta@example.com",
    ]
    # An id that was asked for is remembered.
    asked = rig.erp.state().requests["GET /api/v2/products"]["200"]
    assert asked < len(rig.erp.documents())


def test_a_product_that_the_erp_does_not_have_keeps_one_order_back_and_no_other(
    rig: SteppedRig, seller: Shop
) -> None:
    rig.start()
    unknown = seller.place((Line("DESK"),), email="anna@example.com")
    known = seller.place((Line("MUG"),), email="anna@example.com")
    rig.until(lambda: rig.verdict().lost == [unknown.increment_id])
    rig.until(lambda: booked(rig, known).state == "VALIDATED")

    shown = rig.sidecar("order", "show", unknown.increment_id)
    assert "DESK" in shown
    assert rig.erp.bookings(unknown.increment_id) == []


def test_an_order_that_is_canceled_is_canceled_by_its_id(rig: SteppedRig, seller: Shop) -> None:
    rig.start()
    order = seller.place((Line("MUG"),), email="anna@example.com")
    rig.until_made()
    seller.cancel(order.entity_id)

    rig.until(lambda: booked(rig, order).state == "CANCELED")


def test_a_wrong_password_stops_the_domain_and_makes_nothing(rig: SteppedRig, seller: Shop) -> None:
    (rig.folder / "erp-password").write_text("Tr0ub4dor", "utf-8")
    rig.start()
    seller.place((Line("MUG"),), email="anna@example.com")
    rig.until(lambda: rig.log_events()["domain.stopped"] == 1)

    assert rig.erp.documents() == []
    assert rig.erp.customers() == []
    assert "Tr0ub4dor" not in (rig.folder / "sidecar.log").read_text("utf-8")
