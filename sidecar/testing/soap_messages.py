"""SOAP as a server speaks it: calls are read and replies written as the WSDL has them.

With zeep, the other way round than in a client: it parses requests and renders replies.  Both SOAP
versions, document/literal and rpc/literal; what a message means is for others to know.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zeep
import zeep.exceptions
import zeep.wsdl
from lxml import etree
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding
from zeep.xsd import CompoundValue

ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"

_CONTENT_TYPES = {
    ENVELOPE_11: "text/xml; charset=utf-8",
    ENVELOPE_12: "application/soap+xml; charset=utf-8",
}
_CODES_12 = {"Client": "Sender", "Server": "Receiver"}
_CODES_11 = {new: old for old, new in _CODES_12.items()}
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class SoapFault(Exception):
    """What a server answers instead of a reply.

    `code` is Client, Server, Sender, Receiver (written as the SOAP version has it), another word of
    the version, or a code of one's own as `{namespace}local`.  `detail` is text, an lxml element,
    a zeep value (`types.get_element(name)(…)`), or a list of those.  Without a `status` it is what
    the version prescribes: 500, but 400 for Sender in SOAP 1.2.
    """

    def __init__(
        self, code: str, message: str, detail: Any = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail
        self.status = status


@dataclass(frozen=True)
class Message:
    """A call as it was read.

    `body` is the zeep value of the request: its attributes are the operation's parameters.
    `headers` has the header parts that the WSDL declares and that were sent, by part name;
    `envelope` is the whole message as an lxml element, for everything else.
    """

    operation: str
    body: Any
    headers: Mapping[str, Any]
    envelope: Any


@dataclass(frozen=True)
class Written:
    """A message to send: its status for HTTP and its bytes."""

    status: int
    content: bytes
    content_type: str


def load_wsdl(path: Path) -> zeep.wsdl.Document:
    """The WSDL with everything it imports; nothing is fetched from the network."""
    loaded: zeep.wsdl.Document = zeep.Client(
        str(path), settings=zeep.Settings(forbid_external=True)
    ).wsdl
    return loaded


class SoapPort:
    """One port of a WSDL."""

    def __init__(
        self, wsdl: zeep.wsdl.Document, service: str | None = None, port: str | None = None
    ) -> None:
        """Without a name the first that speaks SOAP.  Raises LookupError when there is none."""
        found = _ports(wsdl, service, port)
        if not found:
            raise LookupError(f"{wsdl.location} has no SOAP port {service or '*'}.{port or '*'}")
        self.name, self._binding = found[0]
        self._schema = wsdl.types
        is_12 = isinstance(self._binding, Soap12Binding)
        self.version = ENVELOPE_12 if is_12 else ENVELOPE_11
        self._operations: Mapping[str, Any] = self._binding.all()
        self._by_element: defaultdict[str | None, list[str]] = defaultdict(list)
        for name, operation in self._operations.items():
            self._by_element[self._element(operation)].append(name)

    def read(self, content: bytes, headers: Mapping[str, str]) -> Message:
        """The call in a request; `headers` of HTTP in lower case.  Raises SoapFault."""
        envelope = parse_xml(content)
        if etree.QName(envelope).localname != "Envelope":
            raise SoapFault("Client", f"{envelope.tag} is no SOAP envelope")
        if etree.QName(envelope).namespace != self.version:
            raise SoapFault("VersionMismatch", f"this port speaks {self.version}", status=500)
        body = envelope.find(f"{{{self.version}}}Body")
        if body is None:
            raise SoapFault("Client", "the envelope has no body")
        name = self._operation(body, headers)
        message = self._operations[name].input
        with _misreadings() as misread:
            try:
                read = Message(
                    operation=name,
                    body=self._read_body(message, body),
                    headers=self._read_headers(message, envelope.find(f"{{{self.version}}}Header")),
                    envelope=envelope,
                )
            except (zeep.exceptions.Error, ArithmeticError) as unfit:
                # What is no decimal is decimal's own error.
                raise SoapFault("Client", f"{name}: {unfit or unfit.__class__.__name__}") from unfit
        if misread:
            raise SoapFault("Client", f"{name}: {misread[0]}")
        return read

    def reply(self, operation: str, values: Any = None) -> Written:
        """The operation's answer.

        `values`: the parts of the answer by name, or the ready zeep value of the whole; for an
        answer that is a simple value that value.
        """
        message = self._operations[operation].output
        if message is None:
            return Written(202, b"", self.content_type)
        envelope, body = self._envelope()
        if message.body is not None:
            value = _filled(message.body, values)
            wrapped = self._is_soap_body(message.body)
            message.body.render(body.getparent() if wrapped else body, value)
            if wrapped:
                envelope.remove(body)
            elif self._operations[operation].style == "rpc":
                # zeep names the wrapper after the WSDL's message, WS-I after the operation.
                namespace = etree.QName(body[0]).namespace
                body[0].tag = etree.QName(namespace, f"{operation}Response")
        return self._written(200, envelope)

    def fault(self, fault: SoapFault) -> Written:
        """The fault in this port's version of SOAP."""
        envelope, body = self._envelope()
        code = _fault_12(body, fault) if self.version == ENVELOPE_12 else _fault_11(body, fault)
        prescribed = 400 if code == "Sender" else 500
        return self._written(fault.status or prescribed, envelope)

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self.version]

    def _operation(self, body: Any, headers: Mapping[str, str]) -> str:
        """By the first element of the body; where that does not say it, by the action."""
        element = body[0].tag if len(body) else None
        action = soap_action(headers)
        meant = {name for name, known in self._operations.items() if known.soapaction == action}
        named = [] if element is None else self._by_element.get(element, [])
        # Several operations may share an element, and some have none of their own.
        for name in (*named, *self._by_element.get(None, [])):
            if name in meant:
                return name
        if named:
            return named[0]
        raise SoapFault("Client", f"there is no operation {element or action or ''}".rstrip())

    def _element(self, operation: Any) -> str | None:
        """The element that a call's body begins with; None where its parts stand there bare."""
        body = operation.input.body
        return None if body is None or self._is_soap_body(body) else str(body.qname.text)

    def _is_soap_body(self, element: Any) -> bool:
        return bool(element.qname.text == f"{{{self.version}}}Body")

    def _read_body(self, message: Any, body: Any) -> Any:
        if message.body is None:
            return None
        node = body if self._is_soap_body(message.body) else body[0]
        return message.body.parse(node, self._schema)

    def _read_headers(self, message: Any, header: Any) -> dict[str, Any]:
        if header is None or message.header is None:
            return {}
        read = message.header.parse(header, self._schema)
        values = {} if read is None else dict(read.__values__)
        values.pop("_raw_elements", None)
        return {name: value for name, value in values.items() if value is not None}

    def _envelope(self) -> tuple[Any, Any]:
        envelope = etree.Element(f"{{{self.version}}}Envelope", nsmap={"soap": self.version})
        return envelope, etree.SubElement(envelope, f"{{{self.version}}}Body")

    def _written(self, status: int, envelope: Any) -> Written:
        content = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
        return Written(status, content, self.content_type)


