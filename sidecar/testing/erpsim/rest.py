"""The REST face: sales orders in JSON, as `legacy-rest` and `legacy-batch-rest` describe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim.books import Document, Refusal
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
    Strike,
    Strikes,
    Subject,
)
from sidecar.testing.erpsim.sales_order_json import read_order, show_document, subject_of
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode

_ORDERS = "/sales-orders"
_STATUS = {
    "duplicate": 409,
    "already_delivered": 409,
    "stale_revision": 412,
    "unknown_document": 404,
}
"""HTTP status of a refusal by its code; every other code is 422."""


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
        operation = _operation(request.method, path, request.query)
        if operation is None:
            return _error(404, "no_such_path", f"{request.method} {request.path}")
        if operation is Operation.CANCEL:
            exchange.route = f"{self._base_path}{_ORDERS}/{{number}}/cancel"
        try:
            orders = _orders(operation, request.body)
        except msgspec.MsgspecError as malformed:
            return _error(400, "malformed", str(malformed))
        enquiry = Enquiry(
            operation=operation,
            method=request.method,
            path=path,
            subjects=self._subjects(operation, path, request.query, orders),
            header=request.headers.get("x-erpsim", ""),
        )
        try:
            faults = self._conduct.faults(exchange, enquiry)
        except UsageError as error:
            return _error(400, "x_erpsim", str(error))
        for name, fault in faults.items():
            if name in _REFUSALS:
                return _REFUSALS[name](fault)
        response = self._act(request, exchange, enquiry, orders, faults)
        return self._conduct.after(response, faults, _failure)

    def _subjects(
        self, operation: Operation, path: str, query: Mapping[str, str], orders: list[Any]
    ) -> tuple[Subject, ...]:
        if operation is Operation.CANCEL:
            document = self._conduct.order_entry.books.document(_number(path))
            return (Subject(document.external),) if document else ()
        if operation is Operation.FIND:
            return (Subject(query["externalNumber"]),)
        return tuple(subject_of(order) for order in orders)

    def _act(
        self,
        request: Request,
        exchange: Exchange,
        enquiry: Enquiry,
        orders: list[Any],
        faults: Strikes,
    ) -> Response:
        form = changed_form(faults)
        match enquiry.operation:
            case Operation.CREATE:
                order = read_order(orders[0], request.headers.get("idempotency-key"))
                ordered = (enquiry.subjects[0], order)
                return _single(self._conduct.submit(exchange, enquiry, ordered), 201, form)
            case Operation.BULK:
                read = [read_order(order, None) for order in orders]
                batch = list(zip(enquiry.subjects, read, strict=True))
                answered = self._conduct.submit_all(exchange, enquiry, batch, faults)
                results = [_result(subject, answer, form) for subject, answer in answered]
                return _json(200, {"results": results})
            case Operation.CANCEL:
                canceled = self._conduct.order_entry.books.cancel(_number(enquiry.path))
                return _single(canceled, 200, form)
            case Operation.FIND:
                documents = self._conduct.find(exchange, request.query["externalNumber"], faults)
                return _json(200, {"items": [show_document(item, form) for item in documents]})
            case _:
                return self._list(request.query, exchange, faults)

    def _list(self, query: Mapping[str, str], exchange: Exchange, faults: Strikes) -> Response:
        try:
            since = _time(query.get("changedSince", ""))
            page = int(query.get("page") or 1)
        except ValueError as error:
            return _error(400, "malformed", str(error), "changedSince or page")
        if page < 1:
            return _error(400, "malformed", "pages begin with 1", "page")
        shown = self._conduct.changed(exchange, since, page, faults)
        items = [show_document(item, changed_form(faults)) for item in shown.documents]
        return _json(200, {"items": items, "nextPage": shown.next})


def _operation(method: str, path: str, query: Mapping[str, str]) -> Operation | None:
    match method, path.removeprefix(_ORDERS) if path.startswith(_ORDERS) else None:
        case (("POST" | "PUT"), ""):
            return Operation.CREATE
        case "POST", "/bulk":
            return Operation.BULK
        case "GET", "":
            return Operation.FIND if "externalNumber" in query else Operation.LIST
        case "POST", str(rest) if rest.startswith("/") and rest.endswith("/cancel"):
            return Operation.CANCEL
    return None


def _number(path: str) -> str:
    return path.removeprefix(f"{_ORDERS}/").removesuffix("/cancel")


def _orders(operation: Operation, body: bytes) -> list[Any]:
    """The orders in the body as plain values.  Raises MsgspecError."""
    match operation:
        case Operation.CREATE:
            return [_decode(body)]
        case Operation.BULK:
            sent = _decode(body)
            if not isinstance(sent, dict) or not isinstance(sent.get("orders"), list):
                raise msgspec.ValidationError("`orders` must be an array")
            return list(sent["orders"])
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
