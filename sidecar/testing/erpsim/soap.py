"""A SOAP face: the operations of a WSDL, at each of its ports.

The plain one has those of orders.wsdl; that of `steps_soap` has its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim.conduct import (
    CHALLENGE,
    HUNG_UP,
    Conduct,
    changed_form,
    page_of_a_proxy,
    retry_after,
)
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Form,
    Misbehaviour,
    Operation,
    Strikes,
    Subject,
)
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import HOST, Request, Response
from sidecar.testing.served_wsdl import ServedWsdl
from sidecar.testing.soap_messages import (
    Message,
    SoapFault,
    SoapPort,
    Written,
    load_wsdl,
)

PATH = "/soap"


class Operations(Protocol):
    """What stands behind the operations of a WSDL."""

    def admits(self, request: Request, call: Message, /) -> bool:
        """Whether the caller may come in; the web server says no.  Raises SoapFault."""

    def operation(self, call: Message) -> Operation:
        """What the call wants."""

    def subjects(self, call: Message) -> tuple[Subject, ...]:
        """What the call is about, for the rules."""

    def act(
        self, exchange: Exchange, enquiry: Enquiry, call: Message, faults: Strikes
    ) -> dict[str, Any]:
        """The result of the call."""

    def identity(self, call: Message) -> bytes:
        """A pattern of the names by which things are known, which an upgrade changes."""


class SoapFace:
    """Answers requests below `base_path` + /soap: `?wsdl`, and each port at its own name."""

    def __init__(
        self,
        wsdl: Path,
        ports: Sequence[str],
        operations: Operations,
        conduct: Conduct,
        base_path: str,
    ) -> None:
        loaded = load_wsdl(wsdl)
        self._ports = {name: SoapPort(loaded, port=name) for name in ports}
        self._documents = ServedWsdl(wsdl)
        self._conduct = conduct
        self._operations = operations
        self._base_path = base_path

    def __call__(self, request: Request) -> Response:
        return self._conduct.attend(request, lambda exchange: self._answer(request, exchange))

    def _answer(self, request: Request, exchange: Exchange) -> Response:
        if request.method == "GET":
            return self._wsdl(request)
        port = self._ports.get(request.path.removeprefix(f"{self._base_path}{PATH}/"))
        if port is None:
            return _nothing_here()
        try:
            call = port.read(request.body, request.headers)
            exchange.route = f"{self._base_path}{PATH}/{call.operation}"
            if not self._operations.admits(request, call):
                return _unauthorised()
            enquiry = self._enquiry(request, call)
            faults = self._conduct.faults(exchange, enquiry)
        except SoapFault as fault:
            return _response(port.fault(fault))
        except UsageError as error:
            return _response(port.fault(SoapFault("Client", str(error), status=400)))
        refused = _refused(port, call, faults)
        if refused is not None:
            return refused
        result = self._operations.act(exchange, enquiry, call, faults)
        answer = _response(
            port.reply(call.operation, _result(call, result)),
            changed_form(faults),
            self._operations.identity(call),
        )
        return self._conduct.after(
            answer, faults, lambda: _response(port.fault(SoapFault("Server", "the server failed")))
        )

    def _wsdl(self, request: Request) -> Response:
        """The WSDL, also to those who do not say who they are; it leads to where it was fetched,
        so that a proxy in between stays in between."""
        host = request.headers.get("host", HOST)
        document = self._documents.document(
            request.query, lambda port: f"http://{host}{self._base_path}{PATH}/{port}"
        )
        if document is None:
            return _nothing_here()
        return Response(200, document, content_type="text/xml; charset=utf-8")

    def _enquiry(self, request: Request, call: Message) -> Enquiry:
        return Enquiry(
            operation=self._operations.operation(call),
            method=request.method,
            path=f"{PATH}/{call.operation}",
            subjects=self._operations.subjects(call),
            header=request.headers.get("x-erpsim", ""),
        )


def _refused(port: SoapPort, call: Message, faults: Strikes) -> Response | None:
    """The answer of a fault that keeps the ERP from its work, if one of those strikes."""
    for name, fault in faults.items():
        match name:
            case Misbehaviour.DROP_BEFORE:
                return HUNG_UP
            case Misbehaviour.THROTTLE:
                return _text(429, "too many requests", retry_after(fault))
            case Misbehaviour.BUSY:
                return _response(port.fault(SoapFault("Server", "the ERP is busy", status=503)))
            case Misbehaviour.UNAUTHORISED:
                return _unauthorised()
            case Misbehaviour.NOT_FOUND:
                return _nothing_here()
            case Misbehaviour.HTML_ERROR:
                return page_of_a_proxy(fault)
            case Misbehaviour.CONFLICT:
                message = "changed by somebody else meanwhile"
                result = _result(call, {"ResultCode": "CONFLICT", "Message": message})
                return _response(port.reply(call.operation, result))
            case Misbehaviour.ERROR_IN_200:
                status = fault.parameters["status"]
                failed = SoapFault("Server", "the order was not saved", status=status)
                return _response(port.fault(failed))
    return None


def _result(call: Message, result: dict[str, Any]) -> dict[str, Any]:
    return {f"{call.operation}Result": result}


def _response(written: Written, form: Form | None = None, identity: bytes = b"") -> Response:
    content = _reformed(written.content, form, identity)
    return Response(written.status, content, written.content_type)


def _reformed(content: bytes, form: Form | None, identity: bytes) -> bytes:
    """The answer after an upgrade of the ERP, which its WSDL knows nothing of."""
    if form is Form.RENAMED:
        return re.sub(rb"<(/?)([\w.-]+:)?" + b"(" + identity + b")>", rb"<\1\2DocumentNo>", content)
    if form is Form.NESTED:
        opened = re.sub(rb"<([\w.-]+:)?" + b"(" + identity + b")>", rb"<\1Document><\1\2>", content)
        return re.sub(rb"</([\w.-]+:)?" + b"(" + identity + b")>", rb"</\1\2></\1Document>", opened)
    return content


def _unauthorised() -> Response:
    return _text(401, "user or password is wrong", dict(CHALLENGE))


def _nothing_here() -> Response:
    return _text(404, "there is nothing here")


def _text(status: int, words: str, headers: dict[str, str] | None = None) -> Response:
    """What the web server in front of the ERP says, which knows no SOAP."""
    return Response(status, words.encode(), "text/plain; charset=utf-8", headers or {})
