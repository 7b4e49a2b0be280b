"""A WSDL's operations with their argument trees."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from functools import cached_property
from pathlib import PurePath

from adapters.contract.contract import DescribedContract
from adapters.contract.field import Field, Operation
from adapters.contract.xml import about, parse_xml
from adapters.language.shape import ANYTHING
from adapters.soap.documents import Documents
from adapters.soap.security import http_login
from adapters.soap.wsdl import NoSuchOperation, Wsdl
from adapters.soap.wsdl import Operation as SoapOperation
from sidecar.ports import AdapterSettings, Contract, ShopContext

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_BOM = b"\xef\xbb\xbf"


class WsdlDescription:
    """See `adapters.contract.field.Description`."""

    is_complete = True
    file_keys = ("service", "port", "header")
    # An adapter of a named ERP knows more of its answers than their form.
    response = ANYTHING

    def __init__(self, wsdl: Wsdl) -> None:
        self._wsdl = wsdl

    @cached_property
    def operations(self) -> Mapping[str, Operation]:
        """By name; of an operation that several ports carry (SOAP 1.1 and 1.2) the first."""
        by_name: dict[str, Operation] = {}
        for operation in self._wsdl.operations():
            if str(operation) not in by_name:
                by_name[str(operation)] = self._operation(operation)
        return by_name

    def called(self, call: Mapping[str, object]) -> Operation | None:
        """By its name, at the port where the call goes."""
        service, port = (str(call[key]) if key in call else None for key in ("service", "port"))
        if service is None and port is None:
            return self.operations.get(self.name_of(call))
        try:
            return self._operation(self._wsdl.operation(self.name_of(call), service, port))
        except NoSuchOperation:
            return None

    def name_of(self, call: Mapping[str, object]) -> str:
        """What stands under `operation`."""
        return str(call.get("operation", ""))

    def _operation(self, operation: SoapOperation) -> Operation:
        messages = self._wsdl.messages
        asked, told = (messages.body(operation.soap, side) for side in ("input", "output"))
        parts: dict[str, Field] = {"body": asked.field} if asked else {}
        if header := messages.headers(operation.soap):
            parts["header"] = header
        return Operation(
            str(operation),
            {"operation": str(operation)},
            parts,
            self._abouts.get(str(operation), ""),
            told.field if told else None,
        )

    @cached_property
    def _abouts(self) -> Mapping[str, str]:
        """What the WSDL says of each operation."""
        texts: dict[str, str] = {}
        for node in self._wsdl.root.iterfind(f"{_WSDL}portType/{_WSDL}operation"):
            told = node.find(f"{_WSDL}documentation")
            if told is not None:
                texts.setdefault(node.get("name"), about("".join(told.itertext())))
        return texts


def open_contract(source: str, settings: AdapterSettings | None) -> Contract | None:
    """See `sidecar.ports.Contract`: a WSDL, by its file or address."""
    # Whoever looks at an interface wants it as it is now.
    with closing(Documents(_reached(source, settings), keeps=False)) as documents:
        content = documents.load(source)
        if not content.removeprefix(_BOM).lstrip().startswith(b"<"):
            return None
        if parse_xml(content, source).tag != f"{_WSDL}definitions":
            return None
        wsdl = Wsdl.load(source, documents)
    return DescribedContract(WsdlDescription(wsdl), PurePath(source).name)


def _reached(source: str, settings: AdapterSettings | None) -> AdapterSettings:
    """How the document is fetched: with the login of HTTP, where there is one."""
    if settings is None:
        return AdapterSettings("", 10.0, 60.0, ShopContext("", UTC), wsdl=source, domains=())
    return replace(settings, wsdl=source, auth=http_login(settings.auth))
