from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_VANISHED
from sidecar.domains.orders.payload import Vanished
from sidecar.model.domain_spec import EventSpec
from sidecar.model.event import (
    Event,
    cloud_event,
    schema_urn,
)
from sidecar.model.event_schema import json_schema

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
ENCODER = msgspec.json.Encoder(decimal_format="number")
EVENTS = {event.type: event for spec in SPECS for event in spec.events}
VANISHED = Vanished(
    entity_id=42,
    increment_id="000000042",
    state="processing",
    status="erp_received",
    grand_total=Decimal("15.9000"),
    order_currency_code="EUR",
)


def file_of(event: EventSpec) -> Path:
    return SCHEMAS / f"{event.type}.v{event.version}.json"


def text_of(event: EventSpec) -> str:
    return json.dumps(json_schema(event), indent=2, ensure_ascii=False) + "\n"


def as_sent(spec: EventSpec, payload: Any) -> Any:
    event = Event(
        id="main.document.42.1",
        type=spec.type,
        source="/magento/main",
        subject="document/000000042",
        time=datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
        dataschema=schema_urn(spec),
        data=payload,
        sequence=1,
    )
    return json.loads(ENCODER.encode(cloud_event(event)))


def validate(event: EventSpec, sent: Any) -> None:
    Draft202012Validator(json.loads(file_of(event).read_text("utf-8"))).validate(sent)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_committed_schema_is_what_the_payload_types_say(event: EventSpec) -> None:
    assert file_of(event).read_text("utf-8") == text_of(event), "generate it again: make schemas"


def test_every_event_has_its_schema_and_every_schema_its_event() -> None:
    assert set(SCHEMAS.iterdir()) == {file_of(event) for event in EVENTS.values()}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_schema_is_a_schema(event: EventSpec) -> None:
    Draft202012Validator.check_schema(json_schema(event))


def test_an_amount_as_text_is_not_valid() -> None:
    sent = as_sent(EVENTS[ORDER_VANISHED], VANISHED)
    sent["data"]["grand_total"] = str(sent["data"]["grand_total"])
    with pytest.raises(ValidationError, match=r"'15\.9"):
        validate(EVENTS[ORDER_VANISHED], sent)


def test_an_amount_keeps_its_four_decimals_on_the_wire() -> None:
    assert b'"grand_total":15.9000' in ENCODER.encode(VANISHED)


if __name__ == "__main__":
    SCHEMAS.mkdir(exist_ok=True)
    for stale in SCHEMAS.iterdir():
        stale.unlink()
    for each in EVENTS.values():
        file_of(each).write_text(text_of(each), "utf-8")
