from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from sidecar.domain.event import VERSIONS, Event, EventType, Vanished, cloud_event, schema_urn
from sidecar.domain.event_schema import json_schema
from sidecar.domain.order import Order
from sidecar.testing.sample_order import (
    bundle_order,
    configurable_order,
    delivery,
    foreign_currency_order,
    simple_order,
)

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
ENCODER = msgspec.json.Encoder(decimal_format="number")
CARRY_AN_ORDER = [kind for kind in EventType if kind is not EventType.ORDER_VANISHED]
ORDERS = {
    "simple": simple_order(),
    "configurable": configurable_order(),
    "bundle": bundle_order(),
    "foreign currency": foreign_currency_order(),
    "virtual": simple_order(is_virtual=True, shipping_address=None),
}


def file_of(kind: EventType) -> Path:
    return SCHEMAS / f"{kind.value}.v{VERSIONS[kind]}.json"


def text_of(kind: EventType) -> str:
    return json.dumps(json_schema(kind), indent=2, ensure_ascii=False) + "\n"


def as_sent(event: Event) -> Any:
    return json.loads(ENCODER.encode(cloud_event(event)))


def validate(kind: EventType, sent: Any) -> None:
    Draft202012Validator(
        json.loads(file_of(kind).read_text("utf-8")),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    ).validate(sent)


@pytest.mark.parametrize("kind", EventType, ids=lambda kind: kind.value)
def test_a_committed_schema_is_what_the_payload_types_say(kind: EventType) -> None:
    assert file_of(kind).read_text("utf-8") == text_of(kind), "generate it again: make schemas"


def test_every_event_has_its_schema_and_every_schema_its_event() -> None:
    assert set(SCHEMAS.iterdir()) == {file_of(kind) for kind in EventType}


@pytest.mark.parametrize("kind", EventType, ids=lambda kind: kind.value)
def test_a_schema_is_a_schema(kind: EventType) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize("kind", CARRY_AN_ORDER, ids=lambda kind: kind.value)
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
def test_an_order_event_is_valid_as_it_is_sent(kind: EventType, order: Order) -> None:
    validate(kind, as_sent(delivery(order, kind).event))


def test_a_vanished_order_is_valid_as_it_is_sent() -> None:
    kind = EventType.ORDER_VANISHED
    payload = Vanished(
        entity_id=42,
        increment_id="000000042",
        state="processing",
        status="erp_received",
        grand_total=Decimal("15.9000"),
        order_currency_code="EUR",
    )
    event = Event(
        id="main.order.42.3",
        type=kind.value,
        source="/magento/main",
        subject="order/000000042",
        time=datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
        dataschema=schema_urn(kind),
        data=payload,
        sequence=3,
    )
    validate(kind, as_sent(event))


def test_an_amount_as_text_is_not_valid() -> None:
    kind = EventType.ORDER_PLACED
    sent = as_sent(delivery(simple_order(), kind).event)
    sent["data"]["grand_total"] = str(sent["data"]["grand_total"])
    with pytest.raises(ValidationError):
        validate(kind, sent)


if __name__ == "__main__":
    SCHEMAS.mkdir(exist_ok=True)
    for stale in SCHEMAS.iterdir():
        stale.unlink()
    for each in EventType:
        file_of(each).write_text(text_of(each), "utf-8")
