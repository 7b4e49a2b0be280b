"""Business events: CloudEvents 1.0 envelopes around a frozen payload."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

import msgspec

from sidecar.domains.orders.payload import Order
from sidecar.model.columns import Decimal20, Text3, Text32, Text50

TYPE_PREFIX = "com.magento."
SPEC_VERSION = "1.0"


class EventType(Enum):
    """The business facts of the orders domain, as configuration and CLI write them."""

    ORDER_PLACED = "order.placed"
    ORDER_UPDATED = "order.updated"
    ORDER_CANCELED = "order.canceled"
    ORDER_HELD = "order.held"
    ORDER_RELEASED = "order.released"
    ORDER_VANISHED = "order.vanished"


#: Major version of each event's payload; a new one is delivered beside the old one.
VERSIONS = dict.fromkeys(EventType, 1)


class Vanished(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Payload of order.vanished: all that is left of an order whose row was deleted.

    Also of an event that is parked because its order cannot be read or kept.
    """

    entity_id: int
    increment_id: Text50
    state: Text32
    status: Text32
    grand_total: Decimal20 | None
    order_currency_code: Text3 | None


Payload = Order | Vanished


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it is delivered.

    `id` is the same at every attempt and in every replay: an ERP may use it as its idempotency key.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    dataschema: str
    data: Payload
    sequence: int


def envelope(
    payload: Payload,
    *,
    id: str,
    event_type: EventType,
    source: str,
    subject: str,
    time: datetime,
    sequence: int,
) -> Event:
    """The event as an adapter gets it; `subject` is `order/000000042`."""
    return Event(
        id=id,
        type=event_type.value,
        source=source,
        subject=subject,
        time=time,
        dataschema=schema_urn(event_type),
        data=payload,
        sequence=sequence,
    )


def source_of(shop: str) -> str:
    """CloudEvents' source of all that a shop tells."""
    return f"/magento/{shop}"


def event_id(shop: str, kind: str, entity_id: int, sequence: int) -> str:
    """Deterministic: shop, entity and the entity's own count; `main.order.42.1`."""
    return f"{shop}.{kind}.{entity_id}.{sequence}"


def event_key(event_id: str) -> tuple[str, int, int] | None:
    """(kind, entity_id, sequence) of an event's id; None for what is none, an order number, say."""
    _, *key = event_id.rsplit(".", 3)
    if len(key) < 3 or not (key[1].isdecimal() and key[2].isdecimal()):
        return None
    return key[0], int(key[1]), int(key[2])


def schema_urn(event_type: EventType) -> str:
    """The name of the payload's JSON Schema, with its major version."""
    return f"urn:magento-erp-sidecar:{event_type.value}:{VERSIONS[event_type]}"


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODERS: dict[type[Payload], msgspec.json.Decoder[Any]] = {
    Order: msgspec.json.Decoder(Order),
    Vanished: msgspec.json.Decoder(Vanished),
}


def payload_type(event_type: EventType) -> type[Payload]:
    """Which shape the payload of an event has."""
    return Vanished if event_type is EventType.ORDER_VANISHED else Order


def encode_payload(payload: Payload) -> bytes:
    """JSON with amounts as exact number literals: nothing passes through a float."""
    return _ENCODER.encode(payload)


def decode_payload(event_type: EventType, raw: bytes | str) -> Payload:
    """The reverse of `encode_payload`; raises msgspec.ValidationError on a foreign shape."""
    payload: Payload = _DECODERS[payload_type(event_type)].decode(raw)
    return payload


def cloud_event(event: Event) -> dict[str, Any]:
    """The event in CloudEvents' JSON format (attributes in its order), amounts as Decimal."""
    return {
        "specversion": SPEC_VERSION,
        "id": event.id,
        "source": event.source,
        "type": TYPE_PREFIX + event.type,
        "subject": event.subject,
        "time": event.time,
        "datacontenttype": "application/json",
        "dataschema": event.dataschema,
        "sequence": event.sequence,
        "data": event.data,
    }
