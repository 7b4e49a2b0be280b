"""What every part of the REST face answers with: JSON, errors, the refusals of a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec

from sidecar.testing.erpsim.conduct import CHALLENGE, HUNG_UP, Page, page_of_a_proxy, retry_after
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Misbehaviour,
    Operation,
    Strikes,
    Subject,
)
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request, Response

T = TypeVar("T")
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True)
class Wanted:
    """What a request wants: `sent` is what it brings, `subjects` what rules may match in it.

    `route`: the path without its variable parts.
    """

    operation: Operation
    sent: Any = None
    subjects: tuple[Subject, ...] = ()
    route: str = ""


@dataclass(frozen=True)
class Asked:
    """A request that was read: `rest` is its path below the place's own."""

    request: Request
    exchange: Exchange
    enquiry: Enquiry
    rest: str
    sent: Any


class ErrorForm(Protocol):
    """How a REST interface says that something is wrong."""

    def __call__(
        self,
        status: int,
        code: str,
        message: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response: ...


@dataclass(frozen=True)
class Dialect:
    """What all places of an interface have alike: `admits` says, by a request and its path,
    whether it may come in, `unauthorised` what it is told if not."""

    admits: Callable[[Request, str], bool]
    unauthorised: Callable[[], Response]
    error: ErrorForm


class Place(Protocol):
    """What stands at one path of the interface, and below it."""

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """What is wanted; None where there is nothing.  Raises MsgspecError for a bad body."""

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """Have it done."""


def as_json(status: int, payload: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, _encode(payload), headers=headers or {})


def error(
    status: int,
    code: str,
    message: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    told = {"code": code, "message": message, "field": field}
    return as_json(status, {"error": told}, headers)


def unauthorised() -> Response:
    return error(401, "unauthorised", "user or password is wrong", headers=CHALLENGE)


def listed(
    request: Request,
    page_of: Callable[[datetime, int], Page[T]],
    show: Callable[[Sequence[T]], Sequence[Any]],
) -> Response:
    """One page of what changed since."""
    try:
        since = _time(request.query.get("changedSince", ""))
        page = int(request.query.get("page") or 1)
    except ValueError as wrong:
        return error(400, "malformed", str(wrong), "changedSince or page")
    if page < 1:
        return error(400, "malformed", "pages begin with 1", "page")
    shown = page_of(since, page)
    return as_json(200, {"items": show(shown.rows), "nextPage": shown.next})


def _time(text: str) -> datetime:
    """The time in UTC; without text the beginning of all times.  Raises ValueError."""
    moment = datetime.fromisoformat(text) if text else datetime(1970, 1, 1, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def refusal(dialect: Dialect, faults: Strikes) -> Response | None:
    """The answer of a fault that keeps the ERP from its work, if one of those strikes."""
    for name, fault in faults.items():
        match name:
            case Misbehaviour.DROP_BEFORE:
                return HUNG_UP
            case Misbehaviour.THROTTLE:
                return dialect.error(
                    429, "throttled", "too many requests", headers=retry_after(fault)
                )
            case Misbehaviour.BUSY:
                return dialect.error(503, "busy", "the ERP is busy")
            case Misbehaviour.UNAUTHORISED:
                return dialect.unauthorised()
            case Misbehaviour.NOT_FOUND:
                return dialect.error(404, "not_found", "there is nothing here")
            case Misbehaviour.HTML_ERROR:
                return page_of_a_proxy(fault)
            case Misbehaviour.CONFLICT:
                return dialect.error(412, "conflict", "changed by somebody else meanwhile")
            case Misbehaviour.ERROR_IN_200:
                status = fault.parameters["status"]
                return dialect.error(status, "internal", "the order was not saved")
    return None
