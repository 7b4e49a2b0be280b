from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError

from sidecar.domains.orders.events import ORDER_VANISHED
from sidecar.domains.orders.payload import Vanished
from sidecar.domains.orders.spec import SPEC
from sidecar.model.event import (
    Event,
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


def file_of(kind: str) -> Path:
    return SCHEMAS / f"{kind}.v{SPEC.event(kind).version}.json"


def text_of(kind: str) -> str:
    return json.dumps(json_schema(SPEC.event(kind)), indent=2, ensure_ascii=False) + "\n"


def as_sent(kind: str, payload: Any) -> Any:
    event = Event(
        id="main.order.42.1",
        type=kind,
        source="/magento/main",
        subject=f"order/{payload.increment_id}",
        time=datetime(2026, 3, 28, 23, 30, tzinfo=UTC),
        dataschema=schema_urn(SPEC.event(kind)),
        data=payload,
        sequence=1,
    )
    return json.loads(ENCODER.encode(cloud_event(event)))


def validate(kind: str, sent: Any) -> None:
    Draft202012Validator(json.loads(file_of(kind).read_text("utf-8"))).validate(sent)


@pytest.mark.parametrize("kind", SPEC.types)
def test_a_committed_schema_is_what_the_payload_types_say(kind: str) -> None:
    assert file_of(kind).read_text("utf-8") == text_of(kind), "generate it again: make schemas"


def test_every_event_has_its_schema_and_every_schema_its_event() -> None:
    assert set(SCHEMAS.iterdir()) == {file_of(kind) for kind in SPEC.types}


@pytest.mark.parametrize("kind", SPEC.types)
def test_a_schema_is_a_schema(kind: str) -> None:
    Draft202012Validator.check_schema(json_schema(SPEC.event(kind)))


def test_a_vanished_order_is_valid_as_it_is_sent() -> None:
    validate(ORDER_VANISHED, as_sent(ORDER_VANISHED, VANISHED))


def test_an_amount_as_text_is_not_valid() -> None:
    sent = as_sent(ORDER_VANISHED, VANISHED)
    sent["data"]["grand_total"] = str(sent["data"]["grand_total"])
    with pytest.raises(ValidationError, match=r"'15\.9"):
        validate(ORDER_VANISHED, sent)


def test_an_amount_keeps_its_four_decimals_on_the_wire() -> None:
    assert b'"grand_total":15.9000' in ENCODER.encode(VANISHED)


if __name__ == "__main__":
    SCHEMAS.mkdir(exist_ok=True)
    for stale in SCHEMAS.iterdir():
        stale.unlink()
    for each in SPEC.types:
        file_of(each).write_text(text_of(each), "utf-8")
