"""The SAP face: who may come in, what is asked of which service, and how it is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim.conduct import (
    CHALLENGE,
    HUNG_UP,
    Conduct,
    page_of_a_proxy,
    retry_after,
)
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Misbehaviour,
    Operation,
    Strike,
    Strikes,
    Subject,
)
from sidecar.testing.erpsim.sap.batch import Inner, read_batch, write_batch
from sidecar.testing.erpsim.sap.errors import (
    MALFORMED,
    NOT_FOUND,
    PRECONDITION,
    TOKEN_REQUIRED,
    SapError,
)
from sidecar.testing.erpsim.sap.sessions import TOKEN, Sessions
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request, Response

PATH = "/sap/"

_SAFE = ("GET", "HEAD")
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True)
class Wanted:
    """What a request wants of a service; `subjects` are what rules may match in it."""

    operation: Operation
    subjects: tuple[Subject, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A request to a service: its path below the service's root, which stands in addresses."""

    request: Request
    path: str
    root: str
    exchange: Exchange
    enquiry: Enquiry


@dataclass(frozen=True)
class Told:
    """An answer before it is written; `body` None: nothing."""

    status: int
    body: Any = None
    headers: Mapping[str, str] | None = None


class SapService(Protocol):
    """One service; its methods raise SapError."""

    version: int

    def wanted(self, request: Request, path: str) -> Wanted:
        """What is wanted."""

    def act(self, asked: Asked, faults: Strikes, /) -> Told:
        """Have it done."""


class SapFace:
    """Answers requests below `base_path` + /sap/; `services`: each by its root."""

    def __init__(
        self,
        conduct: Conduct,
        services: Mapping[str, SapService],
        base_path: str,
        session_changes: int,
    ) -> None:
        self._conduct = conduct
        self._services = services
        self._base_path = base_path
        self._sessions = Sessions(session_changes)

    def __call__(self, request: Request) -> Response:
        return self._conduct.attend(request, lambda exchange: self._answer(request, exchange))

    def _answer(self, request: Request, exchange: Exchange) -> Response:
        path = request.path.removeprefix(self._base_path)
        root = next((one for one in self._services if path.startswith(f"{one}/")), None)
        if root is None:
            return _refused(SapError(404, "/IWFND/MED/170", "No service found"), 2)
        service = self._services[root]
        exchange.route = f"{self._base_path}{root}"
        inside = path.removeprefix(root)
        if not self._conduct.admits(request):
            return _unauthorised()
        try:
            if request.method not in _SAFE and not self._sessions.admits(request.headers):
                raise SapError(403, TOKEN_REQUIRED, "CSRF token validation failed")
            if inside == "/":
                answer = _written(Told(200, {"d": {"EntitySets": []}}), service.version)
            elif inside == "/$batch":
                answer = self._batch(service, request, root, exchange)
            else:
                answer = self._single(service, request, inside, root, exchange)
        except SapError as error:
            return _refused(error, service.version)
        if request.headers.get(TOKEN, "").lower() == "fetch" and answer.status < 400:
            return replace(answer, headers={**answer.headers, **self._sessions.opened()})
        return answer

    def _single(
        self, service: SapService, request: Request, path: str, root: str, exchange: Exchange
    ) -> Response:
        wanted = service.wanted(request, path)
        enquiry = _enquiry(request, f"{root}{path}", wanted)
        faults = self._faults(exchange, enquiry)
        refusal = next((REFUSALS[one](faults[one]) for one in faults if one in REFUSALS), None)
        if refusal is not None:
            return refusal
        asked = Asked(request, path, root, exchange, enquiry)
        try:
            answer = _written(service.act(asked, faults), service.version)
        except SapError as error:
            answer = _refused(error, service.version)
        return self._conduct.after(answer, faults, lambda: _failed(service.version))

    def _batch(
        self, service: SapService, request: Request, root: str, exchange: Exchange
    ) -> Response:
        inner = read_batch(request)
        wanted = [service.wanted(one.request, one.request.path) for one in inner]
        creates = all(one.operation is Operation.CREATE for one in wanted)
        operation = Operation.BULK if creates else wanted[0].operation
        subjects = tuple(subject for one in wanted for subject in one.subjects)
        enquiry = _enquiry(request, f"{root}/$batch", Wanted(operation, subjects))
        faults = self._faults(exchange, enquiry)
        refusal = next((REFUSALS[one](faults[one]) for one in faults if one in REFUSALS), None)
        if refusal is not None:
            return refusal
        kept = len(inner) // 2 if Misbehaviour.HALF_BATCH in faults else len(inner)
        answers = [
            self._of_batch(service, one, root, exchange, enquiry, faults) for one in inner[:kept]
        ]
        whole = write_batch(inner, answers, service.version)
        return self._conduct.after(whole, faults, lambda: _failed(service.version))

    def _of_batch(
        self,
        service: SapService,
        inner: Inner,
        root: str,
        exchange: Exchange,
        enquiry: Enquiry,
        faults: Strikes,
    ) -> Response:
        wanted = service.wanted(inner.request, inner.request.path)
        of_one = replace(enquiry, subjects=wanted.subjects)
        asked = Asked(inner.request, inner.request.path, root, exchange, of_one)
        try:
            return _written(service.act(asked, faults), service.version)
        except SapError as error:
            return _refused(error, service.version)

    def _faults(self, exchange: Exchange, enquiry: Enquiry) -> Strikes:
        try:
            return self._conduct.faults(exchange, enquiry)
        except UsageError as wrong:
            raise SapError(400, MALFORMED, str(wrong)) from wrong


