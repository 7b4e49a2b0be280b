"""`erp-sidecar events`."""

from __future__ import annotations

import click

from sidecar.cli.outlet import emit_json
from sidecar.model.event import EventType
from sidecar.model.event_schema import json_schema


@click.group()
def events() -> None:
    """The business events and their schemas."""


@events.command()
@click.argument("event_type", type=click.Choice([kind.value for kind in EventType]), required=False)
def schema(event_type: str | None) -> None:
    """Print the JSON Schema of an event, or of all of them keyed by type.

    \b
    Example:
      erp-sidecar events schema order.placed > order.placed.json
    """
    if event_type:
        emit_json(json_schema(EventType(event_type)))
    else:
        emit_json({kind.value: json_schema(kind) for kind in EventType})
