"""A WSDL's operations with their argument trees."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from functools import cached_property
from pathlib import PurePath
from typing import Any

from zeep.wsdl import Document

from adapters.contract.contract import DescribedContract
from adapters.contract.field import Field, Members, Operation
from adapters.contract.xml import about, parse_xml
from adapters.shape import Anything
from adapters.soap.declarations import Declarations, declarations_of
from adapters.soap.documents import Documents
from adapters.soap.schema import Schemas
from adapters.soap.security import http_login
from adapters.soap.wsdl import Wsdl
from adapters.soap.xml import compile_xpath
from sidecar.ports import Connection, Contract, ShopContext

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_BOM = b"\xef\xbb\xbf"


class WsdlDescription:
    """See `adapters.contract.field.Description`."""

    is_complete = True
    file_keys = ("service", "port", "header")
    # An adapter of a named ERP knows more of its answers than their form.
    response = Anything({"xpath": compile_xpath})

    def __init__(self, document: Document) -> None:
        self._document = document

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """By name; of an operation that several bindings carry (SOAP 1.1 and 1.2) the first."""
        found: dict[str, Operation] = {}
        for binding in self._document.bindings.values():
            for operation in getattr(binding, "_operations", {}).values():
                # The bindings of HTTP GET and POST have no SOAP messages.
                if operation.name not in found and hasattr(operation.input, "body"):
                    found[operation.name] = self._operation(operation)
        return found

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """By its name."""
        return self.operations.get(self.name_of(call))

    def name_of(self, call: Mapping[str, object]) -> str:
        """What stands under `operation`."""
        return str(call.get("operation", ""))

    def _operation(self, operation: Any) -> Operation:
        parts = {"body": self._body(operation, operation.input, "input_message")}
        headers = self._headers(operation.input.header)
        if headers.fields:
            parts["header"] = Field("header", "record", load=lambda: headers)
        answer = operation.output and self._body(operation, operation.output, "output_message")
        return Operation(
            operation.name,
            {"operation": operation.name},
            parts,
            self._abouts.get(operation.name, ""),
            answer or None,
        )

    def _body(self, operation: Any, message: Any, side: str) -> Field:
        body = message.body
        if body is None:
            return _record("body", {})
        field = None
        if operation.style != "rpc" and body.qname is not None:
            field = self._schemas.element(str(body.qname.text))
        if field is None:
            return _record("body", self._parts(getattr(operation.abstract, side).parts))
        # The outermost element is written by the operation; the file gives what stands in it.
        return replace(field, name="body", required=True, many=False)

    def _parts(self, parts: Mapping[str, Any]) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for name, part in parts.items():
            if part.element is not None:
                field = self._schemas.element(str(part.element.qname.text))
            else:
                field = self._schemas.typed(name, str(part.type.qname.text))
            if field is not None:
                found[name] = replace(field, name=name, required=True)
        return found

    def _headers(self, header: Any) -> Members:
        """By the names of the elements; the names of the message's parts are taken too."""
        found: dict[str, Field] = {}
        parts: dict[str, str] = {}
        for part, element in header.type.elements if header and header.type._element else ():
            field = self._schemas.element(str(element.qname.text))
            if field is not None:
                # A WSDL lists the headers that there are; which of them a call needs it cannot say.
                found[element.name] = replace(field, name=element.name, required=False)
                parts[part] = element.name
        return Members(found, aliases=parts)

    @cached_property
    def _schemas(self) -> Schemas:
        return Schemas(self._declared)

    @cached_property
    def _declared(self) -> Declarations:
        return declarations_of(self._document)

    @cached_property
    def _abouts(self) -> Mapping[str, str]:
        """What the WSDL says of each operation."""
        texts: dict[str, str] = {}
        for node in self._declared.root.iterfind(f"{_WSDL}portType/{_WSDL}operation"):
            told = node.find(f"{_WSDL}documentation")
            if told is not None:
                texts.setdefault(node.get("name"), about("".join(told.itertext())))
        return texts


def _record(name: str, fields: Mapping[str, Field]) -> Field:
    return Field(name, "record", required=name == "body", load=lambda: Members(fields))


def open_contract(source: str, connection: Connection | None) -> Contract | None:
    """See `sidecar.ports.Contract`: a WSDL, by its file or address."""
    with closing(Documents(_reached(source, connection))) as documents:
        content = documents.load(source)
        if not content.removeprefix(_BOM).lstrip().startswith(b"<"):
            return None
        if parse_xml(content, source).tag != f"{_WSDL}definitions":
            return None
        wsdl = Wsdl.load(source, documents)
    return DescribedContract(WsdlDescription(wsdl.document), PurePath(source).name)


def _reached(source: str, connection: Connection | None) -> Connection:
    """How the document is fetched: with the login of HTTP, where there is one."""
    if connection is None:
        return Connection("", 10.0, 60.0, ShopContext("", UTC), wsdl=source)
    return replace(connection, auth=http_login(connection.auth))
