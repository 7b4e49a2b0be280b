"""What Magento's answers mean.

By their status, never by their text: texts are translated and change between versions.  The one
exception is the input limit, whose figure stands in the answer's `parameters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sidecar.magento.rest.errors import (
    LimitExceeded,
    MagentoRefused,
    MagentoUnknown,
    NoSuchEntity,
    NotAuthorised,
)
from sidecar.magento.rest.wire import Answer
from sidecar.model.errors import ConfigurationError, NotReached, SidecarError
from sidecar.model.printable import printable

Strike = Callable[[str], str]

_LONGEST_REASON = 500
_MOST_REASONS = 20
_PLACEHOLDER = re.compile(r"%(\w+)")
#: Nothing is done at such an address.  302 and 303 may follow upon something that was done.
_MOVED = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)


class Complaint(msgspec.Struct, frozen=True):
    """The body of a refusal; `parameters` is a list for %1 and an object for %fieldName."""

    message: str
    parameters: list[Any] | dict[str, Any] | None = None
    errors: list[Complaint] | None = None

    def __str__(self) -> str:
        """The message with its parameters filled in."""
        given = self.parameters or {}
        named = given if isinstance(given, dict) else self._by_place(given)
        return _PLACEHOLDER.sub(lambda found: str(named.get(found[1], found[0])), self.message)

    def _by_place(self, values: list[Any]) -> dict[str, Any]:
        """%1 is the first; names (`%fieldName`) come with a list too, in their order."""
        names = [name for name in _PLACEHOLDER.findall(self.message) if not name.isdigit()]
        numbers = {str(number): value for number, value in enumerate(values, start=1)}
        return {**dict(zip(dict.fromkeys(names), values, strict=False)), **numbers}


#: Made here: msgspec ends the process where two threads make one at once.
_COMPLAINT = msgspec.json.Decoder(Complaint)


def complaint_of(content: bytes) -> Complaint | None:
    """None for what is none of Magento's own: a page of HTML, a text, a gateway's JSON."""
    try:
        return _COMPLAINT.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def moment_of(headers: Mapping[str, str]) -> datetime | None:
    """The shop's clock, as an answer tells it."""
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def reasons_of(complaint: Complaint, strike: Strike) -> tuple[str, ...]:
    """Each fault by itself: one message may hold several, with line feeds between."""
    texts = [*str(complaint).split("\n"), *map(str, complaint.errors or ())]
    told = (printable(strike(" ".join(text.split())))[:_LONGEST_REASON] for text in texts)
    return tuple(dict.fromkeys(filter(None, told)))[:_MOST_REASONS]


def failure_of(
    answer: Answer, name: str, strike: Strike, is_no_route: Callable[[Complaint], bool]
) -> SidecarError:
    """Why an answer other than 200 is none; `is_no_route` tells a 404 from the other."""
    complaint = complaint_of(answer.content)
    reasons = () if complaint is None else reasons_of(complaint, strike)
    told = "; ".join(reasons) or "an answer that is not Magento's"
    match answer.status:
        case HTTPStatus.BAD_REQUEST if complaint is not None:
            return _refused(name, complaint, reasons)
        case HTTPStatus.UNAUTHORIZED:
            return _not_authorised(name, complaint, told)
        case HTTPStatus.NOT_FOUND if complaint is not None and not is_no_route(complaint):
            return NoSuchEntity(f"{name}: {told}", reasons=reasons)
        case HTTPStatus.NOT_FOUND:
            return ConfigurationError(
                f"{name}: HTTP 404: {told}: there is no such route",
                "see shop.api.url and shop.api.store; the module of the route may be disabled",
            )
        case HTTPStatus.TOO_MANY_REQUESTS:
            # Magento has no such limit: a gateway before it turned the call away.
            return NotReached(f"{name}: HTTP 429 from what stands before Magento")
        case status if status in _MOVED:
            return ConfigurationError(
                f"{name}: HTTP {status} redirects to {strike(_place(answer))}, "
                "which is not followed",
                "write the address it leads to under shop.api.url",
            )
        case HTTPStatus.SERVICE_UNAVAILABLE:
            return MagentoUnknown(
                f"{name}: HTTP 503: maintenance mode, or the shop is overloaded",
                "bin/magento maintenance:status",
                status=answer.status,
            )
        case status:
            # Whatever else comes may come after the work was done: a fault of PHP behind the
            # commit, a gateway's time-out, a firewall that looks at answers.
            return MagentoUnknown(
                f"{name}: HTTP {status}: {told}",
                "see var/log and var/report of Magento",
                status=status,
            )


def _refused(name: str, complaint: Complaint, reasons: tuple[str, ...]) -> MagentoRefused:
    message = f"{name}: Magento refuses: {'; '.join(reasons)}"
    most = _limit(complaint)
    if most is None:
        return MagentoRefused(message, reasons=reasons)
    return LimitExceeded(
        message,
        "raise webapi/validation/complex_array_limit or maximum_page_size in Magento",
        reasons=reasons,
        most=most,
    )


def _limit(complaint: Complaint) -> int | None:
    """Of the input limits: their messages alone have a parameter `max`, and at most a `type`."""
    given = complaint.parameters
    if not isinstance(given, dict) or not given.keys() <= {"type", "max"}:
        return None
    most = str(given.get("max"))
    return int(most) if re.fullmatch(r"[1-9][0-9]{0,8}", most) else None


def _not_authorised(name: str, complaint: Complaint | None, told: str) -> NotAuthorised:
    given = complaint.parameters if complaint is not None else None
    named = given.get("resources", "") if isinstance(given, dict) else ""
    resources = printable(str(named))[:_LONGEST_REASON]
    right = f"give the integration (or the admin's role) {resources}; or " if resources else ""
    return NotAuthorised(
        f"{name}: HTTP 401, the login or a right: {told}",
        f"{right}renew the login under shop.api (docs/magento-api.md)",
        resources=resources,
    )


def _place(answer: Answer) -> str:
    """Where a redirection leads, without login and query."""
    try:
        parts = urlsplit(answer.headers.get("location", ""))
        shown = f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path
    except ValueError:
        shown = ""
    return printable(shown)[:200] or "an address that it does not name"
