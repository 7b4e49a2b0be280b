"""From a request to its answer: address, login, body, handler, and what goes wrong on the way."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from loguru import logger

from sidecar.testing.erpsim.wire import Delivery, Request, Response
from sidecar.testing.magento_db import MagentoDatabase, RunningMagento, Shop
from sidecar.testing.magento_db.product_values import configured
from sidecar.testing.magento_db.session import Between, DatabaseError, Session
from sidecar.testing.magento_rest import (
    creditmemos,
    customers,
    invoices,
    orders,
    prices,
    products,
    shipments,
    shop_facts,
    stock,
    tier_prices,
)
from sidecar.testing.magento_rest.body import TEXT, decode
from sidecar.testing.magento_rest.body import read as read_body
from sidecar.testing.magento_rest.faults import Fault, Faults, Misbehaviour, falsified
from sidecar.testing.magento_rest.login import Asked, Logins
from sidecar.testing.magento_rest.refusals import NO_ROUTE, Broken, Refused, bad, translated
from sidecar.testing.magento_rest.route import Call, Limits, Query, Route
from sidecar.testing.magento_rest.values import narrowed, parse_fields, to_json, to_xml

PREFIX = "/rest/"
_ALL = "all"
_VERSION = "V1"
_JSON_TYPE, _XML_TYPE = "application/json; charset=utf-8", "application/xml; charset=utf-8"
_HTML_TYPE = "text/html; charset=UTF-8"
_WITH_BODY = ("POST", "PUT")
_MAINTENANCE = "<html><body><h1>Service Temporarily Unavailable</h1></body></html>"
_NO_PAGE = "<html><body><h1>Whoops, our bad...</h1></body></html>"
_FATAL = "<html><body><h1>There has been an error processing your request</h1></body></html>"

# Served here and not by a handler: the gateway knows who can log in.
_LOGIN_PATH = "integration/admin/token"
_LOGIN = {"username": TEXT, "password": TEXT}

ROUTES: Sequence[Route] = (
    *orders.ROUTES,
    *shipments.ROUTES,
    *invoices.ROUTES,
    *creditmemos.ROUTES,
    *stock.ROUTES,
    *prices.ROUTES,
    *tier_prices.ROUTES,
    *products.ROUTES,
    *customers.ROUTES,
    *shop_facts.ROUTES,
)


@dataclass(frozen=True)
class Exchange:
    """One request and how it ended: a status, or None when no answer left."""

    method: str
    target: str
    body: bytes
    status: int | None


@dataclass(frozen=True)
class _Address:
    """`/rest/<store>/V1/<path>`."""

    store: str | None
    path: str
    segments: Sequence[str]


class Gateway:
    """Answers requests; each has a database connection of its own, as a PHP process has."""

    def __init__(
        self,
        database: MagentoDatabase | RunningMagento,
        logins: Logins,
        faults: Faults,
        stopping: threading.Event,
        between: Between | None = None,
    ) -> None:
        self._database = database
        self._logins = logins
        self._faults = faults
        self._stopping = stopping
        self._between = between
        self._lock = threading.Lock()
        self.maintenance = False
        self.exchanges: list[Exchange] = []

    def answer(self, request: Request) -> Response:
        """The answer, and whether it arrives."""
        response = self._answer(request)
        gone = response.delivery is Delivery.NONE
        status = None if gone else response.status
        with self._lock:
            self.exchanges.append(Exchange(request.method, request.target, request.body, status))
        return response

    def _answer(self, request: Request) -> Response:
        if self.maintenance:
            return Response(503, _MAINTENANCE.encode(), _HTML_TYPE)
        if not request.target.startswith(PREFIX):
            return Response(404, _NO_PAGE.encode(), _HTML_TYPE)
        address = _address(request.target)
        fault = self._faults.strike(request.method, address.path)
        if fault is not None:
            instead = self._before(fault)
            if instead is not None:
                return instead
        try:
            with Shop(self._database, between=self._between) as shop:
                response = self._served(request, address, shop, fault)
        except DatabaseError:
            # Magento writes it into its log, too, and tells the client no more than this.
            logger.exception("the database failed {} {}", request.method, address.path)
            response = Response(500, to_json(_internal_error()), _JSON_TYPE)
        return response if fault is None else self._after(fault, response)

    def _before(self, fault: Fault) -> Response | None:
        """What a fault does before the work, or instead of it."""
        match fault.misbehaviour:
            case Misbehaviour.DROP_BEFORE:
                return Response(503, delivery=Delivery.NONE)
            case Misbehaviour.HANG:
                self._stopping.wait(fault.seconds)
                return Response(503, delivery=Delivery.NONE)
            case Misbehaviour.HTML_PAGE:
                return Response(fault.status, _MAINTENANCE.encode(), _HTML_TYPE)
            case Misbehaviour.SLOW:
                self._stopping.wait(fault.seconds)
        return None

    def _after(self, fault: Fault, response: Response) -> Response:
        """What a fault does once the work is done."""
        match fault.misbehaviour:
            case Misbehaviour.DROP_AFTER:
                return replace(response, delivery=Delivery.NONE)
            case Misbehaviour.ERROR_AFTER:
                return Response(500, to_json(_internal_error()), _JSON_TYPE)
            case Misbehaviour.LATE:
                self._stopping.wait(fault.seconds)
        return response

    def _served(
        self, request: Request, address: _Address, shop: Shop, fault: Fault | None
    ) -> Response:
        locale = configured(shop.session, "general/locale/code", "en_US")
        accept = request.headers.get("accept", "*/*")
        if accept.split(",")[0].strip() == "text/html" and "*/*" not in accept:
            return Response(500, _FATAL.encode(), _HTML_TYPE)
        encode, kind = (
            (to_xml, _XML_TYPE) if accept.startswith("application/xml") else (to_json, _JSON_TYPE)
        )
        try:
            answer = self._handled(request, address, shop, fault, locale)
        except Refused as refused:
            return Response(refused.status, encode(refused.body(locale)), kind)
        except Broken as broken:
            if broken.text:
                return Response(500, broken.text.encode(), broken.content_type)
            return Response(500, encode(_internal_error(locale)), kind)
        return Response(200, encode(answer), kind)

    def _handled(
        self, request: Request, address: _Address, shop: Shop, fault: Fault | None, locale: str
    ) -> Any:
        session = shop.session
        store_id = _store_id(session, address.store)
        query = parse_qsl(request.target.partition("?")[2], keep_blank_values=True)
        if (request.method, address.path) == ("POST", _LOGIN_PATH):
            return self._token(request, session)
        route, parameters = _route(request.method, address)
        if route.resource is not None:
            bearer = configured(session, "oauth/consumer/enable_integration_as_bearer") == "1"
            self._logins.authorise(_asked(request), route.resource, bearer)
        limits = _limits(session)
        body = read_body(_decoded(request), route.body, route.required, limits.most_items)
        call = Call(
            shop=shop,
            path=parameters,
            query=query,
            body=falsified(body, fault),
            store_id=store_id,
            limits=limits,
            locale=locale,
        )
        return _fields(route.handle(call), query)

    def _token(self, request: Request, session: Session) -> str:
        given = read_body(_decoded(request), _LOGIN, frozenset(_LOGIN), None)
        minutes = float(configured(session, "webapi/jwtauth/admin_expiration", "60"))
        return self._logins.admin_token(given["username"], given["password"], minutes)


def _address(target: str) -> _Address:
    segments = target.partition("?")[0].removeprefix(PREFIX).split("/")
    store = None if segments[0] == _VERSION else segments.pop(0)
    version = segments.pop(0) if segments else ""
    if version != _VERSION:
        return _Address(store, "", [])
    path = [segment for segment in segments if segment]
    return _Address(store, "/".join(path), path)


def _store_id(session: Session, code: str | None) -> int:
    """The store of the address: none is the default one, `all` the values of all."""
    if code == _ALL:
        return 0
    table = session.table("store")
    if code is None:
        (row,) = session.select(f"SELECT MIN(store_id) AS store_id FROM {table} WHERE store_id > 0")
        return int(row["store_id"])
    found = session.select(f"SELECT store_id FROM {table} WHERE code = %s", [code])
    if not found:
        raise Refused(404, NO_ROUTE)
    return int(found[0]["store_id"])


def _route(method: str, address: _Address) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        parameters = route.parameters(method, address.segments)
        if parameters is not None:
            return route, parameters
    raise Refused(404, NO_ROUTE)


def _asked(request: Request) -> Asked:
    return Asked(
        request.method,
        request.target,
        request.headers.get("host", ""),
        request.headers.get("authorization", ""),
    )


def _decoded(request: Request) -> dict[str, Any]:
    if request.method not in _WITH_BODY:
        return {}
    kind = request.headers.get("content-type", "")
    if request.body and kind.partition(";")[0].strip() != "application/json":
        raise bad(f"Server cannot understand Content-Type HTTP header media type {kind}")
    return decode(request.body)


def _limits(session: Session) -> Limits:
    """Off unless the shop turned them on."""

    def number(name: str, default: int) -> int:
        return int(configured(session, f"webapi/validation/{name}", str(default)))

    if configured(session, "webapi/validation/input_limit_enabled") != "1":
        return Limits()
    return Limits(
        number("complex_array_limit", 20),
        number("maximum_page_size", 300),
        number("default_page_size", 20),
    )


def _fields(answer: Any, query: Query) -> Any:
    wanted = dict(query).get("fields")
    return answer if not wanted else narrowed(answer, parse_fields(wanted))


def _internal_error(locale: str = "en_US") -> dict[str, str]:
    text = "Internal Error. Details are available in Magento log file. Report ID:"
    return {"message": f"{translated(text, locale)} webapi-{secrets.token_hex(7)}"}
