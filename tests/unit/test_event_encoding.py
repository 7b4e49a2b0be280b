"""What is written into the ledger comes out of it as it was, to the last digit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.domains.orders.events import ORDER_PLACED, ORDER_VANISHED
from sidecar.domains.orders.payload import Order, Vanished
from sidecar.domains.orders.spec import SPEC
from sidecar.model.event import (
    Event,
    cloud_event,
    decode_payload,
    encode_payload,
    event_id,
    schema_urn,
)
from sidecar.testing.sample_order import (
    bundle_order,
    configurable_order,
    foreign_currency_order,
    simple_order,
)

PLACED = ORDER_PLACED
ORDER = simple_order()
AMOUNTS = st.decimals(-(10**15), 10**15, places=4)
GONE = Vanished(
    entity_id=42,
    increment_id="000000042",
    state="new",
    status="pending",
    grand_total=Decimal("99.5000"),
    order_currency_code="EUR",
)


@pytest.mark.parametrize(
    "order", [simple_order(), configurable_order(), bundle_order(), foreign_currency_order()]
)
def test_an_order_comes_back_as_it_went(order: Order) -> None:
    assert decode_payload(SPEC.event(PLACED), encode_payload(order)) == order


def test_what_is_left_of_a_deleted_order_comes_back_as_it_went() -> None:
    assert decode_payload(SPEC.event(ORDER_VANISHED), encode_payload(GONE)) == GONE
    assert SPEC.event(ORDER_VANISHED).payload is Vanished
    assert {event.payload for event in SPEC.events if event.type != ORDER_VANISHED} == {Order}


@given(AMOUNTS, st.text(max_size=40), st.datetimes(timezones=st.just(UTC)))
@settings(deadline=None)
def test_no_amount_passes_through_a_float_and_no_character_is_lost(
    amount: Decimal, text: str, moment: datetime
) -> None:
    order = msgspec.structs.replace(
        ORDER, grand_total=amount, customer_lastname=text, created_at=moment
    )

    back = decode_payload(SPEC.event(PLACED), encode_payload(order))

    assert back == order
    assert isinstance(back, Order)
    assert str(back.grand_total) == str(amount)


@pytest.mark.parametrize("written", ["0.1", "1E+2", "1E-7", "99999999999999.9999", "-0.0000", "0"])
def test_amounts_are_json_numbers_with_their_own_digits(written: str) -> None:
    raw = encode_payload(msgspec.structs.replace(ORDER, grand_total=Decimal(written)))

    again = json.loads(raw, parse_float=Decimal, parse_int=Decimal)

    assert again["grand_total"] == Decimal(written)
    assert f'"grand_total":{written}'.encode() in raw


def test_an_order_is_not_taken_for_what_is_left_of_one() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_payload(SPEC.event(PLACED), encode_payload(GONE))
    with pytest.raises(msgspec.ValidationError):
        decode_payload(SPEC.event(PLACED), b'{"entity_id": "no number"}')


def test_a_field_that_a_newer_sidecar_added_does_not_stop_an_older_one() -> None:
    raw = json.loads(encode_payload(GONE)) | {"added_later": 1}

    back = decode_payload(SPEC.event(ORDER_VANISHED), json.dumps(raw))

    assert isinstance(back, Vanished)
    assert back.entity_id == 42


def test_an_events_id_is_the_same_in_every_replay() -> None:
    assert event_id("main", "order", 42, 1) == "main.order.42.1"


def test_ids_differ_by_shop_entity_and_sequence() -> None:
    made = {
        event_id(shop, kind, entity, sequence)
        for shop in ("a", "b")
        for kind in ("order", "refund")
        for entity in (1, 11)
        for sequence in (1, 11)
    }

    assert len(made) == 16


def test_the_envelope_is_cloudevents() -> None:
    event = Event(
        id="main.order.42.1",
        type=PLACED,
        source="/magento/main",
        subject="order/000000042",
        time=datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        dataschema=schema_urn(SPEC.event(PLACED)),
        data=ORDER,
        sequence=1,
    )

    envelope: dict[str, Any] = cloud_event(event)

    assert envelope["specversion"] == "1.0"
    assert envelope["type"] == "com.magento.order.placed"
    assert envelope["dataschema"] == "urn:magento-erp-sidecar:order.placed:1"
    required = {"id", "source", "specversion", "type"}
    optional = {"subject", "time", "datacontenttype", "dataschema", "sequence", "data"}
    assert set(envelope) == required | optional
    # CloudEvents: attribute names are lower-case letters and digits.
    assert all(name.isalnum() and name.islower() for name in envelope)
    assert envelope["time"].tzinfo is UTC
