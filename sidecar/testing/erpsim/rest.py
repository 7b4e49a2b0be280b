"""The REST face: sales orders in JSON, as `legacy-rest` and `legacy-batch-rest` describe it."""

from __future__ import annotations

import base64
import math
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domain.errors import UsageError
from sidecar.testing.erpsim.books import Document, Refusal, Submission
from sidecar.testing.erpsim.desk import OrderDesk
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Fault,
    Faults,
    Form,
    Misbehaviour,
    Operation,
    RuleBook,
    Subject,
)
from sidecar.testing.erpsim.sales_order_json import read_order, show_document, subject_of
from sidecar.testing.erpsim.traffic import Exchange, Traffic
from sidecar.testing.erpsim.wire import Delivery, Request, Response

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
    """Answers requests below `base_path`; whatever waits, waits in the thread of its request."""

    def __init__(
        self,
        desk: OrderDesk,
        rules: RuleBook,
        traffic: Traffic,
        *,
        base_path: str,
        page_size: int,
        credentials: str,
        latency: Callable[[], float],
        seed: int,
        stopping: threading.Event,
    ) -> None:
        """`credentials` is `user:password` or empty; `latency` gives the next one in seconds."""
        self._desk = desk
        self._rules = rules
        self._traffic = traffic
        self._base_path = base_path
        self._page_size = page_size
        token = base64.b64encode(credentials.encode()).decode()
        self._authorisation = f"Basic {token}" if credentials else ""
        self._latency = latency
        self._shuffle = random.Random(seed).shuffle
        self._stopping = stopping

    def __call__(self, request: Request) -> Response:
        exchange = self._traffic.arrived(request.method, request.target, self._desk.books.sequence)
        outcome = "crashed"
        try:
            self._stopping.wait(self._latency())
            response = self._answer(request, exchange)
            dropped = response.delivery is Delivery.NONE
            outcome = "dropped" if dropped else str(response.status)
        finally:
            self._traffic.answered(exchange, outcome)
        return response

    def _answer(self, request: Request, exchange: Exchange) -> Response:
        if self._authorisation not in ("", request.headers.get("authorization")):
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
        exchange.external = tuple(subject.external for subject in enquiry.subjects)
        try:
            faults = self._rules.for_request(enquiry)
        except UsageError as wrong:
            return _error(400, "x_erpsim", str(wrong))
        exchange.faults = tuple(faults)
        for name, fault in faults.items():
            if name in _REFUSALS:
                return _REFUSALS[name](fault)
        response = self._act(request, exchange, enquiry, orders, faults)
        return self._after(response, faults)

    def _subjects(
        self, operation: Operation, path: str, query: Mapping[str, str], orders: list[Any]
    ) -> tuple[Subject, ...]:
        if operation is Operation.CANCEL:
            document = self._desk.books.document(_number(path))
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
        faults: Faults,
    ) -> Response:
        changed = faults.get(Misbehaviour.SCHEMA_CHANGE)
        form: Form | None = changed.parameters["form"] if changed else None
        key = request.headers.get("idempotency-key")
        match enquiry.operation:
            case Operation.CREATE:
                answer = self._submit(orders[0], key, enquiry, enquiry.subjects[0], exchange)
                return _single(answer, 201, form)
            case Operation.BULK:
                kept = len(orders) // 2 if Misbehaviour.HALF_BATCH in faults else len(orders)
                results = [
                    _result(subject, self._submit(order, None, enquiry, subject, exchange), form)
                    for order, subject in zip(orders[:kept], enquiry.subjects, strict=False)
                ]
                # No client may lean on the order of the results.
                self._shuffle(results)
                return _json(200, {"results": results})
            case Operation.CANCEL:
                return _single(self._desk.books.cancel(_number(enquiry.path)), 200, form)
            case Operation.FIND:
                stale = self._stale(exchange, faults)
                found = self._desk.books.documents(request.query["externalNumber"], stale)
                return _json(200, {"items": [show_document(item, form) for item in found]})
            case Operation.LIST:
                return self._list(request.query, self._stale(exchange, faults), form)

    def _submit(
        self, order: Any, key: str | None, enquiry: Enquiry, subject: Subject, exchange: Exchange
    ) -> Document | Refusal:
        faults = self._rules.for_order(enquiry, subject)
        exchange.faults += tuple(faults)
        submission = read_order(order, key)
        if isinstance(submission, Submission):
            return self._desk.submit(submission, faults)
        return submission

    def _list(
        self,
        query: Mapping[str, str],
        stale: Callable[[Document], bool] | None,
        form: Form | None,
    ) -> Response:
        """One page of what changed; as in real ERPs, a change between two pages moves documents
        from one page to a later one."""
        try:
            since = _time(query.get("changedSince", ""))
            page = int(query.get("page") or 1)
        except ValueError as wrong:
            return _error(400, "malformed", str(wrong), "changedSince or page")
        if page < 1:
            return _error(400, "malformed", "pages begin with 1", "page")
        changed = [
            item for item in self._desk.books.documents(as_of=stale) if item.changed >= since
        ]
        changed.sort(key=lambda item: item.sequence)
        start = (page - 1) * self._page_size
        shown = changed[start : start + self._page_size]
        more = len(changed) > start + self._page_size
        items = [show_document(item, form) for item in shown]
        return _json(200, {"items": items, "nextPage": page + 1 if more else None})

    def _stale(self, exchange: Exchange, faults: Faults) -> Callable[[Document], bool] | None:
        """Which versions a read may show, if a fault makes it stale."""
        fault = faults.get(Misbehaviour.STALE_READ)
        if fault is None:
            return None
        if fault.parameters["seconds"]:
            latest = self._desk.books.now() - timedelta(seconds=fault.parameters["seconds"])
            return lambda version: version.changed <= latest
        sequence = self._traffic.books_before(exchange, fault.parameters["requests"])
        return lambda version: version.sequence <= sequence

    def _after(self, response: Response, faults: Faults) -> Response:
        """What goes wrong once the ERP has done its work."""
        if Misbehaviour.SERVER_ERROR_AFTER_BOOKING in faults:
            response = _error(500, "internal", "the server failed")
        if Misbehaviour.MALFORMED_JSON in faults:
            response = replace(response, body=response.body[: len(response.body) // 2])
        if late := faults.get(Misbehaviour.ANSWER_LATE):
            self._stopping.wait(late.parameters["seconds"])
        if Misbehaviour.ACCEPT_THEN_DROP in faults:
            return replace(response, delivery=Delivery.NONE)
        if Misbehaviour.TRUNCATED_BODY in faults:
            return replace(response, delivery=Delivery.TRUNCATED)
        if slow := faults.get(Misbehaviour.SLOW_BODY):
            seconds = slow.parameters["seconds"]
            return replace(response, delivery=Delivery.DRIBBLING, seconds=seconds)
        return response


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
    challenge = {"WWW-Authenticate": 'Basic realm="erpsim"'}
    return _error(401, "unauthorised", "user or password is wrong", headers=challenge)


def _throttled(fault: Fault) -> Response:
    after = math.ceil(fault.parameters["after"])
    return _error(429, "throttled", "too many requests", headers={"Retry-After": str(after)})


def _page_of_a_proxy(fault: Fault) -> Response:
    page = b"<html><body><h1>The service is being restarted</h1></body></html>"
    return Response(fault.parameters["status"], page, content_type="text/html")


_REFUSALS: Mapping[Misbehaviour, Callable[[Fault], Response]] = {
    Misbehaviour.DROP_BEFORE: lambda _: Response(503, delivery=Delivery.NONE),
    Misbehaviour.THROTTLE: _throttled,
    Misbehaviour.BUSY: lambda _: _error(503, "busy", "the ERP is busy"),
    Misbehaviour.UNAUTHORISED: lambda _: _unauthorised(),
    Misbehaviour.NOT_FOUND: lambda _: _error(404, "not_found", "there is nothing here"),
    Misbehaviour.HTML_ERROR: _page_of_a_proxy,
    Misbehaviour.CONFLICT: lambda _: _error(412, "conflict", "changed by somebody else meanwhile"),
    Misbehaviour.ERROR_IN_200: lambda fault: _error(
        fault.parameters["status"], "internal", "the order was not saved"
    ),
}
"""The answers of the faults that keep the ERP from its work."""
