"""An event's payload in an operator's hand: what he changes, and whether it may be sent so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from sidecar.model.domain_spec import DomainSpec, EventSpec, Role
from sidecar.model.errors import BadData, UsageError
from sidecar.model.event import decode_payload, encode_payload
from sidecar.model.json_pointer import ABSENT, Change, changes, parse, put, render


@dataclass(frozen=True, slots=True)
class Edit:
    """A new payload, what it changes, and the invariants that it breaks."""

    payload: msgspec.Struct
    changes: tuple[Change, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event's payload as it was taken out; `payload` is JSON on one line."""

    event_id: str
    increment_id: str
    spec: DomainSpec
    type: str
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
        present = decode_payload(self._event, self.payload)
        identity = self.spec.identity
        if any(getattr(payload, name) != getattr(present, name) for name in identity):
            raise BadData(
                f"{' and '.join(identity)} say which {self.spec.noun} it is",
                "leave them as they are",
            )
        found = changes(_document(present), _document(payload))
        return Edit(payload, tuple(found), tuple(self._broken(payload)))

    def _decoded(self, text: str) -> msgspec.Struct:
        given = parse(text)
        try:
            payload = decode_payload(self._event, text)
        except msgspec.ValidationError as error:
            raise BadData(
                f"this is no payload of {self.type}: {error}",
                f"'erp-sidecar events schema {self.type}' prints its shape",
            ) from None
        # A misspelt field would be left out in silence, and its value lost.
        unknown = [
            change.path for change in changes(given, _document(payload)) if change.new == ABSENT
        ]
        if unknown:
            raise BadData(f"{self.type} has no field {', '.join(unknown)}", "correct the name")
        return payload

    @property
    def _event(self) -> EventSpec:
        return self.spec.event(self.type)

    def _broken(self, payload: msgspec.Struct) -> Sequence[str]:
        # As intake does: an end goes whatever the sums are.
        return () if self._event.role is Role.ENDS else self.spec.problems(payload)


def _document(payload: msgspec.Struct) -> object:
    return parse(encode_payload(payload).decode())
