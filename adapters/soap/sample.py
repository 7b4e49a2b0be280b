"""One SOAP envelope and its answer, as an interface description."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.contract.contract import DescribedContract
from adapters.contract.field import Operation
from adapters.contract.sample import operation_of_sample
from adapters.contract.xml import file_content, parse_xml
from adapters.language.shape import ANYTHING
from adapters.soap.xml import tree_of
from sidecar.model.errors import ConfigurationError
from sidecar.ports import Contract

_BOM = b"\xef\xbb\xbf"


class EnvelopeDescription:
    """See `adapters.contract.field.Description`: the one operation of the envelope."""

    is_complete = False
    file_keys = ("service", "port", "header")
    response = ANYTHING

    def __init__(self, operation: Operation) -> None:
        self.operations: Mapping[str, Operation] = {operation.name: operation}

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """By its name."""
        return self.operations.get(self.name_of(call))

    def name_of(self, call: Mapping[str, object]) -> str:
        """What stands under `operation`."""
        return str(call.get("operation", ""))


def open_sample(request: str, answer: str) -> Contract | None:
    """See `sidecar.ports.Contract`; None where the request is not in XML."""
    content = file_content(request)
    if not content.removeprefix(_BOM).lstrip().startswith(b"<"):
        return None
    name, asked = _body(content, request)
    told = file_content(answer)
    operation = operation_of_sample(
        name,
        {"operation": name},
        "body",
        asked,
        _body(told, answer)[1] if told.strip() else None,
        lexical=True,
    )
    return DescribedContract(EnvelopeDescription(operation), Path(request).name)


def _body(content: bytes, name: str) -> tuple[str, Any]:
    """The first element of the envelope's body: its name and what is in it."""
    root = parse_xml(content, name)
    body = root.find("{*}Body")
    if body is None or not len(body):
        raise ConfigurationError(
            f"{name}: is no SOAP envelope with a body",
            "for REST, JSON is wanted: a call sends JSON, a form or a text",
        )
    element = body[0]
    return element.tag.rpartition("}")[2], tree_of(element, attributes=False)
