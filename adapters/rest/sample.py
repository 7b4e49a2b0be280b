"""One request in JSON and its answer, as an interface description."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.contract.contract import DescribedContract
from adapters.contract.field import Operation
from adapters.contract.guess import FILL_IN
from adapters.contract.sample import operation_of_sample
from adapters.contract.xml import file_content
from adapters.http.body import Malformed, decode_json
from adapters.language.shape import ANYTHING
from adapters.rest.paths import call_name
from sidecar.model.errors import ConfigurationError
from sidecar.ports import Contract

_NAME = "POST"


class SampleDescription:
    """See `adapters.contract.field.Description`: one operation, at an address that nobody told."""

    is_complete = False
    file_keys = ()
    response = ANYTHING

    def __init__(self, operation: Operation) -> None:
        self.operations: Mapping[str, Operation] = {operation.name: operation}

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """Every call that sends something may be it."""
        return self.operations[_NAME] if "json" in call else None

    def name_of(self, call: Mapping[str, object]) -> str:
        """`METHOD path`."""
        return call_name(call)


def open_sample(request: str, answer: str) -> Contract | None:
    """See `sidecar.ports.Contract`; None where the request is not in JSON."""
    content = file_content(request)
    if not content.lstrip().startswith((b"{", b"[")):
        return None
    told = file_content(answer)
    operation = operation_of_sample(
        _NAME,
        {"method": "POST", "path": FILL_IN},
        "json",
        _json(content, request),
        _json(told, answer) if told.strip() else None,
        lexical=False,
    )
    return DescribedContract(SampleDescription(operation), Path(request).name)


def _json(content: bytes, name: str) -> Any:
    try:
        return decode_json(content)
    except Malformed as error:
        raise ConfigurationError(f"{name}: is no JSON: {error}") from None
