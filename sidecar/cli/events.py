"""`erp-sidecar events`."""

from __future__ import annotations

import click

from sidecar.app.domains import specs
from sidecar.cli.domains import TYPES
from sidecar.cli.outlet import emit_json
from sidecar.model.event_schema import json_schema


@click.group()
def events() -> None:
    """The business events and their schemas."""


@events.command()
@click.argument("event_type", type=TYPES, required=False)
def schema(event_type: str | None) -> None:
    """Print the JSON Schema of an event, or of all of them keyed by type.

    \b
    Example:
      erp-sidecar events schema order.placed > order.placed.json
    """
    offered = {event.type: event for spec in specs() for event in spec.events}
    if event_type:
        emit_json(json_schema(offered[event_type]))
    else:
        emit_json({type_: json_schema(event) for type_, event in offered.items()})
