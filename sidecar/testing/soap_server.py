"""A SOAP server for any WSDL, for tests: what an ERP is told arrives as values, not as XML.

    def upsert(call: Call) -> dict[str, Any]:
        assert call.headers["tokenPassport"].account == "1234567"
        return {"writeResponse": {"status": {"isSuccess": True}}}

    with SoapServer.start(wsdl, {"upsert": upsert}) as server:
        client = zeep.Client(server.wsdl_url)
        ...
        assert [call.body.record.tranId for call in server.requests] == ["000000042"]

A handler answers with the parts of the reply by name, with a zeep value made by `server.types`, or
with a `Response` of any bytes; or it raises `SoapFault`.  `server.handlers` may be changed while
the server runs.  An exception of any other kind is a mistake in the test: its trace goes to
standard error and the client sees its connection closed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sidecar.testing.erpsim.wire import HOST, Delivery, Request, Response, Server
from sidecar.testing.served_wsdl import ServedWsdl
from sidecar.testing.soap_messages import SoapFault, SoapPort, Written, load_wsdl

__all__ = ["Call", "Delivery", "Handler", "Request", "Response", "SoapFault", "SoapServer"]

_PATH = "/soap"
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Call:
    """One call: see `sidecar.testing.soap_messages.Message`; `request` is the HTTP around it."""

    operation: str
    body: Any
    headers: Mapping[str, Any]
    envelope: Any
    request: Request


Handler = Callable[[Call], Any]
"""What answers a call, in the thread of its connection."""


class SoapServer:
    """Serves one port of a WSDL; use it as a context manager.

    `requests` holds the calls in the order in which they were understood; what was refused before
    (no XML, no such operation) is not among them.
    """

    def __init__(
        self, wsdl: Path, handlers: Mapping[str, Handler], service: str | None, port: str | None
    ) -> None:
        loaded = load_wsdl(wsdl)
        self.types = loaded.types
        self.handlers = dict(handlers)
        self.requests: list[Call] = []
        self._port = SoapPort(loaded, service, port)
        self._documents = ServedWsdl(wsdl)
        self._server = Server(0, {_PATH: self._answer}, threading.Event())
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="soap-server"
        )
        self.url = f"http://{HOST}:{self._server.port}{_PATH}"
        self.wsdl_url = f"{self.url}?wsdl"

    @classmethod
    def start(
        cls,
        wsdl: Path,
        handlers: Mapping[str, Handler] | None = None,
        *,
        service: str | None = None,
        port: str | None = None,
    ) -> Self:
        """Listen on a free port of the loopback until the `with` block ends; without a `service`
        and a `port` the first SOAP port of the WSDL is served.  Raises LookupError for an unknown
        port."""
        server = cls(wsdl, handlers or {}, service, port)
        server._thread.start()
        return server

    def stop(self) -> None:
        self._server.stop()
        self._thread.join()

    def reply(self, operation: str, values: Any) -> Response:
        """What a handler's answer looks like on the wire, for one that spoils it."""
        return _response(self._port.reply(operation, values))

    def fault(self, fault: SoapFault) -> Response:
        """As `reply`."""
        return _response(self._port.fault(fault))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            document = self._documents.document(request.query, lambda _: self.url)
            if document is None:
                return Response(404, b"there is nothing here", content_type="text/plain")
            return Response(200, document, content_type="text/xml; charset=utf-8")
        try:
            return self._call(request)
        except SoapFault as fault:
            return self.fault(fault)

    def _call(self, request: Request) -> Response:
        read = self._port.read(request.body, request.headers)
        call = Call(read.operation, read.body, read.headers, read.envelope, request)
        self.requests.append(call)
        handler = self.handlers.get(call.operation)
        if handler is None:
            raise SoapFault("Server", f"the test has no handler for {call.operation}")
        answer = handler(call)
        if isinstance(answer, Response):
            return answer
        return self.reply(call.operation, answer)


def _response(written: Written) -> Response:
    return Response(written.status, written.content, written.content_type)
