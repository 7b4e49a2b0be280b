"""An event's payload in an operator's hand: what he changes, and whether it may be sent so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from sidecar.domains.orders.invariants import problems
from sidecar.domains.orders.payload import Order
from sidecar.model.errors import BadData, UsageError
from sidecar.model.event import EventType, Payload, decode_payload, encode_payload
from sidecar.model.json_pointer import ABSENT, Change, changes, parse, put, render


@dataclass(frozen=True, slots=True)
class Edit:
    """A new payload, what it changes, and the invariants that it breaks."""

    payload: Payload
    changes: tuple[Change, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event's payload as it was taken out; `payload` is JSON on one line."""

    event_id: str
    increment_id: str
    type: EventType
    payload: str

    def with_values(self, assignments: Sequence[str]) -> str:
        """The payload with each `POINTER=VALUE` carried out; raises UsageError."""
        document = parse(self.payload)
        for assignment in assignments:
            path, sign, value = assignment.partition("=")
            if not sign:
                raise UsageError(f"{assignment} has no '='", "write POINTER=VALUE")
            put(document, path, value)
        return render(document)

    def edited(self, text: str) -> Edit:
        """What `text` makes of it; BadData when it has another shape or is of another order."""
        payload = self._decoded(text)
        present = decode_payload(self.type, self.payload)
        if (payload.entity_id, payload.increment_id) != (present.entity_id, present.increment_id):
            raise BadData(
                "entity_id and increment_id say which order it is", "leave them as they are"
            )
        found = changes(_document(present), _document(payload))
        return Edit(payload, tuple(found), tuple(self._broken(payload)))

    def _decoded(self, text: str) -> Payload:
        given = parse(text)
        try:
            payload = decode_payload(self.type, text)
        except msgspec.ValidationError as error:
            raise BadData(
                f"this is no payload of {self.type.value}: {error}",
                f"'erp-sidecar events schema {self.type.value}' prints its shape",
            ) from None
        # A misspelt field would be left out in silence, and its value lost.
        unknown = [
            change.path for change in changes(given, _document(payload)) if change.new == ABSENT
        ]
        if unknown:
            raise BadData(f"{self.type.value} has no field {', '.join(unknown)}", "mend the name")
        return payload

    def _broken(self, payload: Payload) -> list[str]:
        # As intake does: a cancellation goes whatever the order's sums are.
        if not isinstance(payload, Order) or self.type is EventType.ORDER_CANCELED:
            return []
        return problems(payload)


def _document(payload: Payload) -> object:
    return parse(encode_payload(payload).decode())
