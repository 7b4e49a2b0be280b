"""The messages of a WSDL's operations as field trees: bodies and headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.contract.field import Field, Members
from adapters.soap.schema import Schemas


@dataclass(frozen=True, slots=True)
class Body:
    """What a body holds: one element of this name, or the parts of a message (no name)."""

    field: Field
    element: str = ""


class Messages:
    """Bodies and headers out of schemas; an operation is zeep's, `side` one of its messages."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def body(self, operation: Any, side: str) -> Body | None:
        """The body of the message `input` or `output`; None where there is none."""
        message = getattr(operation, side)
        if not message:
            return None
        if message.body is None:
            return Body(_record("body", Members({})))
        field = None
        if operation.style != "rpc" and message.body.qname is not None:
            field = self._schemas.element(str(message.body.qname.text))
        if field is None:
            parts = getattr(operation.abstract, f"{side}_message").parts
            return Body(_record("body", self._parts(parts)))
        # The outermost element is written by the operation; the file gives what stands in it.
        whole = replace(field, name="body", required=True, many=False)
        return Body(whole, str(message.body.qname.localname))

    def headers(self, operation: Any) -> Field | None:
        """By the names of the elements; the names of the message's parts are taken too."""
        header = operation.input.header
        found: dict[str, Field] = {}
        parts: dict[str, str] = {}
        for part, element in header.type.elements if header and header.type._element else ():
            field = self._schemas.element(str(element.qname.text))
            if field is not None:
                # A WSDL lists the headers that there are; which of them a call needs it cannot say.
                found[element.name] = replace(field, name=element.name, required=False)
                parts[part] = element.name
        return _record("header", Members(found, aliases=parts)) if found else None

    def _parts(self, parts: Mapping[str, Any]) -> Members:
        """Each by the name of its element, else by its own: so they stand in the envelope."""
        fields: dict[str, Field] = {}
        for name, part in parts.items():
            if part.element is not None:
                field = self._schemas.element(str(part.element.qname.text))
            else:
                field = self._schemas.typed(name, _type_name(part.type))
            if field is not None:
                fields[field.name] = replace(field, required=True)
        return Members(fields)


def _type_name(kind_of: Any) -> str:
    """zeep gives a type of XML Schema that stands for all no name of its own."""
    return str((kind_of.qname or kind_of._default_qname).text)


def _record(name: str, members: Members) -> Field:
    return Field(name, "record", required=name == "body", load=lambda: members)