class _Overheard(logging.Handler):
    """What zeep logs in this thread."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread and record.exc_info:
            self.errors.append(str(record.exc_info[1]))


@contextmanager
def _misreadings() -> Iterator[list[str]]:
    """The values that are none of their type.

    zeep reads such a number or time as None and says so in its log alone; a server that took it
    for left out would do something else than it was told.
    """
    overheard = _Overheard()
    log = logging.getLogger("zeep.xsd.types.simple")
    log.addHandler(overheard)
    try:
        yield overheard.errors
    finally:
        log.removeHandler(overheard)


def parse_xml(content: bytes) -> Any:
    """The root element.  Raises SoapFault for what is no XML, and for a DTD, which SOAP forbids."""
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as malformed:
        raise SoapFault("Client", f"the request is no XML: {malformed}") from malformed
    if root.getroottree().docinfo.internalDTD is not None:
        raise SoapFault("Client", "a DTD has no place in a SOAP message")
    return root


def soap_action(headers: Mapping[str, str]) -> str:
    """The action: a header of its own in SOAP 1.1, a parameter of the content type in 1.2."""
    if action := headers.get("soapaction", "").strip().strip('"'):
        return action
    _, _, after = headers.get("content-type", "").partition("action=")
    return after.partition(";")[0].strip().strip('"')


def _ports(
    wsdl: zeep.wsdl.Document, service: str | None, port: str | None
) -> list[tuple[str, Any]]:
    """The SOAP ports of that name with their bindings."""
    return [
        (name, candidate.binding)
        for service_name, offered in wsdl.services.items()
        for name, candidate in offered.ports.items()
        if service in (None, service_name)
        and port in (None, name)
        and isinstance(candidate.binding, SoapBinding)
    ]


def _filled(element: Any, values: Any) -> Any:
    if isinstance(values, CompoundValue):
        return values
    if isinstance(values, Mapping):
        return element(**values)
    return element() if values is None else element(values)


def _fault_11(body: Any, fault: SoapFault) -> str:
    code = _CODES_11.get(fault.code, fault.code)
    node = etree.SubElement(body, f"{{{ENVELOPE_11}}}Fault")
    _put_code(node, "faultcode", code)
    etree.SubElement(node, "faultstring").text = fault.message
    if fault.detail is not None:
        _put_detail(etree.SubElement(node, "detail"), fault.detail)
    return code


def _fault_12(body: Any, fault: SoapFault) -> str:
    code = _CODES_12.get(fault.code, fault.code)
    node = etree.SubElement(body, f"{{{ENVELOPE_12}}}Fault")
    value = etree.SubElement(node, f"{{{ENVELOPE_12}}}Code")
    if code.startswith("{"):
        # A code of one's own can only refine one of the five that SOAP 1.2 knows.
        _put_code(value, f"{{{ENVELOPE_12}}}Value", "Sender")
        subcode = etree.SubElement(value, f"{{{ENVELOPE_12}}}Subcode")
        _put_code(subcode, f"{{{ENVELOPE_12}}}Value", code)
    else:
        _put_code(value, f"{{{ENVELOPE_12}}}Value", code)
    reason = etree.SubElement(node, f"{{{ENVELOPE_12}}}Reason")
    text = etree.SubElement(reason, f"{{{ENVELOPE_12}}}Text", {_XML_LANG: "en"})
    text.text = fault.message
    if fault.detail is not None:
        _put_detail(etree.SubElement(node, f"{{{ENVELOPE_12}}}Detail"), fault.detail)
    return code


def _put_code(parent: Any, tag: str, code: str) -> None:
    if not code.startswith("{"):
        etree.SubElement(parent, tag).text = f"soap:{code}"
        return
    name = etree.QName(code)
    prefix = "wsse" if name.namespace == WSSE else "code"
    etree.SubElement(
        parent, tag, nsmap={prefix: name.namespace}
    ).text = f"{prefix}:{name.localname}"


def _put_detail(parent: Any, detail: Any) -> None:
    if isinstance(detail, list):
        for part in detail:
            _put_detail(parent, part)
    elif isinstance(detail, str):
        parent.text = detail
    elif isinstance(detail, CompoundValue):
        detail._xsd_elm.render(parent, detail)
    else:
        parent.append(detail)
