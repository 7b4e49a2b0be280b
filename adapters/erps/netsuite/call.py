"""The `call` section of a file of calls for NetSuite, and what of it NetSuite knows itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from adapters.calls.answer import PREDICATES, Evidence
from adapters.calls.dialect import Dialect, Own
from adapters.calls.section import Section
from adapters.erps.netsuite.operations import (
    MORE,
    MOST_RECORDS,
    SEARCH,
    UPSERTS,
    WRITES,
    refusal,
    takes_one,
)
from adapters.erps.netsuite.reply import PAGE_OF, RESPONSE, NetSuiteResponse, Sent
from adapters.http.transport import Reply, Request
from adapters.language.filters import ExpressionError
from adapters.language.scope import Scope, Values
from adapters.language.template import Template
from adapters.soap.call import SoapCall, SoapCalls
from adapters.soap.wsdl import NoSuchOperation
from adapters.soap.xml import struck_out

_LINES = {name: f"=result.means == '{name}'" for name in PREDICATES}
_LINES_OF_ONE = {name: f"=response.result.means == '{name}'" for name in PREDICATES}
_FOUND = {
    "ok": "=response.ok",
    "misconfigured": "=response.refused",
    "found": "=response.records",
}
_WHAT = "saved, but a script that runs after saving failed"
#: How SuiteTalk's answers are read where the file of calls does not say it otherwise.
OWN = Own(
    answer={
        **_LINES_OF_ONE,
        "reference": "=response.result.reference",
        "code": "=response.result.code",
        "message": "=response.result.message",
        "what": _WHAT,
    },
    batch={
        "ok": "=response.ok",
        "results": "=response.results",
        "match": "=result.external",
        **_LINES,
        "reference": "=result.reference",
        "code": "=result.code",
        "message": "=result.message",
        "what": _WHAT,
    },
    first={
        **_LINES_OF_ONE,
        "code": "=response.result.code",
        "message": "=response.result.message",
    },
    probe=_FOUND,
    list={**_FOUND, "next": "=response.next"},
    each={"external": "=item.externalId", "reference": "=item.internalId"},
)


@dataclass(frozen=True, slots=True)
class NetSuiteCall:
    """One call; `further` asks for another page of what it searched."""

    call: SoapCall
    further: SoapCall | None = None

    def request(self, values: Values) -> Request:
        """Fill it in.  Raises ExpressionError: nothing was sent then."""
        if self.further is None or values.get("page") is None:
            return self.call.request(values)
        return self.further.request(values)

    def response(self, reply: Reply) -> tuple[NetSuiteResponse, Evidence]:
        """See `adapters.calls.wire_call.WireCall`."""
        sent = Sent.of(reply.request)
        asked = self.further if self.further and sent.operation == MORE else self.call
        response = NetSuiteResponse(asked.operation, reply, sent)
        return response, response.evidence(reply)

    def disarmed(self, request: Request) -> Request:
        """See `WireCall.disarmed`: a signature is good for any body for some minutes.

        What it is made of goes with it: it is new in each call.
        """
        body = request.body or b""
        for name in ("signature", "nonce", "timestamp"):
            body = struck_out(body, f"{{*}}Header/{{*}}tokenPassport/{{*}}{name}")
        return replace(request, body=body)

    def shown(self, body: bytes) -> str:
        """See `adapters.calls.wire_call.WireCall`."""
        return self.call.shown(body)


class NetSuiteCalls:
    """Reads the calls of one file; problems are noted in the file's source."""

    def __init__(self, calls: SoapCalls) -> None:
        self._calls = calls

    def dialect(self) -> Dialect[NetSuiteCall]:
        """How a file of calls for NetSuite is read."""
        return Dialect(
            RESPONSE,
            self.read,
            self._calls.KEYS,
            self._calls.begin,
            own=OWN,
            most=MOST_RECORDS,
            dedupe=True,
        )

    def read(self, section: Section, scope: Scope) -> NetSuiteCall:
        """A `call` section."""
        operation = str(section.data.get("operation", ""))
        if operation and (why := refusal(operation)):
            section.problem("operation", why)
        if takes_one(operation) and not {"events", "refs"}.isdisjoint(scope.names):
            section.problem(
                "operation", f"'{operation}' takes one record; with batch: {operation}List"
            )
        call = self._calls.read(section, scope)
        if operation in WRITES:
            call = replace(call, body=_identified(call.body, by_external=operation in UPSERTS))
        if operation == SEARCH and "page" in scope.names:
            return NetSuiteCall(call, self._further(section, call))
        return NetSuiteCall(call)

    def _further(self, section: Section, call: SoapCall) -> SoapCall | None:
        try:
            operation = self._calls.wsdl.operation(MORE)
        except NoSuchOperation as error:
            section.problem("operation", str(error))
            return None
        return replace(call, operation=operation, body=_page)


def _page(values: Values) -> dict[str, Any]:
    index, _, search = str(values["page"]).partition(PAGE_OF)
    return {"searchId": search, "pageIndex": int(index)}


def _identified(body: Template, *, by_external: bool) -> Template:
    """The body, whose records all say which they are.

    NetSuite would take an order without an external id for a new one, each time that it comes.
    """
    ids = ("externalId",) if by_external else ("externalId", "internalId")

    def identified(values: Values) -> Any:
        filled = body(values)
        records = filled.get("record")
        for record in records if isinstance(records, list) else [records]:
            if isinstance(record, Mapping) and not any(record.get(key) for key in ids):
                raise ExpressionError(f"a record has no {' and no '.join(ids)}: it is not sent")
        return filled

    return identified
