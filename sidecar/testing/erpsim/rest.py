"""The REST face: the documents in JSON, each kind below a path of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim.books import Document, DocumentKind, Refusal
from sidecar.testing.erpsim.conduct import (
    CHALLENGE,
    HUNG_UP,
    Conduct,
    changed_form,
    page_of_a_proxy,
    retry_after,
)
from sidecar.testing.erpsim.document_json import read_document, show_document, subject_of
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Form,
    Misbehaviour,
    Operation,
    Strike,
    Strikes,
    Subject,
)
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode

_KINDS: Mapping[str, DocumentKind] = {
    "/sales-orders": DocumentKind.SALES_ORDER,
    "/credit-memos": DocumentKind.CREDIT_MEMO,
    "/invoices": DocumentKind.INVOICE,
    "/payments": DocumentKind.PAYMENT,
    "/shipments": DocumentKind.SHIPMENT,
}
_BULK: Mapping[DocumentKind, str] = {
    DocumentKind.SALES_ORDER: "orders",
    DocumentKind.CREDIT_MEMO: "creditMemos",
    DocumentKind.INVOICE: "invoices",
    DocumentKind.PAYMENT: "payments",
    DocumentKind.SHIPMENT: "shipments",
}
"""What a bulk call calls its documents."""
_STATUS = {
    "duplicate": 409,
    "already_delivered": 409,
    "stale_revision": 412,
    "unknown_document": 404,
}
"""HTTP status of a refusal by its code; every other code is 422."""


@dataclass(frozen=True)
class _Asked:
    """A request that was read: `rest` is its path below the kind's own, `sent` its documents."""

    request: Request
    exchange: Exchange
    enquiry: Enquiry
    kind: DocumentKind
    rest: str
    sent: list[Any]


class RestFace:
    """Answers requests below `base_path`."""

    def __init__(self, conduct: Conduct, base_path: str) -> None:
        self._conduct = conduct
        self._base_path = base_path

    def __call__(self, request: Request) -> Response:
        return self._conduct.attend(request, lambda exchange: self._answer(request, exchange))

    def _answer(self, request: Request, exchange: Exchange) -> Response:
        if not self._conduct.admits(request):
            return _unauthorised()
        path = request.path.removeprefix(self._base_path)
        place = next((place for place in _KINDS if path.startswith(place)), "")
        rest = path.removeprefix(place)
        operation = _operation(request.method, rest, request.query) if place else None
        if operation is None:
            return _error(404, "no_such_path", f"{request.method} {request.path}")
        if operation is Operation.CANCEL:
            exchange.route = f"{self._base_path}{place}/{{number}}/cancel"
        kind = _KINDS[place]
        try:
            sent = _documents(operation, kind, request.body)
        except msgspec.MsgspecError as malformed:
            return _error(400, "malformed", str(malformed))
        enquiry = Enquiry(
            operation=operation,
            method=request.method,
            path=path,
            subjects=self._subjects(operation, rest, request.query, sent),
            header=request.headers.get("x-erpsim", ""),
        )
        try:
            faults = self._conduct.faults(exchange, enquiry)
        except UsageError as error:
            return _error(400, "x_erpsim", str(error))
        for name, fault in faults.items():
            if name in _REFUSALS:
                return _REFUSALS[name](fault)
        asked = _Asked(request, exchange, enquiry, kind, rest, sent)
        response = self._act(asked, faults)
        return self._conduct.after(response, faults, _failure)

    def _subjects(
        self, operation: Operation, rest: str, query: Mapping[str, str], sent: list[Any]
    ) -> tuple[Subject, ...]:
        if operation is Operation.CANCEL:
            document = self._conduct.entry.books.document(_number(rest))
            return (Subject(document.external),) if document else ()
        if operation is Operation.FIND:
            return (Subject(query["externalNumber"]),)
        return tuple(subject_of(document) for document in sent)

    def _act(self, asked: _Asked, faults: Strikes) -> Response:
        exchange, enquiry, kind = asked.exchange, asked.enquiry, asked.kind
        form = changed_form(faults)
        match enquiry.operation:
            case Operation.CREATE:
                key = asked.request.headers.get("idempotency-key")
                ordered = (enquiry.subjects[0], read_document(kind, asked.sent[0], key))
                return _single(self._conduct.submit(exchange, enquiry, ordered), 201, form)
            case Operation.BULK:
                read = [read_document(kind, document, None) for document in asked.sent]
                batch = list(zip(enquiry.subjects, read, strict=True))
                answered = self._conduct.submit_all(exchange, enquiry, batch, faults)
                results = [_result(subject, answer, form) for subject, answer in answered]
                return _json(200, {"results": results})
            case Operation.CANCEL:
                canceled = self._conduct.entry.books.cancel(_number(asked.rest))
                return _single(canceled, 200, form)
            case Operation.FIND:
                external = asked.request.query["externalNumber"]
                found = self._conduct.find(exchange, kind, external, faults)
                return _json(200, {"items": [show_document(item, form) for item in found]})
            case _:
                return self._list(asked, faults)

    def _list(self, asked: _Asked, faults: Strikes) -> Response:
        query = asked.request.query
        try:
            since = _time(query.get("changedSince", ""))
            page = int(query.get("page") or 1)
        except ValueError as error:
            return _error(400, "malformed", str(error), "changedSince or page")
        if page < 1:
            return _error(400, "malformed", "pages begin with 1", "page")
        shown = self._conduct.changed(asked.exchange, asked.kind, since, page, faults)
        items = [show_document(item, changed_form(faults)) for item in shown.documents]
        return _json(200, {"items": items, "nextPage": shown.next})


