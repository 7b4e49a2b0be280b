"""The `call` section of a file of calls for OData: a request of a service, or several in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.calls.answer import Evidence
from adapters.calls.changesets import KEY, Change, read_changes
from adapters.calls.declared import Part
from adapters.calls.section import Section
from adapters.contract.services import option
from adapters.http.transport import Reply, Request
from adapters.language.filters import ExpressionError
from adapters.language.scope import Scope, Values
from adapters.odata.answer import ODataResponse
from adapters.odata.batch import opened, sealed
from adapters.odata.service import ODataRequest, Service, addressed, read_services
from adapters.rest.call import HttpCall, read_http_call

_FAILED = 400
_NOWHERE = Service("", 4)


@dataclass(frozen=True, slots=True)
class ODataCall:
    """One request of a service."""

    http: HttpCall
    service: Service

    def request(self, values: Values) -> Request:
        """Fill it in; a further page is asked for by the link to it.  Raises ExpressionError."""
        asked = self.http.request(values)
        name = f"{self.service.path}{asked.path}"
        link = values.get("page")
        if isinstance(link, str) and "?" in link:
            path = self.service.within(link)
        else:
            query = ((option(key), value) for key, value in asked.query)
            path = addressed(name, (*query, *self.service.parameters))
        return ODataRequest(
            asked.method,
            path,
            headers=_with(self.service.headers, asked.headers),
            body=asked.body,
            name=f"{asked.method} {name}",
            service=self.service,
        )

    def response(self, reply: Reply) -> tuple[ODataResponse, Evidence]:
        """See `adapters.calls.wire_call.WireCall`."""
        response = ODataResponse(reply, self.service.version)
        return response, response.evidence(reply)

    def disarmed(self, request: Request) -> Request:
        """See `adapters.calls.wire_call.WireCall`; secrets are struck out by the transport."""
        return request

    def shown(self, body: bytes) -> str:
        """See `adapters.calls.wire_call.WireCall`."""
        return self.http.shown(body)


@dataclass(frozen=True, slots=True)
class ODataChanges:
    """Several changes in one call, each a change set of its own.

    Its answer is that to the first of them that failed, or else to the last.
    """

    changes: Sequence[tuple[Change, ODataCall]]
    service: Service

    def request(self, values: Values) -> Request:
        """Fill it in.  Raises ExpressionError: nothing was sent then."""
        requests = [
            call.request(of_round)
            for change, call in self.changes
            for of_round in change.rounds(values)
        ]
        if not requests:
            raise ExpressionError("there is nothing to change: the call would be empty")
        return sealed(self.service, requests)

    def response(self, reply: Reply) -> tuple[ODataResponse, Evidence]:
        """See `adapters.calls.wire_call.WireCall`."""
        deciding = self._deciding(reply)
        response = ODataResponse(deciding, self.service.version)
        return response, response.evidence(deciding)

    def disarmed(self, request: Request) -> Request:
        """See `adapters.calls.wire_call.WireCall`."""
        return request

    def shown(self, body: bytes) -> str:
        """See `adapters.calls.wire_call.WireCall`."""
        return body.decode()

    def _deciding(self, reply: Reply) -> Reply:
        parts = opened(reply)
        if parts is None:
            return reply
        answered = [part for part in parts if part is not None]
        if len(answered) < len(parts):
            raise ExpressionError(f"{len(answered)} answers to {len(parts)} changes")
        failed = (part for part in answered if part.status >= _FAILED)
        part = next(failed, answered[-1])
        return Reply(part.status, part.headers, part.content, reply.exchange, reply.request)


AnyCall = ODataCall | ODataChanges


class BatchEnvelope:
    """See `adapters.calls.declared.Envelope`."""

    def refuses(self, call: AnyCall) -> str:
        return "changesets go in a call of their own" if isinstance(call, ODataChanges) else ""

    def sealed(self, call: AnyCall, requests: Sequence[Request]) -> Request:
        return sealed(call.service, requests)

    def opened(self, _call: AnyCall, reply: Reply) -> Sequence[Part | None] | None:
        return opened(reply)


class ODataCalls:
    """Reads the calls of one file; problems are noted in the file's source."""

    KEYS = ("services", "parameters")

    def __init__(self) -> None:
        self._services: Mapping[str, Service] = {}

    def begin(self, top: Section, _scope: Scope) -> None:
        """Read what holds for all calls of the file."""
        self._services = read_services(top)

    def read(self, section: Section, scope: Scope) -> AnyCall:
        """A `call` section."""
        service = self._service(section)
        if KEY not in section:
            return ODataCall(read_http_call(_without(section, "service"), scope), service)
        section.keys(("service", KEY))
        changes = read_changes(section, scope)
        calls = [
            (change, ODataCall(read_http_call(change.section, change.scope), service))
            for change in changes
        ]
        return ODataChanges(calls, service)

    def _service(self, section: Section) -> Service:
        if "service" not in section:
            if len(self._services) == 1:
                return next(iter(self._services.values()))
            section.source.problem(section.path, "'service' is missing: which of 'services'?")
            return _NOWHERE
        name = section.word("service", self._services)
        return self._services[name] if name is not None else _NOWHERE


def _without(section: Section, key: str) -> Section:
    data = {name: value for name, value in section.data.items() if name != key}
    return Section(section.source, section.path, data)


def _with(usual: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The file's headers, and the usual ones that it does not name."""
    named = {name.lower() for name in own}
    return {**{name: value for name, value in usual.items() if name.lower() not in named}, **own}