def _enquiry(request: Request, path: str, wanted: Wanted) -> Enquiry:
    return Enquiry(
        operation=wanted.operation,
        method=request.method,
        path=path,
        subjects=wanted.subjects,
        header=request.headers.get("x-erpsim", ""),
    )


def _written(told: Told, version: int) -> Response:
    header = {"DataServiceVersion": "2.0"} if version == 2 else {"OData-Version": "4.0"}
    headers = {**header, **(told.headers or {})}
    return Response(told.status, b"" if told.body is None else _encode(told.body), headers=headers)


def _refused(error: SapError, version: int) -> Response:
    required = {TOKEN: "Required"} if error.code == TOKEN_REQUIRED else {}
    return Response(error.status, json.dumps(error.body(version)).encode(), headers=required)


def _failed(version: int) -> Response:
    return _refused(SapError(500, "/IWBEP/CX_MGW_BUSI_EXCEPTION", "The server failed"), version)


def _unauthorised() -> Response:
    page = b"<html><head><title>Logon Error Message</title></head></html>"
    return Response(401, page, content_type="text/html", headers=CHALLENGE)


def _told(status: int, code: str, message: str) -> Response:
    return _refused(SapError(status, code, message), 2)


def _throttled(fault: Strike) -> Response:
    answer = _told(429, "429", "Too many requests")
    return replace(answer, headers={**answer.headers, **retry_after(fault)})


REFUSALS: Mapping[Misbehaviour, Callable[[Strike], Response]] = {
    Misbehaviour.DROP_BEFORE: lambda _: HUNG_UP,
    Misbehaviour.THROTTLE: _throttled,
    Misbehaviour.BUSY: lambda _: _told(503, "ICM", "No work process available"),
    Misbehaviour.UNAUTHORISED: lambda _: _unauthorised(),
    Misbehaviour.NOT_FOUND: lambda _: _told(404, NOT_FOUND, "Resource not found"),
    Misbehaviour.HTML_ERROR: page_of_a_proxy,
    Misbehaviour.CONFLICT: lambda _: _told(412, PRECONDITION, "Precondition failed"),
    Misbehaviour.ERROR_IN_200: lambda fault: _told(
        fault.parameters["status"], "/IWBEP/CX_MGW_BUSI_EXCEPTION", "the order was not saved"
    ),
}
"""The answers of the faults that keep the ERP from its work."""
