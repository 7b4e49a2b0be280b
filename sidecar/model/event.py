"""Business events: CloudEvents 1.0 envelopes around a frozen payload."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sidecar.model.domain_spec import EventSpec

TYPE_PREFIX = "com.magento."
SPEC_VERSION = "1.0"


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
    data: msgspec.Struct
    sequence: int


def envelope(
    payload: msgspec.Struct,
    *,
    id: str,
    event: EventSpec,
    source: str,
    subject: str,
    time: datetime,
    sequence: int,
) -> Event:
    """The event as an adapter gets it; `subject` is `order/000000042`."""
    return Event(
        id=id,
        type=event.type,
        source=source,
        subject=subject,
        time=time,
        dataschema=schema_urn(event),
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


def schema_urn(event: EventSpec) -> str:
    """The name of the payload's JSON Schema, with its major version."""
    return f"urn:magento-erp-sidecar:{event.type}:{event.version}"


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode_payload(payload: msgspec.Struct) -> bytes:
    """JSON with amounts as exact number literals: nothing passes through a float."""
    return _ENCODER.encode(payload)


def decode_payload(event: EventSpec, raw: bytes | str) -> msgspec.Struct:
    """The reverse of `encode_payload`; raises msgspec.ValidationError on a foreign shape."""
    return event.decoder.decode(raw)


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
