"""The NetSuite face: what is asked of which record, what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim.conduct import (
    HUNG_UP,
    Conduct,
    changed_form,
    page_of_a_proxy,
    retry_after,
    spoiled,
)
from sidecar.testing.erpsim.netsuite.errors import NsError, no_record
from sidecar.testing.erpsim.netsuite.records import Answer, Asked, Records, records_by_name
from sidecar.testing.erpsim.netsuite.suiteql import answered, page_of, sources
from sidecar.testing.erpsim.netsuite.transactions import CREDIT_MEMO, SALES_ORDER
from sidecar.testing.erpsim.news_books import NewsBooks
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Form,
    Misbehaviour,
    Operation,
    Strike,
    Strikes,
    Subject,
)
from sidecar.testing.erpsim.side_books import SideBooks
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request, Response

_KINDS = (SALES_ORDER, CREDIT_MEMO)
_SUITEQL = "/query/v1/suiteql"
_RECORD = re.compile(r"/record/v1/(?P<type>\w+)/(?P<key>[^/]+)")
_BY_REFERENCE = re.compile(r"externalid IN \('([^']*)'\)")
_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class NetSuiteFace:
    """Answers requests below `base_path`."""

    def __init__(
        self,
        conduct: Conduct,
        side_books: SideBooks,
        news: NewsBooks,
        page_size: int,
        base_path: str,
    ) -> None:
        self._conduct = conduct
        self._records = records_by_name(conduct, side_books, _KINDS)
        self._sources = sources(conduct.entry.books, news, _KINDS)
        self._page_size = page_size
        self._base_path = base_path

    def __call__(self, request: Request) -> Response:
        return self._conduct.attend(request, lambda exchange: self._answer(request, exchange))

    def _answer(self, request: Request, exchange: Exchange) -> Response:
        path = request.path.removeprefix(self._base_path)
        try:
            return self._carried_out(request, path, exchange)
        except NsError as error:
            return _refused(error)

    def _carried_out(self, request: Request, path: str, exchange: Exchange) -> Response:
        """Raises NsError."""
        sent = _sent_in(request)
        place = None if path == _SUITEQL else self._place(request, path, sent)
        operation, subjects = _question(sent) if place is None else place[0].wanted(place[1])
        enquiry = Enquiry(
            operation=operation,
            method=request.method,
            path=path,
            subjects=subjects,
            header=request.headers.get("x-erpsim", ""),
        )
        exchange.route = f"{self._base_path}{path.rsplit('/', 1)[0]}"
        try:
            faults = self._conduct.faults(exchange, enquiry)
        except UsageError as wrong:
            raise NsError(400, "INVALID_HEADER", str(wrong)) from wrong
        refusal = next((REFUSALS[one](faults[one]) for one in faults if one in REFUSALS), None)
        if refusal is not None:
            return refusal
        try:
            if place is None:
                answer = self._found(request, sent, faults)
            else:
                records, asked = place
                answer = records.act(asked, exchange, enquiry, faults)
            response = self._written(answer, path, changed_form(faults))
        except NsError as error:
            response = _refused(error)
        return self._conduct.after(response, faults, _failed)

    def _place(self, request: Request, path: str, sent: Any) -> tuple[Records, Asked]:
        match = _RECORD.fullmatch(path)
        records = self._records.get(match["type"]) if match else None
        if match is None or records is None:
            detail = f"Record type '{path.rsplit('/', 1)[-1]}' does not exist."
            raise NsError(404, "NOT_FOUND", detail)
        if request.method not in ("GET", "PUT", "PATCH"):
            raise NsError(405, "METHOD_NOT_ALLOWED", f"{request.method} is not allowed.")
        asked = Asked(request.method, match["key"], request.query, request.headers, sent)
        return records, asked

    def _found(self, request: Request, sent: Any, faults: Strikes) -> Answer:
        if request.headers.get("prefer") != "transient":
            raise NsError(400, "INVALID_HEADER", "The required header 'Prefer' is missing.")
        rows = [spoiled(row, faults) for row in answered(str(sent["q"]), self._sources)]
        if Misbehaviour.DISORDER in faults:
            rows.reverse()
        limit = min(int(request.query.get("limit") or 1000), self._page_size)
        offset = int(request.query.get("offset") or 0)
        if Misbehaviour.ENDLESS_PAGES in faults:
            page = page_of(rows, min(offset, max(len(rows) - limit, 0)), limit)
            return Answer(200, {**page, "offset": offset, "hasMore": True})
        page = page_of(rows, offset, limit)
        if Misbehaviour.SAME_PAGE in faults and offset:
            page |= {"hasMore": True, "offset": offset - page["count"]}
        if Misbehaviour.REPEAT_ROWS in faults:
            page["items"] = [row for row in page["items"] for _ in range(2)]
        return Answer(200, page)

    def _written(self, answer: Answer, path: str, form: Form | None) -> Response:
        if answer.body is not None:
            return _json(answer.status, _reformed(answer.body, form))
        name = "Location" if form is None else "Content-Location"
        record = path.rsplit("/", 1)[0]
        place = f"https://example.suitetalk.api.netsuite.com/services/rest{record}"
        return Response(answer.status, headers={name: f"{place}/{answer.located}"})


def _sent_in(request: Request) -> Any:
    if not request.body:
        return None
    try:
        return _decode(request.body)
    except msgspec.MsgspecError as malformed:
        raise NsError(400, "INVALID_CONTENT", f"Invalid JSON. {malformed}") from malformed


def _question(sent: Any) -> tuple[Operation, tuple[Subject, ...]]:
    """A query for what has our number, or for a list."""
    if not isinstance(sent, dict) or "q" not in sent:
        raise no_record()
    named = _BY_REFERENCE.search(str(sent["q"]))
    return (Operation.FIND, (Subject(named[1]),)) if named else (Operation.LIST, ())


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    content_type = "application/vnd.oracle.resource+json; type=singular"
    return Response(status, _encode(body), content_type=content_type, headers=headers or {})


def _refused(error: NsError) -> Response:
    return _json(error.status, error.body())


def _failed() -> Response:
    return _refused(NsError(500, "UNEXPECTED_ERROR", "An unexpected error occurred."))


def _throttled(fault: Strike) -> Response:
    detail = "Concurrent request limit exceeded. Request blocked."
    error = NsError(429, "CONCURRENCY_LIMIT_EXCEEDED", detail)
    return _json(429, error.body(), retry_after(fault))


REFUSALS: Mapping[Misbehaviour, Callable[[Strike], Response]] = {
    Misbehaviour.DROP_BEFORE: lambda _: HUNG_UP,
    Misbehaviour.THROTTLE: _throttled,
    Misbehaviour.BUSY: lambda _: _refused(NsError(503, "SERVICE_UNAVAILABLE", "Busy.")),
    Misbehaviour.UNAUTHORISED: lambda _: _refused(
        NsError(401, "INVALID_LOGIN", "Invalid login attempt.")
    ),
    Misbehaviour.NOT_FOUND: lambda _: _refused(
        NsError(404, "NOT_FOUND", "The requested resource was not found.")
    ),
    Misbehaviour.HTML_ERROR: page_of_a_proxy,
    Misbehaviour.CONFLICT: lambda _: _refused(
        NsError(400, "RCRD_HAS_BEEN_CHANGED", "Record has been changed.")
    ),
    Misbehaviour.ERROR_IN_200: lambda fault: _json(
        fault.parameters["status"],
        NsError(200, "UNEXPECTED_ERROR", "The order was not saved.").body(),
    ),
}
"""The answers of the faults that keep the ERP from its work."""


def _reformed(body: dict[str, Any], form: Form | None) -> dict[str, Any]:
    """After an upgrade: `id` of each record has another name or another place."""
    if form is None:
        return body
    rows = [_reformed(row, form) for row in body["items"]] if "items" in body else None
    if rows is not None:
        return {**body, "items": rows}
    named = {"identity": {"id": body["id"]}} if form is Form.NESTED else {"internalId": body["id"]}
    return {**{name: value for name, value in body.items() if name != "id"}, **named}
