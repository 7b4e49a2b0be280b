from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from sidecar.model.event import (
    VERSIONS,
    Event,
    EventType,
    Payload,
    Vanished,
    cloud_event,
    schema_urn,
)
from sidecar.model.event_schema import json_schema

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
ENCODER = msgspec.json.Encoder(decimal_format="number")
VANISHED = Vanished(
    entity_id=42,
    increment_id="000000042",
    state="processing",
    status="erp_received",
    grand_total=Decimal("15.9000"),
    order_currency_code="EUR",
)


def file_of(kind: EventType) -> Path:
    return SCHEMAS / f"{kind.value}.v{VERSIONS[kind]}.json"


def text_of(kind: EventType) -> str:
    return json.dumps(json_schema(kind), indent=2, ensure_ascii=False) + "\n"


def as_sent(kind: EventType, payload: Payload) -> Any:
    event = Event(
        id="main.order.42.1",
        type=kind.value,
        source="/magento/main",
        subject=f"order/{payload.increment_id}",
        time=datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
        dataschema=schema_urn(kind),
        data=payload,
        sequence=1,
    )
    return json.loads(ENCODER.encode(cloud_event(event)))


def validate(kind: EventType, sent: Any) -> None:
    Draft202012Validator(json.loads(file_of(kind).read_text("utf-8"))).validate(sent)


@pytest.mark.parametrize("kind", EventType, ids=lambda kind: kind.value)
def test_a_committed_schema_is_what_the_payload_types_say(kind: EventType) -> None:
    assert file_of(kind).read_text("utf-8") == text_of(kind), "generate it again: make schemas"


def test_every_event_has_its_schema_and_every_schema_its_event() -> None:
    assert set(SCHEMAS.iterdir()) == {file_of(kind) for kind in EventType}


@pytest.mark.parametrize("kind", EventType, ids=lambda kind: kind.value)
def test_a_schema_is_a_schema(kind: EventType) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


def test_a_vanished_order_is_valid_as_it_is_sent() -> None:
    validate(EventType.ORDER_VANISHED, as_sent(EventType.ORDER_VANISHED, VANISHED))


def test_an_amount_as_text_is_not_valid() -> None:
    sent = as_sent(EventType.ORDER_VANISHED, VANISHED)
    sent["data"]["grand_total"] = str(sent["data"]["grand_total"])
    with pytest.raises(ValidationError, match=r"'15\.9"):
        validate(EventType.ORDER_VANISHED, sent)


def test_an_amount_keeps_its_four_decimals_on_the_wire() -> None:
    assert b'"grand_total":15.9000' in ENCODER.encode(VANISHED)


if __name__ == "__main__":
    SCHEMAS.mkdir(exist_ok=True)
    for stale in SCHEMAS.iterdir():
        stale.unlink()
    for each in EventType:
        file_of(each).write_text(text_of(each), "utf-8")
