"""JSON Schemas of the events (draft 2020-12), generated from the payload types."""

from __future__ import annotations

from typing import Any

import msgspec

from sidecar.model.event import SPEC_VERSION, TYPE_PREFIX, EventType, payload_type, schema_urn

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(event_type: EventType) -> dict[str, Any]:
    """The whole CloudEvent, envelope and payload."""
    payload = payload_type(event_type)
    (reference,), definitions = msgspec.json.schema_components(
        [payload], ref_template="#/$defs/{name}"
    )
    envelope = {
        "specversion": {"const": SPEC_VERSION},
        "id": {"type": "string", "description": "the same at every attempt: an idempotency key"},
        "source": {"type": "string", "description": "/magento/ and the shop's name"},
        "type": {"const": TYPE_PREFIX + event_type.value},
        "subject": {"type": "string", "description": "kind and number, order/000000042"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": schema_urn(event_type)},
        "sequence": {"type": "integer", "description": "counts the events of one entity from 1"},
        "data": reference,
    }
    return {
        "$schema": _DIALECT,
        "$id": schema_urn(event_type),
        "title": event_type.value,
        "type": "object",
        "properties": envelope,
        "required": list(envelope),
        "additionalProperties": False,
        "$defs": _with_numbers(definitions),
    }


def _with_numbers(value: Any) -> Any:
    # Amounts are written as exact number literals; msgspec's schema knows Decimal as a string only.
    if isinstance(value, dict):
        if value.get("format") == "decimal":
            return {**{k: v for k, v in value.items() if k != "format"}, "type": "number"}
        return {key: _with_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_numbers(inner) for inner in value]
    return value
