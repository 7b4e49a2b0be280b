"""Sales orders, credit memos and payments over REST: booked, canceled, found, listed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.testing.erpsim.books import Document, DocumentKind, Refusal
from sidecar.testing.erpsim.conduct import Conduct, changed_form, spoiled
from sidecar.testing.erpsim.document_json import read_document, show_document, subject_of
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, as_json, listed
from sidecar.testing.erpsim.rules import Form, Operation, Strikes, Subject
from sidecar.testing.erpsim.wire import Request, Response

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_STATUS = {
    "duplicate": 409,
    "already_delivered": 409,
    "stale_revision": 412,
    "unknown_document": 404,
}
"""HTTP status of a refusal by its code; every other code is 422."""


class Documents:
    """The documents of one kind."""

    def __init__(
        self,
        conduct: Conduct,
        kind: DocumentKind,
        bulk: str,
        form: Callable[[Any], Any] = lambda sent: sent,
    ) -> None:
        """`bulk`: what a bulk call calls them; `form`: from what is sent here to the kind's own
        fields."""
        self._conduct = conduct
        self._kind = kind
        self._bulk = bulk
        self._form = form

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        match request.method, rest:
            case (("POST" | "PUT"), ""):
                return self._documents(Operation.CREATE, [_decode(request.body)])
            case "POST", "/bulk":
                return self._documents(Operation.BULK, self._of_bulk(request.body))
            case "GET", "":
                external = request.query.get("externalNumber")
                if external is None:
                    return Wanted(Operation.LIST)
                return Wanted(Operation.FIND, external, (Subject(external),))
            case "POST", _ if rest.startswith("/") and rest.endswith("/cancel"):
                document = self._conduct.entry.books.document(_number(rest))
                subjects = (Subject(document.external),) if document else ()
                return Wanted(Operation.CANCEL, None, subjects, "/{number}/cancel")
        return None

    def _documents(self, operation: Operation, sent: list[Any]) -> Wanted:
        return Wanted(operation, sent, tuple(map(subject_of, sent)))

    def _of_bulk(self, body: bytes) -> list[Any]:
        sent = _decode(body)
        if not isinstance(sent, dict) or not isinstance(sent.get(self._bulk), list):
            raise msgspec.ValidationError(f"`{self._bulk}` must be an array")
        return list(sent[self._bulk])

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        exchange, enquiry = asked.exchange, asked.enquiry
        form = changed_form(faults)
        match enquiry.operation:
            case Operation.CREATE:
                key = asked.request.headers.get("idempotency-key")
                ordered = (enquiry.subjects[0], self._read(asked.sent[0], key))
                return _single(self._conduct.submit(exchange, enquiry, ordered), 201, form)
            case Operation.BULK:
                read = [self._read(document, None) for document in asked.sent]
                batch = list(zip(enquiry.subjects, read, strict=True))
                answered = self._conduct.submit_all(exchange, enquiry, batch, faults)
                results = [_result(subject, answer, form) for subject, answer in answered]
                return as_json(200, {"results": results})
            case Operation.CANCEL:
                canceled = self._conduct.entry.books.cancel(_number(asked.rest))
                return _single(canceled, 200, form)
            case Operation.FIND:
                found = self._conduct.find(exchange, self._kind, asked.sent, faults)
                return as_json(200, {"items": [show_document(item, form) for item in found]})
            case _:
                return listed(
                    asked.request,
                    lambda since, page: self._conduct.changed(
                        exchange, self._kind, since, page, faults
                    ),
                    lambda rows: [spoiled(show_document(row, form), faults) for row in rows],
                )

    def _read(self, sent: Any, key: str | None) -> Any:
        formed = self._form(sent) if isinstance(sent, dict) else sent
        return formed if isinstance(formed, Refusal) else read_document(self._kind, formed, key)


def _number(rest: str) -> str:
    return rest.removeprefix("/").removesuffix("/cancel")


def _single(answer: Document | Refusal, status: int, form: Form | None) -> Response:
    if isinstance(answer, Document):
        return as_json(status, show_document(answer, form))
    told = {"code": answer.code, "message": answer.message, "field": answer.field}
    number = {"number": answer.number} if answer.number else {}
    return as_json(_STATUS.get(answer.code, 422), {**number, "error": told})


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
