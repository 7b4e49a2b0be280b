"""How this ERP behaves in one request, well or badly, in whatever language it was asked.

A face knows its language alone: it reads the request, has its work done here, writes the answer.
"""

from __future__ import annotations

import base64
import math
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

from sidecar.testing.erpsim.books import Document, DocumentKind, Refusal, Submission
from sidecar.testing.erpsim.document_entry import DocumentEntry
from sidecar.testing.erpsim.rules import (
    Enquiry,
    Form,
    Misbehaviour,
    RuleBook,
    Strike,
    Strikes,
    Subject,
)
from sidecar.testing.erpsim.traffic import Exchange, Traffic
from sidecar.testing.erpsim.wire import Delivery, Request, Response

T = TypeVar("T")
Ordered = tuple[Subject, Submission | Refusal]
"""A document of a request: what rules may match in it, what was read or why it cannot be."""

Answered = tuple[Subject, Document | Refusal]


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; `next` is None on the last one."""

    rows: Sequence[T]
    next: int | None


class Conduct:
    """What all faces of one simulator share; whatever waits, waits in the thread of its request."""

    def __init__(
        self,
        entry: DocumentEntry,
        rules: RuleBook,
        traffic: Traffic,
        *,
        page_size: int,
        credentials: str,
        latency: Callable[[], float],
        seed: int,
        stopping: threading.Event,
    ) -> None:
        """`credentials` is `user:password` or empty; `latency` gives the next one in seconds."""
        self.entry = entry
        self._rules = rules
        self._traffic = traffic
        self._page_size = page_size
        token = base64.b64encode(credentials.encode()).decode()
        self._authorisation = f"Basic {token}" if credentials else ""
        self._latency = latency
        self._shuffle = random.Random(seed).shuffle
        self._stopping = stopping

    def attend(self, request: Request, answer: Callable[[Exchange], Response]) -> Response:
        """Answer the request and keep a log of it."""
        exchange = self._traffic.arrived(request.method, request.target, self.entry.books.sequence)
        outcome = "crashed"
        try:
            self._stopping.wait(self._latency())
            response = answer(exchange)
            dropped = response.delivery is Delivery.NONE
            outcome = "dropped" if dropped else str(response.status)
        finally:
            self._traffic.answered(exchange, outcome)
        return response

    def admits(self, request: Request) -> bool:
        """Whether the request carries the user and password, where there are any."""
        return self._authorisation in ("", request.headers.get("authorization"))

    def faults(self, exchange: Exchange, enquiry: Enquiry) -> Strikes:
        """What strikes the request as a whole.  Raises UsageError for a bad X-Erpsim header."""
        exchange.external = tuple(subject.external for subject in enquiry.subjects)
        faults = self._rules.for_request(enquiry)
        exchange.faults = tuple(faults)
        return faults

    def submit(self, exchange: Exchange, enquiry: Enquiry, ordered: Ordered) -> Document | Refusal:
        """Have one document booked."""
        subject, submission = ordered
        faults = self.strikes(exchange, enquiry, subject)
        if isinstance(submission, Submission):
            return self.entry.submit(submission, faults)
        return submission

    def submit_all(
        self, exchange: Exchange, enquiry: Enquiry, orders: Sequence[Ordered], faults: Strikes
    ) -> list[Answered]:
        """Have a batch booked; no client may lean on the order of what was answered."""
        kept = len(orders) // 2 if Misbehaviour.HALF_BATCH in faults else len(orders)
        answered = [
            (ordered[0], self.submit(exchange, enquiry, ordered)) for ordered in orders[:kept]
        ]
        return self.shuffled(answered)

    def find(
        self, exchange: Exchange, kind: DocumentKind, external: str, faults: Strikes
    ) -> list[Document]:
        """Every document of the kind that carries the number."""
        return self.entry.books.documents(external, self._stale(exchange, faults), kind)

    def changed(
        self, exchange: Exchange, kind: DocumentKind, since: datetime, page: int, faults: Strikes
    ) -> Page[Document]:
        """One page of what changed; as in real ERPs, a change between two pages moves documents
        from one page to a later one."""
        stale = self._stale(exchange, faults)
        shown = self.entry.books.documents(as_of=stale, kind=kind)
        changed = [item for item in shown if item.changed >= since]
        changed.sort(key=lambda item: item.sequence)
        return self.page(changed, page, faults)

    def page(self, rows: Sequence[T], page: int, faults: Strikes) -> Page[T]:
        """One page of the rows, as well or badly told as the faults have it."""
        rows = list(rows)
        if Misbehaviour.DISORDER in faults:
            rows.reverse()
        start = (page - 1) * self._page_size
        end = start + self._page_size
        shown, following = rows[start:end], page + 1 if len(rows) > end else None
        if Misbehaviour.ENDLESS_PAGES in faults:
            shown, following = shown or rows[-self._page_size :], page + 1
        if Misbehaviour.SAME_PAGE in faults:
            following = page
        if Misbehaviour.REPEAT_ROWS in faults:
            shown = [row for row in shown for _ in range(2)]
        return Page(shown, following)

    def strikes(self, exchange: Exchange, enquiry: Enquiry, subject: Subject) -> Strikes:
        """What strikes one record of the request."""
        faults = self._rules.for_order(enquiry, subject)
        exchange.faults += tuple(faults)
        return faults

    def shuffled(self, answered: list[T]) -> list[T]:
        """No client may lean on the order of what was answered."""
        self._shuffle(answered)
        return answered

    def after(
        self, response: Response, faults: Strikes, failure: Callable[[], Response]
    ) -> Response:
        """What goes wrong once the ERP has done its work; `failure` is the face's server error."""
        if Misbehaviour.SERVER_ERROR_AFTER_BOOKING in faults:
            response = failure()
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

    def _stale(self, exchange: Exchange, faults: Strikes) -> Callable[[Document], bool] | None:
        """Which versions a read may show, if a fault makes it stale."""
        fault = faults.get(Misbehaviour.STALE_READ)
        if fault is None:
            return None
        if fault.parameters["seconds"]:
            latest = self.entry.books.now() - timedelta(seconds=fault.parameters["seconds"])
            return lambda version: version.changed <= latest
        sequence = self._traffic.books_before(exchange, fault.parameters["requests"])
        return lambda version: version.sequence <= sequence


def spoiled(row: dict[str, Any], faults: Strikes) -> dict[str, Any]:
    """The row with a field that is none, where a fault strikes it."""
    fault = faults.get(Misbehaviour.SPOIL_ROW)
    if fault is None:
        return row
    texts = [value for value in row.values() if isinstance(value, str)]
    if not any(fnmatchcase(text, fault.parameters["row"]) for text in texts):
        return row
    struck = fault.parameters["field"].split("|")
    return {name: None if name in struck else value for name, value in row.items()}


def changed_form(faults: Strikes) -> Form | None:
    """The form that `schema_change` gives to an answer."""
    changed = faults.get(Misbehaviour.SCHEMA_CHANGE)
    return changed.parameters["form"] if changed else None


def retry_after(throttle: Strike) -> dict[str, str]:
    """The header that says how long to wait."""
    return {"Retry-After": str(math.ceil(throttle.parameters["after"]))}


def page_of_a_proxy(fault: Strike) -> Response:
    page = b"<html><body><h1>The service is being restarted</h1></body></html>"
    return Response(fault.parameters["status"], page, content_type="text/html")


CHALLENGE: Mapping[str, str] = {"WWW-Authenticate": 'Basic realm="erpsim"'}
HUNG_UP = Response(503, delivery=Delivery.NONE)