def _operation(method: str, rest: str, query: Mapping[str, str]) -> Operation | None:
    match method, rest:
        case (("POST" | "PUT"), ""):
            return Operation.CREATE
        case "POST", "/bulk":
            return Operation.BULK
        case "GET", "":
            return Operation.FIND if "externalNumber" in query else Operation.LIST
        case "POST", _ if rest.startswith("/") and rest.endswith("/cancel"):
            return Operation.CANCEL
    return None


def _number(rest: str) -> str:
    return rest.removeprefix("/").removesuffix("/cancel")


def _documents(operation: Operation, kind: DocumentKind, body: bytes) -> list[Any]:
    """The documents in the body as plain values.  Raises MsgspecError."""
    match operation:
        case Operation.CREATE:
            return [_decode(body)]
        case Operation.BULK:
            sent = _decode(body)
            name = _BULK[kind]
            if not isinstance(sent, dict) or not isinstance(sent.get(name), list):
                raise msgspec.ValidationError(f"`{name}` must be an array")
            return list(sent[name])
    return []


def _time(text: str) -> datetime:
    """The time in UTC; without text the beginning of all times.  Raises ValueError."""
    moment = datetime.fromisoformat(text) if text else datetime(1970, 1, 1, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(status: int, payload: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, _encode(payload), headers=headers or {})


def _error(
    status: int,
    code: str,
    message: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    error = {"code": code, "message": message, "field": field}
    return _json(status, {"error": error}, headers)


def _single(answer: Document | Refusal, status: int, form: Form | None) -> Response:
    if isinstance(answer, Document):
        return _json(status, show_document(answer, form))
    error = {"code": answer.code, "message": answer.message, "field": answer.field}
    number = {"number": answer.number} if answer.number else {}
    return _json(_STATUS.get(answer.code, 422), {**number, "error": error})


def _result(subject: Subject, answer: Document | Refusal, form: Form | None) -> dict[str, Any]:
    """One line of a bulk answer; every line has the same fields."""
    if isinstance(answer, Document):
        return {"ok": True, **show_document(answer, form), "code": None, "error": None}
    return {
        "ok": False,
        "externalNumber": subject.external,
        "number": answer.number,
        "code": answer.code,
        "error": answer.message,
    }


def _unauthorised() -> Response:
    return _error(401, "unauthorised", "user or password is wrong", headers=CHALLENGE)


def _failure() -> Response:
    return _error(500, "internal", "the server failed")


_REFUSALS: Mapping[Misbehaviour, Callable[[Strike], Response]] = {
    Misbehaviour.DROP_BEFORE: lambda _: HUNG_UP,
    Misbehaviour.THROTTLE: lambda fault: _error(
        429, "throttled", "too many requests", headers=retry_after(fault)
    ),
    Misbehaviour.BUSY: lambda _: _error(503, "busy", "the ERP is busy"),
    Misbehaviour.UNAUTHORISED: lambda _: _unauthorised(),
    Misbehaviour.NOT_FOUND: lambda _: _error(404, "not_found", "there is nothing here"),
    Misbehaviour.HTML_ERROR: page_of_a_proxy,
    Misbehaviour.CONFLICT: lambda _: _error(412, "conflict", "changed by somebody else meanwhile"),
    Misbehaviour.ERROR_IN_200: lambda fault: _error(
        fault.parameters["status"], "internal", "the order was not saved"
    ),
}
"""The answers of the faults that keep the ERP from its work."""
