"""`erp-sidecar events`."""

from __future__ import annotations

import click

from sidecar.app.domains import specs
from sidecar.cli.outlet import emit_json
from sidecar.model.event_schema import json_schema

_EVENTS = {event.type: event for spec in specs() for event in spec.events}


@click.group()
def events() -> None:
    """The business events and their schemas."""


@events.command()
@click.argument("event_type", type=click.Choice(list(_EVENTS)), required=False)
def schema(event_type: str | None) -> None:
    """Print the JSON Schema of an event, or of all of them keyed by type.

    \b
    Example:
      erp-sidecar events schema order.placed > order.placed.json
    """
    if event_type:
        emit_json(json_schema(_EVENTS[event_type]))
    else:
        emit_json({type_: json_schema(event) for type_, event in _EVENTS.items()})
