"""The `call` section of a SOAP calls file: an operation of the WSDL with its header and body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from adapters.calls.answer import Evidence
from adapters.calls.section import Section
from adapters.http.transport import Reply, Request
from adapters.language.filters import ExpressionError
from adapters.language.scope import Scope, Values
from adapters.language.template import Template
from adapters.soap.fill import element_of, unwritable
from adapters.soap.reply import Response
from adapters.soap.security import NoSeal, Seal
from adapters.soap.wsdl import NoSuchOperation, Operation, Wsdl
from adapters.soap.xml import Element, parse

#: Parts of a header by name, each with what makes its value.
Computed = Mapping[str, Callable[[], Any]]

_ACCEPT = {"Accept": "text/xml, application/soap+xml, multipart/related;q=0.5"}


@dataclass(frozen=True, slots=True)
class SoapCall:
    """One call as the file declares it.

    `computed` are parts of the header that are new in each call, by name.
    """

    operation: Operation
    address: str
    seal: Seal
    headers: tuple[Template, ...]
    body: Template
    computed: Computed = field(default_factory=dict)

    def request(self, values: Values) -> Request:
        """Fill it in.  Raises ExpressionError: nothing was sent then."""
        declared: dict[str, Any] = {}
        extra: list[Element] = []
        for template in self.headers:
            for name, value in template(values).items():
                if value is None:
                    continue
                if name.startswith("{"):
                    extra.append(self._undeclared(name, value))
                elif name in self.operation.header_types:
                    declared[name] = value
        declared.update((name, compute()) for name, compute in self.computed.items())
        envelope, headers = self.operation.envelope(self.body(values), declared, extra)
        self.seal.apply(envelope)
        return Request(
            "POST",
            self.address,
            headers={**_ACCEPT, **headers},
            body=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            name=f"{self.operation} ({self.operation.port.name})",
        )

    def _undeclared(self, name: str, value: Any) -> Element:
        if unwritable(value):
            # Logins stand here: one that is altered is refused, and nobody knows why.
            raise ExpressionError(f"header {name} has characters that XML cannot carry")
        return element_of(name, value)

    def disarmed(self, request: Request) -> Request:
        """See `adapters.calls.wire_call.WireCall`; secrets are struck out by the transport."""
        return request

    def shown(self, body: bytes) -> str:
        """See `adapters.calls.wire_call.WireCall`."""
        envelope = parse(body)
        etree.indent(envelope)
        return str(etree.tostring(envelope, encoding="unicode"))

    def response(self, reply: Reply) -> tuple[Response, Evidence]:
        """See `adapters.calls.wire_call.WireCall`."""
        response = Response(self.operation, reply)
        return response, response.evidence(reply)


@dataclass
class SoapCalls:
    """Reads the calls of one file against one WSDL; problems are noted in the file's source.

    `endpoint` overrides the address in the WSDL; `computed` are header parts that no file writes.
    """

    wsdl: Wsdl
    endpoint: str = ""
    seal: Seal = field(default_factory=NoSeal)
    computed: Computed = field(default_factory=dict)
    _service: str | None = None
    _port: str | None = None
    _shared: Template | None = None

    #: Keys at the top of the file.
    KEYS = ("service", "port", "header")

    def begin(self, top: Section, scope: Scope) -> None:
        """What holds for all calls: service, port, and the header's parts where declared."""
        self._service, self._port = top.text("service"), top.text("port")
        self._shared = top.template("header", scope) if "header" in top else None
        self._not_computed(top.section("header"))

    def read(self, section: Section, scope: Scope) -> SoapCall:
        """A `call` section."""
        section.keys(("operation", "service", "port", "header", "body"), ("operation",))
        operation = self._operation(section)
        header = section.section("header")
        self._not_computed(header)
        for name in header.data if operation else ():
            if not name.startswith("{") and name not in operation.header_types:
                header.problem(
                    name,
                    f"{operation} has no header '{name}' in the WSDL; one that it does not "
                    f"declare is written '{{namespace}}{name}'",
                )
        body = section.section("body")
        headers = (self._shared, header.whole(scope))
        return SoapCall(
            operation,
            self._address(section, operation),
            self.seal,
            tuple(written_header for written_header in headers if written_header is not None),
            body.whole(scope) or _empty,
            self.computed,
        )

    def _not_computed(self, header: Section) -> None:
        for name in self.computed:
            if name in header:
                header.problem(name, "this part is computed again for each call; leave it out")

    def _operation(self, section: Section) -> Any:
        name = section.text("operation")
        service = section.text("service") or self._service
        port = section.text("port") or self._port
        if name is None:
            return None
        try:
            return self.wsdl.operation(name, service, port)
        except NoSuchOperation as error:
            section.problem("operation", str(error))
            return None

    def _address(self, section: Section, operation: Operation | None) -> str:
        address = self.endpoint or (operation.address if operation else "")
        if operation and not address:
            section.problem("operation", "the WSDL names no address; write erp.endpoint")
        return address


def _empty(_: Values) -> dict[str, Any]:
    return {}
