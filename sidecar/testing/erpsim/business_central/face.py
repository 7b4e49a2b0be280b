"""The Business Central face: who may come in, what is asked of which set, what goes wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from sidecar.model.errors import UsageError
from sidecar.testing.erpsim.business_central.documents import CREDIT_MEMOS, ORDERS, id_of
from sidecar.testing.erpsim.business_central.entities import (
    Answer,
    Asked,
    Customers,
    Documents,
    EntitySet,
    Posted,
    Rows,
    Wanted,
    sent_in,
)
from sidecar.testing.erpsim.business_central.errors import BAD_REQUEST, BcError
from sidecar.testing.erpsim.business_central.queries import Query
from sidecar.testing.erpsim.conduct import (
    HUNG_UP,
    Conduct,
    changed_form,
    page_of_a_proxy,
    retry_after,
)
from sidecar.testing.erpsim.news_books import NewsBooks
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Form,
    Misbehaviour,
    Operation,
    Strike,
    Strikes,
)
from sidecar.testing.erpsim.sessions import Sessions
from sidecar.testing.erpsim.side_books import SideBooks
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request, Response

COMPANY = "CRONUS"
_MOST_OF_A_BATCH = 100
_PLACE = re.compile(
    r"/companies\((?P<company>[^)]+)\)/(?P<set>\w+)(\((?P<key>[^)]+)\))?(/(?P<action>[\w.]+))?"
)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def entity_sets(
    conduct: Conduct, side_books: SideBooks, news: NewsBooks
) -> Mapping[str, EntitySet]:
    """Those of the company."""
    posted = Posted(conduct, news)
    return {
        ORDERS.name: Documents(conduct, side_books, ORDERS),
        CREDIT_MEMOS.name: Documents(conduct, side_books, CREDIT_MEMOS),
        "customers": Customers(conduct, side_books),
        "items": Rows(posted.items),
        "salesInvoices": Rows(posted.invoices),
        "salesShipments": Rows(posted.shipments),
    }


@dataclass(frozen=True)
class Limits:
    """`page`: rows of one; `guarded`: a token is wanted."""

    page: int
    guarded: bool


class BusinessCentralFace:
    """Answers requests below `base_path`."""

    def __init__(
        self,
        conduct: Conduct,
        sets: Mapping[str, EntitySet],
        tokens: Sessions,
        limits: Limits,
        base_path: str,
    ) -> None:
        self._conduct = conduct
        self._sets = sets
        self._tokens = tokens
        self._limits = limits
        self._base_path = base_path

    def __call__(self, request: Request) -> Response:
        return self._conduct.attend(request, lambda exchange: self._answer(request, exchange))

    def _answer(self, request: Request, exchange: Exchange) -> Response:
        path = request.path.removeprefix(self._base_path)
        if path == "/oauth2/v2.0/token":
            return self._token(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._limits.guarded and not self._tokens.admits(token):
            return _unauthorised()
        try:
            return self._carried_out(request, path, exchange)
        except BcError as error:
            return _refused(error)

    def _token(self, request: Request) -> Response:
        sent = dict(parse_qsl(request.body.decode()))
        right = sent.get("grant_type") == "client_credentials"
        user, password = sent.get("client_id", ""), sent.get("client_secret", "")
        token = self._tokens.login(user, password) if right and sent.get("scope") else None
        if token is None:
            return _json(401, {"error": "invalid_client"})
        return _json(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def _carried_out(self, request: Request, path: str, exchange: Exchange) -> Response:
        """Raises BcError."""
        wanted = self._wanted(request, path)
        enquiry = Enquiry(
            operation=wanted.operation,
            method=request.method,
            path=path,
            subjects=wanted.subjects,
            header=request.headers.get("x-erpsim", ""),
        )
        exchange.route = f"{self._base_path}{re.sub(r'[(][^)]*[)]', '', path)}"
        try:
            faults = self._conduct.faults(exchange, enquiry)
        except UsageError as wrong:
            raise BcError(400, BAD_REQUEST, str(wrong)) from wrong
        refusal = next((REFUSALS[one](faults[one]) for one in faults if one in REFUSALS), None)
        if refusal is not None:
            return refusal
        try:
            answer = self._done(request, path, exchange, enquiry, faults)
            response = _json(answer.status, _reformed(answer.body, changed_form(faults)))
        except BcError as error:
            response = _refused(error)
        return self._conduct.after(response, faults, _failed)

    def _wanted(self, request: Request, path: str) -> Wanted:
        if path == "/companies":
            return Wanted(Operation.LOGIN)
        if path == "/$batch":
            first = self._inner(sent_in(request)["requests"][0], request)
            return self._wanted(first, first.path.removeprefix(self._base_path))
        entities, key, action = self._place(path)
        return entities.wanted(request, key, action)

    def _place(self, path: str) -> tuple[EntitySet, str, str]:
        match = _PLACE.fullmatch(path)
        entities = self._sets.get(match["set"]) if match else None
        if match is None or entities is None:
            told = f"Resource not found for the segment '{path.rsplit('/', 1)[-1]}'."
            raise BcError(404, "BadRequest_ResourceNotFound", told)
        if match["company"] != id_of(COMPANY):
            raise BcError(404, "Internal_CompanyNotFound", "The company cannot be found.")
        return entities, match["key"] or "", match["action"] or ""

    def _done(
        self, request: Request, path: str, exchange: Exchange, enquiry: Enquiry, faults: Strikes
    ) -> Answer:
        if path == "/companies":
            rows = [{"id": id_of(COMPANY), "name": COMPANY, "displayName": COMPANY}]
            return Answer(200, Query.of(request, self._limits.page).page(rows, {}, ""))
        if path == "/$batch":
            return self._batch(request, exchange, enquiry, faults)
        entities, key, action = self._place(path)
        address = f"https://api.example.com{path}"
        asked = Asked(request, key, action, address, exchange, enquiry, self._limits.page)
        return entities.act(asked, faults)

    def _batch(
        self, request: Request, exchange: Exchange, enquiry: Enquiry, faults: Strikes
    ) -> Answer:
        """Each request for itself; after one that failed none, unless it is asked for."""
        parts = sent_in(request)["requests"]
        if len(parts) > _MOST_OF_A_BATCH:
            raise BcError(400, BAD_REQUEST, f"A batch has up to {_MOST_OF_A_BATCH} requests.")
        goes_on = "odata.continue-on-error" in request.headers.get("prefer", "")
        answers: list[Any] = []
        for part in parts:
            inner = self._inner(part, request)
            path = inner.path.removeprefix(self._base_path)
            try:
                wanted = self._wanted(inner, path)
                of_one = replace(enquiry, operation=wanted.operation, subjects=wanted.subjects)
                answer = self._done(inner, path, exchange, of_one, faults)
            except BcError as error:
                answer = Answer(error.status, error.body())
            body = _reformed(answer.body, changed_form(faults))
            answers.append({"id": part["id"], "status": answer.status, "body": body})
            if answer.status >= 400 and not goes_on:
                break
        return Answer(200, {"responses": answers})

    def _inner(self, part: Mapping[str, Any], whole: Request) -> Request:
        path, _, query = part["url"].partition("?")
        headers = {name.lower(): value for name, value in part.get("headers", {}).items()}
        return replace(
            whole,
            method=part["method"],
            target=part["url"],
            path=f"{self._base_path}/{unquote(path).removeprefix('/')}",
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=_encode(part.get("body")),
        )


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, b"" if body is None else _encode(body), headers=headers or {})


def _refused(error: BcError) -> Response:
    return _json(error.status, error.body())


def _failed() -> Response:
    return _refused(BcError(500, "Internal_ServerError", "An unexpected error occurred."))


def _unauthorised() -> Response:
    error = BcError(401, "Authentication_InvalidCredentials", "The credentials are not valid.")
    return _refused(error)


def _throttled(fault: Strike) -> Response:
    error = BcError(429, "Application_TooManyRequests", "Too many requests.")
    return _json(429, error.body(), retry_after(fault))


REFUSALS: Mapping[Misbehaviour, Callable[[Strike], Response]] = {
    Misbehaviour.DROP_BEFORE: lambda _: HUNG_UP,
    Misbehaviour.THROTTLE: _throttled,
    Misbehaviour.BUSY: lambda _: _refused(BcError(503, "Internal_ServerError", "Busy.")),
    Misbehaviour.UNAUTHORISED: lambda _: _unauthorised(),
    Misbehaviour.NOT_FOUND: lambda _: _refused(
        BcError(404, "BadRequest_ResourceNotFound", "Resource not found.")
    ),
    Misbehaviour.HTML_ERROR: page_of_a_proxy,
    Misbehaviour.CONFLICT: lambda _: _refused(
        BcError(409, "Request_EntityChanged", "Another user has already changed the record.")
    ),
    Misbehaviour.ERROR_IN_200: lambda fault: _json(
        fault.parameters["status"],
        BcError(200, "Internal_ServerError", "the order was not saved").body(),
    ),
}
"""The answers of the faults that keep the ERP from its work."""


def _reformed(body: Any, form: Form | None) -> Any:
    """After an upgrade: `number` and `id` of each record have other names or another place."""
    if form is None:
        return body
    if isinstance(body, list):
        return [_reformed(one, form) for one in body]
    if not isinstance(body, dict) or "number" not in body:
        names = {} if not isinstance(body, dict) else body
        return {name: _reformed(value, form) for name, value in names.items()} or body
    known = {name: body[name] for name in ("number", "id") if name in body}
    rest = {name: value for name, value in body.items() if name not in known}
    if form is Form.NESTED:
        return {"document": known, **rest}
    return {"documentNumber": body["number"], "objectId": body.get("id"), **rest}
