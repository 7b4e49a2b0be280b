"""A loaded WSDL: its operations found by name, their envelopes written and their answers read."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lxml import etree
from zeep.exceptions import Error
from zeep.settings import Settings
from zeep.wsa import WsAddressingPlugin
from zeep.wsdl import Document
from zeep.wsdl.bindings.soap import SoapBinding, SoapOperation
from zeep.wsdl.definitions import Port, Service
from zeep.xsd import ComplexType

from adapters.http.xml import NotAccepted, parse_strictly
from adapters.language.filters import ExpressionError
from adapters.language.shape import suggest
from adapters.soap.declarations import Declarations, declarations_of
from adapters.soap.documents import Documents
from adapters.soap.fill import Filler, unwritable
from adapters.soap.imports import Imports
from adapters.soap.messages import Body, Messages
from adapters.soap.plain import unwrapped
from adapters.soap.read import Reader
from adapters.soap.schema import Schemas
from adapters.soap.xml import Element, Malformed, local
from sidecar.model.errors import ConfigurationError

_DEFINITIONS = "{http://schemas.xmlsoap.org/wsdl/}definitions"
ENVELOPES = (
    "{http://schemas.xmlsoap.org/soap/envelope/}",
    "{http://www.w3.org/2003/05/soap-envelope}",
)
_WITHOUT_ACTION = "application/soap+xml; charset=utf-8"

_SETTINGS = {"strict": False, "forbid_dtd": True, "forbid_entities": True, "xml_huge_tree": False}


class NoSuchOperation(Exception):
    """The WSDL has no such service, port or operation; the text says what it has."""


class Wsdl:
    """One WSDL with everything that it imports."""

    def __init__(self, document: Document, declared: Declarations) -> None:
        """`document` is for writing messages, `declared` for describing and reading them."""
        schemas = Schemas(declared)
        self.document = document
        self.root = declared.root
        self.filler = Filler(document.types, declared.prefixes)
        self.messages = Messages(schemas)
        self.reader = Reader(schemas)

    @classmethod
    def load(cls, location: str, documents: Documents) -> Wsdl:
        """Read it.  Raises ConfigurationError that says which document is wrong."""
        _look_at(location, documents.load(location))
        imports = Imports(location, documents)
        try:
            with warnings.catch_warnings():
                # What zeep warns of, a part that leads nowhere, it refuses where it is used.
                warnings.simplefilter("ignore")
                document = Document(location, imports, settings=Settings(**_SETTINGS))
            declared = declarations_of(imports)
        except ConfigurationError:
            raise
        except RecursionError as error:
            raise ConfigurationError(
                f"{location}: its types or imports are nested too deeply",
                "is it a WSDL that somebody sent to do harm?",
            ) from error
        except (Error, etree.LxmlError, LookupError, TypeError, ValueError, NotImplementedError,
                AttributeError, AssertionError) as error:  # fmt: skip
            # zeep knows many ways to say that a document is not what it should be.
            raise ConfigurationError(
                f"{location}: is no usable WSDL: {type(error).__name__}: {str(error)[:300]}",
                "is it whole, with all that it imports?",
            ) from error
        wsdl = cls(document, declared)
        if not any(True for _ in wsdl.ports()):
            raise ConfigurationError(
                f"{location}: has no service with a SOAP port", "is it the whole WSDL?"
            )
        return wsdl

    def ports(self) -> Iterator[tuple[Service, Port]]:
        """Every SOAP port with its service."""
        for service in self.document.services.values():
            for port in service.ports.values():
                if isinstance(port.binding, SoapBinding):
                    yield service, port

    def operations(self) -> Iterator[Operation]:
        """Every operation of every SOAP port."""
        for service, port in self.ports():
            for name in port.binding._operations:
                yield Operation(self, service.name, port, port.binding.get(name))

    def addresses(self) -> Iterator[str]:
        """Where the ports say that they are."""
        for _, port in self.ports():
            if address := (port.binding_options or {}).get("address"):
                yield str(address)

    def operation(
        self, name: str, service: str | None = None, port: str | None = None
    ) -> Operation:
        """The operation at the named port, else at the first that has it.

        Raises NoSuchOperation, also where two services have it and none is named.
        """
        ports = [
            (owner, candidate)
            for owner, candidate in self.ports()
            if service in (None, owner.name) and port in (None, candidate.name)
        ]
        if not ports:
            known = ", ".join(f"{owner.name}/{candidate.name}" for owner, candidate in self.ports())
            wanted = "/".join(part for part in (service, port) if part)
            raise NoSuchOperation(f"the WSDL has no port '{wanted}'; it has {known}")
        having = [
            (owner, candidate)
            for owner, candidate in ports
            if name in candidate.binding._operations
        ]
        if not having:
            known_names = sorted(
                {key for _, candidate in ports for key in candidate.binding._operations}
            )
            hint = suggest(name, known_names) or f"; it has {', '.join(known_names[:30])}"
            raise NoSuchOperation(f"the WSDL has no operation '{name}'{hint}")
        services = {owner.name for owner, _ in having}
        if len(services) > 1:
            raise NoSuchOperation(
                f"'{name}' is in the services {', '.join(sorted(services))}: name one"
            )
        owner, chosen = having[0]
        return Operation(self, owner.name, chosen, chosen.binding.get(name))


@dataclass(frozen=True)
class Operation:
    """One operation at one port."""

    wsdl: Wsdl
    service: str
    port: Port
    soap: SoapOperation

    def __str__(self) -> str:
        return str(self.soap.name)

    @property
    def address(self) -> str:
        """Where the WSDL says that calls go."""
        return str((self.port.binding_options or {}).get("address") or "")

    @cached_property
    def _answer(self) -> Body | None:
        return self.wsdl.messages.body(self.soap, "output")

    @property
    def body_type(self) -> Any:
        """The type that the body's arguments fill, None for none."""
        body = self.soap.input.body
        return None if body is None else body.type

    @cached_property
    def header_types(self) -> Mapping[str, Any]:
        """The header's parts that the WSDL declares, each under its part's and element's name."""
        declared = self.soap.input.header.type.elements
        parts = {name: element for name, element in declared if hasattr(element, "qname")}
        return {**{element.name: element for element in parts.values()}, **parts}

    def envelope(
        self, body: Mapping[str, Any], header: Mapping[str, Any], extra: list[Element]
    ) -> tuple[Element, dict[str, str]]:
        """The envelope, and the HTTP headers that go with it.

        `header` are declared parts by name, `extra` elements that the WSDL does not declare.
        Raises ExpressionError for what does not fit the types.
        """
        filled = self._filled_body(body)
        parts = self._filled_header(header)
        try:
            if parts:
                filled["_soapheaders"] = parts
            message = self.soap.create(**filled)
            self.port.binding._set_http_headers(message, self.soap)
        except (Error, TypeError, ValueError, LookupError, AttributeError) as error:
            raise ExpressionError(f"{self}: {_in_words(error)}") from None
        envelope, headers = message.content, dict(message.headers)
        if not self.soap.soapaction and headers["Content-Type"].startswith("application/soap+xml"):
            # zeep writes the action that is not there as "None".
            headers["Content-Type"] = _WITHOUT_ACTION
        if extra:
            _header_of(envelope).extend(extra)
        if self.soap.abstract.wsa_action:
            options = {"address": self.address}
            WsAddressingPlugin().egress(envelope, headers, self.soap, options)
        return envelope, headers

    def answered(self, root: Element) -> Element | None:
        """The body of an envelope of either version, None where it is not this operation's.

        Of RPC any name is: it says nothing there.
        """
        body = next(
            (
                root.find(f"{envelope}Body")
                for envelope in ENVELOPES
                if root.tag.startswith(envelope)
            ),
            None,
        )
        name = self._answer.element if self._answer else ""
        return (
            body
            if body is None or not name or [local(envelope) for envelope in body] == [name]
            else None
        )

    def body_of(self, root: Element) -> Any:
        """The answer's body as plain values.  Raises Malformed."""
        if self._answer is None:
            return None
        field, body = self._answer.field, self.answered(root)
        try:
            if body is None:
                raise Malformed("it is the answer to something else")
            if self._answer.element:
                content = self.wsdl.reader.read(field, body[0], body)
            else:
                content = self.wsdl.reader.parts(field, body, rpc=self.soap.style == "rpc")
            if content is None:
                raise Malformed("it is empty")
        except Malformed as error:
            raise Malformed(f"the answer does not fit the WSDL: {error}") from None
        return unwrapped(field, content)

    def _filled_body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        kind_of = self.body_type
        if kind_of is None:
            if body:
                raise ExpressionError(f"{self}: the WSDL gives it no arguments")
            return {}
        filled = self.wsdl.filler.filled(kind_of, body, str(self))
        return dict(filled) if isinstance(kind_of, ComplexType) else {"value": filled}

    def _filled_header(self, header: Mapping[str, Any]) -> dict[str, Any]:
        filled: dict[str, Any] = {}
        for name, value in header.items():
            if unwritable(value):
                # Logins stand here: one that is altered is refused, and nobody knows why.
                raise ExpressionError(f"{self} header {name} has characters that XML cannot carry")
            element = self.header_types[name]
            filler = self.wsdl.filler
            made = filler.filled(element.type, value, f"{self} header {name}")
            filled[element.attr_name] = element(**made) if isinstance(made, dict) else made
        return filled


def _look_at(location: str, content: bytes) -> None:
    """zeep repairs what it can and fails at the rest; a page of HTML is to be reported as one."""
    remedy = "was a page of a login or a proxy saved instead of it?"
    try:
        root = parse_strictly(content)
    except NotAccepted as error:
        raise ConfigurationError(f"{location}: {error}", remedy) from None
    if root.tag != _DEFINITIONS:
        raise ConfigurationError(f"{location}: is no WSDL but <{local(root)}>", remedy)


def _header_of(envelope: Element) -> Element:
    name = etree.QName(etree.QName(envelope).namespace, "Header")
    header = envelope.find(name)
    if header is None:
        header = etree.Element(name)
        envelope.insert(0, header)
    return header


def _in_words(error: Exception) -> str:
    """zeep's own words where they name elements only; Python's may quote a value."""
    if isinstance(error, Error):
        return str(getattr(error, "message", "") or type(error).__name__)[:300]
    return f"the values do not fit ({type(error).__name__})"
