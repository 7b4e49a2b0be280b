"""JSON Schemas of the events (draft 2020-12), generated from the payload types."""

from __future__ import annotations

from typing import Any

import msgspec

from sidecar.model.domain_spec import EventSpec
from sidecar.model.event import SPEC_VERSION, TYPE_PREFIX, schema_urn

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(event: EventSpec) -> dict[str, Any]:
    """The whole CloudEvent, envelope and payload."""
    (reference,), definitions = msgspec.json.schema_components(
        [event.payload], ref_template="#/$defs/{name}"
    )
    envelope = {
        "specversion": {"const": SPEC_VERSION},
        "id": {"type": "string", "description": "the same at every attempt: an idempotency key"},
        "source": {"type": "string", "description": "/magento/ and the shop's name"},
        "type": {"const": TYPE_PREFIX + event.type},
        "subject": {"type": "string", "description": "kind and number, order/000000042"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"const": schema_urn(event)},
        "sequence": {"type": "integer", "description": "counts the events of one entity from 1"},
        "data": reference,
    }
    return {
        "$schema": _DIALECT,
        "$id": schema_urn(event),
        "title": event.type,
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
